#include "cabling/cabling.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

#include "base/random.h"

namespace mixnet {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

/// What is heard on real fibres: `wiring` says where each NIC's lead; 0: broken.
std::vector<Hearing> listen(const std::vector<int>& positions, const std::vector<Plugged>& wiring) {
  std::vector<Hearing> hearings;
  for (const OpticalCircuit& lit : survey_circuits(positions)) {
    for (std::size_t from = 0; from < wiring.size(); ++from) {
      for (std::size_t to = 0; to < wiring.size(); ++to) {
        const bool ahead = wiring[from].sends_into == lit.a && wiring[to].hears_from == lit.b;
        const bool back = wiring[from].sends_into == lit.b && wiring[to].hears_from == lit.a;
        if (ahead || back) hearings.push_back({lit, static_cast<int>(from), static_cast<int>(to)});
      }
    }
  }
  return hearings;
}

std::vector<Carrier> carriers_of(const std::vector<Hearing>& hearings) {
  std::vector<Carrier> carriers;
  for (const Hearing& hearing : hearings) carriers.push_back({hearing.lit, hearing.to});
  return carriers;
}

const std::vector<std::string> kNames = {"a:0", "a:1", "b:0", "b:1"};

TEST(SurveyCircuits, GoAroundARing) {
  EXPECT_THAT(survey_circuits({5}), IsEmpty());
  EXPECT_THAT(survey_circuits({2, 1}), ElementsAre(OpticalCircuit{1, 2}));
  EXPECT_THAT(survey_circuits({1, 2, 7, 9}),
              ElementsAre(OpticalCircuit{1, 2}, OpticalCircuit{2, 7}, OpticalCircuit{7, 9},
                          OpticalCircuit{1, 9}));
}

// a:1 and b:0 are plugged into each other's port.
TEST(Locate, FindsSwappedCables) {
  const std::vector<int> expected = {1, 2, 3, 4};
  const std::vector<Plugged> wiring = {{1, 1}, {3, 3}, {2, 2}, {4, 4}};
  const std::vector<Plugged> found = locate(expected, listen(expected, wiring));
  EXPECT_EQ(found, wiring);
  EXPECT_EQ(describe_fault(0, expected, found, kNames, true, true), "");
  EXPECT_EQ(describe_fault(1, expected, found, kNames, true, true),
            "is plugged into port 3, which is b:0's");
}

TEST(Locate, FindsOneSwappedFibreAndABrokenOne) {
  const std::vector<int> expected = {1, 2, 3, 4};
  const std::vector<Plugged> wiring = {{1, 1}, {2, 3}, {3, 2}, {0, 4}};
  const std::vector<Plugged> found = locate(expected, listen(expected, wiring));
  EXPECT_EQ(found, wiring);
  EXPECT_EQ(describe_fault(1, expected, found, kNames, true, true),
            "hears from port 3, which is b:0's");
  EXPECT_EQ(describe_fault(3, expected, found, kNames, true, true), "what it sends is not heard");
}

// Any wiring of any number of NICs whose fibres are all whole is found exactly, each direction by
// itself; by carrier, the direction that carrier knows.
TEST(Locate, FindsEveryWiringOfWholeFibres) {
  Random random(7);
  const auto shuffled = [&](std::vector<int> values) {
    for (std::size_t i = values.size(); i > 1; --i)
      std::swap(values[i - 1], values[random.below(i)]);
    return values;
  };
  for (int round = 0; round < 3'000; ++round) {
    const std::size_t nics = 3 + random.below(14);
    std::vector<int> expected(nics);
    std::iota(expected.begin(), expected.end(), 1 + static_cast<int>(random.below(9)));
    expected = shuffled(expected);
    const std::vector<int> sends = shuffled(expected);
    const std::vector<int> hears = random.below(2) != 0 ? sends : shuffled(expected);
    std::vector<Plugged> wiring(nics);
    for (std::size_t nic = 0; nic < nics; ++nic) wiring[nic] = {sends[nic], hears[nic]};
    const std::vector<Hearing> hearings = listen(expected, wiring);
    ASSERT_EQ(locate(expected, hearings), wiring) << nics;
    const std::vector<Plugged> by_carrier = locate(expected, carriers_of(hearings));
    for (std::size_t nic = 0; nic < nics; ++nic) {
      ASSERT_EQ(by_carrier[nic], (Plugged{0, hears[nic]})) << nics;
    }
  }
}

// Where fibres are broken besides, no NIC that is well plugged is blamed for another position, and
// a NIC that is not is never called well.
TEST(Locate, NeverCallsAWrongCableRight) {
  Random random(8);
  for (int round = 0; round < 3'000; ++round) {
    const std::size_t nics = 3 + random.below(10);
    std::vector<int> expected(nics);
    std::iota(expected.begin(), expected.end(), 1);
    std::vector<int> plugs = expected;
    if (random.below(2) != 0) std::swap(plugs[random.below(nics)], plugs[random.below(nics)]);
    std::vector<Plugged> wiring(nics);
    for (std::size_t nic = 0; nic < nics; ++nic) wiring[nic] = {plugs[nic], plugs[nic]};
    Plugged& broken = wiring[random.below(nics)];
    (random.below(2) != 0 ? broken.sends_into : broken.hears_from) = 0;
    const std::vector<Plugged> found = locate(expected, listen(expected, wiring));
    for (std::size_t nic = 0; nic < nics; ++nic) {
      const bool well = wiring[nic] == Plugged{expected[nic], expected[nic]};
      ASSERT_EQ(found[nic] == (Plugged{expected[nic], expected[nic]}), well) << round;
    }
  }
}

// Both ways round of two swapped NICs look the same.
TEST(Locate, OfTwoPositionsTakesWhatShouldBe) {
  const std::vector<int> expected = {1, 2};
  EXPECT_EQ(locate(expected, listen(expected, {{1, 1}, {2, 2}})),
            (std::vector<Plugged>{{1, 1}, {2, 2}}));
  EXPECT_EQ(locate(expected, listen(expected, {{2, 2}, {1, 1}})),
            (std::vector<Plugged>{{1, 1}, {2, 2}}));
}

}  // namespace
}  // namespace mixnet
