// TL1 and SCPI conversations: what clients may ask for at once, and when it is answered.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <asio/write.hpp>
#include <string>

#include "base/error.h"
#include "frontends/scpi_frontend.h"
#include "frontends/text_server.h"
#include "frontends/tl1_frontend.h"

namespace mixnet {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::HasSubstr;

/// Keeps what is said.
class Notebook final : public Speaker {
 public:
  void say(std::string more) override { text += more; }
  void close() override { closed = true; }

  std::string text;
  bool closed = false;
};

std::size_t count_of(std::string_view text, std::string_view word) {
  std::size_t count = 0;
  for (std::size_t at = 0; (at = text.find(word, at)) != text.npos; ++at) ++count;
  return count;
}

std::string repeated(std::string_view text, int times) {
  std::string all;
  for (int i = 0; i < times; ++i) all += text;
  return all;
}

class TextFrontends : public testing::Test {
 protected:
  static EmulatedSwitchConfig config() {
    EmulatedSwitchConfig config;
    config.ports = 8;
    config.timing = SwitchTiming::parse("fixed:25ms", "test");
    return config;
  }
  /// Until `done`, or 20 s.
  template <typename Done>
  bool run_until(const Done& done) {
    const MonotonicTime end = host_.now() + seconds(20);
    while (!done() && host_.now() < end) {
      io_.restart();
      io_.run_one_for(milliseconds(20));
    }
    return done();
  }
  bool run_until_said(std::string_view word) {
    return run_until([&] { return notebook_->text.find(word) != std::string::npos; });
  }

  asio::io_context io_;
  DeviceHost host_{io_, config()};
  std::shared_ptr<Notebook> notebook_ = std::make_shared<Notebook>();
};

TEST_F(TextFrontends, Tl1DeniesChangesWithoutEnd) {
  const auto client = tl1_conversations(host_, {})(notebook_);
  client->hear("ACT-USER::root:1::root;");
  for (int i = 0; i < 20; ++i) client->hear(repeated("ENT-PATCH::1,2:7;", 100));
  EXPECT_EQ(count_of(notebook_->text, "SARB"), 2'000U - 1'024U);
  const auto answered = [&] { return count_of(notebook_->text, "M  7") == 2'000; };
  EXPECT_TRUE(run_until(answered));
  client->hear("ENT-PATCH::3,4:8;");
  EXPECT_TRUE(run_until_said("M  8 COMPLD")) << "those that are answered make room";
}

TEST_F(TextFrontends, ScpiTakesAsManyChangesAsAreDoneInTime) {
  const auto client = scpi_conversations(host_)(notebook_);
  const std::string change = "oxc:swit:conn:add (@1),(@2)\n";
  for (int i = 0; i < 40; ++i) client->hear(repeated(change, 100));
  client->hear("*opc?\n");
  EXPECT_TRUE(run_until_said("1\r\n"));
  for (int i = 0; i < 51; ++i) client->hear(repeated(change, 100));
  EXPECT_THROW(client->hear(repeated(change, 100)), Error) << "4,096 wait behind 1,024";
}

TEST_F(TextFrontends, ScpiAnswersManyQuestionsThatWaited) {
  const auto client = scpi_conversations(host_)(notebook_);
  client->hear("oxc:swit:conn:add (@1),(@2)\n*opc?\n" + repeated("pmon:pow? (@1)\n", 4'000));
  EXPECT_TRUE(run_until([&] { return count_of(notebook_->text, "(") == 4'000; }));
}

TEST_F(TextFrontends, AShutterIsSavedBeforeItIsDone) {
  bool saved = false;
  const auto saver = host_.on_change([&] {
    saved = host_.device().state(3) == PortState::kBlocked;
    EXPECT_EQ(notebook_->text.find("1\r\n"), std::string::npos) << "said before it was saved";
  });
  const auto client = scpi_conversations(host_)(notebook_);
  client->hear("oxc:swit:port:dis (@3)\n*opc?\n");
  EXPECT_TRUE(run_until_said("1\r\n"));
  EXPECT_TRUE(saved);
}

TEST_F(TextFrontends, WhoLoggedOutMayLogInAgainHoweverMuchItSaid) {
  TextServer server(io_, parse_endpoint("127.0.0.1:0", "test"), "test",
                    tl1_conversations(host_, {}));
  asio::ip::tcp::socket client(io_);
  client.connect(server.endpoint());
  client.non_blocking(true);
  std::string heard;
  const auto said = [&](std::string_view word) {
    return run_until([&] {
      char buffer[4'096];
      std::error_code code;
      const std::size_t size = client.read_some(asio::buffer(buffer), code);
      heard.append(buffer, size);
      return heard.find(word) != std::string::npos || code == asio::error::eof;
    });
  };
  asio::write(client, asio::buffer(std::string("ACT-USER::root:1::root;")));
  said("M  1 COMPLD");
  // Over 16 KiB in its time, as of a session of a day.
  asio::write(client, asio::buffer(repeated("RTRV-HDR:::2;   ", 1'500) + "RTRV-HDR:::3;"));
  said("M  3 COMPLD");
  asio::write(client, asio::buffer(std::string("CANC-USER::root:4;")));
  said("M  4 COMPLD");
  asio::write(client, asio::buffer(std::string("RTRV-HDR:::5;ACT-USER::root:6::root;")));
  said("M  6 ");
  EXPECT_THAT(heard, HasSubstr("M  5 DENY"));
  EXPECT_THAT(heard, HasSubstr("M  6 COMPLD"));
  // Who is not logged in may still not talk without end.
  asio::write(client, asio::buffer(std::string("CANC-USER::root:7;")));
  said("M  7 COMPLD");
  asio::write(client, asio::buffer(repeated("RTRV-HDR:::8;   ", 1'500)));
  EXPECT_TRUE(run_until([&] { return server.connections() == 0; }));
}

}  // namespace
}  // namespace mixnet
