// The one seam to what lies outside the process: clocks, sleep, files, terminal.
//
// Who opens a file, reads a clock, sleeps or asks what a terminal is takes an Env&. There are two:
// system_env(), which is the default argument at doors, and FakeEnv (fake_env.h), by which a test
// says what time it is, fills the disk, cuts the power and sees what is drawn.
//
// Calls about files never throw for what is outside: they return why not (std::error_code; false
// when all went well), and who knows what the file is for makes an Error of it. Whole text files
// are read, and replaced in one step, by text_file.h. Paths that lead to a link mean its target.
//
// Any thread may call any function at any time; two writers of one file must know of each other.
// A call costs what the system's does, and reading the clock about 30 ns: not for inner loops.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

namespace mixnet {

/// For durations: never goes back, whatever is done to the wall clock; its zero means nothing.
using MonotonicTime = std::chrono::steady_clock::time_point;
/// Unix time. May jump either way, at any time.
using WallTime = std::chrono::sys_time<std::chrono::nanoseconds>;

class Env {
 public:
  enum class FileKind {
    kNone,
    kFile,
    kFolder,
    kOther,   ///< a device, a pipe, a socket
    kHidden,  ///< what is there may not be known, as a folder above cannot be searched
  };
  enum class Stream { kOut, kError };  ///< standard output, standard error
  /// Held as long as it lives.
  class Lock {
   public:
    virtual ~Lock() = default;
  };

  Env() = default;
  Env(const Env&) = delete;
  Env& operator=(const Env&) = delete;
  virtual ~Env() = default;

  // Clocks.
  virtual MonotonicTime monotonic_now() = 0;
  virtual WallTime wall_now() = 0;
  /// Returns at once when `time` has passed.
  virtual void sleep_until(MonotonicTime time) = 0;

  // Files and folders.
  virtual FileKind kind(const std::filesystem::path& path) = 0;
  /// Into `time`: when what the file holds last changed. As exact as the file system keeps it.
  [[nodiscard]] virtual std::error_code modified(const std::filesystem::path& path,
                                                 WallTime& time) = 0;
  /// `path` with all links followed; as it is where that is not known.
  virtual std::filesystem::path real_path(const std::filesystem::path& path) = 0;
  /// Into `content`: the bytes up to the end, or the first `limit`.
  [[nodiscard]] virtual std::error_code read(const std::filesystem::path& path, std::size_t limit,
                                             std::string& content) = 0;
  /// Makes the file anew, in place of an old one. Not in one step: a fault, or another process that
  /// reads, may see half of it.
  [[nodiscard]] virtual std::error_code write(const std::filesystem::path& path,
                                              std::string_view content) = 0;
  /// Adds to the end; makes the file where there is none. A fault may leave the first part.
  [[nodiscard]] virtual std::error_code append(const std::filesystem::path& path,
                                               std::string_view content) = 0;
  /// Cuts the file off after `size` bytes.
  [[nodiscard]] virtual std::error_code resize(const std::filesystem::path& path,
                                               std::size_t size) = 0;
  /// What is written to the file, or the names in the folder, now outlast a power failure.
  [[nodiscard]] virtual std::error_code sync(const std::filesystem::path& path) = 0;
  /// In one step; replaces what bears the new name.
  [[nodiscard]] virtual std::error_code rename(const std::filesystem::path& from,
                                               const std::filesystem::path& to) = 0;
  /// A file, or an empty folder; no error where there is none.
  [[nodiscard]] virtual std::error_code remove(const std::filesystem::path& path) = 0;
  /// With those above it; no error where it is there.
  [[nodiscard]] virtual std::error_code make_folders(const std::filesystem::path& path) = 0;
  /// Into `names`: what the folder holds, sorted.
  [[nodiscard]] virtual std::error_code list(const std::filesystem::path& folder,
                                             std::vector<std::string>& names) = 0;
  /// Whether files can be made in the folder, as far as it can be known before.
  [[nodiscard]] virtual std::error_code check_writable(const std::filesystem::path& folder) = 0;
  /// Locks the folder against other processes, and against this one, without waiting. Null and
  /// std::errc::operation_would_block: another has it. Null and another error: locks cannot be had
  /// here (some network file systems).
  [[nodiscard]] virtual std::unique_ptr<Lock> lock(const std::filesystem::path& folder,
                                                   std::error_code& error) = 0;

  // Standard output and error, and the terminal behind them.
  virtual bool is_terminal(Stream stream) = 0;
  /// Columns of the terminal behind standard error; 0 when that is not known.
  virtual int terminal_width() = 0;
  /// All of it, at once and flushed.
  [[nodiscard]] virtual std::error_code print(Stream stream, std::string_view text) = 0;

  /// There is one standard error, so one at a time draws on it (ProgressBar). False: another does.
  bool take_drawing() { return !is_drawn_on_.exchange(true); }
  void leave_drawing() { is_drawn_on_ = false; }

 private:
  std::atomic<bool> is_drawn_on_{false};
};

/// The real one. Besides who draws on standard error it has no state.
Env& system_env();

}  // namespace mixnet
