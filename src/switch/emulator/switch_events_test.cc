// What each fault does, at each stage.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "emulator/emulated_switch.h"
#include "emulator/test_switch.h"

namespace mixnet {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

/// 1-9 stands, and a fault strikes the change to 1-10.
struct FaultyChange : WatchedSwitch {
  explicit FaultyChange(std::string_view fault, Sides sides = Sides::kOne)
      : WatchedSwitch(switch_config("fixed:25ms", 16, sides)) {
    make(connect({{1, 9}, {2, 12}}), at_ms(0));
    device.strike(parse_fault(fault, "--fault", 16), at_ms(50));
    device.request(change({{1, 9}}, {{1, 10}}), at_ms(100));
  }
  RequestAnswer end() {
    settle();
    return answer();
  }
  std::int64_t counted(FaultKind kind, FaultStage stage) {
    return device.faults().count(kind, stage);
  }
};

TEST(SwitchFaultsAtWork, DenyBeforeAmidAndAfter) {
  FaultyChange received("deny@received");
  EXPECT_EQ(received.end().refusal, Refusal::kDenied);
  EXPECT_EQ(received.device.path_from(1), 9);
  EXPECT_EQ(received.counted(FaultKind::kDeny, FaultStage::kReceived), 1);

  FaultyChange moving("deny@moving");
  EXPECT_EQ(moving.device.path_from(1), 0);
  EXPECT_EQ(moving.end().refusal, Refusal::kDenied);
  EXPECT_EQ(moving.device.path_from(1), 9);  // given up
  EXPECT_EQ(moving.lit[1], 9);

  FaultyChange settled("deny@settled");
  EXPECT_EQ(settled.end().refusal, Refusal::kDenied);
  EXPECT_EQ(settled.device.path_from(1), 10);  // and done all the same
}

TEST(SwitchFaultsAtWork, SilenceIsNeverAnswered) {
  FaultyChange received("silence@received");
  EXPECT_TRUE(received.end().silent);
  EXPECT_EQ(received.device.path_from(1), 9);
  FaultyChange moving("silence@moving");
  EXPECT_TRUE(moving.end().silent);
  EXPECT_EQ(moving.device.path_from(1), 0);
  FaultyChange settled("silence@settled");
  EXPECT_TRUE(settled.end().silent);
  EXPECT_EQ(settled.device.path_from(1), 10);
}

TEST(SwitchFaultsAtWork, HalfAppliedIsAnsweredAsDone) {
  FaultyChange received("half-applied@received");  // the removal alone
  EXPECT_EQ(received.end().refusal, Refusal::kNone);
  EXPECT_EQ(received.device.path_from(1), 0);

  FaultyChange moving("half-applied@moving", Sides::kTwo);
  EXPECT_EQ(moving.end().refusal, Refusal::kNone);
  EXPECT_EQ(moving.device.path_from(1), 10);  // one direction alone
  EXPECT_EQ(moving.device.path_from(10), 0);
  EXPECT_EQ(moving.device.path_from(9), 0);

  WatchedSwitch four(switch_config("none"));
  four.device.strike(parse_fault("half-applied@moving", "--fault", 16), at_ms(0));
  four.make(connect({{1, 2}, {3, 4}, {5, 6}, {7, 8}}), at_ms(0));
  EXPECT_THAT(four.device.paths(),
              ElementsAre(LightPath{1, 2}, LightPath{2, 1}, LightPath{3, 4}, LightPath{4, 3}));
}

TEST(SwitchFaultsAtWork, DropClosesTheConnection) {
  FaultyChange received("drop@received");
  EXPECT_TRUE(received.end().drop);
  EXPECT_EQ(received.device.path_from(1), 9);
  FaultyChange moving("drop@moving");
  moving.device.advance(at_ms(101));
  EXPECT_TRUE(moving.answer().drop);  // amid the movement, which goes on
  moving.settle();
  EXPECT_THAT(moving.device.take_answers(), IsEmpty());
  EXPECT_EQ(moving.device.path_from(1), 10);
  FaultyChange settled("drop@settled");
  EXPECT_TRUE(settled.end().drop);
  EXPECT_EQ(settled.device.path_from(1), 10);
  FaultyChange answered("drop@answered");
  const RequestAnswer answer = answered.end();
  EXPECT_FALSE(answer.drop || answer.silent);
  EXPECT_TRUE(answer.drop_after);
  FaultyChange idle("drop@idle");
  EXPECT_EQ(idle.device.drops(), 1u);
  FaultyChange later("drop@idle after=1");  // when the second change from now is answered
  later.end();
  EXPECT_EQ(later.device.drops(), 0u);
  later.make(change({{1, 10}}, {{1, 9}}), at_ms(300));
  EXPECT_EQ(later.device.drops(), 1u);
}

TEST(SwitchFaultsAtWork, SlowTakesTenTimesAsLong) {
  FaultyChange moving("slow@moving");
  moving.device.advance(at_ms(349));
  EXPECT_THAT(moving.device.take_answers(), IsEmpty());
  EXPECT_EQ(moving.device.path_from(1), 0);
  moving.device.advance(at_ms(350));
  EXPECT_EQ(moving.answer().refusal, Refusal::kNone);
  FaultyChange settled("slow@settled");
  settled.device.advance(at_ms(349));
  EXPECT_EQ(settled.device.path_from(1), 10);  // lit long since
  EXPECT_THAT(settled.device.take_answers(), IsEmpty());
  settled.device.advance(at_ms(350));
  EXPECT_EQ(settled.answer().refusal, Refusal::kNone);
}

TEST(SwitchFaultsAtWork, AStuckPortStaysWhereItIs) {
  FaultyChange idle("stuck@idle port=1 for=1s");
  EXPECT_EQ(idle.device.state(1), PortState::kFailed);
  EXPECT_EQ(idle.device.take_events().at(0).code, "port-stuck");
  const RequestAnswer refused = idle.end();
  EXPECT_EQ(std::pair(refused.refusal, refused.port), std::pair(Refusal::kStuck, 1));
  EXPECT_EQ(idle.device.path_from(1), 9);
  EXPECT_EQ(idle.device.state(1), PortState::kOpen);  // settle() has let the second pass
  EXPECT_EQ(idle.make(change({{1, 9}}, {{1, 10}}), at_ms(2000)).refusal, Refusal::kNone);

  FaultyChange moving("stuck@moving port=10");
  EXPECT_EQ(moving.end().refusal, Refusal::kStuck);
  EXPECT_EQ(moving.device.path_from(1), 0);  // could be removed, not added

  FaultyChange silently("stuck-silently@moving port=9");
  EXPECT_EQ(silently.end().refusal, Refusal::kNone);
  EXPECT_EQ(silently.device.path_from(1), 9);
  EXPECT_EQ(silently.device.path_from(10), 0);
  EXPECT_EQ(silently.device.state(9), PortState::kOpen);
  silently.device.heal(at_ms(1000));
  silently.make(change({{1, 9}}, {{1, 10}}), at_ms(1000));
  EXPECT_EQ(silently.device.path_from(1), 10);
}

TEST(SwitchFaultsAtWork, ALostCircuitIsGoneWithAnAlarm) {
  FaultyChange settled("lost-circuit@settled");
  EXPECT_EQ(settled.end().refusal, Refusal::kNone);
  EXPECT_THAT(settled.device.paths(), ElementsAre(LightPath{2, 12}, LightPath{12, 2}));
  const std::vector<SwitchEvent> events = settled.device.take_events();
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].code, "lost-circuit");
  EXPECT_EQ(events[0].level, AlarmLevel::kMajor);
  EXPECT_EQ(settled.make(connect({{1, 10}}), at_ms(200)).refusal, Refusal::kNone);

  FaultyChange named("lost-circuit@answered port=12");
  named.end();
  EXPECT_THAT(named.device.paths(), ElementsAre(LightPath{1, 10}, LightPath{10, 1}));
  FaultyChange nothing("lost-circuit@moving port=5");  // none stands there
  nothing.end();
  EXPECT_EQ(nothing.counted(FaultKind::kLostCircuit, FaultStage::kMoving), 0);
}

TEST(SwitchFaultsAtWork, SwappedFibresLeadTheLightOfOneToTheOther) {
  WatchedSwitch watched(switch_config("none"));
  watched.make(connect({{1, 9}, {2, 12}}), at_ms(0));
  watched.device.strike(parse_fault("swapped@idle port=9 with=12", "--fault", 16), at_ms(1));
  watched.device.strike(parse_fault("swapped@idle port=12", "--fault", 16), at_ms(1));
  EXPECT_EQ(watched.device.faults().count(FaultKind::kSwapped, FaultStage::kIdle), 1);  // once
  EXPECT_EQ(watched.device.path_from(1), 9);  // the table does not know
  EXPECT_EQ(watched.lit[1], 12);
  EXPECT_EQ(watched.lit[2], 9);
  EXPECT_EQ(watched.lit[9], 1);
  watched.make(disconnect({{2, 12}}), at_ms(2));
  EXPECT_GT(*watched.device.reading(12).output_dbm, -5);  // the meter does
  EXPECT_EQ(watched.device.reading(9).output_dbm, kDarkDbm);
  watched.device.heal(at_ms(3));
  EXPECT_EQ(watched.lit[1], 9);
  EXPECT_EQ(watched.device.light().exit_of(9), 9);
}

TEST(SwitchFaultsAtWork, ADarkPortSendsNothing) {
  WatchedSwitch watched(switch_config("none"));
  watched.make(connect({{1, 9}}), at_ms(0));
  watched.device.strike(parse_fault("dark@idle port=1", "--fault", 16), at_ms(1));
  EXPECT_THAT(watched.lit_paths(), ElementsAre(LightPath{9, 1}));
  EXPECT_EQ(watched.device.reading(1).input_dbm, kDarkDbm);
  EXPECT_EQ(watched.device.take_events().at(0).code, "loss-of-light");
  watched.device.heal(at_ms(2));
  EXPECT_THAT(watched.lit_paths(), ElementsAre(LightPath{1, 9}, LightPath{9, 1}));
}

TEST(SwitchFaultsAtWork, ARebootAnswersNothingAndKeepsCircuits) {
  FaultyChange moving("reboot@moving for=1s");
  moving.device.advance(at_ms(101));
  EXPECT_TRUE(moving.answer().drop);
  EXPECT_EQ(moving.device.drops(), 1u);
  EXPECT_TRUE(moving.device.is_rebooting(at_ms(1100)));
  EXPECT_TRUE(moving.device.on_read(at_ms(1100)).drop);
  moving.device.request(connect({{3, 4}}), at_ms(1100));
  EXPECT_TRUE(moving.answer().drop);
  EXPECT_FALSE(moving.device.is_rebooting(at_ms(1101)));
  EXPECT_THAT(moving.device.paths(), ElementsAre(LightPath{2, 12}, LightPath{12, 2}));
  EXPECT_EQ(moving.make(connect({{1, 9}}), at_ms(1200)).refusal, Refusal::kNone);

  FaultyChange settled("reboot@settled");
  EXPECT_TRUE(settled.end().drop);
  EXPECT_EQ(settled.device.path_from(1), 10);
  FaultyChange answered("reboot-lost@answered");
  EXPECT_TRUE(answered.end().drop_after);
  EXPECT_THAT(answered.device.paths(), IsEmpty());
  EXPECT_THAT(answered.lit_paths(), IsEmpty());
}

TEST(SwitchFaultsAtWork, ARebootForgetsWhatWaits) {
  WatchedSwitch watched(switch_config("fixed:25ms"));
  watched.device.request(connect({{1, 9}}), at_ms(0));
  watched.device.advance(at_ms(2));
  watched.device.request(change({{1, 9}}, {{1, 10}}), at_ms(2));
  watched.device.strike(parse_fault("reboot@idle", "--fault", 16), at_ms(3));
  EXPECT_EQ(watched.device.take_answers().size(), 2u);
  EXPECT_FALSE(watched.device.next_event());
  EXPECT_THAT(watched.device.paths(), IsEmpty());
  EXPECT_EQ(watched.make(connect({{1, 10}}), at_ms(5000)).refusal, Refusal::kNone);
}

TEST(SwitchFaultsAtWork, AReadIsDeniedSilencedDroppedOrLate) {
  EmulatedSwitch device(switch_config("none"));
  const auto verdict = [&](std::string_view fault) {
    device.strike(parse_fault(fault, "--fault", 16), at_ms(0));
    return device.on_read(at_ms(0));
  };
  EXPECT_TRUE(verdict("deny@reading").deny);
  EXPECT_TRUE(verdict("silence@reading").silent);
  EXPECT_TRUE(verdict("drop@reading").drop);
  EXPECT_EQ(verdict("slow@reading for=40ms").delay, Duration::milliseconds(40));
  EXPECT_EQ(verdict("slow@reading").delay, Duration::seconds(1));
  EXPECT_FALSE(verdict("alarm@reading port=2").drop);
  EXPECT_EQ(device.take_events().at(0).code, "spurious");
  EXPECT_TRUE(verdict("reboot@reading").drop);
}

/// Every pair of kind and stage that can be is struck in a small run, and counted.
TEST(SwitchFaultsAtWork, EveryPossiblePairStrikes) {
  for (const NamedValue<FaultKind>& kind : Names<FaultKind>::kTable) {
    for (const NamedValue<FaultStage>& stage : Names<FaultStage>::kTable) {
      if (!why_impossible(kind.value, stage.value).empty()) continue;
      WatchedSwitch watched(switch_config("fixed:25ms"));
      watched.make(connect({{1, 9}, {2, 12}}), at_ms(0));
      watched.device.strike({.kind = kind.value, .stage = stage.value, .lasts = {}}, at_ms(50));
      watched.device.request(change({{1, 9}}, {{1, 10}}), at_ms(60));
      watched.settle();
      watched.device.on_read(at_ms(500));
      EXPECT_EQ(watched.device.faults().count(kind.value, stage.value), 1)
          << kind.name << "@" << stage.name;
      EXPECT_EQ(watched.device.take_answers().size(), 1u) << kind.name << "@" << stage.name;
      EXPECT_EQ(!watched.device.take_events().empty(), is_event(kind.value)
                                                           ? kind.value != FaultKind::kSwapped
                                                           : kind.value == FaultKind::kStuck);
    }
  }
}

}  // namespace
}  // namespace mixnet
