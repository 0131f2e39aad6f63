#include "emulator/emulated_switch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "emulator/test_switch.h"

namespace mixnet {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(EmulatedSwitch, WithoutDelayAChangeIsMadeWhenAsked) {
  WatchedSwitch watched(switch_config("none"));
  const RequestId id = watched.device.request(connect({{1, 9}}), at_ms(0));
  EXPECT_EQ(watched.answer(), (RequestAnswer{.id = id}));
  EXPECT_THAT(watched.device.paths(), ElementsAre(LightPath{1, 9}, LightPath{9, 1}));
  EXPECT_FALSE(watched.device.next_event());

  watched.device.request(change({{1, 9}}, {{1, 10}}), at_ms(0));
  EXPECT_EQ(watched.answer().refusal, Refusal::kNone);
  EXPECT_EQ(watched.device.path_from(1), 10);
  EXPECT_EQ(watched.device.path_to(9), 0);
}

TEST(EmulatedSwitch, PortsAreDarkFromTheRequestUntilTheEndAndOthersCarryOn) {
  WatchedSwitch watched(switch_config("fixed:25ms"));
  watched.make(connect({{1, 9}, {2, 10}}), at_ms(0));
  watched.told.clear();
  watched.device.request(change({{1, 9}}, {{1, 11}}), at_ms(100));
  EXPECT_THAT(watched.told, ElementsAre(LightPath{1, 0}, LightPath{9, 0}));
  EXPECT_EQ(watched.device.state(1), PortState::kMoving);
  EXPECT_EQ(watched.device.state(11), PortState::kMoving);
  EXPECT_EQ(watched.device.state(2), PortState::kOpen);
  EXPECT_THAT(watched.device.paths(), ElementsAre(LightPath{2, 10}, LightPath{10, 2}));
  EXPECT_EQ(watched.device.reading(9).output_dbm, kDarkDbm);

  watched.device.advance(at_ms(124.99));
  EXPECT_THAT(watched.device.take_answers(), IsEmpty());
  EXPECT_EQ(watched.device.next_event(), at_ms(125));
  watched.device.advance(at_ms(125));
  EXPECT_EQ(watched.answer().refusal, Refusal::kNone);
  EXPECT_EQ(watched.device.path_from(11), 1);
  EXPECT_EQ(watched.last, at_ms(125));
  EXPECT_EQ(watched.device.state(9), PortState::kOpen);
}

TEST(EmulatedSwitch, PipelinedRequestsMoveTogether) {
  WatchedSwitch watched(switch_config("fixed:25ms"));
  watched.make(connect({{1, 9}}), at_ms(0));
  // DLT-PATCH and ENT-PATCH of one port within the gathering time, and of others.
  watched.device.request(disconnect({{1, 9}}), at_ms(100));
  watched.device.request(connect({{1, 10}}), at_ms(100.4));
  watched.device.request(connect({{2, 11}}), at_ms(100.9));
  watched.device.advance(at_ms(125));  // 25 ms from the first
  EXPECT_EQ(watched.device.take_answers().size(), 3u);
  EXPECT_THAT(watched.device.paths(),
              ElementsAre(LightPath{1, 10}, LightPath{2, 11}, LightPath{10, 1}, LightPath{11, 2}));
  EXPECT_EQ(watched.device.wear(1), 2);
  EXPECT_EQ(watched.device.wear(9), 2);
  EXPECT_EQ(watched.device.wear(10), 1);
  EXPECT_EQ(watched.device.wear(3), 0);
}

TEST(EmulatedSwitch, TheTimeOfAMovementIsThatOfItsPairs) {
  EmulatedSwitchConfig config = switch_config("none", 64);
  config.timing = SwitchTiming::of_table("pairs,mean_ms,p99_ms\n1,10,10\n11,20,20\n", "t.csv");
  WatchedSwitch watched(config);
  watched.device.request(connect({{1, 33}, {2, 34}}), at_ms(0));
  watched.device.request(connect({{3, 35}}), at_ms(0.5));
  watched.device.advance(at_ms(1));
  ASSERT_TRUE(watched.device.next_event());
  const auto ends = *watched.device.next_event() - at_ms(0);
  EXPECT_NEAR(static_cast<double>(std::chrono::nanoseconds(ends).count()), 12e6, 2);
}

TEST(EmulatedSwitch, ARequestOnAMovingPortWaitsAndIsThenJudged) {
  WatchedSwitch watched(switch_config("fixed:25ms"));
  const RequestId first = watched.device.request(connect({{1, 9}}), at_ms(0));
  watched.device.advance(at_ms(5));
  const RequestId second = watched.device.request(change({{1, 9}}, {{1, 10}}), at_ms(5));
  const RequestId third = watched.device.request(connect({{10, 11}}), at_ms(6));  // behind it
  const RequestId fourth = watched.device.request(connect({{2, 12}}), at_ms(6));  // is not
  // At 25 ms both begin; the third is refused at once by what the second will have made.
  watched.device.advance(at_ms(25));
  const RequestAnswer refused = {.id = third, .refusal = Refusal::kPortInUse, .port = 10};
  EXPECT_THAT(watched.device.take_answers(), ElementsAre(RequestAnswer{.id = first}, refused));
  watched.device.advance(at_ms(31));
  EXPECT_EQ(watched.answer().id, fourth);
  watched.device.advance(at_ms(50));
  EXPECT_EQ(watched.answer().id, second);
  EXPECT_EQ(watched.device.path_from(1), 10);
}

TEST(EmulatedSwitch, RefusesAllOfARequestOrNothing) {
  WatchedSwitch watched(switch_config("none"));
  watched.make(connect({{1, 9}}), at_ms(0));
  const auto refusal = [&](const PathRequest& request) {
    const RequestAnswer answer = watched.make(request, at_ms(1));
    return std::pair(answer.refusal, answer.port);
  };
  EXPECT_EQ(refusal(connect({{2, 10}, {9, 11}})), std::pair(Refusal::kPortInUse, 9));
  EXPECT_EQ(refusal(change({{1, 9}}, {{2, 17}})), std::pair(Refusal::kNoSuchPort, 17));
  EXPECT_EQ(refusal(change({{1, 9}, {2, 3}}, {})), std::pair(Refusal::kNoSuchPath, 2));
  EXPECT_EQ(refusal(connect({{2, 10}, {2, 11}})), std::pair(Refusal::kPortInUse, 2));
  EXPECT_EQ(refusal(connect({{0, 5}})).first, Refusal::kNoSuchPort);
  EXPECT_EQ(refusal(connect({})), std::pair(Refusal::kNone, 0));
  EXPECT_THAT(watched.device.paths(), ElementsAre(LightPath{1, 9}, LightPath{9, 1}));
}

TEST(EmulatedSwitch, ADeviceOfOneSideKnowsWholeCircuitsOnly) {
  WatchedSwitch watched(switch_config("none"));
  PathRequest half;
  half.add = {{1, 2}};
  EXPECT_EQ(watched.make(half, at_ms(0)).refusal, Refusal::kBadPair);
  half.add = {{1, 1}};
  EXPECT_EQ(watched.make(half, at_ms(0)).refusal, Refusal::kBadPair);
  watched.make(connect({{1, 2}}), at_ms(0));
  half = {.remove = {{1, 2}}, .add = {}, .takes = {}};
  EXPECT_EQ(watched.make(half, at_ms(0)).refusal, Refusal::kBadPair);
}

TEST(EmulatedSwitch, ADeviceOfTwoSidesKnowsPathsAlone) {
  WatchedSwitch watched(switch_config("none", 16, Sides::kTwo));
  PathRequest request;
  request.add = {{1, 2}, {3, 3}};
  EXPECT_EQ(watched.make(request, at_ms(0)).refusal, Refusal::kNone);
  EXPECT_THAT(watched.device.paths(), ElementsAre(LightPath{1, 2}, LightPath{3, 3}));
  EXPECT_EQ(watched.device.path_from(2), 0);
}

TEST(EmulatedSwitch, AManagementLayerTakesItsOwnTime) {
  WatchedSwitch watched(switch_config("none"));
  PathRequest request = connect({{1, 9}});
  request.takes = Duration::seconds(5);
  watched.device.request(request, at_ms(0));
  EXPECT_EQ(watched.device.next_event(), at_ms(5000));

  WatchedSwitch sonic(switch_config("sonic-bypass:70ms"));
  request.takes.reset();
  request.bypass = true;
  sonic.device.request(request, at_ms(0));
  sonic.device.advance(at_ms(1));
  EXPECT_EQ(sonic.device.next_event(), at_ms(70));
}

TEST(EmulatedSwitch, ANicIsUpSomeTimeAfterTheLight) {
  EmulatedSwitchConfig config = switch_config("fixed:25ms");
  config.nic_up = Duration::milliseconds(300);
  WatchedSwitch watched(config);
  watched.make(connect({{1, 9}}), at_ms(0));
  EXPECT_EQ(watched.last, at_ms(325));
}

TEST(EmulatedSwitch, AShutterDarkensWithoutAMove) {
  WatchedSwitch watched(switch_config("none"));
  watched.make(connect({{1, 9}}), at_ms(0));
  const std::uint64_t before = watched.device.revision();
  watched.device.set_shutter(1, true, at_ms(1));
  EXPECT_GT(watched.device.revision(), before);
  EXPECT_EQ(watched.device.state(1), PortState::kBlocked);
  EXPECT_EQ(watched.device.path_from(1), 9);
  EXPECT_THAT(watched.lit_paths(), IsEmpty());
  EXPECT_EQ(watched.device.reading(9).output_dbm, kDarkDbm);
  watched.device.set_shutter(1, false, at_ms(2));
  EXPECT_THAT(watched.lit_paths(), ElementsAre(LightPath{1, 9}, LightPath{9, 1}));
  EXPECT_EQ(watched.device.wear(1), 1);
}

TEST(EmulatedSwitch, ReadsThePowerOfWhatStands) {
  WatchedSwitch watched(switch_config("none"));
  watched.make(connect({{1, 9}}), at_ms(0));
  const PortLight& light = watched.device.light();
  const PortReading reading = watched.device.reading(9);
  EXPECT_EQ(reading.port, 9);
  EXPECT_DOUBLE_EQ(*reading.input_dbm, light.input_dbm(9));
  EXPECT_DOUBLE_EQ(*reading.output_dbm, light.input_dbm(1) - light.insertion_loss(1, 9));
  EXPECT_EQ(watched.device.reading(2).output_dbm, kDarkDbm);
  watched.device.light().set_input(1, std::nullopt);
  watched.device.refresh_light(at_ms(1));
  EXPECT_THAT(watched.lit_paths(), ElementsAre(LightPath{9, 1}));
}

/// As ENT-PATCH asks: joined, in place of whatever else their ports are in.
PathRequest replace(const std::vector<OpticalCircuit>& list) {
  PathRequest request = connect(list);
  for (const OpticalCircuit circuit : list) {
    request.clear_inputs.insert(request.clear_inputs.end(), {circuit.a, circuit.b});
    request.clear_outputs.insert(request.clear_outputs.end(), {circuit.a, circuit.b});
  }
  return request;
}

TEST(EmulatedSwitchReplaces, WhatItsPortsAreIn) {
  WatchedSwitch watched(switch_config("none"));
  watched.make(connect({{1, 9}, {2, 10}, {3, 11}}), at_ms(0));
  EXPECT_EQ(watched.make(replace({{1, 10}}), at_ms(1)).refusal, Refusal::kNone);
  EXPECT_THAT(watched.device.paths(),
              ElementsAre(LightPath{1, 10}, LightPath{3, 11}, LightPath{10, 1}, LightPath{11, 3}));
  EXPECT_EQ(watched.device.wear(3), 1);
  const PathRequest clear = {.clear_inputs = {1, 5}, .clear_outputs = {1, 5}};
  EXPECT_EQ(watched.make(clear, at_ms(2)).refusal, Refusal::kNone);
  EXPECT_THAT(watched.device.paths(), ElementsAre(LightPath{3, 11}, LightPath{11, 3}));
}

TEST(EmulatedSwitchReplaces, OneFibreOfADeviceOfTwoSides) {
  WatchedSwitch watched(switch_config("none", 16, Sides::kTwo));
  watched.make(connect({{1, 9}}), at_ms(0));
  const PathRequest request = {.add = {{1, 16}}, .clear_inputs = {1}, .clear_outputs = {16}};
  EXPECT_EQ(watched.make(request, at_ms(1)).refusal, Refusal::kNone);
  EXPECT_THAT(watched.device.paths(), ElementsAre(LightPath{1, 16}, LightPath{9, 1}));
}

TEST(EmulatedSwitchReplaces, NothingOfWhatStandsAlready) {
  WatchedSwitch watched(switch_config("fixed:25ms"));
  watched.make(connect({{1, 9}, {2, 10}}), at_ms(0));
  watched.told.clear();
  watched.device.request(replace({{1, 9}}), at_ms(100));
  EXPECT_EQ(watched.answer().refusal, Refusal::kNone) << "there is nothing to wait for";
  EXPECT_THAT(watched.told, IsEmpty());
  // Beside what is new, the circuit that stands is not made dark.
  watched.make(replace({{1, 9}, {3, 10}}), at_ms(100));
  EXPECT_THAT(watched.told,
              ElementsAre(LightPath{2, 0}, LightPath{10, 0}, LightPath{3, 10}, LightPath{10, 3}));
  EXPECT_EQ(watched.device.path_from(1), 9);
  EXPECT_EQ(watched.device.path_from(2), 0);
}

TEST(EmulatedSwitchReplaces, NothingWhereItsPortsAreFree) {
  WatchedSwitch watched(switch_config("fixed:25ms"));
  watched.device.request({.clear_inputs = {16}, .clear_outputs = {16}}, at_ms(0));
  EXPECT_EQ(watched.answer().refusal, Refusal::kNone);
  EXPECT_FALSE(watched.device.next_event());
  const RequestAnswer refused =
      watched.make({.clear_inputs = {17}, .clear_outputs = {17}}, at_ms(1));
  EXPECT_EQ(std::pair(refused.refusal, refused.port), std::pair(Refusal::kNoSuchPort, 17));
}

TEST(EmulatedSwitchReplaces, WhatIsStillMovingOnceItHasComeToRest) {
  WatchedSwitch watched(switch_config("fixed:25ms"));
  const RequestId first = watched.device.request(connect({{1, 9}}), at_ms(0));
  watched.device.advance(at_ms(5));  // closed
  const RequestId second = watched.device.request(replace({{1, 10}}), at_ms(5));
  const RequestId third = watched.device.request(replace({{1, 10}}), at_ms(6));
  watched.device.advance(at_ms(25));
  EXPECT_EQ(watched.answer().id, first);
  EXPECT_EQ(watched.device.path_from(1), 0) << "it moves on at once";
  watched.device.advance(at_ms(50));
  EXPECT_THAT(watched.device.take_answers(),
              ElementsAre(RequestAnswer{.id = second}, RequestAnswer{.id = third}));
  EXPECT_THAT(watched.device.paths(), ElementsAre(LightPath{1, 10}, LightPath{10, 1}));
}

TEST(EmulatedSwitchReplaces, InTheMovementThatIsGathered) {
  WatchedSwitch watched(switch_config("fixed:25ms"));
  watched.device.request(connect({{1, 9}}), at_ms(0));
  const RequestId again = watched.device.request(replace({{1, 9}}), at_ms(0.3));
  EXPECT_THAT(watched.device.take_answers(), IsEmpty()) << "it does not stand yet";
  watched.device.request(replace({{1, 10}}), at_ms(0.6));
  watched.device.advance(at_ms(24.9));
  EXPECT_THAT(watched.device.take_answers(), IsEmpty());
  watched.device.advance(at_ms(25));
  const std::vector<RequestAnswer> answers = watched.device.take_answers();
  ASSERT_EQ(answers.size(), 3u);
  EXPECT_EQ(answers[1], (RequestAnswer{.id = again}));
  EXPECT_THAT(watched.device.paths(), ElementsAre(LightPath{1, 10}, LightPath{10, 1}));
  EXPECT_FALSE(watched.device.next_event());
}

TEST(EmulatedSwitchReplaces, OrRefusesAllOfIt) {
  WatchedSwitch watched(switch_config("none"));
  watched.make(connect({{1, 9}, {2, 10}}), at_ms(0));
  EXPECT_EQ(watched.make(replace({{1, 10}, {1, 11}}), at_ms(1)).refusal, Refusal::kPortInUse);
  EXPECT_EQ(watched.device.path_from(1), 9);
  EXPECT_EQ(watched.device.path_from(2), 10);
  // The other end of what is to be parted does not move.
  watched.device.strike(parse_fault("stuck@idle port=9", "test", 16), at_ms(2));
  EXPECT_EQ(watched.make(replace({{1, 11}}), at_ms(3)).refusal, Refusal::kStuck);
  EXPECT_EQ(watched.device.path_from(1), 9);
}

TEST(EmulatedSwitchReplaces, HalfOfItWhenHalfIsApplied) {
  WatchedSwitch watched(switch_config("none"));
  watched.make(connect({{1, 9}, {2, 10}}), at_ms(0));
  watched.device.strike(parse_fault("half-applied@received", "test", 16), at_ms(1));
  watched.make(replace({{1, 11}, {2, 12}}), at_ms(1));
  EXPECT_EQ(watched.device.path_from(1), 11);
  EXPECT_EQ(watched.device.path_from(2), 10) << "the second half is not looked at";
  watched.device.strike(parse_fault("half-applied@received", "test", 16), at_ms(2));
  watched.make({.clear_inputs = {1, 2}, .clear_outputs = {1, 2}}, at_ms(2));
  EXPECT_EQ(watched.device.path_from(1), 0);
  EXPECT_EQ(watched.device.path_from(2), 10);
}

}  // namespace
}  // namespace mixnet
