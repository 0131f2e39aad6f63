#include "ocs/tcp_client.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <system_error>

#include "ocs/host_lookup.h"
#include "ocs/switch_error.h"

namespace mixnet {
namespace {

constexpr int kKeepAliveSeconds = 15;
constexpr int kKeepAliveProbes = 3;

std::string reason(int code) { return std::generic_category().message(code); }

void set_options(int socket) {
  const auto set = [&](int level, int name, int value) {
    // A kernel without one of them serves as well.
    static_cast<void>(::setsockopt(socket, level, name, &value, sizeof value));
  };
  set(IPPROTO_TCP, TCP_NODELAY, 1);
  set(SOL_SOCKET, SO_KEEPALIVE, 1);
  set(IPPROTO_TCP, TCP_KEEPIDLE, kKeepAliveSeconds);
  set(IPPROTO_TCP, TCP_KEEPINTVL, kKeepAliveSeconds);
  set(IPPROTO_TCP, TCP_KEEPCNT, kKeepAliveProbes);
}

}  // namespace

void TcpClient::close() {
  if (socket_ >= 0) ::close(socket_);
  socket_ = -1;
}

bool TcpClient::wait(short what, MonotonicTime dead_line) {
  for (;;) {
    const auto left = dead_line - env_.monotonic_now();
    timespec time{};
    if (left > left.zero()) {
      const auto nanoseconds = std::min<std::chrono::nanoseconds>(left, std::chrono::hours(1));
      time.tv_sec = nanoseconds.count() / 1'000'000'000;
      time.tv_nsec = nanoseconds.count() % 1'000'000'000;
    }
    pollfd waiting{.fd = socket_, .events = what, .revents = 0};
    const int ready = ::ppoll(&waiting, 1, &time, nullptr);
    if (ready > 0) return true;
    if (ready == 0 && env_.monotonic_now() >= dead_line) return false;
    if (ready < 0 && errno != EINTR) {
      throw SwitchError(SwitchFault::kDisconnected, device_, reason(errno));
    }
  }
}

MonotonicTime TcpClient::share(const addrinfo* to, MonotonicTime dead_line) {
  int addresses = 0;
  for (; to != nullptr; to = to->ai_next) ++addresses;
  const MonotonicTime now = env_.monotonic_now();
  return now + (dead_line - now) / addresses;
}

void TcpClient::connect(const std::string& host, int port, MonotonicTime dead_line) {
  close();
  const HostAddresses addresses = look_up_host(host, port, device_, dead_line, env_);
  std::string why = "no address";
  for (const addrinfo* to = addresses.get(); to != nullptr; to = to->ai_next) {
    socket_ = ::socket(to->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, to->ai_protocol);
    if (socket_ < 0) {
      why = reason(errno);
      continue;
    }
    set_options(socket_);
    int failed = ::connect(socket_, to->ai_addr, to->ai_addrlen) == 0 ? 0 : errno;
    if (failed == EINPROGRESS) {
      // One that does not answer leaves a share of the time to those behind it.
      if (!wait(POLLOUT, share(to, dead_line))) {
        close();
        if (to->ai_next != nullptr) continue;
        throw SwitchError(SwitchFault::kTimedOut, device_, "no connection by the dead-line",
                          "is it there, and does a firewall let this through");
      }
      socklen_t size = sizeof failed;
      if (::getsockopt(socket_, SOL_SOCKET, SO_ERROR, &failed, &size) != 0) failed = errno;
    }
    if (failed == 0) return;
    why = reason(failed);
    close();
  }
  throw SwitchError(SwitchFault::kUnreachable, device_, fmt::format("cannot connect ({})", why),
                    "a switch that listens there (mixnet-ocs is one)");
}

void TcpClient::send(std::string_view bytes, MonotonicTime dead_line) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent >= 0) {
      bytes.remove_prefix(static_cast<std::size_t>(sent));
      continue;
    }
    const int code = errno;
    if (code == EINTR) continue;
    if (code != EAGAIN && code != EWOULDBLOCK) {
      close();
      throw SwitchError(SwitchFault::kDisconnected, device_,
                        fmt::format("the connection broke ({})", reason(code)));
    }
    if (!wait(POLLOUT, dead_line)) {
      close();
      throw SwitchError(SwitchFault::kTimedOut, device_, "it takes no more commands");
    }
  }
  last_sent_ = env_.monotonic_now();
}

std::size_t TcpClient::receive(char* buffer, std::size_t size, MonotonicTime dead_line) {
  for (;;) {
    const ssize_t got = ::recv(socket_, buffer, size, 0);
    if (got > 0) return static_cast<std::size_t>(got);
    const int code = got == 0 ? 0 : errno;
    if (code == EINTR) continue;
    if (got == 0 || (code != EAGAIN && code != EWOULDBLOCK)) {
      close();
      throw SwitchError(SwitchFault::kDisconnected, device_,
                        got == 0 ? std::string("it closed the connection")
                                 : fmt::format("the connection broke ({})", reason(code)));
    }
    if (!wait(POLLIN, dead_line)) return 0;
  }
}

}  // namespace mixnet
