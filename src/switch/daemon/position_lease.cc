#include "daemon/position_lease.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <system_error>
#include <vector>

#include "base/error.h"

namespace mixnet {
namespace {

namespace fs = std::filesystem;

std::string file_name(const SwitchAddress& address) {
  std::string name = fmt::format("mixnet-{}-{}.lock", address.host, address.port);
  std::ranges::replace_if(
      name, [](char c) { return c == '/' || c == ':' || c == '%' || c == '[' || c == ']'; }, '_');
  return name;
}

/// Another user's daemon may have made it: opened first, made only where there is none, which
/// sticky folders ask for (fs.protected_regular).
int open_file(const fs::path& file) {
  for (int attempt = 0; attempt < 3; ++attempt) {
    const int old = ::open(file.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    if (old >= 0 || errno != ENOENT) return old;
    const int made = ::open(file.c_str(), O_RDWR | O_CLOEXEC | O_CREAT | O_EXCL, 0666);
    if (made >= 0) {
      static_cast<void>(::fchmod(made, 0666));  // whatever the umask: others lock it as well
      return made;
    }
    if (errno != EEXIST) return -1;
  }
  return -1;
}

std::vector<fs::path> folders() {
  std::vector<fs::path> folders = {"/run/lock", "/tmp"};
  if (const char* runtime = std::getenv("XDG_RUNTIME_DIR")) folders.emplace_back(runtime);
  return folders;
}

bool lock_byte(int file, int position) {
  struct flock range {};
  range.l_type = F_WRLCK;
  range.l_whence = SEEK_SET;
  range.l_start = position;
  range.l_len = 1;
  return ::fcntl(file, F_OFD_SETLK, &range) == 0;
}

}  // namespace

PositionLease::PositionLease(const SwitchAddress& address, std::span<const int> positions,
                             fs::path folder) {
  const std::string name = file_name(address);
  std::string why;
  for (const fs::path& place : folder.empty() ? folders() : std::vector{std::move(folder)}) {
    file_ = open_file(place / name);
    if (file_ >= 0) break;
    why += fmt::format("{}{}: {}", why.empty() ? "" : ", ", (place / name).string(),
                       std::generic_category().message(errno));
  }
  if (file_ < 0) {
    throw Error(address.shown(), fmt::format("its ports cannot be held for us ({})", why),
                "let us make files in /run/lock or /tmp");
  }
  for (const int position : positions) {
    if (lock_byte(file_, position)) continue;
    const int code = errno;
    ::close(file_);
    if (code == EAGAIN || code == EACCES) {
      throw Error(address.shown(),
                  fmt::format("port {} is driven by another mixnetd on this machine", position),
                  "slices of one switch must not meet; 'ports:' says which are ours");
    }
    throw Error(address.shown(), fmt::format("port {} cannot be held for us ({})", position,
                                             std::generic_category().message(code)));
  }
}

PositionLease::~PositionLease() {
  if (file_ >= 0) ::close(file_);
}

}  // namespace mixnet
