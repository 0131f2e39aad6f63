#include "store/store_schema.h"

#include <fmt/format.h>

#include <cstring>
#include <iterator>

#include "base/error.h"
#include "store/region_store.h"

namespace mixnet {
namespace {

constexpr std::int64_t kApplication = 0x4d785267;  // "MxRg", so that `file` and we know a store

/// kSteps[v] makes version v + 1 of version v. Version 0 is an empty file. A step is never changed
/// once it was released.
constexpr const char* kSteps[] = {
    R"(CREATE TABLE about(name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE event(number INTEGER PRIMARY KEY, sum INTEGER NOT NULL, record BLOB NOT NULL);
CREATE TABLE snapshot(upto INTEGER PRIMARY KEY, bytes_before INTEGER NOT NULL,
                      sum INTEGER NOT NULL, state BLOB NOT NULL);
CREATE TABLE audit(number INTEGER PRIMARY KEY, at INTEGER NOT NULL, sum INTEGER NOT NULL,
                   who TEXT NOT NULL, what TEXT NOT NULL);
CREATE TABLE value(name TEXT PRIMARY KEY, sum INTEGER NOT NULL, value BLOB NOT NULL) WITHOUT ROWID;)",
};
static_assert(std::size(kSteps) == kStoreVersion);

/// The text of all tables, as SQLite keeps it.
std::string tables_of(SqliteDatabase& database) {
  return database.text(
      "SELECT group_concat(sql, char(10)) FROM "
      "(SELECT sql FROM sqlite_schema ORDER BY name)");
}

std::string tables_of_version(std::int64_t version) {
  SqliteDatabase memory(":memory:");
  for (std::int64_t step = 0; step < version; ++step) memory.run(kSteps[step]);
  return tables_of(memory);
}

void check_version(SqliteDatabase& database, std::int64_t version) {
  const std::int64_t application = database.number("PRAGMA application_id");
  if (version == 0 && application == 0 && tables_of(database).empty()) return;  // new
  if (application != kApplication) {
    throw Error(database.file(), "is no store of a region",
                "give a folder of its own to the store");
  }
  if (version > kStoreVersion) {
    throw Error(database.file(),
                fmt::format("has version {} of the store, and this program knows up to {}", version,
                            kStoreVersion),
                fmt::format("start the newer program again, or {}", kBeginAnew));
  }
  if (version < 1) database.refuse_damage("it has no version");
  if (tables_of(database) != tables_of_version(version)) {
    database.refuse_damage("its tables are not those of a store");
  }
}

void check_region(SqliteDatabase& database, std::string_view region) {
  const std::string owner = database.text("SELECT value FROM about WHERE name = 'region'");
  if (owner == region) return;
  throw Error(database.file(),
              fmt::format("is the store of region '{}', not of '{}'", owner, region),
              "give each region a store of its own; where this one was renamed, move the folder "
              "away and start again");
}

}  // namespace

void prepare_schema(SqliteDatabase& database, std::string_view region) {
  const std::int64_t found = database.number("PRAGMA user_version");
  check_version(database, found);
  // Whole lost pages, and pages of one table in another, no row's sum can see.
  if (const std::string damage = database.text("PRAGMA quick_check(1)"); damage != "ok") {
    database.refuse_damage(damage);
  }
  if (found > 0) check_region(database, region);
  if (found == kStoreVersion) return;
  SqliteTransaction transaction(database);
  for (std::int64_t step = found; step < kStoreVersion; ++step) database.run(kSteps[step]);
  database.run(fmt::format("PRAGMA application_id = {}; PRAGMA user_version = {}", kApplication,
                           kStoreVersion));
  if (found == 0) {
    SqliteStatement insert(database, "INSERT INTO about VALUES('region', ?), ('turns', '0')");
    insert.bind_text(1, region).run();
  }
  transaction.commit();
}

std::int64_t row_sum(std::uint64_t key, std::string_view bytes) {
  // Each step is reversible in the sum and in the word: no single change can be lost.
  constexpr std::uint64_t kOdd = 0x9e3779b97f4a7c15;  // 2^64 over the golden ratio
  std::uint64_t sum = key * kOdd + bytes.size();
  const auto take = [&sum](std::uint64_t word) {
    sum = (sum ^ word) * kOdd;
    sum ^= sum >> 29;
  };
  std::uint64_t word = 0;
  std::size_t at = 0;
  for (; at + sizeof word <= bytes.size(); at += sizeof word) {
    std::memcpy(&word, bytes.data() + at, sizeof word);
    take(word);
  }
  word = 0;
  if (at < bytes.size()) std::memcpy(&word, bytes.data() + at, bytes.size() - at);
  take(word);
  return static_cast<std::int64_t>(sum);
}

}  // namespace mixnet
