#include "store/region_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "base/fake_env.h"
#include "store/test_store.h"

namespace mixnet {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

TEST(RegionStore, GoesOnWhereItWasLeft) {
  const TestFolder folder;
  {
    RegionStore store(folder.path(), "pod-7");
    EXPECT_EQ(store.load().snapshot, "");
    EXPECT_THAT(store.load().events, IsEmpty());
    EXPECT_EQ(store.append("one"), 1U);
    EXPECT_EQ(store.append("two"), 2U);
    store.put_snapshot(2, "state after two");
    EXPECT_EQ(store.append(std::string_view("thr\0ee", 6)), 3U);
    EXPECT_EQ(store.append(""), 4U);
  }
  RegionStore store(folder.path(), "pod-7");
  const StoredState state = store.load();
  EXPECT_EQ(state.snapshot, "state after two");
  EXPECT_EQ(state.snapshot_at, 2U);
  EXPECT_THAT(state.events, ElementsAre(std::string("thr\0ee", 6), ""));
  EXPECT_EQ(store.append("five"), 5U);
}

TEST(RegionStore, HasAnAuditTrailAndValues) {
  const TestFolder folder;
  const AuditEntry connect{Instant::unix_seconds(1), "controller", "connect 1-17"};
  const AuditEntry refused{Instant::unix_seconds(2), "eve@10.0.0.9", "DrainServer: refused"};
  {
    RegionStore store(folder.path(), "pod-7");
    store.append("demand", {connect});
    store.audit(refused);
    store.put_value("nic-up", "2 s");
    store.put_value("nic-up", "3 s");
    store.put_value("", std::string_view("\0", 1));
  }
  RegionStore store(folder.path(), "pod-7");
  EXPECT_THAT(store.audit_trail(10), ElementsAre(connect, refused));
  EXPECT_THAT(store.audit_trail(1), ElementsAre(refused));
  EXPECT_THAT(store.audit_trail(0), IsEmpty());
  EXPECT_THAT(store.audit_trail(-1), IsEmpty());
  EXPECT_EQ(store.value("nic-up"), "3 s");
  EXPECT_EQ(store.value(""), std::string(1, '\0'));
  EXPECT_EQ(store.value("never"), std::nullopt);
}

TEST(RegionStore, CutsWhatAClientMadeTooLong) {
  const TestFolder folder;
  RegionStore store(folder.path(), "pod-7");
  store.audit({Instant{}, std::string(5'000, 'a'), std::string(1 << 20, 'b')});
  EXPECT_THAT(store.audit_trail(1).at(0).who, SizeIs(1'000));
  EXPECT_THAT(store.audit_trail(1).at(0).what, SizeIs(1'000));
}

TEST(RegionStore, ReplaysFromTheOldestSnapshotThatItKeeps) {
  const TestFolder folder;
  RegionStore store(folder.path(), "pod-7");
  store.put_snapshot(0, "zero");
  store.append("one");
  store.append("two");
  store.put_snapshot(2, "second");
  store.append("three");
  const StoredState oldest = store.oldest();
  EXPECT_EQ(oldest.snapshot, "zero");
  EXPECT_THAT(oldest.events, ElementsAre("one", "two", "three"));
  std::uint64_t first = 0;
  EXPECT_THAT(store.history(2, 10, first), ElementsAre("two", "three"));
  EXPECT_EQ(first, 2U);
  EXPECT_THAT(store.history(0, 1, first), ElementsAre("one"));
  EXPECT_EQ(first, 1U);
  EXPECT_THAT(store.history(9, 1, first), IsEmpty());
  EXPECT_THAT(store.history(UINT64_MAX, 1, first), IsEmpty());
}

TEST(RegionStore, ForgetsOldHistoryInSmallSteps) {
  const TestFolder folder;
  StoreOptions options;
  options.most_history_bytes = 10'000;
  options.most_audit_entries = 50;
  std::uint64_t most_behind = 0;
  {
    RegionStore store(folder.path(), "pod-7", options);
    store.put_snapshot(0, "0");
    std::uint64_t first_before = 1;
    for (std::uint64_t event = 1; event <= 2'000; ++event) {
      store.append(std::string(100, 'x'), {{Instant{}, "controller", "x"}});
      if (event % 10 == 0) store.put_snapshot(event, std::to_string(event));
      std::uint64_t first = 0;
      store.history(1, 1, first);
      EXPECT_LE(first - first_before, 2U);
      first_before = first;
      most_behind = std::max(most_behind, event - first + 1);
    }
    EXPECT_THAT(store.audit_trail(1'000), SizeIs(50));
  }
  EXPECT_GE(most_behind, 100U);
  EXPECT_LE(most_behind, 130U);
  RegionStore store(folder.path(), "pod-7", options);
  EXPECT_EQ(store.load().snapshot, "2000");
  const StoredState oldest = store.oldest();
  EXPECT_EQ(std::to_string(oldest.snapshot_at), oldest.snapshot);
  EXPECT_EQ(oldest.snapshot_at + oldest.events.size(), 2'000U);
  EXPECT_GE(oldest.events.size(), 80U);
  EXPECT_LE(oldest.events.size(), 100U);
  EXPECT_EQ(store.append("next"), 2'001U);
}

TEST(RegionStore, KeepsItsLogShortUnderConstantLoad) {
  const TestFolder folder;
  StoreOptions options;
  options.most_log_bytes = 4 << 20;
  options.most_history_bytes = 4 << 20;
  RegionStore store(folder.path(), "pod-7", options);
  std::uintmax_t longest = 0;
  for (std::uint64_t event = 1; event <= 3'000; ++event) {
    store.append(std::string(20'000, 'x'));
    if (event % 20 == 0) store.put_snapshot(event, "x");
    longest = std::max(longest, std::filesystem::file_size(folder.log()));
  }
  EXPECT_LE(longest, 12U << 20);
  EXPECT_LE(std::filesystem::file_size(folder.file()), 12U << 20);  // 60 MB went through
}

TEST(RegionStore, ASecondSnapshotOfOnePlaceReplacesTheFirst) {
  const TestFolder folder;
  RegionStore store(folder.path(), "pod-7");
  store.append("one");
  store.put_snapshot(1, "old settings");
  store.put_snapshot(1, "new settings");
  EXPECT_EQ(store.load().snapshot, "new settings");
  EXPECT_THROW(store.put_snapshot(2, "of the future"), std::logic_error);
}

TEST(RegionStore, HasOneControllerAtATime) {
  const TestFolder folder;
  {
    const RegionStore store(folder.path(), "pod-7");
    EXPECT_THAT(error_of([&] { RegionStore second(folder.path(), "pod-7"); }),
                HasSubstr(folder.path().string() + ": is the store of a controller that runs "
                                                   "(process "));
  }
  EXPECT_EQ(error_of([&] { RegionStore second(folder.path(), "pod-7"); }), "");
}

TEST(RegionStore, RefusesAnotherRegionAndANewerVersion) {
  const TestFolder folder;
  { RegionStore(folder.path(), "pod-7").append("one"); }
  EXPECT_THAT(error_of([&] { RegionStore other(folder.path(), "pod-8"); }),
              HasSubstr("is the store of region 'pod-7', not of 'pod-8'"));
  folder.sql("PRAGMA user_version = 2");
  EXPECT_THAT(error_of([&] { RegionStore newer(folder.path(), "pod-7"); }),
              HasSubstr("has version 2 of the store, and this program knows up to 1; start the "
                        "newer program again, or move its folder away"));
  folder.sql("PRAGMA user_version = 1");
  EXPECT_THAT(RegionStore(folder.path(), "pod-7").load().events, ElementsAre("one"));
}

TEST(RegionStore, RefusesWhatIsNotAStore) {
  const TestFolder folder;
  folder.sql("CREATE TABLE songs(name)");
  EXPECT_THAT(error_of([&] { RegionStore store(folder.path(), "pod-7"); }),
              HasSubstr("is no store of a region"));
  folder.write(std::string(10'000, 'x'));
  EXPECT_THAT(error_of([&] { RegionStore store(folder.path(), "pod-7"); }),
              HasSubstr("is damaged"));
}

TEST(RegionStore, SeesARowThatIsNotAsItWasWritten) {
  for (const std::string change :
       {"UPDATE event SET record = 'oNe' WHERE number = 1", "DELETE FROM event WHERE number = 1",
        "UPDATE event SET sum = sum + 1", "UPDATE event SET number = number + 10"}) {
    const TestFolder folder;
    {
      RegionStore store(folder.path(), "pod-7");
      store.append("one");
      store.append("two");
    }
    folder.sql(change);
    EXPECT_THAT(error_of([&] { RegionStore(folder.path(), "pod-7").load(); }),
                HasSubstr("is damaged"))
        << change;
  }
}

TEST(RegionStore, SaysWhatIsWrongWithTheFolder) {
  const TestFolder folder;
  folder.write("x");
  EXPECT_THAT(error_of([&] { RegionStore store(folder.file(), "pod-7"); }),
              HasSubstr("region.db: cannot be made"));
  FakeEnv env;
  env.fail(FakeEnv::Operation::kLock, std::errc::no_lock_available);
  EXPECT_THAT(error_of([&] { RegionStore store("/store", "pod-7", {}, env); }),
              HasSubstr("give a folder on a local disk"));
}

}  // namespace
}  // namespace mixnet
