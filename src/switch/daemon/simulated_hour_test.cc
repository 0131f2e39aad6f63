// Hours of a daemon's life on a simulated clock: every fault of the emulated switch, patches by
// hand, steps of the clock, crashes, operators.
#include "daemon/observed_switch.h"
#include "daemon/test_simulated_daemon.h"
#include "wire/region_wire.h"

namespace mixnet {
namespace {

using ::testing::IsSubsetOf;

constexpr auto kHour = std::chrono::hours(1);

struct World {
  explicit World(std::uint64_t seed)
      : access(test_switch(16, "fixed:25ms", Sides::kTwo)),
        driver(access, settings.slice(), env),
        observed(driver),
        chaos(seed, access, env),
        random(mix64(seed)) {}

  void live(SimulatedDaemon& daemon, MonotonicTime end) {
    while (env.monotonic_now() < end) {
      daemon.pass(Duration::milliseconds(static_cast<std::int64_t>(random.below(3'000))));
      if (random.below(2) == 0) chaos.happen(daemon);
    }
  }
  /// No more faults: it must come to rest.
  bool comes_to_rest(SimulatedDaemon& daemon) {
    chaos.heal();
    daemon.tell(SwitchHold{false});
    const MonotonicTime end = env.monotonic_now() + std::chrono::minutes(80);
    MonotonicTime rests_since = MonotonicTime::max();
    while (env.monotonic_now() < end) {
      daemon.pass(Duration::seconds(1));
      if (!daemon.is_at_rest()) rests_since = MonotonicTime::max();
      rests_since = std::min(rests_since, env.monotonic_now());
      // Beyond the longest hold of a suspect port.
      if (daemon.is_at_rest() && env.monotonic_now() > end - std::chrono::minutes(10)) return true;
    }
    return false;
  }

  DaemonSettings settings =
      test_settings(Chaos::kServers, 2,
                    "ports: 1-14\nforbidden: [12, 14]\npins: [1-5]\ncontroller: {policy: block}\n");
  FakeEnv env;
  EmulatorAccess access;
  FakeEmulatorDriver driver;
  ObservedSwitch observed;
  Chaos chaos;
  Random random;
  TestFolder folder;
};

TEST(SimulatedHour, OfAnObserverWritesNothing) {
  World world(1);
  world.settings.observes = true;
  SimulatedDaemon daemon(world.settings, world.folder.path(), world.observed, world.env);
  world.live(daemon, world.env.monotonic_now() + kHour);
  EXPECT_EQ(world.access.writes, 0);
  EXPECT_GT(daemon.commands, 120);
  EXPECT_GT(daemon.failures, 10);
  EXPECT_GT(daemon.restarts, 10);
  EXPECT_GT(world.chaos.patches, 50);
  EXPECT_TRUE(world.comes_to_rest(daemon));
  EXPECT_EQ(world.access.writes, 0);
}

/// Fed what an acting daemon heard, an observer decides the same, crash by crash.
TEST(SimulatedHour, OfAnActingDaemonIsDecidedTheSameByAnObserver) {
  World world(std::getenv("SEED") ? std::stoull(std::getenv("SEED")) : 2);
  const auto slice = world.settings.slice();
  SimulatedDaemon daemon(world.settings, world.folder.path(), world.driver, world.env);
  world.live(daemon, world.env.monotonic_now() + kHour);
  EXPECT_GT(daemon.failures, 30);
  EXPECT_TRUE(world.comes_to_rest(daemon));
  EXPECT_THAT(world.access.named, IsSubsetOf(slice));
  const CrossConnects stands =
      world.driver.cross_connects(world.env.monotonic_now() + std::chrono::seconds(1));
  EXPECT_EQ(view_of(stands, world.settings, daemon.state()).lit.size() * 2,
            static_cast<std::size_t>(
                std::ranges::count_if(daemon.state().lit, [](int peer) { return peer >= 0; })));

  const TestFolder beside;
  std::optional<RegionStore> store;
  std::optional<RegionEngine> observer;
  std::uint64_t first = 0;
  const std::vector<std::string> records = daemon.store().history(1, 1 << 20, first);
  ASSERT_EQ(first, 1U);
  std::uint64_t number = 0;
  for (const std::string& bytes : records) {
    const RecordedEvent record = decode_record(bytes, "record");
    if (!observer || record.resumed) {
      observer.reset();
      store.reset();
      store.emplace(beside.path(), "test");
      observer.emplace(world.settings.region, *store, record.now);
    }
    ASSERT_EQ(digest(observer->handle(record.now, record.event)), digest_of(bytes)) << ++number;
  }
  EXPECT_TRUE(observer->state() == daemon.state());
}

TEST(SimulatedHour, IsReplayed) {
  World world(3);
  SimulatedDaemon daemon(world.settings, world.folder.path(), world.driver, world.env);
  world.live(daemon, world.env.monotonic_now() + kHour);
  const ReplayResult result = replay(daemon.store());
  EXPECT_EQ(result.first_difference, 0U) << result.what;
  EXPECT_GT(result.commands, 100U);
  EXPECT_GT(daemon.restarts, 10);
}

}  // namespace
}  // namespace mixnet
