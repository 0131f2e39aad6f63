#include "service/plan_preview.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace mixnet {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr Instant kNow = Instant::unix_seconds(1'795'766'400);

/// Four servers of two optical NICs; port 2 * s + k is NIC k of server s.
class PlanPreviewTest : public ::testing::Test {
 protected:
  void start(RegionConfig config = {}) {
    config.servers = 4;
    config.optical_nics = 2;
    config.eps_nics = 1;
    controller_.emplace(config);
    give(Tick{});
    obey();
    give(TenantAdd{7, {0, 1, 2}});
    obey();
  }
  void give(const Event& event) { controller_->handle(kNow, event); }
  /// The switch does what is wanted until there is nothing more to do.
  void obey() {
    for (int i = 0; i < 20; ++i) {
      for (const Slice& slice : controller_->state().slices) {
        if (slice.step == Step::kSwitching) {
          for (const PortPair& pair : slice.disconnect) std::erase(lit_, pair);
          lit_.insert(lit_.end(), slice.connect.begin(), slice.connect.end());
          give(DeviceAnswer{slice.awaited, true, -1, false, {}});
          break;
        }
        if (slice.step == Step::kReading) {
          give(DeviceState{slice.awaited, lit_});
          break;
        }
      }
    }
  }
  static DemandReport demand(std::uint64_t sequence, int from, int to) {
    DemandReport report{7, {sequence, 0, 0, false}, ServerDemand(3, 3)};
    report.bytes(from, to) = 1'000'000'000;
    return report;
  }
  PlanPreview preview(std::uint64_t sequence, int from, int to) {
    return preview_plan(controller_->state(), demand(sequence, from, to), kNow);
  }

  std::optional<RegionController> controller_;
  std::vector<PortPair> lit_;
};

TEST_F(PlanPreviewTest, SaysWhatWouldMoveAndMovesNothing) {
  start();
  const RegionState before = controller_->state();
  const PlanPreview first = preview(0, 0, 1);
  EXPECT_THAT(first.connect, ElementsAre(PortPair{0, 2}, PortPair{1, 3}));
  EXPECT_THAT(first.disconnect, IsEmpty());
  EXPECT_THAT(first.circuits, ElementsAre(Circuit{0, 0, 1, 0}, Circuit{0, 1, 1, 1}));
  EXPECT_EQ(first.ports_moved, 4);
  EXPECT_THAT(first.alarms, IsEmpty());
  EXPECT_TRUE(controller_->state() == before);
}

TEST_F(PlanPreviewTest, IsWhatTheControllerThenDoes) {
  start();
  give(demand(1, 0, 1));
  obey();
  const PlanPreview next = preview(0, 0, 2);
  EXPECT_THAT(next.disconnect, ElementsAre(PortPair{0, 2}, PortPair{1, 3}));
  EXPECT_EQ(next.ports_moved, 6);
  give(demand(2, 0, 2));
  obey();
  EXPECT_EQ(lit_, next.connect);
  EXPECT_EQ(controller_->state().find(7)->announced.circuits, next.circuits);
  EXPECT_EQ(preview(0, 0, 2).ports_moved, 0);
}

TEST_F(PlanPreviewTest, APhaseThatRunsIsWaitedFor) {
  start();
  give(demand(1, 0, 1));
  obey();
  give(PhaseMark{7, 1, true});
  EXPECT_EQ(preview(0, 0, 2).ports_moved, 6);
  EXPECT_EQ(controller_->state().find(7)->running, 1U);
}

TEST_F(PlanPreviewTest, MovesBehindThePhaseAreFollowed) {
  RegionConfig config;
  config.policy = Reconfiguration::kReuse;
  start(config);
  give(demand(1, 0, 1));
  obey();
  give(PhaseMark{7, 1, false});
  obey();
  EXPECT_EQ(preview(0, 0, 2).ports_moved, 6);
}

TEST_F(PlanPreviewTest, ACommandThatIsOutIsTakenAsCarriedOut) {
  start();
  give(demand(1, 0, 1));
  ASSERT_EQ(controller_->state().find(7)->step, Step::kSwitching);
  EXPECT_THAT(preview(0, 0, 2).disconnect, ElementsAre(PortPair{0, 2}, PortPair{1, 3}));
}

TEST_F(PlanPreviewTest, AHeldSwitchStaysHeld) {
  start();
  give(SwitchHold{true});
  EXPECT_EQ(preview(0, 0, 1).ports_moved, 0);
}

TEST_F(PlanPreviewTest, WhatWouldBeRefusedIsSaid) {
  start();
  PlanPreview refused =
      preview_plan(controller_->state(), {8, {1, 0, 0, false}, ServerDemand(3, 3)}, kNow);
  ASSERT_EQ(refused.alarms.size(), 1U);
  EXPECT_EQ(refused.alarms[0].code, AlarmCode::kBadEvent);
  refused = preview_plan(controller_->state(), {7, {1, 0, 0, false}, ServerDemand(2, 2)}, kNow);
  EXPECT_EQ(refused.alarms.size(), 1U);
  EXPECT_EQ(to_wire(refused).alarms(0).code(), "bad-event");
}

}  // namespace
}  // namespace mixnet
