// The system's Env with a wall clock that a test sets: true time and an offset.
#pragma once

#include <functional>
#include <utility>

#include "base/env.h"

namespace mixnet {

class SteppableEnv final : public Env {
 public:
  explicit SteppableEnv(std::function<std::chrono::nanoseconds()> offset)
      : offset_(std::move(offset)) {}

  using Path = std::filesystem::path;
  MonotonicTime monotonic_now() override { return real_.monotonic_now(); }
  WallTime wall_now() override { return real_.wall_now() + offset_(); }
  void sleep_until(MonotonicTime time) override { real_.sleep_until(time); }
  FileKind kind(const Path& path) override { return real_.kind(path); }
  std::error_code modified(const Path& path, WallTime& time) override {
    return real_.modified(path, time);
  }
  Path real_path(const Path& path) override { return real_.real_path(path); }
  std::error_code read(const Path& path, std::size_t limit, std::string& content) override {
    return real_.read(path, limit, content);
  }
  std::error_code write(const Path& path, std::string_view content) override {
    return real_.write(path, content);
  }
  std::error_code append(const Path& path, std::string_view content) override {
    return real_.append(path, content);
  }
  std::error_code resize(const Path& path, std::size_t size) override {
    return real_.resize(path, size);
  }
  std::error_code sync(const Path& path) override { return real_.sync(path); }
  std::error_code rename(const Path& from, const Path& to) override {
    return real_.rename(from, to);
  }
  std::error_code remove(const Path& path) override { return real_.remove(path); }
  std::error_code make_folders(const Path& path) override { return real_.make_folders(path); }
  std::error_code list(const Path& folder, std::vector<std::string>& names) override {
    return real_.list(folder, names);
  }
  std::error_code check_writable(const Path& folder) override {
    return real_.check_writable(folder);
  }
  std::unique_ptr<Lock> lock(const Path& folder, std::error_code& error) override {
    return real_.lock(folder, error);
  }
  bool is_terminal(Stream stream) override { return real_.is_terminal(stream); }
  int terminal_width() override { return real_.terminal_width(); }
  std::error_code print(Stream stream, std::string_view text) override {
    return real_.print(stream, text);
  }

 private:
  Env& real_ = system_env();
  std::function<std::chrono::nanoseconds()> offset_;
};

}  // namespace mixnet
