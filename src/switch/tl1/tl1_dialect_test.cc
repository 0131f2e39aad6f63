#include "tl1/tl1_dialect.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "ocs/test_transcripts.h"
#include "tl1/tl1_command.h"
#include "tl1/tl1_reader.h"

namespace mixnet {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr PortNumbering k64{Sides::kTwo, 64};

std::string fault(std::string_view json) {
  try {
    parse_tl1_dialect(json, "my.json");
  } catch (const Error& error) {
    return error.what();
  }
  return "none";
}

std::string with(std::string key, std::string value) {
  return R"({"login": "L:{user}:{password}:{ctag};", "identity": "I:{ctag};", "size": "S:{ctag};",
             "connect": "C:{in}:{out}:{ctag};", "disconnect": "D:{in}:{ctag};",
             "read": "R:{ports}:{ctag};", "read_all": "R:{ctag};", ")" +
         key + "\": " + value + "}";
}

/// The rows of the last answer to a command that begins so.
std::vector<std::string> rows(const std::string& name, const std::string& command) {
  for (const Transcript& one : transcripts(name)) {
    if (one.commands.empty() || !one.commands[0].starts_with(command)) continue;
    Tl1Reader reader("tl1");
    reader.feed(one.answer);
    std::vector<std::string> found;
    while (const auto message = reader.next()) {
      if (const auto* got = std::get_if<Tl1Response>(&*message)) found = got->rows;
    }
    return found;
  }
  return {};
}

TEST(Tl1Dialect, OfPolatisReadsItsTranscripts) {
  const Tl1Dialect polatis = load_tl1_dialect("polatis", system_env());
  const PortNumbering k16 = *polatis.size_in(rows("tl1_polatis", "RTRV-EQPT::SYSTEM"));
  EXPECT_EQ(k16.positions, 16);
  EXPECT_EQ(k16.sides, Sides::kTwo);
  for (const char* one : {"SYSTEM:SIZE=192xCC", "SYSTEM:SIZE=192x0"}) {
    EXPECT_EQ(polatis.size_in({one})->sides, Sides::kOne);
  }
  std::vector<Patch> patches;
  for (const auto& row : rows("tl1_polatis", "RTRV-PATCH::11&4&10")) {
    patches.push_back(polatis.patch_in(row, k16).value());
  }
  EXPECT_THAT(patches, ElementsAre(Patch{4, 20}, Patch{11, 28}));
  EXPECT_THAT(rows("tl1_polatis", "RTRV-PORT-POWER"), testing::SizeIs(3));
  EXPECT_EQ(polatis.value_in("1:-29.55", k16)->second, "-29.55");
  EXPECT_EQ(polatis.patch_in("1,99", k16), std::nullopt);
  EXPECT_EQ(polatis.patch_in("1,2", k16), std::nullopt);
  EXPECT_EQ(polatis.patch_in("port", k16), std::nullopt);
}

TEST(Tl1Dialect, OfGlimmerglassReadsItsTranscripts) {
  const Tl1Dialect dialect = load_tl1_dialect("glimmerglass", system_env());
  EXPECT_EQ(dialect.size_in(rows("tl1_glimmerglass", "rtrv-system-info"))->positions, 64);
  std::vector<Patch> patches;
  for (const auto& row : rows("tl1_glimmerglass", "rtrv-crs-fiber::all")) {
    patches.push_back(dialect.patch_in(row, k64).value());
  }
  EXPECT_THAT(patches, ElementsAre(Patch{}, Patch{2, 64 + 15}, Patch{}));
  const auto power = dialect.value_in(rows("tl1_glimmerglass", "rtrv-port-power")[0], k64);
  EXPECT_EQ(power->first, 1);
  EXPECT_EQ(power->second, "-47.922");
  EXPECT_EQ(dialect.on_wire(64 + 15, k64), 20015);
  EXPECT_EQ(dialect.from_wire(20015, k64), 64 + 15);
  EXPECT_EQ(dialect.from_wire(20065, k64), 0);
}

// What we send is what public clients send, but for the tag.
TEST(Tl1Dialect, OfPolatisSendsWhatClientsSend) {
  const Tl1Dialect polatis = load_tl1_dialect("polatis", system_env());
  std::vector<std::string> sent;
  for (const Transcript& one : transcripts("tl1_polatis")) {
    sent.insert(sent.end(), one.commands.begin(), one.commands.end());
  }
  const std::map<std::string, std::string, std::less<>> values = {
      {"user", "root"}, {"password", "root"}, {"ctag", "123"}, {"in", "11"}, {"out", "28"}};
  for (const std::string& pattern :
       {polatis.logout, polatis.identity, polatis.size, polatis.connect, polatis.disconnect,
        polatis.read_all, polatis.after_login.at(0)}) {
    EXPECT_THAT(sent, testing::Contains(fill_tl1(pattern, values)));
  }
  EXPECT_EQ(fill_tl1(polatis.read, {{"ports", "11&4&10"}, {"ctag", "123"}}),
            "RTRV-PATCH::11&4&10:123:;");
}

TEST(Tl1Dialect, SaysWhichKeyIsWrong) {
  EXPECT_EQ(fault(with("source", "\"here\"")), "none");
  EXPECT_EQ(fault("{}"), "my.json: key 'login' is missing");
  EXPECT_THAT(fault(with("shuter", "1")), HasSubstr("unknown key 'shuter'"));
  EXPECT_THAT(fault(with("power", "\"P:{ports}:1;\"")),
              HasSubstr("(key 'power'): 'P:{ports}:1;' is no command"));
  EXPECT_THAT(fault(with("power", "\"P:{ctag};\"")), HasSubstr("{ports} is missing"));
  EXPECT_THAT(fault(with("power", "\"P:{port}:{ctag};\"")), HasSubstr("'port'"));
  EXPECT_THAT(fault(with("shutter", "\"S:{ports}:{ctag};\"")), HasSubstr("shutter_words"));
  EXPECT_THAT(fault(with("inputs_after", "-1")), HasSubstr("inputs_after"));
  EXPECT_THAT(fault(with("row_in", "\"A\"")), HasSubstr("row_out"));
  EXPECT_THROW(load_tl1_dialect("nosuch", system_env()), Error);
}

}  // namespace
}  // namespace mixnet
