#include "store/wal_keeper.h"

#include <sqlite3.h>

#include <algorithm>
#include <chrono>
#include <exception>

#include "base/error.h"

namespace mixnet {
namespace {

constexpr std::int64_t kPageBytes = 4'096;
constexpr std::chrono::milliseconds kQuiet{20};
constexpr std::chrono::seconds kBetweenTries{1};
constexpr std::int64_t kLeastPages = 64;
/// What a writer may have to wait for: a few hundred pages are moved in a millisecond or two.
constexpr std::int64_t kFewPages = 256;
/// Each leaves what the writer added during it; one that writes as fast as the disk has to wait.
constexpr int kRounds = 5;

}  // namespace

WalKeeper::WalKeeper(const std::filesystem::path& file, std::int64_t most_bytes)
    : database_(file),
      turn_(database_, "UPDATE about SET value = value + 1 WHERE name = 'turns'"),
      most_pages_(std::max<std::int64_t>(most_bytes / kPageBytes, kLeastPages)),
      first_pages_(most_pages_ / 16) {
  database_.run("PRAGMA synchronous = NORMAL; PRAGMA wal_autocheckpoint = 0");
  thread_ = std::thread([this] { work(); });
}

WalKeeper::~WalKeeper() {
  {
    const std::lock_guard lock(mutex_);
    stops_ = true;
  }
  woken_.notify_all();
  thread_.join();
}

WalKeeper::Lock WalKeeper::begin() {
  Lock lock(mutex_);
  let_in_.wait(lock, [this] { return !wants_in_ && (rests_ || pages_ < 2 * most_pages_); });
  if (!failure_.empty() && pages_ >= 2 * most_pages_) throw Error(database_.file(), failure_);
  return lock;
}

void WalKeeper::committed(std::int64_t pages) {
  pages_ = pages;
  ++commits_;
  if (pages_ >= first_pages_) woken_.notify_one();
}

/// True: the whole log is in the database. Throws Error.
bool WalKeeper::checkpoint() {
  int in_log = 0, moved = 0;
  const int code = sqlite3_wal_checkpoint_v2(database_.handle(), nullptr, SQLITE_CHECKPOINT_PASSIVE,
                                             &in_log, &moved);
  // Busy: somebody reads an old state (a backup). Then as much was moved as could be.
  if (code != SQLITE_OK && (code & 0xff) != SQLITE_BUSY) database_.fail(code);
  return code == SQLITE_OK && in_log == moved;
}

void WalKeeper::wait_for_quiet(Lock& lock) {
  while (!stops_ && pages_ < most_pages_) {
    const std::uint64_t before = commits_;
    woken_.wait_for(lock, kQuiet, [this] { return stops_ || pages_ >= most_pages_; });
    if (commits_ == before) return;
  }
}

void WalKeeper::checkpoint_beside(Lock& lock) {
  lock.unlock();
  std::exception_ptr failure;
  try {
    checkpoint();
  } catch (...) {
    failure = std::current_exception();
  }
  // A writer without pause would take the mutex again each time before it could be had here.
  wants_in_ = true;
  lock.lock();
  wants_in_ = false;
  let_in_.notify_one();
  if (failure) std::rethrow_exception(failure);
}

void WalKeeper::work() {
  Lock lock(mutex_);
  while (true) {
    woken_.wait(lock, [this] { return stops_ || pages_ >= first_pages_; });
    if (stops_) return;
    bool has_turned = false;
    try {
      std::int64_t moved = pages_;
      checkpoint_beside(lock);
      wait_for_quiet(lock);
      if (stops_) return;
      for (int round = 0; round < kRounds && pages_ - moved > kFewPages; ++round) {
        const std::int64_t seen = pages_;
        checkpoint_beside(lock);
        moved = seen;
      }
      if (checkpoint()) {
        turn_.run();  // begins the log anew, and syncs its head, so that no append has to
        pages_ = 1;
        has_turned = true;
      }
      failure_.clear();
    } catch (const Error& error) {
      // Without the file's name, which comes again.
      failure_ = std::string(error.what()).substr(database_.file().size() + 2);
    }
    rests_ = !has_turned;
    let_in_.notify_one();
    // A reader of an old state, or a full disk, may last.
    if (rests_) woken_.wait_for(lock, kBetweenTries, [this] { return stops_; });
    rests_ = false;
  }
}

}  // namespace mixnet
