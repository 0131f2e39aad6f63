#include "stage_clock.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>

#include "test_page_region.h"

namespace mixnet {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using namespace std::chrono_literals;

const MonotonicTime kBegin{1h};

TEST(StageClock, FollowsACommandToItsAnnouncement) {
  StageClock clock;
  const RegionState state;
  DemandReport report;
  report.tenant = 3;
  const Event demand = report;
  const std::vector<Decision> command = {test_announcement(3), test_command(7, 3)};
  EXPECT_THAT(clock.hear(test_event(demand, command, state, kBegin)),
              ElementsAre(StageTime{Stage::kStore, Duration::microseconds(30)},
                          StageTime{Stage::kDecide, Duration::microseconds(100)},
                          StageTime{Stage::kHand, Duration::microseconds(10)}));

  DeviceDone done = test_done(7, 3);
  done.report.turn_around = Duration::milliseconds(25);
  done.begun = kBegin + 200us;
  done.sent = kBegin + 640us;
  done.done = kBegin + 27ms;
  done.linked = kBegin + 30ms;
  EXPECT_THAT(clock.hear(done),
              ElementsAre(StageTime{Stage::kSend, Duration::microseconds(500)},
                          StageTime{Stage::kSwitch, Duration::milliseconds(25)},
                          StageTime{Stage::kVerify, Duration::microseconds(4'360)}));

  const Event answer = Tick{};
  const std::vector<Decision> announcement = {test_announcement(3)};
  EXPECT_THAT(clock.hear(test_event(answer, announcement, state, kBegin + 31ms)),
              ElementsAre(StageTime{Stage::kStore, Duration::microseconds(30)},
                          StageTime{Stage::kAnnounce, Duration::microseconds(1'140)},
                          StageTime{Stage::kTotal, Duration::microseconds(31'140)}));
  // Once.
  EXPECT_THAT(clock.hear(test_event(answer, announcement, state, kBegin + 32ms)),
              ElementsAre(StageTime{Stage::kStore, Duration::microseconds(30)}));
}

TEST(StageClock, OtherTenantsReadsAndFailuresDoNotCount) {
  StageClock clock;
  const RegionState state;
  const Event tick = Tick{};
  const std::vector<Decision> command = {test_command(7, 3)};
  clock.hear(test_event(tick, command, state, kBegin));
  EXPECT_THAT(clock.hear(test_done(7, 4)), IsEmpty());
  EXPECT_THAT(clock.hear(test_done(6, 3)), IsEmpty());
  DeviceDone read = test_done(7, 3);
  read.is_read = true;
  EXPECT_THAT(clock.hear(read), IsEmpty());
  DeviceDone failed = test_done(7, 3);
  failed.error = "no connection";
  EXPECT_THAT(clock.hear(failed), IsEmpty());
  EXPECT_THAT(clock.hear(test_done(7, 3)), IsEmpty());  // it is over
}

TEST(RecentTimes, QuantilesAreOfTheLatest) {
  RecentTimes times;
  EXPECT_EQ(times.summary(Stage::kTotal).count, 0);
  times.add({Stage::kTotal, Duration::seconds(9)});
  for (int i = 1; i <= 1'000; ++i) times.add({Stage::kTotal, Duration::milliseconds(i)});
  const RecentTimes::Summary summary = times.summary(Stage::kTotal);
  EXPECT_EQ(summary.count, 1'001);
  EXPECT_EQ(summary.p50, Duration::milliseconds(500));
  EXPECT_EQ(summary.p99, Duration::milliseconds(990));
  EXPECT_EQ(summary.most, Duration::seconds(1));
  EXPECT_THAT(
      times.histogram(Stage::kTotal, {Duration::milliseconds(1), Duration::milliseconds(10)}),
      ElementsAre(1, 9, 990));
}

}  // namespace
}  // namespace mixnet
