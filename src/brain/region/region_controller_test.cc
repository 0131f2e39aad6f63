#include "region/region_controller.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <iterator>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "base/error.h"
#include "region/region_snapshot.h"

namespace mixnet {
namespace {

using ::testing::HasSubstr;

constexpr Instant kStart = Instant::unix_seconds(1'795'766'400);  // 2026-11-27

/// The decisions of one kind.
template <typename Kind>
std::vector<Kind> only(const std::vector<Decision>& decisions) {
  std::vector<Kind> out;
  for (const Decision& decision : decisions) {
    if (const auto* one = std::get_if<Kind>(&decision)) out.push_back(*one);
  }
  return out;
}

/// Three servers of two optical NICs and one EPS NIC; port 2 * s + k is NIC k of server s.
RegionConfig small() {
  RegionConfig config;
  config.servers = 3;
  config.optical_nics = 2;
  config.eps_nics = 1;
  config.attempts = 2;
  return config;
}

ServerDemand demand_of(const std::vector<std::vector<std::int64_t>>& rows) {
  ServerDemand demand(rows.size(), rows.size());
  for (std::size_t r = 0; r < rows.size(); ++r) std::ranges::copy(rows[r], demand.row(r).begin());
  return demand;
}

class RegionControllerTest : public ::testing::Test {
 protected:
  const std::vector<Decision>& give(const Event& event) { return controller_.handle(now_, event); }
  /// The tenant 1 on all servers, the device read dark.
  void start() {
    give(Tick{});
    read({});
    give(TenantAdd{1, {0, 1, 2}});
    read({});
  }
  const std::vector<Decision>& read(const std::vector<PortPair>& lit) {
    return give(DeviceState{controller_.state().last_id, lit});
  }
  DemandReport demand(std::uint64_t sequence, const std::vector<std::vector<std::int64_t>>& rows) {
    return {1, {sequence, 0, 0, false}, demand_of(rows)};
  }
  const Slice& slice() { return *controller_.state().find(1); }

  RegionController controller_{small()};
  Instant now_ = kStart;
};

const std::vector<std::vector<std::int64_t>> kZeroToOne = {{0, 9, 0}, {0, 0, 0}, {0, 0, 0}};
const std::vector<std::vector<std::int64_t>> kZeroToTwo = {{0, 0, 9}, {0, 0, 0}, {0, 0, 0}};

TEST_F(RegionControllerTest, ADemandBecomesACommandAReadingAndAnAnnouncement) {
  start();
  const auto commands = only<DeviceCommand>(give(demand(1, kZeroToOne)));
  ASSERT_EQ(commands.size(), 1U);
  EXPECT_EQ(commands[0].connect, (std::vector<PortPair>{{0, 2}, {1, 3}}));
  EXPECT_TRUE(commands[0].disconnect.empty());

  const auto reads = only<ReadState>(give(DeviceAnswer{commands[0].id, true, -1, false, {}}));
  ASSERT_EQ(reads.size(), 1U);
  const auto said = only<TopologyAnnouncement>(read({{0, 2}, {1, 3}}));
  ASSERT_EQ(said.size(), 1U);
  EXPECT_EQ(said[0].circuits, (std::vector<Circuit>{{0, 0, 1, 0}, {0, 1, 1, 1}}));
  EXPECT_EQ(said[0].served.sequence, 1U);
}

TEST_F(RegionControllerTest, CircuitsThatGoAreWithdrawnBeforeTheCommand) {
  start();
  give(demand(1, kZeroToOne));
  give(DeviceAnswer{controller_.state().last_id, true, -1, false, {}});
  read({{0, 2}, {1, 3}});
  const std::vector<Decision> decisions = give(demand(2, kZeroToTwo));
  ASSERT_EQ(decisions.size(), 2U);
  EXPECT_TRUE(std::get<TopologyAnnouncement>(decisions[0]).circuits.empty());
  EXPECT_EQ(std::get<DeviceCommand>(decisions[1]).disconnect,
            (std::vector<PortPair>{{0, 2}, {1, 3}}));
}

TEST_F(RegionControllerTest, AnAnswerThatTellsWhatIsLitSavesTheReading) {
  start();
  give(demand(1, kZeroToOne));
  const std::vector<Decision> decisions =
      give(DeviceAnswer{controller_.state().last_id, true, -1, true, {{0, 2}, {1, 3}}});
  ASSERT_EQ(decisions.size(), 1U);
  EXPECT_EQ(std::get<TopologyAnnouncement>(decisions[0]).circuits.size(), 2U);
}

TEST_F(RegionControllerTest, LateAndDoubleDemandsAreDroppedAndContradictoryOnesToldOf) {
  start();
  give(demand(2, kZeroToOne));
  EXPECT_TRUE(give(demand(2, kZeroToOne)).empty());
  EXPECT_TRUE(give(demand(1, kZeroToTwo)).empty());
  const auto alarms = only<Alarm>(give(demand(2, kZeroToTwo)));
  ASSERT_EQ(alarms.size(), 1U);
  EXPECT_EQ(alarms[0].code, AlarmCode::kContradictoryDemand);
  EXPECT_EQ(slice().demand, demand_of(kZeroToOne));
}

TEST_F(RegionControllerTest, WhileAPhaseRunsNoCircuitMoves) {
  start();
  give(demand(1, kZeroToOne));
  give(DeviceAnswer{controller_.state().last_id, true, -1, false, {}});
  read({{0, 2}, {1, 3}});
  give(PhaseMark{1, 1, true});
  EXPECT_TRUE(give(demand(2, kZeroToTwo)).empty());
  EXPECT_EQ(only<DeviceCommand>(give(PhaseMark{1, 1, false})).size(), 1U);
}

TEST_F(RegionControllerTest, APhaseThatDoesNotEndIsEnded) {
  start();
  give(PhaseMark{1, 1, true});
  give(demand(2, kZeroToTwo));
  now_ += controller_.state().config.phase_limit;
  const std::vector<Decision> decisions = give(Tick{});
  EXPECT_EQ(only<Alarm>(decisions)[0].code, AlarmCode::kPhaseOverdue);
  EXPECT_EQ(only<DeviceCommand>(decisions).size(), 1U);
}

TEST_F(RegionControllerTest, AFailedPortIsWithdrawnAtOnceAndWiredAround) {
  start();
  give(demand(1, kZeroToOne));
  give(DeviceAnswer{controller_.state().last_id, true, -1, false, {}});
  read({{0, 2}, {1, 3}});
  const std::vector<Decision> decisions = give(HealthReport{Part::kOcsPort, 2, true, 1});
  EXPECT_EQ(only<TopologyAnnouncement>(decisions)[0].circuits,
            (std::vector<Circuit>{{0, 1, 1, 1}}));
  EXPECT_EQ(only<DeviceCommand>(decisions)[0].disconnect, (std::vector<PortPair>{{0, 2}}));
  // An older report about the same port comes too late.
  EXPECT_TRUE(give(HealthReport{Part::kOcsPort, 2, false, 1}).empty());
}

TEST_F(RegionControllerTest, WithoutEpsAServerGetsACircuitAndRelays) {
  start();
  const auto commands = only<DeviceCommand>(give(HealthReport{Part::kEpsNic, 2, true, 1}));
  ASSERT_EQ(commands.size(), 1U);
  ASSERT_EQ(commands[0].connect, (std::vector<PortPair>{{0, 4}}));
  give(DeviceAnswer{commands[0].id, true, -1, false, {}});
  const auto said = only<TopologyAnnouncement>(read({{0, 4}}));
  ASSERT_EQ(said.size(), 1U);
  EXPECT_EQ(said[0].relays, (std::vector<Relay>{{2, 1, {0}}}));
  EXPECT_TRUE(said[0].cut.empty());
}

TEST_F(RegionControllerTest,
       ACommandThatIsNotAnsweredIsReadBackAndTriedAgainThenItsPortsAreSuspect) {
  start();
  give(demand(1, kZeroToOne));
  int commands = 1;
  while (only<Alarm>(read({{1, 3}})).empty()) {
    ASSERT_LT(commands, 20);
    now_ = controller_.next_deadline();
    commands += static_cast<int>(only<DeviceCommand>(give(Tick{})).size());
    if (slice().step != Step::kReading) ++commands;
  }
  EXPECT_TRUE(controller_.state().suspect(0));
  EXPECT_TRUE(controller_.state().suspect(2));
  EXPECT_FALSE(controller_.state().suspect(1));
  // After the hold they are used again.
  EXPECT_GE(controller_.state().suspicion[0].until,
            controller_.state().elapsed + small().suspect_hold);
}

/// A device that does as it is told.
class Obedient {
 public:
  explicit Obedient(const RegionConfig& config) : controller_(config) {}

  /// The event and all that follows from it; the alarms.
  std::vector<Alarm> play(const Event& event) {
    std::vector<Event> events = {event};
    std::vector<Alarm> alarms;
    for (std::size_t at = 0; at < events.size(); ++at) {
      const std::vector<Decision> decisions = controller_.handle(kStart, Event(events[at]));
      for (const DeviceCommand& command : only<DeviceCommand>(decisions)) {
        for (const PortPair& one : command.disconnect) lit_.erase(one);
        for (const PortPair& one : command.connect) lit_.insert(one);
        events.emplace_back(DeviceAnswer{command.id, true, -1, false, {}});
      }
      for (const ReadState& read : only<ReadState>(decisions)) {
        events.emplace_back(DeviceState{read.id, {lit_.begin(), lit_.end()}});
      }
      std::ranges::copy(only<Alarm>(decisions), std::back_inserter(alarms));
    }
    return alarms;
  }
  const TopologyAnnouncement& announced() { return controller_.state().find(1)->announced; }

 private:
  RegionController controller_;
  std::set<PortPair> lit_;
};

/// Without EPS: server 0 joins 1 and 2, and 3 has no NIC that works. When 0 dies its own pairs are
/// no longer cut, and 1 and 2 are: as many as before.
TEST(RegionControllerAlarms, APairThatIsCutWhileAnotherHealsIsToldOf) {
  RegionConfig config = small();
  config.servers = 4;
  Obedient region(config);
  region.play(Tick{});
  region.play(TenantAdd{1, {0, 1, 2, 3}});
  for (const int port : {3, 5, 6, 7}) region.play(HealthReport{Part::kOpticalNic, port, true, 1});
  for (int nic = 0; nic < 4; ++nic) region.play(HealthReport{Part::kEpsNic, nic, true, 1});
  ASSERT_EQ(region.announced().cut, (std::vector<PortPair>{{0, 3}, {1, 3}, {2, 3}}));
  const auto alarms = region.play(HealthReport{Part::kServer, 0, true, 1});
  EXPECT_EQ(std::ranges::count(alarms, AlarmCode::kServersCut, &Alarm::code), 1) << "1 and 2";
  // Then they are joined by what they have, and nobody new is cut.
  EXPECT_EQ(region.announced().cut, (std::vector<PortPair>{{1, 3}, {2, 3}}));
}

/// The largest region: the last ports and servers, the largest numbers of a job.
TEST(RegionControllerLimits, TheLargestRegionServesItsLastServers) {
  RegionConfig config;
  config.servers = RegionConfig::kMaxServers;
  config.optical_nics = RegionConfig::kMaxNics;
  config.eps_nics = RegionConfig::kMaxNics;
  config.drain = config.command_timeout = config.read_timeout = config.phase_limit =
      config.audit_period = config.suspect_hold = config.switch_delay = RegionConfig::kLongestSpan;
  RegionController controller(config);
  const auto give = [&](const Event& event) { return controller.handle(kStart, event); };
  give(Tick{});
  give(DeviceState{controller.state().last_id, {}});
  const int last = RegionConfig::kMaxServers - 1;
  give(TenantAdd{INT32_MAX, {last, 0, last - 1}});
  give(DeviceState{controller.state().last_id, {}});
  ServerDemand demand(3, 3);
  demand(0, 2) = kMostCellBytes;
  const DemandReport report = {INT32_MAX, {kMostSequence, INT64_MAX, INT32_MAX, false}, demand};
  const auto commands = only<DeviceCommand>(give(report));
  ASSERT_EQ(commands.size(), 1U);
  ASSERT_EQ(commands[0].connect.size(), static_cast<std::size_t>(RegionConfig::kMaxNics));
  for (int nic = 0; nic < RegionConfig::kMaxNics; ++nic) {
    EXPECT_EQ(commands[0].connect[static_cast<std::size_t>(nic)].a,
              (last - 1) * RegionConfig::kMaxNics + nic);
  }
  EXPECT_EQ(commands[0].time_out, RegionConfig::kLongestSpan);
  give(DeviceAnswer{commands[0].id, true, -1, false, {}});
  const auto said = only<TopologyAnnouncement>(
      give(DeviceState{controller.state().last_id, commands[0].connect}));
  ASSERT_EQ(said.size(), 1U);
  EXPECT_EQ(said[0].circuits.size(), static_cast<std::size_t>(RegionConfig::kMaxNics));
  EXPECT_EQ(said[0].served.sequence, kMostSequence);
  // One more of anything is refused, and changes nothing.
  DemandReport beyond = report;
  beyond.phase.sequence = kMostSequence + 1;
  EXPECT_EQ(only<Alarm>(give(beyond)).at(0).code, AlarmCode::kBadEvent);
  beyond = report;
  beyond.bytes(0, 2) = kMostCellBytes + 1;
  EXPECT_EQ(only<Alarm>(give(beyond)).at(0).code, AlarmCode::kBadEvent);
  EXPECT_EQ(only<Alarm>(give(HealthReport{Part::kOcsPort, config.ports(), true, 1})).at(0).code,
            AlarmCode::kBadEvent);
  EXPECT_EQ(only<Alarm>(give(TenantAdd{1, {RegionConfig::kMaxServers}})).at(0).code,
            AlarmCode::kBadEvent);
  check_state(controller.state(), "state");
  ++config.servers;
  EXPECT_THROW(RegionController{config}, Error);
}

TEST_F(RegionControllerTest, AReadingThatIsNotAnsweredWaitsTwiceAsLongUpTo64Times) {
  Duration waits = small().read_timeout;
  give(Tick{});
  for (int failures = 1; failures <= 10; ++failures) {
    EXPECT_EQ(controller_.due_in(), waits);
    now_ = controller_.next_deadline();
    const std::vector<Decision> decisions = give(Tick{});
    waits = std::min(waits * 2, small().read_timeout * 64);
    ASSERT_EQ(only<ReadState>(decisions).size(), 1U);
    EXPECT_EQ(only<ReadState>(decisions)[0].time_out, waits);
    EXPECT_EQ(only<Alarm>(decisions).size(), failures == small().attempts ? 1U : 0U);
  }
  EXPECT_EQ(only<Alarm>(read({}))[0].code, AlarmCode::kDeviceBack);
}

TEST_F(RegionControllerTest, AClockSetForwardDoesNotEndARunningPhase) {
  start();
  give(PhaseMark{1, 1, true});
  now_ += Duration::days(1);
  const std::vector<Decision> decisions = give(Tick{});
  EXPECT_EQ(only<ReadState>(decisions).size(), 1U) << "the audit, which is the next deadline";
  EXPECT_TRUE(only<Alarm>(decisions).empty());
}

TEST_F(RegionControllerTest, AClockSetBackDoesNotStopATimeOut) {
  start();
  give(demand(1, kZeroToOne));
  now_ = now_ - Duration::hours(1);
  EXPECT_TRUE(give(Tick{}).empty());
  now_ += small().command_timeout;
  EXPECT_EQ(only<Alarm>(give(Tick{}))[0].code, AlarmCode::kCommandTimedOut);
}

TEST_F(RegionControllerTest, TheDeviceIsBelievedAndPutRight) {
  start();
  now_ = controller_.next_deadline();
  ASSERT_EQ(only<ReadState>(give(Tick{})).size(), 1U);
  // Somebody has joined two ports of one server.
  const std::vector<Decision> decisions = read({{0, 1}});
  EXPECT_EQ(only<Alarm>(decisions)[0].code, AlarmCode::kContradiction);
  EXPECT_EQ(only<DeviceCommand>(decisions)[0].disconnect, (std::vector<PortPair>{{0, 1}}));
}

TEST_F(RegionControllerTest, ATenantLeavesWhenItsPortsAreDark) {
  start();
  give(demand(1, kZeroToOne));
  give(DeviceAnswer{controller_.state().last_id, true, -1, false, {}});
  read({{0, 2}, {1, 3}});
  EXPECT_TRUE(only<TopologyAnnouncement>(give(TenantRemove{1}))[0].closed);
  EXPECT_EQ(only<Alarm>(give(TenantAdd{2, {0}}))[0].code, AlarmCode::kTenantRefused);
  const auto commands = only<DeviceCommand>(read({{0, 2}, {1, 3}}));
  ASSERT_EQ(commands.size(), 1U);
  give(DeviceAnswer{commands[0].id, true, -1, false, {}});
  EXPECT_EQ(only<TenantGone>(read({})).size(), 1U);
  EXPECT_TRUE(only<Alarm>(give(TenantAdd{2, {0}})).empty());
}

TEST_F(RegionControllerTest, SnapshotsComeBackTheSame) {
  start();
  give(demand(7, kZeroToOne));
  give(HealthReport{Part::kEpsNic, 2, true, UINT64_MAX});
  const std::string text = write_snapshot(controller_.state());
  EXPECT_EQ(read_snapshot(text, "s"), controller_.state());
  EXPECT_EQ(write_snapshot(read_snapshot(text, "s")), text);
}

TEST_F(RegionControllerTest, ASnapshotOfARegionThatHasHeardNothingComesBack) {
  const RegionState fresh = RegionState::fresh(small());
  EXPECT_EQ(read_snapshot(write_snapshot(fresh), "s"), fresh);
}

// Written by a program of version 1, in picoseconds of a clock of its own.
TEST_F(RegionControllerTest, SnapshotsOfVersion1ComeBackInNanoseconds) {
  start();
  now_ += Duration::milliseconds(3);
  give(demand(1, kZeroToOne));
  std::string text = write_snapshot(controller_.state());
  const auto replace = [&](const std::string& from, const std::string& to) {
    const std::size_t at = text.find(from);
    ASSERT_NE(at, std::string::npos) << from << " in " << text;
    text.replace(at, from.size(), to);
  };
  replace("\"version\":4", "\"version\":1");
  replace("\"elapsed\":3000000,", "");
  replace("\"now\":" + std::to_string(now_.ns), "\"now\":3000000000");
  replace("\"next_audit\":10000000000", "\"next_audit\":10000000000000");
  replace("\"deadline\":503000000", "\"deadline\":503000000000");
  replace("\"deadline\":500000000", "\"deadline\":500000000000");
  for (const char* span :
       {"audit_period", "command_timeout", "phase_limit", "read_timeout", "suspect_hold"}) {
    const std::size_t at = text.find(":", text.find(std::string("\"") + span));
    text.insert(text.find_first_not_of("0123456789", at + 1), "000");
  }
  RegionState expected = controller_.state();
  expected.now.reset();
  EXPECT_EQ(read_snapshot(text, "s"), expected);
}

// Version 2 knew no policies: what it had decided was to move at once.
TEST_F(RegionControllerTest, SnapshotsOfVersion2HaveThePolicyBlock) {
  start();
  give(demand(1, kZeroToOne));
  nlohmann::json document = nlohmann::json::parse(write_snapshot(controller_.state()));
  document["version"] = 2;
  for (const char* key : {"policy", "nic_rate", "switch_delay"}) document["config"].erase(key);
  for (nlohmann::json& slice : document["slices"]) {
    for (const char* key : {"outlook", "next_outlook", "rewire"}) slice.erase(key);
  }
  EXPECT_EQ(read_snapshot(document.dump(), "s"), controller_.state());
}

TEST_F(RegionControllerTest, BrokenSnapshotsAreRefusedWithThePlace) {
  start();
  const auto error_of = [](std::string text, const std::string& from, const std::string& to) {
    const std::size_t at = text.find(from);
    if (at == std::string::npos) return "no " + from;
    text.replace(at, from.size(), to);
    try {
      read_snapshot(text, "s.json");
    } catch (const Error& error) {
      return std::string(error.what());
    }
    return std::string("no error");
  };
  const std::string text = write_snapshot(controller_.state());
  EXPECT_THAT(error_of(text, "\"lit\":[]", "\"lit\":[[0,2]]"), HasSubstr("one way only"));
  EXPECT_THAT(error_of(text, "\"lit\":[]", "\"lit\":[[9,2]]"), HasSubstr("lit[0][0]"));
  EXPECT_THAT(error_of(text, "\"version\":4", "\"version\":5"), HasSubstr("versions 1 to 4"));
  EXPECT_THAT(error_of(text, "\"servers\":3", "\"servers\":9"), HasSubstr("slices"));
  EXPECT_THAT(error_of(text, "\"servers\":3", "\"servers\":99999"), HasSubstr("config.servers"));
  EXPECT_THAT(error_of(text, "\"replan\"", "\"plan\""), HasSubstr("'replan' is missing"));
}

TEST(RegionController, RefusesABadConfiguration) {
  RegionConfig config = small();
  config.servers = 0;
  EXPECT_THROW(RegionController{config}, Error);
  config = small();
  config.command_timeout = Duration::zero();
  EXPECT_THROW(RegionController{config}, Error);
  config = small();
  config.suspect_hold = RegionConfig::kLongestSpan + Duration::nanoseconds(1);
  EXPECT_THROW(RegionController{config}, Error);
}

}  // namespace
}  // namespace mixnet
