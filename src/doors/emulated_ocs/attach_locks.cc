#include "attach_locks.h"

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

namespace mixnet::ocs {

AttachLocks::AttachLocks(std::span<const PortAttachment> ports) {
  for (const PortAttachment& port : ports) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    // Its first character is 0: no file.
    const std::string name = "mixnet-ocs/" + port.interface.substr(0, sizeof address.sun_path / 2);
    std::ranges::copy(name, address.sun_path + 1);
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
    const int held = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (held >= 0) sockets_.push_back(held);
    if (held >= 0 && ::bind(held, reinterpret_cast<sockaddr*>(&address), size) == 0) continue;
    const int code = errno;
    release();
    if (code == EADDRINUSE) {
      throw Error("--attach", fmt::format("{} is attached by another mixnet-ocs", port.interface),
                  "an interface of its own for each");
    }
    throw Error("--attach", fmt::format("{} cannot be held ({})", port.interface,
                                        std::generic_category().message(code)));
  }
}

AttachLocks::~AttachLocks() { release(); }

void AttachLocks::release() {
  for (const int socket : sockets_) ::close(socket);
  sockets_.clear();
}

}  // namespace mixnet::ocs
