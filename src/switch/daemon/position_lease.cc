#include "daemon/position_lease.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <string>
#include <system_error>

#include "base/error.h"
#include "base/sha256.h"

namespace mixnet {
namespace {

constexpr std::size_t kLongestHost = 64;

/// Fits an address of a socket, whatever the host is called.
std::string name_of(const SwitchAddress& address, int position) {
  std::string host = address.host;
  std::ranges::transform(host, host.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  if (host.size() > kLongestHost) host = sha256(host).substr(0, kLongestHost);
  return fmt::format("mixnet-position/{}:{}/{}", host, address.port, position);
}

/// 0, or what is against it.
int bind_name(int socket, const std::string& name) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::ranges::copy(name, address.sun_path + 1);  // the first character is 0: no file
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
  return ::bind(socket, reinterpret_cast<sockaddr*>(&address), size) == 0 ? 0 : errno;
}

}  // namespace

PositionLease::PositionLease(const SwitchAddress& address, std::span<const int> positions) {
  for (const int position : positions) {
    const int socket = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    int code = errno;
    if (socket >= 0) {
      sockets_.push_back(socket);
      code = bind_name(socket, name_of(address, position));
    }
    if (socket >= 0 && code == 0) continue;
    release();
    if (code == EADDRINUSE) {
      throw Error(address.shown(),
                  fmt::format("port {} is driven by another mixnetd on this machine", position),
                  "slices of one switch must not meet; 'ports:' says which are ours");
    }
    throw Error(address.shown(),
                fmt::format("port {} cannot be held for us ({})", position,
                            std::generic_category().message(code)),
                code == EMFILE || code == ENFILE
                    ? "let it open more files: ulimit -n, or LimitNOFILE= of systemd"
                    : "");
  }
}

PositionLease::~PositionLease() { release(); }

void PositionLease::release() {
  for (const int socket : sockets_) ::close(socket);
  sockets_.clear();
}

}  // namespace mixnet
