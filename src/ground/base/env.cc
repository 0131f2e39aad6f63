#include "base/env.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <thread>
#include <utility>

namespace mixnet {
namespace {

namespace fs = std::filesystem;

std::error_code last_error() { return {errno, std::generic_category()}; }

/// An open file.
class Descriptor {
 public:
  Descriptor(const fs::path& path, int flags)
      : number_(::open(path.c_str(), flags | O_CLOEXEC, 0666)) {}
  Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  Descriptor& operator=(Descriptor&&) = delete;
  ~Descriptor() {
    if (number_ >= 0) ::close(number_);
  }

  bool is_open() const { return number_ >= 0; }
  int number() const { return number_; }
  /// Some file systems say only now that the disk is full.
  std::error_code close() {
    return ::close(std::exchange(number_, -1)) == 0 ? std::error_code() : last_error();
  }

 private:
  int number_;
};

std::error_code write_all(const fs::path& path, int flags, std::string_view content) {
  Descriptor file(path, O_WRONLY | O_CREAT | flags);
  if (!file.is_open()) return last_error();
  while (!content.empty()) {
    const ssize_t written = ::write(file.number(), content.data(), content.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return last_error();
    content.remove_prefix(static_cast<std::size_t>(written));
  }
  return file.close();
}

class FolderLock final : public Env::Lock {
 public:
  explicit FolderLock(Descriptor folder) : folder_(std::move(folder)) {}

 private:
  Descriptor folder_;
};

class SystemEnv final : public Env {
 public:
  MonotonicTime monotonic_now() override { return std::chrono::steady_clock::now(); }
  WallTime wall_now() override { return std::chrono::system_clock::now(); }
  void sleep_until(MonotonicTime time) override { std::this_thread::sleep_until(time); }

  FileKind kind(const fs::path& path) override {
    std::error_code code;
    const fs::file_status status = fs::status(path, code);
    switch (status.type()) {
      case fs::file_type::none:
        return FileKind::kHidden;
      case fs::file_type::not_found:
        return FileKind::kNone;
      case fs::file_type::regular:
        return FileKind::kFile;
      case fs::file_type::directory:
        return FileKind::kFolder;
      default:
        return FileKind::kOther;
    }
  }

  std::error_code modified(const fs::path& path, WallTime& time) override {
    struct stat status {};
    if (::stat(path.c_str(), &status) != 0) return last_error();
    // A WallTime reaches from 1677 to 2262; a file may bear any date.
    constexpr std::int64_t kMost = 9'000'000'000;
    time = WallTime(
        std::chrono::seconds(std::clamp<std::int64_t>(status.st_mtim.tv_sec, -kMost, kMost)) +
        std::chrono::nanoseconds(status.st_mtim.tv_nsec));
    return {};
  }

  fs::path real_path(const fs::path& path) override {
    std::error_code code;
    fs::path real = fs::weakly_canonical(path, code);
    return code ? path : real;
  }

  std::error_code read(const fs::path& path, std::size_t limit, std::string& content) override {
    const Descriptor file(path, O_RDONLY);
    if (!file.is_open()) return last_error();
    content.clear();
    struct stat status {};
    if (::fstat(file.number(), &status) == 0 && S_ISREG(status.st_mode)) {
      content.reserve(std::min(limit, static_cast<std::size_t>(status.st_size)));
    }
    char block[1 << 16];
    while (content.size() < limit) {
      const ssize_t got =
          ::read(file.number(), block, std::min(sizeof block, limit - content.size()));
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return last_error();
      if (got == 0) break;
      content.append(block, static_cast<std::size_t>(got));
    }
    return {};
  }

  std::error_code write(const fs::path& path, std::string_view content) override {
    return write_all(path, O_TRUNC, content);
  }

  std::error_code append(const fs::path& path, std::string_view content) override {
    return write_all(path, O_APPEND, content);
  }

  std::error_code resize(const fs::path& path, std::size_t size) override {
    return ::truncate(path.c_str(), static_cast<off_t>(size)) == 0 ? std::error_code()
                                                                   : last_error();
  }

  std::error_code sync(const fs::path& path) override {
    const Descriptor file(path, O_RDONLY);
    if (!file.is_open()) return last_error();
    if (::fsync(file.number()) == 0) return {};
    // Some file systems cannot do it for folders: names are then as safe as they can be made.
    return errno == EINVAL || errno == ENOTSUP ? std::error_code() : last_error();
  }

  std::error_code rename(const fs::path& from, const fs::path& to) override {
    return ::rename(from.c_str(), to.c_str()) == 0 ? std::error_code() : last_error();
  }

  std::error_code remove(const fs::path& path) override {
    std::error_code code;
    fs::remove(path, code);
    return code;
  }

  std::error_code make_folders(const fs::path& path) override {
    std::error_code code;
    fs::create_directories(path, code);
    return code;
  }

  std::error_code list(const fs::path& folder, std::vector<std::string>& names) override {
    std::error_code code;
    names.clear();
    for (fs::directory_iterator entry(folder, code), end; !code && entry != end;
         entry.increment(code)) {
      names.push_back(entry->path().filename().string());
    }
    std::ranges::sort(names);
    return code;
  }

  std::error_code check_writable(const fs::path& folder) override {
    return ::access(folder.c_str(), W_OK | X_OK) == 0 ? std::error_code() : last_error();
  }

  std::unique_ptr<Lock> lock(const fs::path& folder, std::error_code& error) override {
    error.clear();
    Descriptor file(folder, O_RDONLY | O_DIRECTORY);
    while (file.is_open()) {
      if (::flock(file.number(), LOCK_EX | LOCK_NB) == 0) {
        return std::make_unique<FolderLock>(std::move(file));
      }
      if (errno != EINTR) break;
    }
    error = last_error();
    return nullptr;
  }

  bool is_terminal(Stream stream) override {
    return ::isatty(stream == Stream::kOut ? STDOUT_FILENO : STDERR_FILENO) == 1;
  }

  int terminal_width() override {
    winsize size{};
    return ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
  }

  std::error_code print(Stream stream, std::string_view text) override {
    std::FILE* const file = stream == Stream::kOut ? stdout : stderr;
    const bool whole = std::fwrite(text.data(), 1, text.size(), file) == text.size();
    return whole && std::fflush(file) == 0 ? std::error_code() : last_error();
  }
};

}  // namespace

Env& system_env() {
  static SystemEnv env;
  return env;
}

}  // namespace mixnet
