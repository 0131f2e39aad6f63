// What a controller must not forget: every event that it heard, and from time to time its whole
// state, in one SQLite file (WAL) that outlasts kill -9 at any moment.
//
// The controller is deterministic, so its state is a snapshot and the events since (region_wire.h).
// An event is appended before anything that was decided upon it leaves: what is intended is here
// before a command is on its way. With Durability::kProcess (SQLite's synchronous NORMAL) that
// holds against the death of the process; after a power failure the last events may be gone, from
// some event on (the log is cut, never torn), and the switch, which is read at every start, is
// right. With kPower (synchronous FULL) they are not, at the price of a sync of the disk for each
// event.
//
// Beside it: the audit trail, and small named values (what was measured of a NIC). Old events and
// entries go when there are more than the limits allow, so that years of uptime fill no disk.
//
// LEASE. Who holds a store open holds its lease, a lock on the folder that ends with the process: a
// second opener is refused. The constructor also refuses a store of another region, a version that
// is newer, and a file that is damaged, each with what to do: the folder may always be moved away,
// as the switch is read and is right. A store of an older version is brought up to date. Damage is
// looked for at every start, and each row has a sum, so that no wrong byte is given out.
//
// One thread at a time; checkpoints of the log, which sync the disk, run on a thread of the store's
// own (wal_keeper.h). An append of 20 B costs 20 us, one of 20 KB (a demand of 64 servers) 40 us
// (p99 30 and 80 to 170, store_bench); one in thousands waits for the log to be begun anew, up to
// some 100 ms on a slow disk. Opening a store at its limits takes 0.3 s. SQLite reads and writes
// its files itself, past Env, which only locks, makes and looks at the folder. docs/store.md.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/env.h"
#include "base/instant.h"
#include "base/names.h"

namespace mixnet {

inline constexpr int kStoreVersion = 1;

enum class Durability { kProcess, kPower };
template <>
struct Names<Durability> {
  static constexpr std::string_view kWhat = "durability";
  static constexpr NamedValue<Durability> kTable[] = {{"process", Durability::kProcess},
                                                      {"power", Durability::kPower}};
};

struct StoreOptions {
  Durability durability = Durability::kProcess;
  std::int64_t most_history_bytes = std::int64_t{256} << 20;  ///< of events before the snapshot
  std::int64_t most_audit_entries = 1'000'000;
  std::int64_t most_log_bytes = std::int64_t{64} << 20;  ///< of SQLite's log (wal_keeper.h)
};

struct AuditEntry {
  Instant at;
  std::string who;   ///< "controller", or a client's certificate and address
  std::string what;  ///< "connect 1-17", "DrainServer server3: refused, needs operator"
  bool operator==(const AuditEntry&) const = default;
};

/// What a store gives to who goes on from it.
struct StoredState {
  std::string snapshot;             ///< region_snapshot.h; empty: there is none yet
  std::uint64_t snapshot_at = 0;    ///< the number of the last event in it
  std::vector<std::string> events;  ///< records after it, in order
};

class RegionStore {
 public:
  /// `folder` is made where it is missing; `region` is the region's name. Throws Error.
  RegionStore(const std::filesystem::path& folder, std::string_view region,
              const StoreOptions& options = {}, Env& env = system_env());
  RegionStore(const RegionStore&) = delete;
  RegionStore& operator=(const RegionStore&) = delete;
  /// Leaves the file without a log, where that can be done.
  ~RegionStore();

  StoredState load();

  // All throw Error when the disk is full or gone: then nothing of it was stored, and nothing may
  // leave that was decided. After that they may be called again, when there is room. Who and what
  // of an audit entry are cut after 1,000 bytes, as they may come from a client.
  /// The number of the record, from 1. `audit`: entries of the same transaction.
  std::uint64_t append(std::string_view record, const std::vector<AuditEntry>& audit = {});
  /// `upto`: the number of the last record in it (0: none), which is in the store.
  void put_snapshot(std::uint64_t upto, std::string_view snapshot);
  void audit(const AuditEntry& entry);
  void put_value(std::string_view name, std::string_view value);

  std::optional<std::string> value(std::string_view name);
  /// The latest `most`, oldest first.
  std::vector<AuditEntry> audit_trail(int most);
  /// Records `from` and after, up to `most`, that are still kept: for a replay. The first's number
  /// goes into `first`.
  std::vector<std::string> history(std::uint64_t from, int most, std::uint64_t& first);
  /// The oldest snapshot that is kept with all the records after it: where a replay begins.
  StoredState oldest();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace mixnet
