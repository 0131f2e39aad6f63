// The contract of optical_switch.h, held by every driver against the emulated switch.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "base/random.h"
#include "emulated_device.h"
#include "ocs/change_plan.h"
#include "ocs/switch_error.h"

namespace mixnet {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

struct Case {
  SwitchProtocol protocol;
  Sides sides;
};

class OcsContract : public ::testing::TestWithParam<Case> {
 protected:
  static EmulatedSwitchConfig config(std::string_view timing = "none") {
    EmulatedSwitchConfig config;
    config.ports = 16;
    config.sides = GetParam().sides;
    config.timing = SwitchTiming::parse(timing, "timing");
    return config;
  }
};

class OcsHalves : public OcsContract {};
class OcsAlarmsAndLogin : public OcsContract {};

PairOutcome outcome(const ChangeReport& report, std::size_t pair) {
  return report.pairs.at(pair).outcome;
}

TEST_P(OcsContract, SaysWhatTheSwitchIs) {
  EmulatedDevice device(config("fixed:5ms"));
  const auto driver = device.open(GetParam().protocol);
  const SwitchCapabilities is = driver->capabilities(from_now(2'000));
  EXPECT_EQ(is.ports, 16);
  EXPECT_FALSE(is.identity.empty());
  EXPECT_EQ(is.measured_delay, Duration::zero());
  EXPECT_EQ(is.batch, GetParam().protocol == SwitchProtocol::kTl1 ? 1 : 0);
  EXPECT_EQ(is.atomic, GetParam().protocol == SwitchProtocol::kGnmi);
  driver->apply({.connect = {{1, 2}}}, from_now(2'000));
  const SwitchCapabilities now = driver->capabilities(from_now(2'000));
  EXPECT_GE(now.measured_delay, Duration::milliseconds(5));
  EXPECT_LE(now.measured_delay, Duration::milliseconds(200));
}

TEST_P(OcsContract, ConnectsDisconnectsAndAsksForNothingTwice) {
  EmulatedDevice device(config());
  const auto driver = device.open(GetParam().protocol);
  ChangeReport report = driver->apply({.connect = {{1, 9}, {2, 10}}}, from_now(2'000));
  EXPECT_TRUE(report.complete());
  EXPECT_THAT(device.circuits(), ElementsAre(OpticalCircuit{1, 9}, OpticalCircuit{2, 10}));
  EXPECT_EQ(driver->cross_connects(from_now(2'000)),
            (CrossConnects{.circuits = {{1, 9}, {2, 10}}}));

  report = driver->apply({.disconnect = {{3, 4}}, .connect = {{1, 9}}}, from_now(2'000));
  EXPECT_EQ(outcome(report, 0), PairOutcome::kAlready);
  EXPECT_EQ(outcome(report, 1), PairOutcome::kAlready);
  EXPECT_EQ(report.turn_around, Duration::zero());

  report = driver->apply({.disconnect = {{1, 9}}, .connect = {{1, 11}, {2, 12}}}, from_now(2'000));
  EXPECT_EQ(outcome(report, 0), PairOutcome::kDone);
  EXPECT_EQ(outcome(report, 1), PairOutcome::kDone);
  EXPECT_EQ(outcome(report, 2), PairOutcome::kBusy);
  EXPECT_FALSE(report.complete());
  EXPECT_THAT(device.circuits(), ElementsAre(OpticalCircuit{1, 11}, OpticalCircuit{2, 10}));
}

// A circuit that is to move stands in both lists.
TEST_P(OcsContract, MovesCircuitsInOneChange) {
  EmulatedDevice device(config());
  const auto driver = device.open(GetParam().protocol);
  driver->apply({.connect = {{1, 2}, {3, 4}, {5, 6}}}, from_now(2'000));
  const ChangeReport report =
      driver->apply({.disconnect = {{1, 2}, {3, 4}}, .connect = {{1, 3}, {2, 4}}}, from_now(2'000));
  EXPECT_TRUE(report.complete());
  EXPECT_THAT(device.circuits(),
              ElementsAre(OpticalCircuit{1, 3}, OpticalCircuit{2, 4}, OpticalCircuit{5, 6}));
}

TEST_P(OcsContract, RefusesMisuseBeforeItIsSent) {
  EmulatedDevice device(config());
  const auto driver = device.open(GetParam().protocol, {1, 2, 3, 4});
  for (const SwitchChange& change :
       {SwitchChange{.connect = {{1, 5}}}, SwitchChange{.disconnect = {{4, 9}}},
        SwitchChange{.connect = {{1, 17}}}, SwitchChange{.connect = {{1, 2}, {2, 3}}}}) {
    try {
      driver->apply(change, from_now(2'000));
      ADD_FAILURE() << "it was taken";
    } catch (const SwitchError& error) {
      EXPECT_EQ(error.fault(), SwitchFault::kMisuse);
    }
  }
  EXPECT_THAT(device.paths(), IsEmpty());
}

// A device of one side has none.
TEST_P(OcsHalves, SeesHalvesAndMendsThem) {
  EmulatedDevice device(config());
  device.with([](EmulatedSwitch& emulated) {
    emulated.request({.add = {{1, 2}, {3, 4}, {4, 5}, {6, 6}}}, std::chrono::steady_clock::now());
  });
  const auto driver = device.open(GetParam().protocol);
  const CrossConnects standing = driver->cross_connects(from_now(2'000));
  EXPECT_THAT(standing.halves,
              ElementsAre(LightPath{1, 2}, LightPath{3, 4}, LightPath{4, 5}, LightPath{6, 6}));
  const std::vector<OpticalCircuit> wanted = {{1, 2}, {4, 6}};
  EXPECT_TRUE(driver->apply(reconcile(standing, wanted), from_now(2'000)).complete());
  EXPECT_EQ(device.circuits(), wanted);
  EXPECT_EQ(device.paths().size(), 4U);
}

TEST_P(OcsContract, TellsStateAndPowerOfPorts) {
  EmulatedDevice device(config());
  const auto driver = device.open(GetParam().protocol);
  driver->apply({.connect = {{1, 2}}}, from_now(2'000));
  device.with([](EmulatedSwitch& emulated) {
    emulated.set_shutter(3, true, std::chrono::steady_clock::now());
    emulated.light().set_input(1, -3.5);
  });
  const bool has_power = driver->capabilities(from_now(2'000)).power;
  EXPECT_EQ(has_power, GetParam().protocol != SwitchProtocol::kGnmi);
  const std::vector<int> asked = {1, 2, 3};
  const std::vector<PortReading> readings = driver->ports(asked, from_now(2'000));
  ASSERT_EQ(readings.size(), 3U);
  EXPECT_EQ(readings[0].port, 1);
  EXPECT_EQ(readings[0].state, PortState::kOpen);
  EXPECT_EQ(readings[2].state, PortState::kBlocked);
  EXPECT_EQ(readings[0].input_dbm.has_value(), has_power);
  if (has_power) {
    EXPECT_NEAR(*readings[0].input_dbm, -3.5, 0.01);
  }
  if (has_power && GetParam().sides == Sides::kTwo) {
    EXPECT_GT(*readings[1].output_dbm, -3.5 - 3);
    EXPECT_LT(*readings[1].output_dbm, -3.5);
  }
  EXPECT_EQ(driver->ports({}, from_now(2'000)).size(), 16U);
}

TEST_P(OcsContract, AStuckPortIsDeniedAndDoesNotHinderOthers) {
  EmulatedDevice device(config());
  const auto driver = device.open(GetParam().protocol);
  device.with([](EmulatedSwitch& emulated) {
    emulated.strike(parse_fault("stuck@idle port=1", "test", 16), std::chrono::steady_clock::now());
  });
  const SwitchChange change{.connect = {{1, 2}, {3, 4}}};
  if (driver->capabilities(from_now(2'000)).atomic) {
    try {
      const ChangeReport report = driver->apply(change, from_now(2'000));
      EXPECT_EQ(outcome(report, 0), PairOutcome::kDenied);
      EXPECT_NE(report.pairs[0].reason, "");
    } catch (const SwitchError& error) {
      EXPECT_EQ(error.fault(), SwitchFault::kDenied);
    }
    EXPECT_THAT(device.paths(), IsEmpty());
    return;
  }
  const ChangeReport report = driver->apply(change, from_now(2'000));
  EXPECT_EQ(outcome(report, 0), PairOutcome::kDenied);
  EXPECT_NE(report.pairs[0].reason, "");
  EXPECT_EQ(outcome(report, 1), PairOutcome::kDone);
  EXPECT_THAT(device.circuits(), ElementsAre(OpticalCircuit{3, 4}));
}

// SCPI has neither alarms nor a login.
TEST_P(OcsAlarmsAndLogin, AlarmsAreEvents) {
  EmulatedDevice device(config());
  const auto driver = device.open(GetParam().protocol);
  driver->apply({.connect = {{5, 6}}}, from_now(2'000));
  // Whoever waits is subscribed from then on.
  driver->events(from_now(300));
  device.with([](EmulatedSwitch& emulated) {
    emulated.strike(parse_fault("lost-circuit@idle port=5", "test", 16),
                    std::chrono::steady_clock::now());
  });
  std::set<int> ports;
  for (int tries = 0; tries < 20 && !ports.contains(5); ++tries) {
    for (const SwitchEvent& event : driver->events(from_now(200))) ports.insert(event.port);
  }
  EXPECT_TRUE(ports.contains(5));
}

TEST_P(OcsContract, NobodyThereIsUnreachableByTheDeadLine) {
  SwitchAddress address;
  {
    EmulatedDevice device(config());
    address = device.address(GetParam().protocol);
  }
  const auto driver = open_switch(address, {});
  const auto start = std::chrono::steady_clock::now();
  try {
    driver->cross_connects(from_now(300));
    ADD_FAILURE() << "nobody answered";
  } catch (const SwitchError& error) {
    EXPECT_TRUE(error.fault() == SwitchFault::kUnreachable ||
                error.fault() == SwitchFault::kTimedOut)
        << error.what();
  }
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::milliseconds(350));
}

TEST_P(OcsAlarmsAndLogin, AWrongPasswordIsALoginFault) {
  EmulatedDevice device(config());
  SwitchAddress address = device.address(GetParam().protocol);
  address.password = "wrong";
  const auto driver = open_switch(address, {});
  try {
    driver->cross_connects(from_now(2'000));
    ADD_FAILURE() << "it was let in";
  } catch (const SwitchError& error) {
    EXPECT_EQ(error.fault(), SwitchFault::kLogin) << error.what();
    EXPECT_THAT(error.what(), ::testing::Not(HasSubstr("wrong")));
  }
}

// Two drivers with slices of their own on one switch, and circuits that belong to neither.
TEST_P(OcsContract, NeverTouchesAPortOutsideItsSlice) {
  EmulatedDevice device(config());
  const std::vector<LightPath> foreign = {{13, 14}, {14, 13}, {4, 15}, {15, 4}, {8, 16}, {16, 8}};
  device.with([&](EmulatedSwitch& emulated) {
    emulated.request({.add = foreign}, std::chrono::steady_clock::now());
  });
  const auto wear = [&] {
    return device.with([](EmulatedSwitch& emulated) {
      std::vector<std::int64_t> moves;
      for (const int port : {4, 8, 13, 14, 15, 16}) moves.push_back(emulated.wear(port));
      return moves;
    });
  };
  const std::vector<std::int64_t> before = wear();
  const auto left = device.open(GetParam().protocol, {1, 2, 3, 4, 5, 6});
  const auto right = device.open(GetParam().protocol, {7, 8, 9, 10, 11, 12});
  Random random(5);
  for (int round = 0; round < 40; ++round) {
    for (const auto& [driver, first] : {std::pair(left.get(), 1), std::pair(right.get(), 7)}) {
      std::vector<int> free;
      for (int port = first; port < first + 6; ++port) free.push_back(port);
      std::vector<OpticalCircuit> wanted;
      while (free.size() >= 2 && random.below(4) != 0) {
        const auto at = static_cast<std::ptrdiff_t>(1 + random.below(free.size() - 1));
        wanted.push_back({free.front(), free[static_cast<std::size_t>(at)]});
        free.erase(free.begin() + at);
        free.erase(free.begin());
      }
      const CrossConnects standing = driver->cross_connects(from_now(2'000));
      EXPECT_EQ(standing.taken, (std::vector<int>{first == 1 ? 4 : 8}));
      const ChangeReport report = driver->apply(reconcile(standing, wanted), from_now(2'000));
      EXPECT_TRUE(report.complete());
    }
    // Asked for outright, a port that is taken is busy, and stays.
    EXPECT_EQ(outcome(left->apply({.disconnect = {{4, 5}}}, from_now(2'000)), 0),
              PairOutcome::kAlready);
    const ChangeReport refused = right->apply({.connect = {{8, 12}}}, from_now(2'000));
    EXPECT_FALSE(refused.complete());
  }
  for (const LightPath& path : foreign) {
    EXPECT_THAT(device.paths(), ::testing::Contains(path));
  }
  EXPECT_EQ(wear(), before);
}

std::string name_of(const ::testing::TestParamInfo<Case>& tested) {
  const bool one = tested.param.sides == Sides::kOne;
  return std::string(to_string(tested.param.protocol)) + (one ? "_one_side" : "_two_sides");
}

constexpr Case kTl1One{SwitchProtocol::kTl1, Sides::kOne};
constexpr Case kTl1Two{SwitchProtocol::kTl1, Sides::kTwo};
constexpr Case kScpiOne{SwitchProtocol::kScpi, Sides::kOne};
constexpr Case kScpiTwo{SwitchProtocol::kScpi, Sides::kTwo};
constexpr Case kGnmiOne{SwitchProtocol::kGnmi, Sides::kOne};
constexpr Case kGnmiTwo{SwitchProtocol::kGnmi, Sides::kTwo};
INSTANTIATE_TEST_SUITE_P(Drivers, OcsContract,
                         ::testing::Values(kTl1One, kTl1Two, kScpiOne, kScpiTwo, kGnmiOne,
                                           kGnmiTwo),
                         name_of);
INSTANTIATE_TEST_SUITE_P(Drivers, OcsHalves, ::testing::Values(kTl1Two, kScpiTwo, kGnmiTwo),
                         name_of);
INSTANTIATE_TEST_SUITE_P(Drivers, OcsAlarmsAndLogin,
                         ::testing::Values(kTl1One, kTl1Two, kGnmiOne, kGnmiTwo), name_of);

}  // namespace
}  // namespace mixnet
