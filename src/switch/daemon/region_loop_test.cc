#include "daemon/region_loop.h"

#include <algorithm>
#include <atomic>

#include "daemon/test_region.h"
#include "ocs/switch_error.h"
#include "store/sqlite.h"

namespace mixnet {
namespace {

using ::testing::Contains;
using ::testing::ContainsRegex;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr int kServers = 4;
constexpr int kNics = 2;

struct World {
  explicit World(std::string_view timing = "none", Sides sides = Sides::kOne)
      : access(test_switch(kServers * kNics + 4, timing, sides)) {}

  std::unique_ptr<RunningRegion> start(const std::string& more = "") {
    DaemonSettings settings = test_settings(kServers, kNics, more);
    driver = std::make_unique<FakeEmulatorDriver>(access, settings.slice(), system_env());
    return std::make_unique<RunningRegion>(std::move(settings), folder.path(), *driver);
  }
  /// By somebody's hand.
  void patch(int from, int to, bool both = true) {
    const std::lock_guard lock(access.mutex);
    PathRequest request;
    request.add = {{from, to}};
    if (both) request.add.push_back({to, from});
    const MonotonicTime now = system_env().monotonic_now();
    access.device.request(request, now);
    access.device.advance(now + std::chrono::hours(1));
    access.device.take_answers();
  }
  int circuits() {
    const std::lock_guard lock(access.mutex);
    return static_cast<int>(access.device.paths().size()) / 2;
  }

  TestFolder folder;
  EmulatorAccess access;
  std::unique_ptr<FakeEmulatorDriver> driver;
};

bool add_job(RunningRegion& region, int servers = kServers) {
  const bool taken = region.post(TenantAdd{1, first_servers(servers)}, "AddTenant 1").taken;
  return taken && region.post(ring_demand(1, 1, servers), "").taken;
}

TEST(RegionLoop, MakesADemandCircuits) {
  World world("fixed:5ms");
  const auto region = world.start();
  ASSERT_TRUE(add_job(*region));
  ASSERT_TRUE(region->wait_settled());
  EXPECT_THAT(region->lit(), Not(IsEmpty()));
  EXPECT_EQ(world.circuits(), static_cast<int>(region->lit().size()));
  EXPECT_TRUE(region->loop().is_ready());
  EXPECT_TRUE(region->loop().is_healthy());

  const auto seen = region->seen();
  EXPECT_THAT(seen.milestones, ElementsAre(Milestone::kStarted, Milestone::kReady));
  const auto command =
      std::ranges::find_if(seen.done, [](const auto& done) { return !done.is_read; });
  ASSERT_NE(command, seen.done.end());
  EXPECT_LE(command->begun, command->sent);
  EXPECT_LT(command->sent, command->done);
  EXPECT_GE(command->done - command->begun, std::chrono::milliseconds(5));
  for (const StageTimes& times : seen.times) {
    EXPECT_LE(times.received, times.decided);
    EXPECT_LE(times.decided, times.stored);
    EXPECT_LE(times.stored, times.handed);
  }
}

TEST(RegionLoop, AuditsWhoAskedAndWhatWasCommanded) {
  World world;
  const auto region = world.start();
  ASSERT_TRUE(add_job(*region));
  ASSERT_TRUE(region->wait_settled());
  region->loop().audit("10.0.0.9", "DrainServer s1: refused", true);
  const std::vector<AuditEntry> trail = region->loop().audit_trail(100);
  std::vector<std::string> texts;
  for (const AuditEntry& entry : trail) texts.push_back(entry.who + ": " + entry.what);
  EXPECT_THAT(texts, Contains("test: AddTenant 1"));
  EXPECT_THAT(texts, Contains("10.0.0.9: DrainServer s1: refused"));
  EXPECT_THAT(texts, Contains(ContainsRegex("controller: command [0-9]+: connect 1-")));
  EXPECT_THAT(texts, Contains(ContainsRegex("controller: command [0-9]+: done in")));
}

TEST(RegionLoop, ATrailThatCannotBeReadEndsNothing) {
  World world;
  const auto region = world.start();
  ASSERT_TRUE(add_job(*region));
  SqliteDatabase(world.folder.path() / "region.db").run("UPDATE audit SET what = 'another'");
  EXPECT_THROW(region->loop().audit_trail(100), Error);
  EXPECT_TRUE(region->wait_settled());
  EXPECT_EQ(region->failure(), "");
}

TEST(RegionLoop, WhatItsStoreDidNotTakeIsRefusedOnce) {
  World world;
  const auto region = world.start();
  ASSERT_TRUE(region->wait_seen([](const auto& seen) { return !seen.done.empty(); }));
  SqliteDatabase(world.folder.path() / "region.db").run("DROP TABLE event");
  EXPECT_FALSE(region->post(TenantAdd{1, first_servers(2)}, "AddTenant 1").taken);
  region->stop();
  EXPECT_THAT(region->failure(), HasSubstr("no such table: event"));
}

/// A switch that tells of its circuits at once, and of its ports never in time.
class SlowPorts : public OpticalSwitch {
 public:
  explicit SlowPorts(OpticalSwitch& real) : real_(real) {}
  SwitchCapabilities capabilities(MonotonicTime dead_line) override {
    return real_.capabilities(dead_line);
  }
  CrossConnects cross_connects(MonotonicTime dead_line) override {
    return real_.cross_connects(dead_line);
  }
  ChangeReport apply(const SwitchChange& change, MonotonicTime dead_line) override {
    return real_.apply(change, dead_line);
  }
  std::vector<PortReading> ports(std::span<const int>, MonotonicTime) override {
    ++asked;
    throw SwitchError(SwitchFault::kTimedOut, "ocs", "did not answer in time");
  }
  std::vector<SwitchEvent> events(MonotonicTime dead_line) override {
    if (asked > 0) ++listened_after;
    return real_.events(dead_line);
  }
  std::atomic<int> asked = 0, listened_after = 0;

 private:
  OpticalSwitch& real_;
};

TEST(RegionLoop, ASwitchThatIsSlowAboutItsPortsIsNotLost) {
  World world;
  const DaemonSettings settings = test_settings(kServers, kNics);
  FakeEmulatorDriver driver(world.access, settings.slice(), system_env());
  SlowPorts device(driver);
  RunningRegion region(settings, world.folder.path(), device);
  EXPECT_TRUE(region.wait_for([&](const RegionState&) { return device.listened_after > 1; }));
  EXPECT_EQ(device.asked, 1);
  EXPECT_THAT(region.seen().milestones, ElementsAre(Milestone::kStarted, Milestone::kReady));
  EXPECT_TRUE(region.loop().is_ready());
}

TEST(RegionLoop, AListenerMayInspect) {
  World world;
  const auto region = world.start();
  std::atomic<int> tenants = -1;
  const auto subscription = region->loop().listen([&](const Happening& happening) {
    if (!std::holds_alternative<EventHandled>(happening)) return;
    EXPECT_TRUE(region->loop().inspect(
        [&](const RegionState& state) { tenants = static_cast<int>(state.slices.size()) - 1; }));
  });
  ASSERT_TRUE(region->post(TenantAdd{1, first_servers(2)}).taken);
  EXPECT_TRUE(region->wait_for([&](const RegionState&) { return tenants == 1; }));
}

TEST(RegionLoop, WhatAnInspectionThrowsIsItsCallers) {
  World world;
  const auto region = world.start();
  EXPECT_THROW(region->loop().inspect([](const RegionState&) { throw Error("look", "fails"); }),
               Error);
  EXPECT_TRUE(region->loop().inspect([](const RegionState&) {}));
}

TEST(RegionLoop, GoesOnFromItsStoreAndLeavesCircuitsAlone) {
  World world;
  auto region = world.start();
  ASSERT_TRUE(add_job(*region));
  ASSERT_TRUE(region->wait_settled());
  const auto lit = region->lit();
  const std::int64_t run = region->loop().run_id();
  region->stop();
  EXPECT_FALSE(region->loop().is_healthy());
  EXPECT_FALSE(region->post(Tick{}).taken);
  EXPECT_FALSE(region->loop().inspect([](const RegionState&) {}));
  region.reset();
  EXPECT_EQ(world.circuits(), static_cast<int>(lit.size()));

  const std::int64_t writes = world.access.writes;
  region = world.start();
  ASSERT_TRUE(region->wait_seen([](const auto& seen) {
    return std::ranges::find(seen.milestones, Milestone::kReady) != seen.milestones.end();
  }));
  ASSERT_TRUE(region->wait_settled());
  EXPECT_EQ(region->lit(), lit);
  EXPECT_EQ(world.access.writes, writes);
  EXPECT_GT(region->loop().run_id(), run);
}

TEST(RegionLoop, PutsRightWhatChangedWhileItWasDown) {
  World world;
  auto region = world.start();
  ASSERT_TRUE(add_job(*region));
  ASSERT_TRUE(region->wait_settled());
  const auto lit = region->lit();
  region.reset();
  {
    const std::lock_guard lock(world.access.mutex);
    world.access.device.strike(parse_fault("reboot-lost@idle for=1ms", "", 12),
                               system_env().monotonic_now());
  }
  EXPECT_EQ(world.circuits(), 0);
  region = world.start();
  EXPECT_TRUE(region->wait_for([&](const RegionState& state) {
    return world.circuits() == static_cast<int>(lit.size()) &&
           state.slices.back().step == Step::kSettled;
  }));
  EXPECT_EQ(region->lit(), lit);
}

TEST(RegionLoop, MendsHalvesAndLeavesForeignPortsAlone) {
  World world("none", Sides::kTwo);
  world.patch(1, 5, false);  // half of what nobody wants
  world.patch(9, 10);        // not of the slice
  world.patch(6, 6, false);  // a port with itself
  const auto region = world.start();
  ASSERT_TRUE(add_job(*region));
  ASSERT_TRUE(region->wait_for([](const RegionState& state) {
    int lit = 0;
    for (const int peer : state.lit) lit += peer >= 0 ? 1 : 0;
    return state.slices.back().step == Step::kSettled && lit == kServers * kNics;
  }));
  const std::lock_guard lock(world.access.mutex);
  EXPECT_EQ(world.access.device.path_from(9), 10);
  EXPECT_NE(world.access.device.path_from(1), 5);
  EXPECT_NE(world.access.device.path_from(6), 6);
  EXPECT_THAT(world.access.named, Not(Contains(9)));
  EXPECT_THAT(world.access.named, Not(Contains(10)));
}

TEST(RegionLoop, NeverTouchesForbiddenPorts) {
  World world;
  world.patch(3, 4);
  const auto region = world.start("forbidden: [3]\n");
  ASSERT_TRUE(add_job(*region));
  ASSERT_TRUE(region->wait_settled());
  EXPECT_THAT(region->lit(), Not(IsEmpty()));
  const std::lock_guard lock(world.access.mutex);
  EXPECT_EQ(world.access.device.path_from(3), 4);
  EXPECT_THAT(world.access.named, Not(Contains(3)));
}

TEST(RegionLoop, KeepsThePinsOfTheFileUntilTheFileLosesThem) {
  World world;
  auto region = world.start("pins: [1-8]\n");
  EXPECT_TRUE(region->wait_for([](const RegionState& state) { return state.lit[0] == 7; }));
  region.reset();
  region = world.start("pins: [2-5]\n");
  EXPECT_TRUE(region->wait_for(
      [](const RegionState& state) { return state.lit[1] == 4 && state.lit[0] == -1; }));
}

TEST(RegionLoop, AnswersWhenTheNicsAreUp) {
  World world;
  const auto region = world.start("nic-up: 60ms\n");
  ASSERT_TRUE(add_job(*region));
  ASSERT_TRUE(region->wait_settled());
  for (const auto& done : region->seen().done) {
    if (done.is_read) continue;
    EXPECT_GE(done.linked - done.done, std::chrono::milliseconds(60));
  }
}

TEST(RegionLoop, LearnsHowLongNicsTake) {
  World world;
  auto region = world.start("nic-up: measured\n");
  EXPECT_FALSE(region->loop().report_activation(0, Duration::seconds(61)));
  EXPECT_FALSE(region->loop().report_activation(0, Duration{-1}));
  EXPECT_FALSE(region->loop().report_activation(99, Duration::seconds(1)));
  for (int port = 0; port < kServers * kNics; ++port) {
    EXPECT_TRUE(region->loop().report_activation(port, Duration::milliseconds(40)));
  }
  EXPECT_TRUE(region->wait_settled());
  region.reset();
  region = world.start("nic-up: measured\n");
  ASSERT_TRUE(add_job(*region));
  ASSERT_TRUE(region->wait_settled());
  const auto seen = region->seen();
  const auto command =
      std::ranges::find_if(seen.done, [](const auto& done) { return !done.is_read; });
  ASSERT_NE(command, seen.done.end());
  EXPECT_GE(command->linked - command->done, std::chrono::milliseconds(40));
}

TEST(RegionLoop, SurvivesASwitchThatComesAndGoes) {
  World world;
  const auto region = world.start("controller: {read-timeout: 50ms, audit: 100ms}\n");
  ASSERT_TRUE(add_job(*region));
  ASSERT_TRUE(region->wait_settled());
  {
    const std::lock_guard lock(world.access.mutex);
    world.access.device.strike(parse_fault("reboot@idle for=400ms", "", 12),
                               system_env().monotonic_now());
  }
  EXPECT_TRUE(region->wait_seen([](const auto& seen) {
    return std::ranges::find(seen.milestones, Milestone::kDeviceLost) != seen.milestones.end();
  }));
  EXPECT_FALSE(region->loop().is_ready());
  EXPECT_TRUE(region->wait_seen([](const auto& seen) {
    return std::ranges::find(seen.milestones, Milestone::kDeviceBack) != seen.milestones.end();
  }));
  // It may have lost its circuits: ready is who has read it again.
  EXPECT_TRUE(region->wait_seen([&](const auto&) { return region->loop().is_ready(); }));
  EXPECT_TRUE(region->wait_settled());
  EXPECT_THAT(region->loop().alarms(10), Not(IsEmpty()));
}

TEST(RegionLoop, ReadsASwitchThatIsBackWithoutWaitingForTheDeadLine) {
  World world;
  const auto region = world.start("controller: {read-timeout: 10s, audit: 100ms}\n");
  ASSERT_TRUE(region->wait_settled());
  {
    const std::lock_guard lock(world.access.mutex);
    world.access.device.strike(parse_fault("reboot@idle for=400ms", "", 12),
                               system_env().monotonic_now());
  }
  EXPECT_TRUE(region->wait_seen([](const auto& seen) {
    return std::ranges::find(seen.milestones, Milestone::kDeviceBack) != seen.milestones.end();
  }));
  const MonotonicTime back = system_env().monotonic_now();
  EXPECT_TRUE(region->wait_seen([&](const auto&) { return region->loop().is_ready(); }));
  EXPECT_LT(system_env().monotonic_now() - back, std::chrono::seconds(5));
}

TEST(RegionLoop, HearsTheSwitchWithinASecond) {
  World world;
  const auto region = world.start();
  ASSERT_TRUE(region->wait_settled());
  const MonotonicTime begun = system_env().monotonic_now();
  {
    const std::lock_guard lock(world.access.mutex);
    world.access.device.strike(parse_fault("alarm@idle", "", 12), begun);
  }
  EXPECT_TRUE(region->wait_seen([](const auto& seen) { return !seen.spoke.empty(); }));
  EXPECT_LT(system_env().monotonic_now() - begun, std::chrono::milliseconds(1'500));
}

TEST(RegionLoop, StopsAmidACommandAndFinishesIt) {
  World world("fixed:150ms");
  auto region = world.start();
  ASSERT_TRUE(add_job(*region));
  ASSERT_TRUE(region->wait_for(
      [](const RegionState& state) { return state.slices.back().step == Step::kSwitching; }));
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  region->stop();
  const auto seen = region->seen();
  ASSERT_THAT(seen.done, Not(IsEmpty()));
  EXPECT_FALSE(seen.done.back().is_read);
  EXPECT_EQ(seen.done.back().error, "");
  EXPECT_EQ(seen.milestones.back(), Milestone::kStopped);
  EXPECT_GT(world.circuits(), 0);
}

TEST(RegionLoop, MayBeStoppedBeforeItRuns) {
  World world;
  const DaemonSettings settings = test_settings(kServers, kNics);
  FakeEmulatorDriver driver(world.access, settings.slice(), system_env());
  RegionStore store(world.folder.path(), "test");
  RegionLoop loop(settings, store, driver);
  int refused = 0;
  loop.post(Tick{}, "", "", [&](const RegionLoop::Outcome& outcome) { refused += !outcome.taken; });
  loop.stop();
  loop.stop();
  loop.run();
  EXPECT_EQ(refused, 1);
}

TEST(RegionLoop, RefusesWhenTooManyWait) {
  World world;
  const DaemonSettings settings = test_settings(kServers, kNics);
  FakeEmulatorDriver driver(world.access, settings.slice(), system_env());
  RegionStore store(world.folder.path(), "test");
  RegionLoop loop(settings, store, driver);
  std::size_t refused = 0;
  for (std::size_t i = 0; i < RegionLoop::kMostWaiting + 10; ++i) {
    loop.post(Tick{}, "", "", [&](const RegionLoop::Outcome& one) { refused += !one.taken; });
  }
  EXPECT_EQ(refused, 10U);
}

TEST(RegionLoop, RefusesWhatNoRecordCanHold) {
  World world;
  auto region = world.start();
  EXPECT_FALSE(region->post(TenantAdd{-1, {0}}).taken);
  EXPECT_FALSE(region->post(PhaseMark{1, 0, true}).taken);
  DemandReport crooked = ring_demand(1, 1, kServers);
  crooked.bytes = ServerDemand(2, 3);
  EXPECT_FALSE(region->post(crooked).taken);
  EXPECT_TRUE(region->post(TenantAdd{1, {99}}).taken);  // nonsense, which the controller drops
  region.reset();
  region = world.start();
  EXPECT_TRUE(region->post(Tick{}).taken);
}

TEST(RegionLoop, HoldsInMaintenance) {
  World world;
  const auto region =
      world.start("controller: {maintenance: [\"1999-01-01 00:00 / 2200-01-01 00:00 UTC\"]}\n");
  ASSERT_TRUE(add_job(*region));
  ASSERT_TRUE(region->wait_for([](const RegionState& state) { return state.held; }));
  EXPECT_TRUE(region->wait_settled());
  EXPECT_EQ(world.circuits(), 0);
  EXPECT_TRUE(region->post(SwitchHold{false}, "HoldSwitch no").taken);  // the operator knows
  EXPECT_TRUE(region->wait_settled());
  EXPECT_GT(world.circuits(), 0);
}

TEST(RegionLoop, KeepsAnOperatorsHoldOverARestart) {
  World world;
  auto region = world.start();
  EXPECT_TRUE(region->post(SwitchHold{true}, "HoldSwitch").taken);
  region.reset();
  region = world.start();
  ASSERT_TRUE(add_job(*region));
  EXPECT_TRUE(region->wait_for([](const RegionState& state) { return state.held; }));
  EXPECT_EQ(world.circuits(), 0);
}

TEST(RegionLoop, RefusesAStoreOfOtherServers) {
  World world;
  world.start().reset();
  const auto start = [&](const std::string& text) {
    const DaemonSettings settings = parse_daemon_settings(text, "region.yaml");
    FakeEmulatorDriver driver(world.access, settings.slice(), system_env());
    RegionStore store(world.folder.path(), "test");
    try {
      const RegionLoop loop(settings, store, driver);
    } catch (const Error& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  EXPECT_THAT(start(region_text(kServers + 1, kNics)), HasSubstr("servers"));
  std::string renamed = region_text(kServers, kNics);
  renamed.replace(renamed.find("s2"), 2, "sX");
  EXPECT_THAT(start(renamed), HasSubstr("not those that the store knows"));
  EXPECT_EQ(start(region_text(kServers, kNics)), "");
}

TEST(RegionLoop, SubscriptionsEndFromAnywhere) {
  World world;
  const auto region = world.start();
  RegionLoop& loop = region->loop();
  std::mutex mutex;
  int first = 0;
  int second = 0;
  RegionLoop::Subscription one, other;
  std::unique_lock held(mutex);  // it may be called before `one` is there
  one = loop.listen([&](const Happening&) {
    const std::lock_guard lock(mutex);
    ++first;
    one.reset();  // its own
    if (!other) other = loop.listen([&](const Happening&) { ++second; });
  });
  held.unlock();
  EXPECT_TRUE(region->post(Tick{}).taken);
  EXPECT_TRUE(region->post(Tick{}).taken);
  EXPECT_TRUE(region->wait_settled());
  {
    const std::lock_guard lock(mutex);
    EXPECT_EQ(first, 1);
    other.reset();
  }
  const int before = second;
  EXPECT_TRUE(region->post(Tick{}).taken);
  EXPECT_EQ(second, before);
}

}  // namespace
}  // namespace mixnet
