#include "daemon/region_engine.h"

#include <optional>

#include "daemon/test_region.h"
#include "region/region_snapshot.h"
#include "wire/region_wire.h"

namespace mixnet {
namespace {

using ::testing::HasSubstr;

constexpr Instant kStart = Instant::unix_seconds(1'795'000'000);
constexpr int kServers = 4;

RegionConfig config_of(const std::string& more = "") {
  return test_settings(kServers, 2, more).region;
}

/// A switch that does what it is told at once.
struct World {
  explicit World(const RegionConfig& wanted = config_of()) : config(wanted) { restart(); }

  void restart(Duration later = Duration::zero()) {
    engine.reset();
    store.reset();
    now += later;
    store.emplace(folder.path(), "test");
    engine.emplace(config, *store, now, [](const DeviceCommand& command) {
      return fmt::format("command {}", command.id);
    });
  }

  /// The event, and what it makes the switch answer, until nothing is out.
  void tell(const Event& event) {
    std::vector<Event> waiting = {event};
    for (std::size_t i = 0; i < waiting.size(); ++i) {
      now += Duration::milliseconds(1);
      const Event one = waiting[i];
      for (const Decision& decision : engine->handle(now, one)) {
        if (const auto* command = std::get_if<DeviceCommand>(&decision)) {
          for (const PortPair& pair : command->disconnect) std::erase(lit, pair);
          lit.insert(lit.end(), command->connect.begin(), command->connect.end());
          DeviceAnswer answer;
          answer.id = command->id;
          answer.ok = true;
          waiting.emplace_back(answer);
          ++commands;
        } else if (const auto* read = std::get_if<ReadState>(&decision)) {
          waiting.emplace_back(DeviceState{read->id, lit});
        }
      }
    }
  }
  void add_job(std::uint64_t sequence = 1, int shift = 1) {
    if (sequence == 1) tell(TenantAdd{1, first_servers(kServers)});
    tell(ring_demand(1, sequence, kServers, shift));
  }

  RegionConfig config;
  TestFolder folder;
  Instant now = kStart;
  std::vector<PortPair> lit;
  int commands = 0;
  std::optional<RegionStore> store;
  std::optional<RegionEngine> engine;
};

TEST(RegionEngine, GoesOnWhereItWas) {
  World world;
  EXPECT_TRUE(world.engine->is_first_start());
  world.add_job();
  EXPECT_GT(world.commands, 0);
  const RegionState before = world.engine->state();
  world.restart();
  EXPECT_FALSE(world.engine->is_first_start());
  EXPECT_EQ(world.engine->differences(), 0U);
  RegionState expected = before;
  go_on(expected, world.now);
  EXPECT_TRUE(world.engine->state() == expected);
  EXPECT_EQ(world.engine->controller().due_in(), Duration::zero());  // the device is to be read
  const int commands = world.commands;
  world.tell(Tick{});
  EXPECT_EQ(world.commands, commands);
}

TEST(RegionEngine, StartsAgainBeforeItHasHeardAnything) {
  World world;
  world.restart();
  world.restart(Duration::hours(1));
  world.add_job();
  EXPECT_GT(world.commands, 0);
}

TEST(RegionEngine, StoresBeforeItSays) {
  World world;
  world.add_job();
  const std::uint64_t last = world.engine->last_record();
  std::uint64_t first = 0;
  EXPECT_EQ(world.store->history(last, 10, first).size(), 1U);
  EXPECT_EQ(first, last);
  const std::vector<AuditEntry> trail = world.store->audit_trail(10);
  ASSERT_FALSE(trail.empty());
  EXPECT_EQ(trail.back().who, "controller");
  EXPECT_THAT(trail.back().what, HasSubstr("command "));
}

TEST(RegionEngine, GoesOnFromASnapshotAsFromItsRecords) {
  World world;
  world.add_job();
  world.engine->put_snapshot();
  world.add_job(2, 2);
  const std::string before = write_snapshot(world.engine->state());
  world.restart();
  world.engine->put_snapshot();  // nothing was heard: nothing to put
  RegionState expected = read_snapshot(before, "test");
  go_on(expected, world.now);
  EXPECT_TRUE(world.engine->state() == expected);
}

TEST(RegionEngine, PutsASnapshotNowAndThen) {
  World world;
  while (!world.engine->snapshot_due()) world.engine->handle(world.now, Tick{});
  EXPECT_GE(world.engine->last_record(), RegionEngine::kSnapshotEvery);
  world.engine->put_snapshot();
  EXPECT_FALSE(world.engine->snapshot_due());
  EXPECT_TRUE(world.store->load().events.empty());
}

TEST(RegionEngine, TakesAnotherConfigurationAndKeepsTheJobs) {
  World world;
  world.add_job();
  const std::vector<PortPair> lit = world.lit;
  world.config = config_of("forbidden: [1]\ncontroller: {allocator: greedy}\n");
  world.restart(Duration::seconds(1));
  EXPECT_EQ(world.engine->state().config, world.config);
  ASSERT_NE(world.engine->state().find(1), nullptr);
  world.tell(Tick{});
  world.add_job(2, 2);
  world.restart(Duration::seconds(1));
  world.add_job(3, 1);
  const ReplayResult result = replay(*world.store);
  EXPECT_EQ(result.first_difference, 0U) << result.what;
  EXPECT_GT(result.commands, 0U);
}

TEST(RegionEngine, RefusesAnotherRegionsStore) {
  World world;
  world.add_job();
  world.config = test_settings(kServers + 1, 2).region;
  try {
    world.restart();
    FAIL() << "it took it";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("4 servers with 2 optical and 1 other NICs"));
    EXPECT_THAT(error.what(), HasSubstr("begin anew"));
  }
}

TEST(Replay, DecidesTheSame) {
  World world;
  world.add_job();
  world.restart(Duration::hours(3));
  world.tell(Tick{});
  world.engine->put_snapshot();
  for (std::uint64_t i = 2; i < 20; ++i) world.add_job(i, static_cast<int>(i % 3) + 1);
  world.restart(Duration::zero() - Duration::hours(1));
  world.tell(TenantRemove{1});
  const ReplayResult result = replay(*world.store);
  EXPECT_EQ(result.first_difference, 0U) << result.what;
  EXPECT_EQ(result.events, world.engine->last_record());
  EXPECT_EQ(result.commands, static_cast<std::uint64_t>(world.commands));
}

TEST(Replay, NamesTheRecordThatIsDecidedOtherwise) {
  World world;
  world.add_job();
  const std::uint64_t last = world.engine->last_record();
  // As if another build had written it: the same event, another digest.
  const RecordedEvent tick{.now = world.now, .resumed = false, .event = Tick{}};
  world.store->append(with_digest(encode_record(tick), 12'345));
  ReplayResult result = replay(*world.store);
  EXPECT_EQ(result.first_difference, last + 1);
  EXPECT_THAT(result.what, HasSubstr("other decisions"));
  world.restart();
  EXPECT_EQ(world.engine->differences(), 1U);
}

TEST(Digest, IsOfEveryNumber) {
  const std::vector<Decision> one = {DeviceCommand{1, 2, {{1, 2}}, {{3, 4}}, Duration{5}}};
  const auto changed = [&](const auto& change) {
    std::vector<Decision> other = one;
    change(std::get<DeviceCommand>(other.front()));
    return digest(other) != digest(one);
  };
  EXPECT_EQ(digest(one), digest(std::vector(one)));
  EXPECT_TRUE(changed([](DeviceCommand& c) { c.id = 2; }));
  EXPECT_TRUE(changed([](DeviceCommand& c) { c.connect.clear(); }));
  EXPECT_TRUE(changed([](DeviceCommand& c) { c.connect.front().b = 5; }));
  EXPECT_TRUE(changed([](DeviceCommand& c) { std::swap(c.connect, c.disconnect); }));
  EXPECT_NE(digest({ReadState{1, {}}}), digest({TenantGone{1}}));
  EXPECT_NE(digest({}), digest({TenantGone{}}));
}

TEST(Digest, EndsARecordThatIsReadAsBefore) {
  const RecordedEvent tick{.now = kStart, .resumed = true, .event = Tick{}};
  const std::string record = with_digest(encode_record(tick), 0x0123456789abcdef);
  EXPECT_EQ(digest_of(record), 0x0123456789abcdef);
  const RecordedEvent read = decode_record(record, "test");
  EXPECT_EQ(read.now, kStart);
  EXPECT_TRUE(read.resumed);
  EXPECT_EQ(digest_of(""), std::nullopt);
}

}  // namespace
}  // namespace mixnet
