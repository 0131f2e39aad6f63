// Datagrams between test servers (test_servers.h), with who sent each and when.
#pragma once

#include <poll.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <thread>

#include "dataplane/test_servers.h"

namespace mixnet {

inline std::int64_t test_now_ns() {
  return std::chrono::nanoseconds(std::chrono::steady_clock::now().time_since_epoch()).count();
}

/// Whether it is so within a second. The kernel may put off what it does with a frame.
template <typename Condition>
bool soon(Condition condition) {
  const std::int64_t until = test_now_ns() + 1'000'000'000;
  while (!condition()) {
    if (test_now_ns() > until) return false;
    std::this_thread::sleep_for(std::chrono::microseconds(20));
  }
  return true;
}

struct TestDatagram {
  std::int32_t from = 0;
  std::int32_t number = 0;
  std::int64_t sent_ns = 0;  ///< steady_clock
};

/// One server's socket. Sends to one server, or to whoever gets it (broadcast).
class TestMail {
 public:
  TestMail(const TestServers& servers, int server)
      : server_(server), socket_(servers.open_socket(server, SOCK_DGRAM)) {
    const int yes = 1;
    const int room = 8 << 20;
    setsockopt(socket_.get(), SOL_SOCKET, SO_BROADCAST, &yes, sizeof yes);
    setsockopt(socket_.get(), SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof room);
    const sockaddr_in any = TestServers::socket_address("0.0.0.0", kPort);
    if (bind(socket_.get(), reinterpret_cast<const sockaddr*>(&any), sizeof any) != 0) {
      throw std::runtime_error("a port is taken");
    }
  }

  TestDatagram send(const std::string& to = "10.9.0.255", std::int32_t number = 0) const {
    const TestDatagram message{server_, number, test_now_ns()};
    const sockaddr_in address = TestServers::socket_address(to, kPort);
    sendto(socket_.get(), &message, sizeof message, MSG_DONTWAIT,
           reinterpret_cast<const sockaddr*>(&address), sizeof address);
    return message;
  }
  /// The next of another server's; waits for so long at most. (A host hears its own broadcasts.)
  std::optional<TestDatagram> receive(int wait_ms) const {
    const std::int64_t until = test_now_ns() + std::int64_t{wait_ms} * 1'000'000;
    while (true) {
      TestDatagram message;
      if (recv(socket_.get(), &message, sizeof message, MSG_DONTWAIT) == sizeof message) {
        if (message.from != server_) return message;
        continue;
      }
      const std::int64_t left = until - test_now_ns();
      pollfd one{socket_.get(), POLLIN, 0};
      if (left <= 0 || poll(&one, 1, static_cast<int>(left / 1'000'000) + 1) <= 0) {
        return std::nullopt;
      }
    }
  }

 private:
  static constexpr int kPort = 7000;
  std::int32_t server_;
  Descriptor socket_;
};

}  // namespace mixnet
