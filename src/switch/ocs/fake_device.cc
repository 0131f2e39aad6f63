#include "ocs/fake_device.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <utility>

#include "base/env.h"

namespace mixnet {
namespace {

void rest() {
  Env& env = system_env();
  env.sleep_until(env.monotonic_now() + std::chrono::microseconds(50));
}

}  // namespace

FakeDevice::FakeDevice(Serve serve)
    : serve_(std::move(serve)), listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  if (::bind(listener_, generic, size) == 0 && ::listen(listener_, 8) == 0 &&
      ::getsockname(listener_, generic, &size) == 0) {
    port_ = ntohs(address.sin_port);
  }
  thread_ = std::thread([this] { run(); });
}

FakeDevice::~FakeDevice() {
  ending_ = true;
  thread_.join();
  drop();
  ::close(listener_);
}

void FakeDevice::say(std::string_view bytes) {
  const std::lock_guard lock(mutex_);
  send({.bytes = std::string(bytes)});
}

void FakeDevice::hang_up() { drop(); }

void FakeDevice::drop() {
  const std::lock_guard lock(mutex_);
  if (client_ >= 0) ::close(client_);
  client_ = -1;
}

bool FakeDevice::send(const Reply& reply) {
  std::string_view left = reply.bytes;
  while (!left.empty() && !ending_) {
    const std::size_t step = reply.step == 0 ? left.size() : std::min(reply.step, left.size());
    const ssize_t sent = ::send(client_, left.data(), step, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0 && errno != EAGAIN && errno != EWOULDBLOCK) return false;
    if (sent > 0) left.remove_prefix(static_cast<std::size_t>(sent));
    if (sent < 0 || reply.step > 0) rest();
  }
  return true;
}

void FakeDevice::run() {
  constexpr int kLook = 5;  // milliseconds
  std::array<char, 1 << 16> buffer{};
  while (!ending_) {
    pollfd waiting{.fd = client_ >= 0 ? client_.load() : listener_, .events = POLLIN, .revents = 0};
    if (::poll(&waiting, 1, kLook) <= 0) continue;
    std::string_view came;
    if (waiting.fd == listener_) {
      const int client = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      const int on = 1;
      ::setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
      ++clients_;
      client_ = client;
    } else {
      const ssize_t got = ::recv(waiting.fd, buffer.data(), buffer.size(), MSG_DONTWAIT);
      if (got < 0 && (errno == EAGAIN || errno == EBADF)) continue;
      if (got <= 0) {
        drop();
        continue;
      }
      came = {buffer.data(), static_cast<std::size_t>(got)};
    }
    const Reply reply = serve_(came);
    bool open = true;
    {
      const std::lock_guard lock(mutex_);
      open = client_ < 0 || send(reply);
    }
    if (!open || reply.close) drop();
  }
}

}  // namespace mixnet
