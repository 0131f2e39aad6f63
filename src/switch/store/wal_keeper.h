// Keeps the write-ahead log of a store short, on a thread and a connection of its own.
//
// SQLite moves a log's pages into the database (a checkpoint) and begins the log anew with the
// first commit after all are there. Both sync the disk, so both happen here and not where events
// are appended:
//
//   the log reaches 1/16 of its bound   a checkpoint beside the writer, which does not wait
//   then 20 ms without a commit,        the rest is moved and the log begun anew by a small commit;
//   or the log reaches its bound        a writer that comes meanwhile waits: three syncs
//
// So that under constant load one commit in thousands waits. A log that reaches twice its bound, as
// the writer is faster than the disk, makes it wait as well; where checkpoints fail (the disk is
// full), begin() throws then. While somebody else reads (a backup) the log grows on.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <filesystem>
#include <mutex>
#include <string>
#include <thread>

#include "store/sqlite.h"

namespace mixnet {

class WalKeeper {
 public:
  /// The database has its tables. Throws Error. `most_bytes`: the bound.
  WalKeeper(const std::filesystem::path& file, std::int64_t most_bytes);
  WalKeeper(const WalKeeper&) = delete;
  WalKeeper& operator=(const WalKeeper&) = delete;
  ~WalKeeper();

  using Lock = std::unique_lock<std::mutex>;
  /// To be held from before a transaction begins until committed() was called. Throws the Error of
  /// the last checkpoint, where the log is too long.
  Lock begin();
  /// The lock is held: the log has so many pages now.
  void committed(std::int64_t pages);

 private:
  void work();
  void wait_for_quiet(Lock& lock);
  bool checkpoint();
  void checkpoint_beside(Lock& lock);

  SqliteDatabase database_;
  SqliteStatement turn_;
  const std::int64_t most_pages_, first_pages_;
  std::mutex mutex_;  // and with it what follows
  std::condition_variable woken_, let_in_;
  std::atomic<bool> wants_in_{false};
  bool stops_ = false;
  bool rests_ = false;  // between two tries, as the log could not be begun anew
  std::int64_t pages_ = 0;
  std::uint64_t commits_ = 0;
  std::string failure_;  // of the last checkpoint; empty: none
  std::thread thread_;
};

}  // namespace mixnet
