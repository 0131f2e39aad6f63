#include "store/region_store.h"

#include <fmt/format.h>
#include <sqlite3.h>
#include <unistd.h>

#include <algorithm>
#include <mutex>
#include <optional>
#include <stdexcept>

#include "base/error.h"
#include "base/text_file.h"
#include "store/sqlite.h"
#include "store/store_schema.h"
#include "store/wal_keeper.h"

namespace mixnet {
namespace fs = std::filesystem;
namespace {

constexpr std::string_view kFile = "region.db", kHolder = "holder";
/// Old rows that an append takes away, at most: more than it adds, and few.
constexpr std::int64_t kTrimmed = 2;
constexpr std::int64_t kMostTrimmedAudit = 64;
/// Between two kept snapshots, but the last two, lies at least this part of the history's limit:
/// what a replay can begin at, and how much goes at once.
constexpr std::int64_t kSnapshotParts = 8;
/// Of an audit entry's parts: they may come from a client.
constexpr std::size_t kMostAuditText = 1'000;

struct SnapshotMark {
  std::int64_t upto = 0;
  std::int64_t bytes_before = 0;  ///< of all records up to it, since the store was made
};

std::string_view shortened(std::string_view text) { return text.substr(0, kMostAuditText); }

std::int64_t audit_sum(std::int64_t number, const AuditEntry& entry) {
  const std::int64_t first = row_sum(static_cast<std::uint64_t>(number), shortened(entry.who));
  return row_sum(static_cast<std::uint64_t>(first ^ entry.at.ns), shortened(entry.what));
}

std::int64_t snapshot_sum(const SnapshotMark& mark, std::string_view state) {
  const std::int64_t first = row_sum(static_cast<std::uint64_t>(mark.upto), {});
  return row_sum(static_cast<std::uint64_t>(first ^ mark.bytes_before), state);
}

std::int64_t value_sum(std::string_view name, std::string_view value) {
  return row_sum(static_cast<std::uint64_t>(row_sum(0, name)), value);
}

std::unique_ptr<Env::Lock> take_lease(const fs::path& folder, std::string_view region, Env& env) {
  if (const std::error_code reason = env.make_folders(folder)) {
    throw Error(folder.string(), fmt::format("cannot be made ({})", reason.message()),
                write_remedy(reason));
  }
  std::error_code error;
  std::unique_ptr<Env::Lock> lease = env.lock(folder, error);
  if (lease == nullptr && error == std::errc::operation_would_block) {
    std::string holder;
    if (env.read(folder / kHolder, 100, holder) || holder.empty()) holder = "another process";
    throw Error(
        folder.string(), fmt::format("is the store of a controller that runs ({})", holder),
        fmt::format("stop that one first: one controller a region ('{}') and store", region));
  }
  if (lease == nullptr) {
    throw Error(folder.string(), fmt::format("cannot be locked ({})", error.message()),
                "give a folder on a local disk");
  }
  // For the error above alone: without it the lease holds as well.
  (void)env.write(folder / kHolder, fmt::format("process {}", ::getpid()));
  return lease;
}

/// The lease's folder -> the database file, after what SQLite would not notice.
fs::path checked_file(const fs::path& folder, Env& env) {
  fs::path file = folder / kFile;
  std::string first, log;
  // SQLite takes an empty file for a new database, and throws its log away.
  if (env.kind(file) == Env::FileKind::kFile && !env.read(file, 1, first) && first.empty() &&
      !env.read(file.string() + "-wal", 1, log) && !log.empty()) {
    throw Error(file.string(), "is damaged (it is empty, and its log is not)", kBeginAnew);
  }
  return file;
}

}  // namespace

struct RegionStore::Impl {
  Impl(const fs::path& folder, std::string_view region, const StoreOptions& wanted, Env& env);

  void read_marks();
  std::int64_t bytes_after(std::int64_t number);
  /// Of event rows that are stepped through by `rows`: numbers, sums, no gap after `before`.
  std::string checked_record(SqliteStatement& rows, std::int64_t before) const;
  StoredState from_snapshot(const char* order);
  void insert_audit(const AuditEntry& entry);
  void trim();

  /// Runs `change` as one transaction. Throws Error; then nothing was changed.
  template <typename Change>
  void transact(Change change) {
    const WalKeeper::Lock lock = keeper->begin();
    SqliteTransaction transaction(database);
    const Counters before = counters;
    try {
      change();
      transaction.commit();
    } catch (...) {
      counters = before;
      throw;
    }
    keeper->committed(pages_in_log);
  }

  StoreOptions options;
  std::unique_ptr<Env::Lock> lease;
  SqliteDatabase database;
  std::optional<SqliteStatement> insert_event_, insert_audit_, trim_events_, trim_audit_,
      put_value_, get_value_;
  struct Counters {
    std::int64_t first_event = 1, last = 0;  // events that are kept; none: first = last + 1
    std::int64_t bytes = 0;                  // of all records ever
    std::int64_t first_audit = 1, last_audit = 0;
  } counters;
  std::vector<SnapshotMark> snapshots;  // that are kept, oldest first
  std::int64_t pages_in_log = 0;
  std::unique_ptr<WalKeeper> keeper;  // the first to go
};

RegionStore::Impl::Impl(const fs::path& folder, std::string_view region, const StoreOptions& wanted,
                        Env& env)
    : options(wanted), lease(take_lease(folder, region, env)), database(checked_file(folder, env)) {
  database.run(
      "PRAGMA cell_size_check = ON; PRAGMA temp_store = MEMORY; PRAGMA cache_size = -8192");
  if (database.text("PRAGMA journal_mode = WAL") != "wal") {
    throw Error(database.file(), "cannot have a write-ahead log there",
                "give a folder on a local disk");
  }
  database.run("PRAGMA wal_autocheckpoint = 0");
  database.run(options.durability == Durability::kPower ? "PRAGMA synchronous = FULL"
                                                        : "PRAGMA synchronous = NORMAL");
  prepare_schema(database, region);
  read_marks();
  insert_event_.emplace(database, "INSERT INTO event VALUES(?, ?, ?)");
  insert_audit_.emplace(database, "INSERT INTO audit VALUES(?, ?, ?, ?, ?)");
  trim_events_.emplace(database, "DELETE FROM event WHERE number <= ?");
  trim_audit_.emplace(database, "DELETE FROM audit WHERE number <= ?");
  put_value_.emplace(database, "INSERT OR REPLACE INTO value VALUES(?, ?, ?)");
  get_value_.emplace(database, "SELECT sum, value FROM value WHERE name = ?");
  sqlite3_wal_hook(
      database.handle(),
      [](void* self, sqlite3*, const char*, int pages) {
        static_cast<Impl*>(self)->pages_in_log = pages;
        return SQLITE_OK;
      },
      this);
  keeper = std::make_unique<WalKeeper>(database.file(), options.most_log_bytes);
}

void RegionStore::Impl::read_marks() {
  SqliteStatement kept(database, "SELECT upto, bytes_before FROM snapshot ORDER BY upto");
  while (kept.step()) snapshots.push_back({kept.number(0), kept.number(1)});
  const SnapshotMark latest = snapshots.empty() ? SnapshotMark{} : snapshots.back();
  // Where there is no event, those after the latest snapshot are none.
  SqliteStatement ends(database,
                       "SELECT (SELECT min(number) FROM event), (SELECT max(number) FROM event), "
                       "(SELECT min(number) FROM audit), (SELECT max(number) FROM audit), "
                       "EXISTS (SELECT 1 FROM event), EXISTS (SELECT 1 FROM audit)");
  ends.step();
  counters.last = latest.upto;
  counters.first_event = latest.upto + 1;
  if (ends.number(4) != 0) {
    counters.first_event = ends.number(0);
    counters.last = std::max(counters.last, ends.number(1));
  }
  if (ends.number(5) != 0) {
    counters.first_audit = ends.number(2);
    counters.last_audit = ends.number(3);
  }
  counters.bytes = latest.bytes_before + bytes_after(latest.upto);
}

std::int64_t RegionStore::Impl::bytes_after(std::int64_t number) {
  SqliteStatement sum(database, "SELECT sum(length(record)) FROM event WHERE number > ?");
  sum.bind(1, number).step();
  return sum.number(0);
}

std::string RegionStore::Impl::checked_record(SqliteStatement& rows, std::int64_t before) const {
  const std::int64_t number = rows.number(0);
  if (number != before + 1) {
    database.refuse_damage(fmt::format("event {} is missing", before + 1));
  }
  const std::string_view record = rows.bytes(2);
  if (rows.number(1) != row_sum(static_cast<std::uint64_t>(number), record)) {
    database.refuse_damage(fmt::format("event {} is not as it was written", number));
  }
  return std::string(record);
}

StoredState RegionStore::Impl::from_snapshot(const char* order) {
  StoredState state;
  SqliteStatement snapshot(
      database, fmt::format("SELECT upto, bytes_before, sum, state FROM snapshot ORDER BY upto {} "
                            "LIMIT 1",
                            order)
                    .c_str());
  if (snapshot.step()) {
    const SnapshotMark mark{snapshot.number(0), snapshot.number(1)};
    state.snapshot = snapshot.bytes(3);
    state.snapshot_at = static_cast<std::uint64_t>(mark.upto);
    if (snapshot.number(2) != snapshot_sum(mark, state.snapshot)) {
      database.refuse_damage(fmt::format("snapshot {} is not as it was written", mark.upto));
    }
  }
  SqliteStatement rows(database,
                       "SELECT number, sum, record FROM event WHERE number > ? ORDER BY number");
  rows.bind(1, static_cast<std::int64_t>(state.snapshot_at));
  auto before = static_cast<std::int64_t>(state.snapshot_at);
  for (; rows.step(); ++before) state.events.push_back(checked_record(rows, before));
  return state;
}

void RegionStore::Impl::insert_audit(const AuditEntry& entry) {
  const std::int64_t number = ++counters.last_audit;
  insert_audit_->bind(1, number)
      .bind(2, entry.at.ns)
      .bind(3, audit_sum(number, entry))
      .bind_text(4, shortened(entry.who))
      .bind_text(5, shortened(entry.what))
      .run();
}

void RegionStore::Impl::trim() {
  const std::int64_t oldest = snapshots.empty() ? 0 : snapshots.front().upto;
  if (counters.first_event <= oldest) {
    const std::int64_t upto = std::min(counters.first_event + kTrimmed - 1, oldest);
    trim_events_->bind(1, upto).run();
    counters.first_event = upto + 1;
  }
  const std::int64_t over =
      counters.last_audit - counters.first_audit + 1 - options.most_audit_entries;
  if (over > 0) {
    // An event may bring many entries: as many go again.
    const std::int64_t upto = counters.first_audit + std::min(over, kMostTrimmedAudit) - 1;
    trim_audit_->bind(1, upto).run();
    counters.first_audit = upto + 1;
  }
}

RegionStore::RegionStore(const fs::path& folder, std::string_view region,
                         const StoreOptions& options, Env& env)
    : impl_(std::make_unique<Impl>(folder, region, options, env)) {}

RegionStore::~RegionStore() = default;

StoredState RegionStore::load() { return impl_->from_snapshot("DESC"); }

StoredState RegionStore::oldest() { return impl_->from_snapshot("ASC"); }

std::uint64_t RegionStore::append(std::string_view record, const std::vector<AuditEntry>& audit) {
  impl_->transact([&] {
    const std::int64_t number = ++impl_->counters.last;
    impl_->counters.bytes += static_cast<std::int64_t>(record.size());
    impl_->insert_event_->bind(1, number)
        .bind(2, row_sum(static_cast<std::uint64_t>(number), record))
        .bind_bytes(3, record)
        .run();
    for (const AuditEntry& entry : audit) impl_->insert_audit(entry);
    impl_->trim();
  });
  return static_cast<std::uint64_t>(impl_->counters.last);
}

void RegionStore::audit(const AuditEntry& entry) {
  impl_->transact([&] {
    impl_->insert_audit(entry);
    impl_->trim();
  });
}

void RegionStore::put_snapshot(std::uint64_t upto, std::string_view snapshot) {
  auto& kept = impl_->snapshots;
  const auto number = static_cast<std::int64_t>(upto);
  if (number < 0 || number > impl_->counters.last) {
    throw std::logic_error("a snapshot of events that the store has not");
  }
  const SnapshotMark mark{number, impl_->counters.bytes - impl_->bytes_after(number)};
  std::vector<SnapshotMark> keeps = kept;
  while (!keeps.empty() && keeps.back().upto >= number) keeps.pop_back();
  const std::int64_t limit = impl_->options.most_history_bytes;
  if (keeps.size() > 1 &&
      mark.bytes_before - keeps[keeps.size() - 2].bytes_before < limit / kSnapshotParts) {
    keeps.pop_back();
  }
  while (!keeps.empty() && mark.bytes_before - keeps.front().bytes_before > limit) {
    keeps.erase(keeps.begin());
  }
  SqliteStatement insert(impl_->database, "INSERT INTO snapshot VALUES(?, ?, ?, ?)");
  SqliteStatement remove(impl_->database, "DELETE FROM snapshot WHERE upto = ?");
  impl_->transact([&] {
    const auto is_kept = [&keeps](const SnapshotMark& old) {
      return std::ranges::find(keeps, old.upto, &SnapshotMark::upto) != keeps.end();
    };
    for (const SnapshotMark& old : kept) {
      if (!is_kept(old)) remove.bind(1, old.upto).run();
    }
    insert.bind(1, number)
        .bind(2, mark.bytes_before)
        .bind(3, snapshot_sum(mark, snapshot))
        .bind_bytes(4, snapshot)
        .run();
  });
  keeps.push_back(mark);
  kept = std::move(keeps);
}

void RegionStore::put_value(std::string_view name, std::string_view value) {
  impl_->transact([&] {
    impl_->put_value_->bind_text(1, name)
        .bind(2, value_sum(name, value))
        .bind_bytes(3, value)
        .run();
  });
}

std::optional<std::string> RegionStore::value(std::string_view name) {
  std::optional<std::string> found;
  SqliteStatement& rows = *impl_->get_value_;
  rows.bind_text(1, name);
  while (rows.step()) {
    found = std::string(rows.bytes(1));
    if (rows.number(0) == value_sum(name, *found)) continue;
    rows.reset();
    impl_->database.refuse_damage(fmt::format("value '{}' is not as it was written", name));
  }
  return found;
}

std::vector<AuditEntry> RegionStore::audit_trail(int most) {
  std::vector<AuditEntry> entries;
  SqliteStatement rows(impl_->database,
                       "SELECT number, at, sum, who, what FROM audit ORDER BY number DESC LIMIT ?");
  rows.bind(1, std::max(most, 0));
  while (rows.step()) {
    AuditEntry& entry = entries.emplace_back();
    entry.at.ns = rows.number(1);
    entry.who = rows.bytes(3);
    entry.what = rows.bytes(4);
    if (rows.number(2) == audit_sum(rows.number(0), entry)) continue;
    impl_->database.refuse_damage(
        fmt::format("audit entry {} is not as it was written", rows.number(0)));
  }
  std::ranges::reverse(entries);
  return entries;
}

std::vector<std::string> RegionStore::history(std::uint64_t from, int most, std::uint64_t& first) {
  std::vector<std::string> records;
  const std::int64_t begin = std::max(static_cast<std::int64_t>(std::min<std::uint64_t>(
                                          from, static_cast<std::uint64_t>(INT64_MAX))),
                                      impl_->counters.first_event);
  first = static_cast<std::uint64_t>(begin);
  SqliteStatement rows(
      impl_->database,
      "SELECT number, sum, record FROM event WHERE number >= ? ORDER BY number LIMIT ?");
  rows.bind(1, begin).bind(2, std::max(most, 0));
  for (std::int64_t before = begin - 1; rows.step(); ++before) {
    records.push_back(impl_->checked_record(rows, before));
  }
  return records;
}

}  // namespace mixnet
