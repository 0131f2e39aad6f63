#include "service/rate_limit.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace mixnet {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using Kind = PeerTable::Kind;

constexpr MonotonicTime kStart = MonotonicTime(std::chrono::hours(1));

TEST(TokenBucket, GivesWhatFlowedIn) {
  TokenBucket bucket(10, 100, kStart);
  EXPECT_TRUE(bucket.take(10, kStart));
  EXPECT_FALSE(bucket.take(1, kStart));
  EXPECT_TRUE(bucket.take(1, kStart + milliseconds(10)));
  EXPECT_FALSE(bucket.take(1, kStart + milliseconds(10)));
  EXPECT_FALSE(bucket.take(11, kStart + seconds(600)));
  EXPECT_FALSE(TokenBucket(10, 100, kStart).take(11, kStart - seconds(60)));
}

/// `rate` one-token calls a second for `span`, each over at once: how many are refused.
int refused(PeerTable& table, const std::string& peer, int rate, seconds span,
            MonotonicTime from = kStart) {
  int count = 0;
  for (std::int64_t i = 0; i < rate * span.count(); ++i) {
    const MonotonicTime now = from + std::chrono::nanoseconds(1'000'000'000 * i / rate);
    if (table.enter(peer, Kind::kCall, 1, now).empty()) {
      table.leave(peer, Kind::kCall);
    } else {
      ++count;
    }
  }
  return count;
}

TEST(PeerTable, AnHonestTrainerNeverMeetsALimit) {
  PeerTable table;
  EXPECT_EQ(refused(table, "four that catch up", 8'000, seconds(1)), 0);
  EXPECT_EQ(refused(table, "four at work", 800, seconds(60)), 0);
}

TEST(PeerTable, AFloodIsRefusedAndOthersAreNot) {
  PeerTable table;
  EXPECT_NEAR(refused(table, "flood", 50'000, seconds(4)), 200'000 - 10'000 - 8'000, 10);
  EXPECT_EQ(refused(table, "honest", 200, seconds(4)), 0);
  EXPECT_EQ(refused(table, "flood", 100, seconds(1), kStart + seconds(5)), 0);
}

TEST(PeerTable, CallsAndStreamsAtATimeAreCounted) {
  PeerTable table({.calls = 2, .streams = 1, .all_calls = 3, .all_streams = 1});
  EXPECT_THAT(table.enter("a", Kind::kCall, 1, kStart), IsEmpty());
  EXPECT_THAT(table.enter("a", Kind::kCall, 1, kStart), IsEmpty());
  EXPECT_EQ(table.enter("a", Kind::kCall, 1, kStart), "too many calls of one peer at a time");
  EXPECT_THAT(table.enter("b", Kind::kCall, 1, kStart), IsEmpty());
  EXPECT_EQ(table.enter("b", Kind::kCall, 1, kStart), "too many calls at a time");
  table.leave("a", Kind::kCall);
  EXPECT_THAT(table.enter("b", Kind::kCall, 1, kStart), IsEmpty());
  EXPECT_THAT(table.enter("b", Kind::kStream, 1, kStart), IsEmpty());
  EXPECT_EQ(table.enter("b", Kind::kStream, 1, kStart), "too many streams of one peer");
  EXPECT_EQ(table.enter("a", Kind::kStream, 1, kStart), "too many streams");
  EXPECT_EQ(table.calls(), 3);
  EXPECT_EQ(table.streams(), 1);
}

TEST(PeerTable, RemembersSoManyPeersAndThoseAtWorkAlways) {
  PeerTable table({.bucket = 1, .rate = 0, .peers = 3});
  EXPECT_THAT(table.enter("busy", Kind::kStream, 1, kStart), IsEmpty());
  for (int i = 0; i < 1'000; ++i) {
    const std::string peer = std::to_string(i);
    EXPECT_THAT(table.enter(peer, Kind::kCall, 1, kStart), IsEmpty());
    table.leave(peer, Kind::kCall);
    EXPECT_LE(table.peers(), 3U);
  }
  EXPECT_THAT(table.enter("999", Kind::kCall, 1, kStart), HasSubstr("a second"));
  EXPECT_THAT(table.enter("busy", Kind::kCall, 1, kStart), HasSubstr("a second"));
  table.leave("busy", Kind::kStream);
  EXPECT_EQ(table.streams(), 0);
}

TEST(Floods, ManyRefusalsAtOnceAreNoMistake) {
  Floods floods;
  int ends = 0;
  for (int i = 0; i < 1'000; ++i) ends += floods.add("a", 1, kStart) ? 1 : 0;
  EXPECT_EQ(ends, 4);  // each 201st
  EXPECT_TRUE(floods.add("c", 250, kStart));
  for (int i = 0; i < 1'000; ++i) {
    EXPECT_FALSE(floods.add("b", 1, kStart + milliseconds(10 * i)));
  }
}

TEST(Notices, OnceASpanWithTheNumberOfTheRest) {
  Notices notices(seconds(1), 2);
  EXPECT_EQ(notices.note("a", kStart), 0U);
  EXPECT_EQ(notices.note("b", kStart), 0U);
  for (int i = 0; i < 7; ++i) EXPECT_FALSE(notices.note("a", kStart + milliseconds(100 * i)));
  EXPECT_FALSE(notices.note("c", kStart + milliseconds(999)));  // too many peers
  EXPECT_EQ(notices.note("a", kStart + seconds(1)), 7U);
  EXPECT_EQ(notices.note("c", kStart + milliseconds(1'500)), 0U);
}

}  // namespace
}  // namespace mixnet
