// What a store is on a disk that is full, broken, or without power.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <random>

#include "store/fake_disk.h"
#include "store/region_store.h"
#include "store/test_records.h"
#include "store/test_store.h"

namespace mixnet {
namespace {

using ::testing::AnyOf;
using ::testing::HasSubstr;

/// The shortest log: it is begun anew all the time.
StoreOptions shortest_log(Durability durability) {
  StoreOptions options;
  options.durability = durability;
  options.most_log_bytes = 1;
  return options;
}

AuditEntry entry_of(std::uint64_t number) {
  return {Instant{}, "controller", std::to_string(number)};
}

/// The number of the last event, after a look at all.
std::uint64_t checked_last(RegionStore& store) {
  const StoredState state = store.load();
  EXPECT_EQ(state.snapshot,
            state.snapshot_at == 0 ? "" : "after " + std::to_string(state.snapshot_at));
  std::uint64_t number = state.snapshot_at;
  for (const std::string& record : state.events) EXPECT_EQ(record, record_of(++number));
  EXPECT_EQ(store.audit_trail(1'000'000).size(), number);
  return number;
}

TEST(RegionStoreDisk, AFullDiskFailsTheAppendAndNothingIsHalf) {
  for (const FakeDisk::Fault fault : {FakeDisk::Fault::kFull, FakeDisk::Fault::kBroken}) {
    for (int after = 0; after < 40; ++after) {
      const TestFolder folder;
      FakeDisk disk;
      std::uint64_t appended = 0;
      {
        RegionStore store(folder.path(), "pod-7");
        for (; appended < 3; ++appended) {
          store.append(record_of(appended + 1), {entry_of(appended + 1)});
        }
        disk.fail_after(after, fault);
        const std::string error = error_of([&] {
          for (;; ++appended) store.append(record_of(appended + 1), {entry_of(appended + 1)});
        });
        EXPECT_THAT(error, HasSubstr(fault == FakeDisk::Fault::kFull
                                         ? "region.db: cannot be written (the disk is full); free "
                                           "some space there"
                                         : "region.db: cannot be opened, read or written"));
        EXPECT_EQ(checked_last(store), appended);
        disk.mend();
        EXPECT_EQ(store.append(record_of(appended + 1), {entry_of(appended + 1)}), appended + 1);
        ++appended;
      }
      RegionStore store(folder.path(), "pod-7");
      EXPECT_EQ(checked_last(store), appended);
    }
  }
}

TEST(RegionStoreDisk, AFullDiskFailsTheStartWithOneLine) {
  int failed = 0;
  for (int after = 0; after < 30; ++after) {
    const TestFolder folder;
    FakeDisk disk;
    disk.fail_after(after, FakeDisk::Fault::kFull);
    const std::string error = error_of([&] { RegionStore store(folder.path(), "pod-7"); });
    if (!error.empty()) {
      ++failed;
      EXPECT_THAT(error, AnyOf(HasSubstr("the disk is full"), HasSubstr("cannot be opened")));
    }
    disk.mend();
    RegionStore store(folder.path(), "pod-7");
    EXPECT_EQ(checked_last(store), 0U);
    EXPECT_EQ(store.append(record_of(1)), 1U);
  }
  EXPECT_GT(failed, 5);
}

TEST(RegionStoreDisk, ALogThatCannotBeKeptShortStopsTheStoreInTheEnd) {
  const TestFolder folder;
  FakeDisk disk;
  RegionStore store(folder.path(), "pod-7", shortest_log(Durability::kProcess));
  std::uint64_t appended = 0;
  const std::string error = error_of([&] {
    for (; appended < 200; ++appended) {
      store.append(record_of(appended + 1), {entry_of(appended + 1)});
      if (appended == 10) disk.fail_syncs(true);
      system_env().sleep_until(system_env().monotonic_now() + std::chrono::milliseconds(1));
    }
  });
  EXPECT_THAT(error, HasSubstr("region.db: cannot be opened, read or written"));
  EXPECT_EQ(checked_last(store), appended);
  disk.fail_syncs(false);
  const MonotonicTime dead_line = system_env().monotonic_now() + std::chrono::seconds(20);
  while (
      !error_of([&] { store.append(record_of(appended + 1), {entry_of(appended + 1)}); }).empty()) {
    ASSERT_LT(system_env().monotonic_now(), dead_line);
    system_env().sleep_until(system_env().monotonic_now() + std::chrono::milliseconds(50));
  }
  EXPECT_EQ(checked_last(store), appended + 1);
}

struct Losses {
  int turns = 0;  // that the log had been begun anew before the power failed
  int lost = 0;   // that events were lost
};

/// Appends some events, loses power, and looks at what is left.
void lose_power(Durability durability, std::mt19937& random, Losses& losses) {
  const TestFolder before, after;
  std::uint64_t appended = 0;
  {
    FakeDisk disk;
    RegionStore store(before.path(), "pod-7", shortest_log(durability));
    const std::uint64_t most = 1 + random() % 150;
    while (appended < most) {
      ++appended;
      store.append(record_of(appended), {entry_of(appended)});
      if (random() % 64 == 0) {
        system_env().sleep_until(system_env().monotonic_now() + std::chrono::milliseconds(25));
      }
      if (random() % 16 == 0) store.put_snapshot(appended, "after " + std::to_string(appended));
    }
    disk.cut_power(after.path(), random);
  }
  RegionStore store(after.path(), "pod-7");
  const std::uint64_t found = checked_last(store);
  EXPECT_LE(found, appended);
  if (durability == Durability::kPower) {
    EXPECT_EQ(found, appended);
  }
  losses.lost += found < appended ? 1 : 0;
  losses.turns += after.sql("SELECT value FROM about WHERE name = 'turns'") == "0" ? 0 : 1;
}

TEST(RegionStoreDisk, APowerFailureCutsTheLogAndTearsNothing) {
  std::mt19937 random(1);
  Losses losses;
  for (int round = 0; round < 150; ++round) {
    SCOPED_TRACE(round);
    lose_power(Durability::kProcess, random, losses);
    if (HasFailure()) return;
  }
  EXPECT_GT(losses.lost, 40);
  EXPECT_GT(losses.turns, 40);
}

TEST(RegionStoreDisk, APowerFailureTakesNothingWhereEveryEventIsSynced) {
  std::mt19937 random(2);
  Losses losses;
  for (int round = 0; round < 80; ++round) {
    SCOPED_TRACE(round);
    lose_power(Durability::kPower, random, losses);
    if (HasFailure()) return;
  }
  EXPECT_EQ(losses.lost, 0);
  EXPECT_GT(losses.turns, 20);
}

}  // namespace
}  // namespace mixnet
