#include "service/listener.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <deque>
#include <mutex>
#include <thread>

#include "base/error.h"

namespace mixnet {
namespace {

using ::testing::HasSubstr;

/// In place of gRPC: keeps what it is handed.
class ListenerTest : public ::testing::Test {
 protected:
  ~ListenerTest() override {
    listener_.stop();
    for (const int socket : kept_) ::close(socket);
  }
  void start(const Listener::Limits& limits = {}, std::string_view peers = "127.0.0.0/8") {
    listener_.start({parse_prefix(peers, "test")},
                    {.taken =
                         [this](int socket) {
                           const std::lock_guard lock(mutex_);
                           kept_.push_back(socket);
                         },
                     .stranger =
                         [this](const IpAddress& address) {
                           const std::lock_guard lock(mutex_);
                           told_ += "stranger " + address.shown() + ";";
                         },
                     .abandoned =
                         [this](const IpAddress& address) {
                           const std::lock_guard lock(mutex_);
                           told_ += "abandoned " + address.shown() + ";";
                         }},
                    limits);
  }
  /// A client at 127.0.0.`host`; its name as gRPC gives it goes into `peer`.
  int connect(std::string* peer = nullptr, std::uint32_t host = 1) {
    const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK - 1 + host);
    EXPECT_EQ(::bind(socket, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(static_cast<std::uint16_t>(listener_.port()));
    EXPECT_EQ(::connect(socket, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    if (peer != nullptr) {
      socklen_t size = sizeof address;
      ::getsockname(socket, reinterpret_cast<sockaddr*>(&address), &size);
      *peer = "ipv4:127.0.0.1:" + std::to_string(ntohs(address.sin_port));
    }
    return socket;
  }
  template <typename Condition>
  bool wait(const Condition& condition) {
    for (int i = 0; i < 1'000; ++i) {
      {
        const std::lock_guard lock(mutex_);
        if (condition()) return true;
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    return false;
  }
  bool is_over(int socket) {
    char byte = 0;
    for (int i = 0; i < 1'000; ++i) {
      if (::recv(socket, &byte, 1, MSG_DONTWAIT | MSG_PEEK) == 0 || errno == ECONNRESET) {
        return true;
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return false;
  }

  Listener listener_{"127.0.0.1:0", "test", system_env()};
  std::mutex mutex_;
  std::deque<int> kept_;
  std::string told_;
};

TEST_F(ListenerTest, HandsOnWhoConnectsAndTellsOfWhoLeavesWithoutACall) {
  start();
  std::string peer;
  const int first = connect(&peer);
  const int second = connect();
  ASSERT_TRUE(wait([&] { return kept_.size() == 2; }));
  listener_.spoke(peer);
  ::close(first);
  ::close(second);
  for (const int socket : kept_) ::shutdown(socket, SHUT_RDWR);  // as gRPC does
  EXPECT_TRUE(wait([&] { return !told_.empty(); }));
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  EXPECT_EQ(told_, "abandoned 127.0.0.1;");
}

TEST_F(ListenerTest, StrangersAreClosed) {
  start({}, "10.0.0.0/8");
  const int stranger = connect();
  EXPECT_TRUE(is_over(stranger));
  EXPECT_TRUE(wait([&] { return told_ == "stranger 127.0.0.1;"; }));
  ::close(stranger);
  EXPECT_TRUE(kept_.empty());
}

TEST_F(ListenerTest, WhoHasMadeNoCallMakesRoomAndWhoHasStays) {
  start({.connections = 64, .of_network = 2, .rate = 1'000, .burst = 1'000});
  std::string peer;
  const int speaker = connect(&peer);
  ASSERT_TRUE(wait([&] { return kept_.size() == 1; }));
  listener_.spoke(peer);
  const int silent = connect();
  ASSERT_TRUE(wait([&] { return kept_.size() == 2; }));
  std::string third_peer;
  const int third = connect(&third_peer);
  ASSERT_TRUE(wait([&] { return kept_.size() == 3; }));
  EXPECT_TRUE(is_over(silent));
  listener_.spoke(third_peer);
  const int fourth = connect();  // all have spoken
  EXPECT_TRUE(is_over(fourth));
  char byte = 0;
  EXPECT_EQ(::recv(speaker, &byte, 1, MSG_DONTWAIT), -1);
  EXPECT_EQ(kept_.size(), 3U);
  listener_.drop(third_peer);
  EXPECT_TRUE(is_over(third));
  for (const int socket : {speaker, silent, third, fourth}) ::close(socket);
}

TEST_F(ListenerTest, TooManyASecondOfOneNetworkAreClosedAndOthersComeIn) {
  start({.rate = 0.1, .burst = 2});
  std::vector<int> sockets;
  for (int i = 0; i < 6; ++i) sockets.push_back(connect(nullptr, 2));
  for (int i = 2; i < 6; ++i) EXPECT_TRUE(is_over(sockets[i]));
  sockets.push_back(connect());
  EXPECT_TRUE(wait([&] { return kept_.size() == 3; }));
  for (const int socket : sockets) ::close(socket);
}

TEST_F(ListenerTest, TooManyASecondInAllWait) {
  start({.all_rate = 20, .all_burst = 2});
  const auto begin = std::chrono::steady_clock::now();
  std::vector<int> sockets;
  for (int i = 0; i < 6; ++i) sockets.push_back(connect());
  ASSERT_TRUE(wait([&] { return kept_.size() == 6; }));
  EXPECT_GT(std::chrono::steady_clock::now() - begin, std::chrono::milliseconds(180));
  for (const int socket : sockets) ::close(socket);
}

TEST(Listener, APortInUseIsSaidSo) {
  const Listener first("127.0.0.1:0", "a.yaml: controller.api", system_env());
  const auto error_of = [](const std::string& address) -> std::string {
    try {
      const Listener second(address, "b.yaml: controller.api", system_env());
    } catch (const Error& error) {
      return error.what();
    }
    return "none";
  };
  EXPECT_EQ(error_of("127.0.0.1:" + std::to_string(first.port())),
            "b.yaml: controller.api: cannot listen at 127.0.0.1:" + std::to_string(first.port()) +
                ": Address already in use; another daemon listens there: end it, or name another "
                "port");
  EXPECT_THAT(error_of("203.0.113.1:7411"), HasSubstr("name an address of this machine"));
  for (const char* text : {"", "127.0.0.1", "host:1", "127.0.0.1:65536", "::1:1", "[::1:1"}) {
    EXPECT_THAT(error_of(text), HasSubstr("is no address and port")) << text;
  }
}

}  // namespace
}  // namespace mixnet
