// An Env for tests, in memory: what time it is, when the disk is full, which operation fails, when
// the power goes, all as the test says; the same on every run.
//
//     FakeEnv env;
//     env.limit_space(1000);                                  // a disk of so many bytes
//     env.fail(FakeEnv::Operation::kRename, std::errc::io_error);
//     EXPECT_THROW(write_text_file("a", "x", env), Error);
//
// Paths are kept as they are given, made plain ("a/./b" is "a/b"); "." and "/" are there. No links,
// no devices. Of a file, what was written since the last sync() may be lost with the power; names
// are never lost, so a file that was renamed unsynced comes back empty, as on real file systems.
//
// Thread-safe, as an Env is; the order of operations of several threads is theirs.
#pragma once

#include <array>
#include <map>
#include <mutex>
#include <optional>
#include <set>

#include "base/env.h"

namespace mixnet {

class FakeEnv final : public Env {
 public:
  enum class Operation {
    kRead,
    kList,
    kLock,
    // Those that change files, which crash_at() counts:
    kWrite,
    kAppend,
    kResize,
    kSync,
    kRename,
    kRemove,
    kMakeFolders,
  };

  // Clocks. Both begin late, at different times; they stand still but for what follows.
  void advance(std::chrono::nanoseconds time);          ///< both; not negative
  void step_wall_clock(std::chrono::nanoseconds time);  ///< as an operator does, either way

  // Files: what is there, unhindered by faults.
  void put(const std::filesystem::path& path, std::string_view content);
  std::optional<std::string> content(const std::filesystem::path& path) const;
  /// All that are there, folders left out; sorted.
  std::vector<std::string> files() const;

  // Faults.
  /// The `nth` such operation from now fails. Before that, of what it should write it writes the
  /// first `written` bytes.
  void fail(Operation operation, std::errc error, int nth = 1, std::size_t written = 0);
  /// All files together have at most so many bytes; more is std::errc::no_space_on_device.
  void limit_space(std::size_t bytes);
  /// No operation on `path`, or on what is below, from now.
  void deny(const std::filesystem::path& path);
  void allow(const std::filesystem::path& path);

  // The end of the program. At the nth change to files from now, Crash is thrown (it is no
  // std::exception, so that nobody takes it for an error); half of what was to be written is. From
  // then on no operation does anything, whatever the unwinding tries, until restart().
  struct Crash {};
  void crash_at(int nth);
  enum class Aftermath {
    kKill,   ///< what was written is there
    kLost,   ///< the power failed: what was not synced is gone
    kZeros,  ///< the power failed: what was not synced has become zeros
  };
  /// Nothing is locked then, and no fault is left.
  void restart(Aftermath aftermath);

  // Terminals.
  void put_terminal(Stream stream, int width = 80);
  /// What was printed since the last call.
  std::string take_printed(Stream stream);
  void fail_print(std::errc error);

  // Env.
  MonotonicTime monotonic_now() override;
  WallTime wall_now() override;
  /// Advances both clocks, at once.
  void sleep_until(MonotonicTime time) override;
  FileKind kind(const std::filesystem::path& path) override;
  std::error_code modified(const std::filesystem::path& path, WallTime& time) override;
  std::filesystem::path real_path(const std::filesystem::path& path) override { return path; }
  std::error_code read(const std::filesystem::path& path, std::size_t limit,
                       std::string& content) override;
  std::error_code write(const std::filesystem::path& path, std::string_view content) override;
  std::error_code append(const std::filesystem::path& path, std::string_view content) override;
  std::error_code resize(const std::filesystem::path& path, std::size_t size) override;
  std::error_code sync(const std::filesystem::path& path) override;
  std::error_code rename(const std::filesystem::path& from,
                         const std::filesystem::path& to) override;
  std::error_code remove(const std::filesystem::path& path) override;
  std::error_code make_folders(const std::filesystem::path& path) override;
  std::error_code list(const std::filesystem::path& folder,
                       std::vector<std::string>& names) override;
  std::error_code check_writable(const std::filesystem::path& folder) override;
  std::unique_ptr<Env::Lock> lock(const std::filesystem::path& folder,
                                  std::error_code& error) override;
  bool is_terminal(Stream stream) override;
  int terminal_width() override;
  std::error_code print(Stream stream, std::string_view text) override;

 private:
  class HeldLock;
  struct Node {
    bool is_folder = false;
    std::string content = {};
    std::size_t synced = 0;  // bytes of it that are safe
    WallTime modified = {};
  };
  struct Fault {
    std::errc error;
    int nth;
    std::size_t written;
  };
  struct Verdict {
    std::error_code error;
    std::optional<std::size_t> written = {};  // before that
    bool is_crash = false;
  };

  static std::string plain(const std::filesystem::path& path);
  Node* find(const std::string& path);
  bool is_denied(std::string path) const;
  std::error_code check_parent(const std::string& path);
  Verdict judge(Operation operation, const std::string& path);
  /// For operations that write nothing: the error to return, after a crash thrown.
  std::error_code enter(Operation operation, const std::string& path);
  std::error_code put_bytes(Operation operation, const std::filesystem::path& path,
                            std::string_view bytes);
  std::size_t space_left() const;
  void unlock(const std::string& folder);

  mutable std::mutex mutex_;
  MonotonicTime monotonic_{std::chrono::hours(100)};
  WallTime wall_{std::chrono::seconds(1'700'000'000)};
  std::map<std::string, Node> nodes_ = {{".", {.is_folder = true}}, {"/", {.is_folder = true}}};
  std::set<std::string> denied_;
  std::set<std::string> locked_;
  std::multimap<Operation, Fault> faults_;
  std::optional<std::size_t> space_;
  int crash_in_ = 0;  // changes from now; 0: never
  bool is_down_ = false;
  std::array<bool, 2> is_terminal_{};
  int width_ = 0;
  std::array<std::string, 2> printed_;
  std::error_code print_error_;
};

}  // namespace mixnet
