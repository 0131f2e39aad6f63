#include "daemon/observed_switch.h"

#include "base/fake_env.h"
#include "daemon/test_region.h"

namespace mixnet {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

struct World {
  explicit World(Sides sides = Sides::kOne) : access(test_switch(8, "none", sides)) {}

  MonotonicTime soon() { return env.monotonic_now() + std::chrono::seconds(1); }
  void patch(std::vector<LightPath> remove, std::vector<LightPath> add) {
    PathRequest request;
    request.remove = std::move(remove);
    request.add = std::move(add);
    access.device.request(request, env.monotonic_now());
    access.device.take_answers();
  }

  FakeEnv env;
  EmulatorAccess access;
  FakeEmulatorDriver real{access, {1, 2, 3, 4, 5, 6}, env};
  ObservedSwitch observed{real};
};

TEST(ObservedSwitch, ChangesAPictureAndNotTheSwitch) {
  World world;
  world.patch({}, {{1, 2}, {2, 1}});
  const ChangeReport report =
      world.observed.apply({.disconnect = {{1, 2}}, .connect = {{1, 3}, {2, 4}}}, world.soon());
  EXPECT_TRUE(report.complete());
  EXPECT_THAT(world.observed.cross_connects(world.soon()).circuits,
              ElementsAre(OpticalCircuit{1, 3}, OpticalCircuit{2, 4}));
  EXPECT_EQ(world.access.writes, 0);
  EXPECT_EQ(world.access.device.path_from(1), 2);
}

TEST(ObservedSwitch, SaysWhatADriverWould) {
  World world;
  world.patch({}, {{1, 2}, {2, 1}, {3, 8}, {8, 3}});
  const ChangeReport report = world.observed.apply(
      {.disconnect = {{5, 6}}, .connect = {{1, 2}, {3, 4}, {5, 6}}}, world.soon());
  ASSERT_EQ(report.pairs.size(), 4U);
  EXPECT_EQ(report.pairs[0].outcome, PairOutcome::kAlready);
  EXPECT_EQ(report.pairs[1].outcome, PairOutcome::kAlready);
  EXPECT_EQ(report.pairs[2].outcome, PairOutcome::kBusy);  // 3 leads out of the slice
  EXPECT_EQ(report.pairs[3].outcome, PairOutcome::kDone);
  EXPECT_THAT(world.observed.cross_connects(world.soon()).taken, ElementsAre(3));
}

TEST(ObservedSwitch, BelievesWhatTheRealOneIsSeenToChange) {
  World world;
  world.observed.apply({.disconnect = {}, .connect = {{1, 3}, {2, 4}}}, world.soon());
  world.patch({}, {{1, 5}, {5, 1}});  // another's hand
  EXPECT_THAT(world.observed.cross_connects(world.soon()).circuits,
              ElementsAre(OpticalCircuit{1, 5}, OpticalCircuit{2, 4}));
  world.patch({{1, 5}, {5, 1}}, {});
  EXPECT_THAT(world.observed.cross_connects(world.soon()).circuits,
              ElementsAre(OpticalCircuit{2, 4}));
}

TEST(ObservedSwitch, CompletesAndRemovesHalves) {
  World world(Sides::kTwo);
  world.patch({}, {{1, 3}, {2, 4}});
  EXPECT_EQ(world.observed.cross_connects(world.soon()).halves.size(), 2U);
  const ChangeReport report =
      world.observed.apply({.disconnect = {{2, 4}}, .connect = {{1, 3}}}, world.soon());
  EXPECT_TRUE(report.complete());
  const CrossConnects picture = world.observed.cross_connects(world.soon());
  EXPECT_THAT(picture.circuits, ElementsAre(OpticalCircuit{1, 3}));
  EXPECT_THAT(picture.halves, IsEmpty());
}

TEST(ObservedSwitch, GivesTheRealOnesPortsAndAlarms) {
  World world;
  EXPECT_EQ(world.observed.capabilities(world.soon()).ports, 8);
  EXPECT_EQ(world.observed.ports({}, world.soon()).size(), 6U);
  world.access.device.strike(parse_fault("alarm@idle", "", 8), world.env.monotonic_now());
  EXPECT_EQ(world.observed.events(world.soon()).size(), 1U);
}

}  // namespace
}  // namespace mixnet
