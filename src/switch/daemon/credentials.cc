#include "daemon/credentials.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "base/error.h"
#include "site/yaml_reader.h"

namespace mixnet {
namespace {

constexpr std::size_t kMostBytes = 4'096;

class File {
 public:
  explicit File(const std::filesystem::path& path)
      : name_(path.string()), number_(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {
    if (number_ < 0) fail("cannot be read");
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  ~File() {
    if (number_ >= 0) ::close(number_);
  }

  void check_private() const {
    struct stat status {};
    if (::fstat(number_, &status) != 0) fail("cannot be read");
    if (!S_ISREG(status.st_mode)) throw Error(name_, "is no plain file", "");
    if (status.st_uid != ::geteuid() && status.st_uid != 0) {
      throw Error(name_, "holds a secret and belongs to another user",
                  "it must be ours, or root's: chown");
    }
    if (!is_private(status.st_mode, status.st_uid, status.st_gid, ::geteuid())) {
      throw Error(name_, "holds a secret that others may read or write", "chmod 600");
    }
  }

  std::string content() const {
    std::string content(kMostBytes + 1, '\0');
    std::size_t size = 0;
    while (size < content.size()) {
      const ssize_t got = ::read(number_, content.data() + size, content.size() - size);
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) fail("cannot be read");
      if (got == 0) break;
      size += static_cast<std::size_t>(got);
    }
    if (size > kMostBytes) throw Error(name_, "is too long", "4 KiB at most");
    content.resize(size);
    return content;
  }

 private:
  [[noreturn]] void fail(std::string_view what) const {
    throw Error(name_, fmt::format("{} ({})", what, std::generic_category().message(errno)));
  }

  std::string name_;
  int number_;
};

}  // namespace

SwitchCredentials parse_credentials(const std::string& text, std::string_view input) {
  const auto read = [&] {
    const YamlReader root = YamlReader::parse(text, input);
    root.only_keys({"user", "password"});
    return SwitchCredentials{root.at("user").string(), root.at("password").string()};
  };
  try {
    return read();
  } catch (const Error&) {  // whose text may hold some of it
    throw Error(input, "is no 'user: ...' and 'password: ...'", "two such lines of YAML");
  }
}

SwitchCredentials read_credentials(const std::filesystem::path& file) {
  const File opened(file);
  opened.check_private();
  return parse_credentials(opened.content(), file.string());
}

bool is_private(mode_t mode, uid_t owner, gid_t group, uid_t us) {
  if (owner != us && owner != 0) return false;
  const mode_t others = mode & (S_IRWXG | S_IRWXO);
  return others == 0 || (others == S_IRGRP && owner == 0 && group == 0);
}

void check_private(const std::filesystem::path& file) { File(file).check_private(); }

}  // namespace mixnet
