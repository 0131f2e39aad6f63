#include "ocs/tcp_client.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <functional>
#include <string>

#include "ocs/switch_error.h"

namespace mixnet {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

/// A socket that listens on the loopback; takes connections only when asked to.
class Listener {
 public:
  Listener() {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    EXPECT_EQ(::bind(socket_, reinterpret_cast<sockaddr*>(&address), size), 0);
    EXPECT_EQ(::listen(socket_, 1), 0);
    EXPECT_EQ(::getsockname(socket_, reinterpret_cast<sockaddr*>(&address), &size), 0);
    port_ = ntohs(address.sin_port);
  }
  ~Listener() { ::close(socket_); }
  int port() const { return port_; }
  int accept() { return ::accept(socket_, nullptr, nullptr); }

 private:
  int socket_ = ::socket(AF_INET, SOCK_STREAM, 0);
  int port_ = 0;
};

SwitchFault fault_of(const std::function<void()>& call) {
  try {
    call();
  } catch (const SwitchError& error) {
    return error.fault();
  }
  return SwitchFault::kMisuse;  // none
}

TEST(TcpClient, SendsAndReceivesByTheDeadLine) {
  Listener listener;
  TcpClient client("tl1://ocs");
  client.connect("127.0.0.1", listener.port(), steady_clock::now() + milliseconds(1'000));
  const int peer = listener.accept();
  client.send("abc", steady_clock::now() + milliseconds(100));
  char buffer[8] = {};
  EXPECT_EQ(::read(peer, buffer, sizeof buffer), 3);
  const auto start = steady_clock::now();
  EXPECT_EQ(client.receive(buffer, sizeof buffer, start + milliseconds(30)), 0U);
  EXPECT_GE(steady_clock::now() - start, milliseconds(30));
  EXPECT_EQ(::write(peer, "xy", 2), 2);
  EXPECT_EQ(client.receive(buffer, sizeof buffer, steady_clock::now() + milliseconds(1'000)), 2U);
  ::close(peer);
  EXPECT_EQ(fault_of([&] {
              client.receive(buffer, sizeof buffer, steady_clock::now() + milliseconds(1'000));
            }),
            SwitchFault::kDisconnected);
  EXPECT_FALSE(client.is_open());
}

TEST(TcpClient, APeerThatTakesNothingTimesOut) {
  Listener listener;
  TcpClient client("tl1://ocs");
  client.connect("127.0.0.1", listener.port(), steady_clock::now() + milliseconds(1'000));
  const std::string much(64 << 20, 'x');
  EXPECT_EQ(fault_of([&] { client.send(much, steady_clock::now() + milliseconds(50)); }),
            SwitchFault::kTimedOut);
  EXPECT_FALSE(client.is_open());
}

TEST(TcpClient, NobodyThereIsUnreachable) {
  int port = 0;
  {
    Listener listener;
    port = listener.port();
  }
  TcpClient client("tl1://ocs");
  const auto soon = steady_clock::now() + milliseconds(1'000);
  EXPECT_EQ(fault_of([&] { client.connect("127.0.0.1", port, soon); }), SwitchFault::kUnreachable);
  EXPECT_EQ(fault_of([&] { client.connect("no.such.host.invalid", 1, soon); }),
            SwitchFault::kUnreachable);
}

}  // namespace
}  // namespace mixnet
