// A TCP stream between two test servers, and its rate.
#pragma once

#include <netinet/in.h>
#include <netinet/tcp.h>

#include <chrono>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "dataplane/test_servers.h"

namespace mixnet {

/// Bits per second that server `to`, by the name `address`, receives from server `from` for so
/// long.
inline double test_stream_rate(const TestServers& servers, int from, int to,
                               const std::string& address, std::chrono::milliseconds time) {
  using Clock = std::chrono::steady_clock;
  constexpr std::size_t kPiece = 1 << 18;
  const Descriptor listener(servers.open_socket(to, SOCK_STREAM));
  const Descriptor sender(servers.open_socket(from, SOCK_STREAM));
  const timeval patience{5, 0};
  const int yes = 1;
  for (const Descriptor* one : {&listener, &sender}) {
    setsockopt(one->get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    setsockopt(one->get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    setsockopt(one->get(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    // BBR, the default of some systems, paces itself to half of what passes here.
    setsockopt(one->get(), IPPROTO_TCP, TCP_CONGESTION, "cubic", 5);
  }
  const sockaddr_in place = TestServers::socket_address(address, 7001);
  const auto* name = reinterpret_cast<const sockaddr*>(&place);
  if (bind(listener.get(), name, sizeof place) != 0 || listen(listener.get(), 1) != 0 ||
      connect(sender.get(), name, sizeof place) != 0) {
    throw std::runtime_error("no TCP connection to " + address);
  }
  const Descriptor receiver(accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));

  const Clock::time_point begin = Clock::now();
  std::thread writes([&] {
    const std::vector<char> piece(kPiece);
    while (Clock::now() < begin + time && send(sender.get(), piece.data(), kPiece, 0) > 0) {
    }
    shutdown(sender.get(), SHUT_WR);
  });
  std::vector<char> piece(kPiece);
  double bits = 0;
  for (ssize_t size = 1; size > 0;) {
    size = recv(receiver.get(), piece.data(), kPiece, 0);
    if (size > 0) bits += 8.0 * static_cast<double>(size);
  }
  const std::chrono::duration<double> taken = Clock::now() - begin;
  writes.join();
  return bits / taken.count();
}

}  // namespace mixnet
