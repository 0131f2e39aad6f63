// What holds of every sequence of requests, at random over the largest switch.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <tuple>

#include "base/random.h"
#include "emulator/emulated_switch.h"
#include "emulator/test_switch.h"

namespace mixnet {
namespace {

/// A few pairs to add and to remove, many of them impossible: ports in use, paths that are not. A
/// third of them replaces what the ports are in, and frees one more.
PathRequest random_request(const EmulatedSwitch& device, Random& random) {
  const Sides sides = device.config().sides;
  // Few positions are named, so that requests meet each other.
  const auto position = [&] { return 1 + 8 * static_cast<int>(random.below(128)); };
  PathRequest request;
  const auto put = [&](std::vector<LightPath>& paths, int from, int to) {
    paths.push_back({from, to});
    if (sides == Sides::kOne) paths.push_back({to, from});
  };
  std::set<int> used;
  for (std::uint64_t i = random.below(4); i > 0; --i) {
    const int from = position();
    const int to = device.path_from(from);
    if (to != 0 && used.insert(from).second && used.insert(to).second)
      put(request.remove, from, to);
  }
  for (std::uint64_t i = random.below(4); i > 0; --i) put(request.add, position(), position());
  if (random.below(3) != 0) return request;
  for (const LightPath path : request.add) {
    request.clear_inputs.push_back(path.from);
    request.clear_outputs.push_back(path.to);
  }
  request.clear_inputs.push_back(position());
  request.clear_outputs.push_back(request.clear_inputs.back());
  return request;
}

void expect_sound(const EmulatedSwitch& device, const WatchedSwitch& watched, MonotonicTime now) {
  std::set<int> from;
  std::set<int> to;
  for (const LightPath path : device.paths()) {
    EXPECT_TRUE(from.insert(path.from).second);
    EXPECT_TRUE(to.insert(path.to).second);
    if (device.config().sides == Sides::kOne) {
      EXPECT_NE(device.state(path.from), PortState::kMoving);
      EXPECT_EQ(device.path_from(path.to), path.from);
    }
  }
  EXPECT_EQ(watched.lit_paths(now), device.paths());
}

class AnySides : public testing::TestWithParam<Sides> {};

TEST_P(AnySides, RandomRequestsNeverTouchAnothersPorts) {
  WatchedSwitch watched(switch_config("polatis", 1024, GetParam()));
  EmulatedSwitch& device = watched.device;
  Random random(11);
  MonotonicTime now = at_ms(1);
  std::int64_t done = 0;
  std::int64_t refused = 0;
  for (int step = 0; step < 3000; ++step) {
    now += std::chrono::microseconds(random.below(4000));
    while (device.next_event() && *device.next_event() <= now) device.advance(*device.next_event());
    device.advance(now);
    const std::vector<LightPath> before = device.paths();
    const PathRequest request = random_request(device, random);
    device.request(request, now);
    // What was removed is dark or not yet, nothing else has changed.
    std::vector<LightPath> gone;
    std::ranges::set_difference(before, device.paths(), std::back_inserter(gone));
    for (const LightPath path : gone) {
      const auto has = [](const auto& list, const auto& one) {
        return std::ranges::find(list, one) != list.end();
      };
      EXPECT_TRUE(has(request.remove, path) || has(request.clear_inputs, path.from) ||
                  has(request.clear_outputs, path.to));
    }
    EXPECT_TRUE(std::ranges::includes(before, device.paths()));
    if (step % 10 == 0) expect_sound(device, watched, now);
    for (const RequestAnswer& answer : device.take_answers()) {
      ++(answer.refusal == Refusal::kNone ? done : refused);
    }
  }
  watched.settle();
  expect_sound(device, watched, MonotonicTime::max());
  for (const RequestAnswer& answer : device.take_answers()) {
    ++(answer.refusal == Refusal::kNone ? done : refused);
  }
  EXPECT_EQ(done + refused, 3000);
  EXPECT_GT(done, 500);
  EXPECT_GT(refused, 500);
  for (int port = 1; port <= 1024; ++port) {
    EXPECT_NE(device.state(port), PortState::kMoving);
    if (port % 8 != 1) {
      EXPECT_EQ(device.wear(port), 0);
    }
  }
}

TEST_P(AnySides, TheSameSeedDoesTheSameWithFaultsAsWell) {
  const auto history = [](std::uint64_t seed) {
    EmulatedSwitchConfig config = switch_config("polatis", 1024, GetParam());
    config.seed = seed;
    WatchedSwitch watched(config);
    for (const FaultKind kind : {FaultKind::kDeny, FaultKind::kHalfApplied, FaultKind::kStuck}) {
      Fault fault = {.kind = kind, .stage = FaultStage::kMoving, .lasts = {}, .rate = 0.05};
      if (kind == FaultKind::kStuck) fault.lasts = Duration::milliseconds(70);
      watched.device.faults().arm(fault);
    }
    for (const FaultStage stage : {FaultStage::kSettled, FaultStage::kAnswered}) {
      for (const FaultKind kind : {FaultKind::kLostCircuit, FaultKind::kDrop, FaultKind::kReboot}) {
        watched.device.faults().arm({.kind = kind,
                                     .stage = stage,
                                     .lasts = Duration::milliseconds(5),
                                     .rate = kind == FaultKind::kReboot ? 0.002 : 0.02});
      }
    }
    Random random(5);
    MonotonicTime now = at_ms(1);
    std::vector<std::tuple<RequestId, Refusal, int, bool>> answers;
    for (int step = 0; step < 2000; ++step) {
      now += std::chrono::microseconds(random.below(4000));
      watched.device.advance(now);
      watched.device.request(random_request(watched.device, random), now);
      if (step % 100 == 0) expect_sound(watched.device, watched, now);
      for (const RequestAnswer& answer : watched.device.take_answers()) {
        answers.emplace_back(answer.id, answer.refusal, answer.port, answer.drop);
      }
    }
    watched.settle();
    expect_sound(watched.device, watched, MonotonicTime::max());
    EXPECT_EQ(answers.size() + watched.device.take_answers().size(), 2000u);
    return std::tuple(answers, watched.told, watched.device.snapshot());
  };
  EXPECT_EQ(history(3), history(3));
  EXPECT_NE(history(3), history(4));
}

INSTANTIATE_TEST_SUITE_P(EmulatedSwitch, AnySides, testing::Values(Sides::kOne, Sides::kTwo),
                         [](const auto& sides) { return std::string(to_string(sides.param)); });

}  // namespace
}  // namespace mixnet
