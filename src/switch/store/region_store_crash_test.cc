// What a store is after kill -9, and after a power failure that cut its log.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <random>

#include "store/region_store.h"
#include "store/test_records.h"
#include "store/test_store.h"

namespace mixnet {
namespace {

/// A log that is begun anew every few dozen events.
StoreOptions short_log() {
  StoreOptions options;
  options.most_log_bytes = 1 << 20;
  return options;
}

/// Appends and puts snapshots until it is killed; after each append its number goes into `pipe`.
[[noreturn]] void append_until_killed(const TestFolder& folder, int pipe) {
  try {
    RegionStore store(folder.path(), "pod-7", short_log());
    const StoredState state = store.load();
    for (std::uint64_t next = state.snapshot_at + state.events.size() + 1;; ++next) {
      const AuditEntry entry{Instant{static_cast<std::int64_t>(next)}, "controller",
                             std::to_string(next)};
      const std::uint64_t number = store.append(record_of(next), {entry});
      if (::write(pipe, &number, sizeof number) != sizeof number) ::_exit(2);
      if (next % 50 == 0) store.put_snapshot(next, "after " + std::to_string(next));
    }
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    ::_exit(1);
  }
}

/// Lets a child append for a while, kills it, and gives the last number that was acknowledged.
std::uint64_t kill_a_writer(const TestFolder& folder, useconds_t after) {
  int ends[2];
  EXPECT_EQ(::pipe(ends), 0);
  const pid_t child = ::fork();
  if (child == 0) append_until_killed(folder, ends[1]);
  ::close(ends[1]);
  ::usleep(after);
  ::kill(child, SIGKILL);
  std::uint64_t last = 0, number = 0;
  while (::read(ends[0], &number, sizeof number) == sizeof number) last = number;
  ::close(ends[0]);
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_TRUE(WIFSIGNALED(status)) << "the writer ended by itself: " << WEXITSTATUS(status);
  return last;
}

/// All that is in the store fits together. Gives the last event's number.
std::uint64_t checked_last(RegionStore& store) {
  const StoredState state = store.load();
  if (state.snapshot_at > 0) {
    EXPECT_EQ(state.snapshot, "after " + std::to_string(state.snapshot_at));
  }
  std::uint64_t number = state.snapshot_at;
  for (const std::string& record : state.events) EXPECT_EQ(record, record_of(++number));
  std::uint64_t first = 0;
  for (const std::string& record : store.history(1, 1'000'000, first)) {
    EXPECT_EQ(record, record_of(first++));
  }
  const auto trail = store.audit_trail(1);
  EXPECT_EQ(trail.empty() ? "0" : trail[0].what, std::to_string(number));
  return number;
}

TEST(RegionStoreCrash, NothingThatWasAppendedIsLostToKill9) {
  const TestFolder folder;
  std::mt19937 random(1);
  std::uint64_t last = 0;
  for (int round = 0; round < 60; ++round) {
    const std::uint64_t acknowledged =
        kill_a_writer(folder, static_cast<useconds_t>(random() % 30'000));
    RegionStore store(folder.path(), "pod-7", short_log());
    const std::uint64_t found = checked_last(store);
    EXPECT_GE(found, std::max(acknowledged, last));
    if (acknowledged > 0) {
      EXPECT_LE(found, acknowledged + 1);
    }
    last = found;
  }
  EXPECT_GT(last, 1'000U);
}

TEST(RegionStoreCrash, ALogCutAtAnyLengthGivesAPrefix) {
  const TestFolder source;
  // Small pages, so that each length of dozens of them can be tried.
  source.sql("PRAGMA page_size = 512; VACUUM");
  std::string database, log;
  {
    RegionStore store(source.path(), "pod-7");
    for (std::uint64_t number = 1; number <= 8; ++number) {
      store.append(record_of(number).substr(0, 400),
                   {{Instant{}, "controller", std::to_string(number)}});
      if (number == 4) store.put_snapshot(4, "after 4");
    }
    database = TestFolder::read(source.file());
    log = TestFolder::read(source.log());
  }
  ASSERT_GT(log.size(), 24U * 536);
  const TestFolder cut;
  std::uint64_t before = 0;
  for (std::size_t length = 0; length <= log.size(); ++length) {
    cut.write(database);
    TestFolder::write(cut.log(), log.substr(0, length));
    RegionStore store(cut.path(), "pod-7");
    const StoredState state = store.load();
    ASSERT_TRUE(state.snapshot_at == 0 || (state.snapshot_at == 4 && state.snapshot == "after 4"));
    std::uint64_t number = state.snapshot_at;
    for (const std::string& record : state.events) {
      ASSERT_EQ(record, record_of(++number).substr(0, 400));
    }
    ASSERT_EQ(store.audit_trail(100).size(), number);
    ASSERT_GE(number, before) << length;
    before = number;
  }
  EXPECT_EQ(before, 8U);
}

/// A store with a log: of three hundred events, some of them in the log alone.
void copy_of_a_busy_store(std::string& database, std::string& log) {
  const TestFolder source;
  RegionStore store(source.path(), "pod-7", short_log());
  for (std::uint64_t number = 1; number <= 300; ++number) {
    store.append(record_of(number), {{Instant{}, "controller", std::to_string(number)}});
    if (number % 100 == 0) {
      store.put_snapshot(number, "after " + std::to_string(number));
      ::usleep(60'000);  // the log is begun anew
    }
  }
  database = TestFolder::read(source.file());
  log = TestFolder::read(source.log());
}

/// Opens and reads everything: a prefix, or an Error that says what to do.
void expect_prefix_or_error(const TestFolder& folder, const std::string& what) {
  const std::string error = error_of([&] {
    RegionStore store(folder.path(), "pod-7");
    const StoredState state = store.load();
    std::uint64_t number = state.snapshot_at;
    ASSERT_EQ(state.snapshot, number == 0 ? "" : "after " + std::to_string(number)) << what;
    for (const std::string& record : state.events) ASSERT_EQ(record, record_of(++number)) << what;
    ASSERT_LE(number, 300U);
    std::uint64_t first = 0;
    for (const std::string& record : store.history(1, 1'000, first)) {
      ASSERT_EQ(record, record_of(first++)) << what;
    }
    for (const AuditEntry& entry : store.audit_trail(1'000)) ASSERT_EQ(entry.who, "controller");
    store.append("next");
  });
  if (error.empty()) return;
  EXPECT_THAT(error,
              ::testing::AllOf(::testing::HasSubstr("region.db: "), ::testing::HasSubstr("; ")))
      << what;
}

TEST(RegionStoreCrash, ADamagedFileIsRefusedOrAPrefix) {
  std::string database, log;
  copy_of_a_busy_store(database, log);
  const TestFolder damaged;
  std::mt19937 random(2);
  for (int round = 0; round < 1'500; ++round) {
    std::string bad = database, bad_log = log;
    std::string& victim = round % 3 == 0 ? bad_log : bad;
    // Every other time in the head, where most is at stake.
    const std::size_t reach =
        round % 2 == 0 ? std::min<std::size_t>(victim.size(), 4'096) : victim.size();
    const std::size_t at = random() % reach;
    victim[at] = static_cast<char>(victim[at] ^ (1 << random() % 8));
    damaged.write(bad);
    TestFolder::write(damaged.log(), round % 4 == 1 ? "" : bad_log);
    expect_prefix_or_error(damaged, "round " + std::to_string(round) + " at " + std::to_string(at));
    if (HasFatalFailure()) return;
  }
}

TEST(RegionStoreCrash, ATruncatedFileOrLogIsRefusedOrAPrefix) {
  std::string database, log;
  copy_of_a_busy_store(database, log);
  const TestFolder damaged;
  std::mt19937 random(3);
  for (int round = 0; round < 300; ++round) {
    const std::size_t length =
        round < 10 ? static_cast<std::size_t>(round) : random() % database.size();
    const bool of_log = round % 3 == 2;
    damaged.write(of_log ? database : database.substr(0, length));
    TestFolder::write(damaged.log(), of_log           ? log.substr(0, random() % log.size())
                                     : round % 3 == 0 ? ""
                                                      : log);
    expect_prefix_or_error(damaged, "length " + std::to_string(length));
    if (HasFatalFailure()) return;
  }
}

}  // namespace
}  // namespace mixnet
