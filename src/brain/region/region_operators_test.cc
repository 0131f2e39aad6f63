// What operators may ask of the regional controller: forbidden ports, a cap on moves, drained
// servers, pins, holds.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "region/region_controller.h"
#include "region/region_snapshot.h"

namespace mixnet {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

using Pairs = std::vector<PortPair>;

/// Four servers of two optical NICs and one EPS NIC: port 2 * s + k is NIC k of server s. The
/// switch does at once what it is told.
class RegionOperators : public ::testing::Test {
 protected:
  static RegionConfig config() {
    RegionConfig config;
    config.servers = 4;
    config.optical_nics = 2;
    config.eps_nics = 1;
    return config;
  }

  void begin(const RegionConfig& config) {
    controller_ = RegionController(config);
    give(Tick{});
  }
  void add_tenant(int tenant, const std::vector<int>& servers) { give(TenantAdd{tenant, servers}); }

  /// The event, and what the switch says upon it.
  void give(const Event& event) {
    take(controller_.handle(now_, event));
    while (!answers_.empty()) {
      const Event answer = answers_.front();
      answers_.erase(answers_.begin());
      take(controller_.handle(now_, answer));
    }
  }
  void wait(Duration span) {
    for (const Instant until = now_ + span; now_ < until;) {
      now_ = std::min(until, now_ + controller_.due_in());
      give(Tick{});
    }
  }
  /// A pair of servers of tenant 1 that has all the bytes.
  void demand(int a, int b) {
    DemandReport report{1, {++sequence_, 0, 0, false}, {}};
    const std::size_t n = slice().servers.size();
    report.bytes = ServerDemand(n, n);
    report.bytes(a, b) = 1'000'000;
    give(report);
  }

  const RegionState& state() const { return controller_.state(); }
  const Slice& slice() const { return *state().find(1); }
  const Pairs& lit() const { return lit_; }
  std::vector<AlarmCode> alarms() { return std::exchange(alarms_, {}); }

  Instant now_ = Instant::unix_seconds(1'795'766'400);
  RegionController controller_{config()};
  Pairs lit_;
  std::vector<Event> answers_;
  std::vector<DeviceCommand> commands_;
  std::vector<AlarmCode> alarms_;
  std::int64_t subject_ = 0;  // of the latest alarm
  bool deaf_ = false;         // the switch answers nothing
  std::uint64_t sequence_ = 0;

 private:
  void take(const std::vector<Decision>& decisions) {
    for (const Decision& decision : decisions) {
      if (const auto* alarm = std::get_if<Alarm>(&decision)) {
        alarms_.push_back(alarm->code);
        subject_ = alarm->subject;
      } else if (const auto* command = std::get_if<DeviceCommand>(&decision)) {
        commands_.push_back(*command);
        std::erase_if(lit_, [&](const PortPair& pair) {
          return std::ranges::count(command->disconnect, pair) > 0;
        });
        lit_.insert(lit_.end(), command->connect.begin(), command->connect.end());
        std::ranges::sort(lit_);
        if (!deaf_) answers_.push_back(DeviceAnswer{command->id, true, -1, false, {}});
      } else if (const auto* read = std::get_if<ReadState>(&decision); read != nullptr && !deaf_) {
        answers_.push_back(DeviceState{read->id, lit_});
      }
    }
  }
};

TEST_F(RegionOperators, ForbiddenPortsAreNotUsed) {
  RegionConfig some = config();
  some.forbidden = {0, 3};
  begin(some);
  add_tenant(1, {0, 1});
  demand(0, 1);
  EXPECT_THAT(lit(), ElementsAre(PortPair{1, 2}));
}

// Light between forbidden ports is nobody's business; a port of ours that is joined to one is left
// alone until somebody has taken that down.
TEST_F(RegionOperators, LightOnForbiddenPortsIsLeftAlone) {
  RegionConfig some = config();
  some.forbidden = {3, 4, 5};
  lit_ = {{0, 3}, {1, 3}, {4, 5}};  // port 3 stands for two that are not ours
  begin(some);
  EXPECT_THAT(alarms(), ElementsAre(AlarmCode::kContradiction, AlarmCode::kContradiction));
  EXPECT_THAT(state().lit, ElementsAre(3, 3, -1, -1, -1, -1, -1, -1));
  add_tenant(1, {0, 1});
  demand(0, 1);
  EXPECT_THAT(commands_, IsEmpty());
  EXPECT_THAT(alarms(), IsEmpty());
  lit_ = {{1, 3}};
  wait(Duration::seconds(10));
  EXPECT_THAT(lit(), ElementsAre(PortPair{0, 2}, PortPair{1, 3}));
  give(TenantRemove{1});
  EXPECT_EQ(state().find(1), nullptr) << "leaves in spite of 1-3";
  EXPECT_THAT(lit(), ElementsAre(PortPair{1, 3}));
}

TEST_F(RegionOperators, MovesOverTheCapWaitForTokensAndThePhaseDoesNot) {
  RegionConfig some = config();
  some.moves_per_minute = 3;
  begin(some);
  add_tenant(1, {0, 1, 2});
  demand(0, 1);
  ASSERT_THAT(lit(), ElementsAre(PortPair{0, 2}, PortPair{1, 3}));
  demand(0, 2);  // wants two more; there is one token
  EXPECT_EQ(slice().announced.served.sequence, 2U);
  EXPECT_THAT(alarms(), ElementsAre(AlarmCode::kMovesCapped));
  EXPECT_EQ(subject_, 1);
  EXPECT_EQ(lit().size(), 2U);
  EXPECT_EQ(slice().announced.circuits.size(), 2U) << "what waits takes nothing down";
  EXPECT_EQ(slice().waiting, 1);
  EXPECT_LE(controller_.due_in(), Duration::seconds(20));
  wait(Duration::seconds(19));
  EXPECT_EQ(slice().waiting, 1);
  wait(Duration::seconds(1));
  EXPECT_EQ(slice().waiting, 0);
  EXPECT_THAT(lit(), ElementsAre(PortPair{0, 4}, PortPair{1, 5}));
  EXPECT_THAT(alarms(), IsEmpty()) << "once for a change";
}

// A tenant that always wants more does not keep the tokens from another.
TEST_F(RegionOperators, TenantsThatWaitForTokensTakeTurns) {
  RegionConfig some = config();
  some.moves_per_minute = 1;
  begin(some);
  add_tenant(1, {0, 1});
  add_tenant(2, {2, 3});
  give(DemandReport{2, {1, 0, 0, false}, ServerDemand(2, 2, 9)});
  demand(0, 1);
  std::vector<int> turns;
  for (int minute = 0; minute < 4; ++minute) {
    turns.push_back(commands_.back().tenant);
    wait(Duration::seconds(60));
    const Pairs circuits = commands_.back().connect;  // somebody pulls it out again
    std::erase_if(lit_, [&](const PortPair& pair) { return pair == circuits[0]; });
    wait(Duration::milliseconds(1));
  }
  EXPECT_EQ(commands_.size(), 5U);
  EXPECT_THAT(turns, ElementsAre(2, 1, 2, 1));
}

TEST_F(RegionOperators, TheBucketHoldsAMinutesTokens) {
  RegionConfig some = config();
  some.moves_per_minute = 7;
  begin(some);
  wait(Duration::hours(5));
  EXPECT_EQ(state().tokens(), 7);
  add_tenant(1, {0, 1});
  demand(0, 1);
  EXPECT_EQ(state().tokens(), 5);
  wait(Duration::seconds(9));
  EXPECT_EQ(state().tokens(), 6);
}

TEST_F(RegionOperators, ADrainedServerIsLeftByItsCircuitsAndComesBack) {
  RegionConfig some = config();
  some.drain = Duration::milliseconds(5);
  begin(some);
  add_tenant(1, {0, 1, 2});
  demand(0, 1);
  ASSERT_EQ(lit().size(), 2U);
  give(PhaseMark{1, 1, true});
  give(ServerDrain{1, true});
  EXPECT_THAT(slice().announced.circuits, IsEmpty());
  EXPECT_EQ(lit().size(), 2U) << "senders have time to leave";
  wait(Duration::milliseconds(5));
  EXPECT_THAT(lit(), IsEmpty());
  EXPECT_TRUE(state().live(1) && state().has_eps(1));
  give(ServerDrain{1, true});
  EXPECT_EQ(state().counters.dropped, 1U);
  give(PhaseMark{1, 1, false});
  give(ServerDrain{1, false});
  EXPECT_EQ(lit().size(), 2U);
  give(ServerDrain{4, true});
  EXPECT_THAT(alarms(), ElementsAre(AlarmCode::kBadEvent));
}

// The announcement without its circuits was given while the device was read; the command must still
// not come before senders have left.
TEST_F(RegionOperators, ADrainThatComesDuringAReadingStillGivesSendersTime) {
  RegionConfig some = config();
  some.drain = Duration::milliseconds(50);
  begin(some);
  add_tenant(1, {0, 1, 2});
  demand(0, 1);
  deaf_ = true;
  wait(Duration::seconds(10));
  give(HealthReport{Part::kOcsPort, 4, true, 0});
  give(TenantRemove{1});  // reads
  ASSERT_EQ(slice().step, Step::kReading);
  give(ServerDrain{1, true});
  deaf_ = false;
  wait(Duration::milliseconds(1));
  const auto moved = commands_.size();
  give(DeviceState{slice().awaited, lit_});
  EXPECT_EQ(commands_.size(), moved);
  wait(Duration::milliseconds(50));
  EXPECT_EQ(commands_.size(), moved + 1);
}

TEST_F(RegionOperators, APinIsLitAnnouncedAndNeverMoved) {
  begin(config());
  give(CircuitPin{{4, 1}, true});  // in either order
  EXPECT_THAT(state().pins, ElementsAre(PortPair{1, 4}));
  EXPECT_THAT(lit(), ElementsAre(PortPair{1, 4})) << "in the pool";
  add_tenant(1, {0, 1, 2});
  EXPECT_THAT(slice().announced.circuits, ElementsAre(Circuit{0, 1, 2, 0}));
  demand(0, 1);
  EXPECT_THAT(lit(), ElementsAre(PortPair{0, 2}, PortPair{1, 4}));
  give(TenantRemove{1});
  EXPECT_EQ(state().find(1), nullptr);
  EXPECT_THAT(lit(), ElementsAre(PortPair{1, 4}));
  for (const DeviceCommand& command : commands_) {
    EXPECT_THAT(command.disconnect, Not(Contains(PortPair{1, 4})));
  }
  give(CircuitPin{{1, 4}, false});
  EXPECT_THAT(lit(), IsEmpty()) << "the pool's ports are dark";
}

TEST_F(RegionOperators, APinTakesItsPortsFromOthers) {
  begin(config());
  add_tenant(1, {0, 1, 2});
  demand(0, 1);
  ASSERT_THAT(lit(), ElementsAre(PortPair{0, 2}, PortPair{1, 3}));
  give(CircuitPin{{0, 4}, true});
  EXPECT_THAT(lit(), ElementsAre(PortPair{0, 4}, PortPair{1, 3}));
  give(CircuitPin{{0, 4}, false});
  EXPECT_THAT(lit(), ElementsAre(PortPair{0, 2}, PortPair{1, 3}));
}

TEST_F(RegionOperators, PinsThatCannotBeAreRefusedWithThePort) {
  RegionConfig some = config();
  some.forbidden = {7};
  begin(some);
  give(CircuitPin{{0, 2}, true});
  const std::map<std::pair<int, int>, int> refused = {
      {{-1, 2}, -1}, {{1, 8}, 8}, {{5, 7}, 7}, {{4, 5}, 5}, {{2, 5}, 2}};
  for (const auto& [ports, port] : refused) {
    alarms();
    give(CircuitPin{{ports.first, ports.second}, true});
    EXPECT_THAT(alarms(), ElementsAre(AlarmCode::kPinRefused));
    EXPECT_EQ(subject_, port);
  }
  EXPECT_EQ(state().pins.size(), 1U);
  const std::uint64_t dropped = state().counters.dropped;
  give(CircuitPin{{0, 2}, true});
  give(CircuitPin{{1, 2}, false});
  EXPECT_EQ(state().counters.dropped, dropped + 2);
}

// Its servers are of two slices: nobody makes it, nobody takes it down, and nobody wonders.
TEST_F(RegionOperators, APinBetweenTwoSlicesIsLeftAsItIs) {
  begin(config());
  add_tenant(1, {0, 1});
  give(CircuitPin{{0, 4}, true});
  demand(0, 1);
  EXPECT_THAT(lit(), ElementsAre(PortPair{1, 2}));
  lit_.push_back({0, 4});
  std::ranges::sort(lit_);
  const auto moved = commands_.size();
  wait(Duration::seconds(20));
  EXPECT_THAT(alarms(), IsEmpty());
  EXPECT_EQ(commands_.size(), moved);
  EXPECT_EQ(slice().announced.circuits.size(), 1U);
  give(TenantAdd{2, {2}});
  EXPECT_THAT(alarms(), ElementsAre(AlarmCode::kTenantRefused)) << "its other end is not ours";
  give(TenantRemove{1});
  EXPECT_EQ(state().find(1), nullptr);
  EXPECT_THAT(lit(), ElementsAre(PortPair{0, 4})) << "now the pool's";
  give(TenantAdd{2, {0, 2}});
  EXPECT_EQ(state().find(2)->announced.circuits.size(), 1U);
}

TEST_F(RegionOperators, APinOfADrainedServerGoesDarkAndComesBack) {
  begin(config());
  add_tenant(1, {0, 1, 2});
  give(CircuitPin{{0, 2}, true});
  give(ServerDrain{0, true});
  EXPECT_THAT(lit(), IsEmpty());
  demand(1, 2);
  EXPECT_THAT(lit(), ElementsAre(PortPair{3, 4})) << "its other port is kept for it";
  give(ServerDrain{0, false});
  EXPECT_THAT(lit(), ElementsAre(PortPair{0, 2}, PortPair{3, 4}));
}

TEST_F(RegionOperators, WhileHeldNothingIsCommandedAndDemandsAreServedAtOnce) {
  begin(config());
  add_tenant(1, {0, 1, 2});
  demand(0, 1);
  give(SwitchHold{true});
  const auto moved = commands_.size();
  demand(0, 2);
  EXPECT_EQ(slice().announced.served.sequence, 2U);
  lit_ = {{0, 5}};  // somebody works on it
  wait(Duration::seconds(11));
  EXPECT_THAT(alarms(), IsEmpty());
  EXPECT_THAT(slice().target, ElementsAre(PortPair{0, 5}));
  EXPECT_EQ(slice().announced.circuits.size(), 1U);
  give(ServerDrain{3, true});
  give(SwitchHold{true});
  EXPECT_EQ(commands_.size(), moved);
  give(SwitchHold{false});
  EXPECT_THAT(lit(), ElementsAre(PortPair{0, 5}, PortPair{1, 4}));
}

TEST_F(RegionOperators, AHoldLetsACommandFinishAndCallsBackOneThatIsNotOut) {
  RegionConfig some = config();
  some.drain = Duration::milliseconds(5);
  begin(some);
  add_tenant(1, {0, 1, 2});
  deaf_ = true;
  demand(0, 1);
  ASSERT_EQ(slice().step, Step::kSwitching);
  give(SwitchHold{true});
  EXPECT_EQ(slice().step, Step::kSwitching);
  deaf_ = false;
  give(DeviceAnswer{slice().awaited, true, -1, false, {}});
  EXPECT_EQ(slice().announced.circuits.size(), 2U);
  give(SwitchHold{false});
  demand(0, 2);
  ASSERT_EQ(slice().step, Step::kDraining);
  give(SwitchHold{true});
  EXPECT_EQ(slice().step, Step::kSettled);
  EXPECT_EQ(slice().announced.circuits.size(), 2U);
  EXPECT_EQ(slice().announced.served.sequence, 2U);
}

TEST_F(RegionOperators, SnapshotsHaveAllOfItAndVersion3HadNone) {
  RegionConfig some = config();
  some.forbidden = {7};
  some.moves_per_minute = 2;
  begin(some);
  add_tenant(1, {0, 1, 2});
  give(CircuitPin{{0, 2}, true});
  give(ServerDrain{2, true});
  demand(0, 1);
  give(SwitchHold{true});
  const std::string text = write_snapshot(state());
  EXPECT_EQ(read_snapshot(text, "s"), state());
  EXPECT_EQ(write_snapshot(read_snapshot(text, "s")), text);

  begin(config());
  lit_.clear();
  add_tenant(1, {0, 1, 2});
  nlohmann::json old = nlohmann::json::parse(write_snapshot(state()));
  old["version"] = 3;
  for (const char* key : {"forbidden", "moves_per_minute"}) old["config"].erase(key);
  for (const char* key : {"drained", "pins", "switch_held", "bucket_full"}) old.erase(key);
  for (nlohmann::json& slice : old["slices"]) {
    for (const char* key : {"waiting", "clear_at"}) slice.erase(key);
  }
  EXPECT_EQ(read_snapshot(old.dump(), "s"), state());
}

TEST_F(RegionOperators, SnapshotsThatBreakARuleAreRefused) {
  RegionConfig some = config();
  some.forbidden = {7};
  begin(some);
  give(CircuitPin{{0, 2}, true});
  const nlohmann::json good = nlohmann::json::parse(write_snapshot(state()));
  const auto error_with = [&](const std::string& pointer, const nlohmann::json& value) {
    nlohmann::json bad = good;
    bad[nlohmann::json::json_pointer(pointer)] = value;
    try {
      read_snapshot(bad.dump(), "s");
    } catch (const Error& error) {
      return std::string(error.what());
    }
    return std::string("taken");
  };
  using nlohmann::json;
  EXPECT_EQ(error_with("/switch_held", false), "taken");
  EXPECT_THAT(error_with("/pins", json::parse("[[0,7]]")), HasSubstr("forbidden port"));
  EXPECT_THAT(error_with("/pins", json::parse("[[0,2],[2,4]]")), HasSubstr("a port twice"));
  EXPECT_THAT(error_with("/pins", json::parse("[[1,4],[0,2]]")), HasSubstr("not sorted"));
  EXPECT_THAT(error_with("/pins", json::parse("[[0,1]]")), HasSubstr("server to itself"));
  EXPECT_THAT(error_with("/pins", json::parse("[]")), HasSubstr("ports of nobody"));
  EXPECT_THAT(error_with("/drained", json::parse("[4]")), HasSubstr("not below 4"));
  EXPECT_THAT(error_with("/config/forbidden", json::parse("[8]")), HasSubstr("does not exist"));
  EXPECT_THAT(error_with("/config/forbidden", json::parse("[5,5]")), HasSubstr("twice"));
  EXPECT_THAT(error_with("/config/forbidden", json::parse("[2]")), HasSubstr("forbidden"));
  EXPECT_THAT(error_with("/config/moves_per_minute", 1'000'001), HasSubstr("moves_per_minute"));
}

TEST_F(RegionOperators, AStateGoesOnUnderAnotherConfiguration) {
  begin(config());
  add_tenant(1, {0, 1, 2});
  give(CircuitPin{{3, 5}, true});
  give(ServerDrain{3, true});
  demand(0, 1);
  ASSERT_THAT(lit(), ElementsAre(PortPair{0, 2}, PortPair{3, 5}));
  RegionConfig some = config();
  some.forbidden = {3};
  some.moves_per_minute = 60;
  RegionState state = reconfigured(controller_.state(), some);
  check_state(state, "reconfigured");
  controller_ = RegionController(state);
  lit_ = {{0, 2}};  // whoever has port 3 now has taken that down
  give(Tick{});
  EXPECT_THAT(lit(), ElementsAre(PortPair{0, 2}));
  EXPECT_THAT(controller_.state().pins, IsEmpty());
  EXPECT_EQ(controller_.state().drained[3], 1);
  EXPECT_EQ(slice().served.sequence, 1U);
  some.servers = 5;
  EXPECT_THROW(reconfigured(controller_.state(), some), Error);
}

}  // namespace
}  // namespace mixnet
