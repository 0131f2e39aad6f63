#include "ocs/change_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "base/random.h"
#include "ocs/switch_error.h"

namespace mixnet {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr PortNumbering kOneSide{Sides::kOne, 32};
constexpr PortNumbering kTwoSides{Sides::kTwo, 16};

// 1-17 stands; it is to go, and 1-18 to come.
TEST(PlanChange, AsksForWhatIsMissingOnly) {
  const SwitchChange change{.disconnect = {{1, 17}, {3, 4}}, .connect = {{1, 18}, {5, 6}}};
  const std::vector<Patch> standing = {{17, 1}, {5, 6}};
  const ChangePlan plan = plan_change(change, standing, kOneSide);
  EXPECT_THAT(plan.remove, ElementsAre(Patch{1, 17}));
  EXPECT_THAT(plan.add, ElementsAre(Patch{1, 18}));
  EXPECT_THAT(plan.before, ElementsAre(PairOutcome::kDone, PairOutcome::kAlready,
                                       PairOutcome::kDone, PairOutcome::kAlready));
}

TEST(PlanChange, ConnectsNothingThatIsBusy) {
  const ChangePlan plan =
      plan_change({.connect = {{1, 18}}}, std::vector<Patch>{{1, 17}}, kOneSide);
  EXPECT_THAT(plan.add, IsEmpty());
  EXPECT_THAT(plan.before, ElementsAre(PairOutcome::kBusy));
}

// Inputs 1..16, outputs 17..32: circuit 1-2 is 1 -> 18 and 2 -> 17.
TEST(PlanChange, OfTwoSidesTakesWhatStandsOfAHalf) {
  const std::vector<Patch> standing = {{1, 18}};
  const ChangePlan whole = plan_change({.connect = {{1, 2}}}, standing, kTwoSides);
  EXPECT_THAT(whole.add, ElementsAre(Patch{2, 17}));
  const ChangePlan gone = plan_change({.disconnect = {{1, 2}}}, standing, kTwoSides);
  EXPECT_THAT(gone.remove, ElementsAre(Patch{1, 18}));
}

TEST(CheckChange, RefusesBeforeAnythingIsSent) {
  const auto refusal = [](const SwitchChange& change, const PortSlice& slice) -> std::string {
    try {
      check_change(change, kOneSide, slice, "tl1://ocs");
    } catch (const SwitchError& error) {
      EXPECT_EQ(error.fault(), SwitchFault::kMisuse);
      return error.what();
    }
    return "";
  };
  EXPECT_EQ(refusal({.disconnect = {{1, 17}}, .connect = {{1, 18}}}, {}), "");
  EXPECT_THAT(refusal({.connect = {{1, 33}}}, {}), HasSubstr("ports are 1 to 32"));
  EXPECT_THAT(refusal({.connect = {{0, 3}}}, {}), HasSubstr("port 0"));
  EXPECT_THAT(refusal({.connect = {{3, 3}}}, {}), HasSubstr("with itself"));
  EXPECT_THAT(refusal({.connect = {{3, 2}}}, {}), HasSubstr("smaller number"));
  EXPECT_THAT(refusal({.connect = {{1, 2}, {2, 3}}}, {}), HasSubstr("port 2 is in two"));
  EXPECT_THAT(refusal({.disconnect = {{1, 9}}}, {1, 2, 3}), HasSubstr("not in the slice"));
}

TEST(JudgeChange, GoesByWhatWasReadBack) {
  const SwitchChange change{.disconnect = {{1, 17}}, .connect = {{1, 18}, {5, 6}, {7, 8}, {9, 10}}};
  const std::vector<Patch> standing = {{1, 17}, {9, 11}};
  const ChangePlan plan = plan_change(change, standing, kOneSide);
  const std::vector<Patch> after = {{18, 1}, {9, 11}};
  const std::map<Patch, std::string> denied = {{{5, 6}, "SROF: stuck"}, {{1, 18}, "IDNV: late"}};
  const ChangeReport report = judge_change(change, plan, after, denied, kOneSide);
  EXPECT_THAT(
      report.pairs,
      ElementsAre(
          PairResult{{1, 17}, false, PairOutcome::kDone, ""},
          PairResult{{1, 18}, true, PairOutcome::kDone, ""},
          PairResult{{5, 6}, true, PairOutcome::kDenied, "SROF: stuck"},
          PairResult{{7, 8}, true, PairOutcome::kDisobeyed, ""},
          PairResult{{9, 10}, true, PairOutcome::kBusy, "a port is in another cross-connect"}));
  EXPECT_FALSE(report.complete());
}

TEST(Reconcile, LeavesWhatLeadsOutside) {
  const CrossConnects standing{
      .circuits = {{1, 2}, {3, 4}}, .halves = {{5, 6}, {6, 7}}, .taken = {9}};
  const std::vector<OpticalCircuit> wanted = {{1, 2}, {5, 6}, {9, 10}};
  EXPECT_EQ(reconcile(standing, wanted),
            (SwitchChange{.disconnect = {{3, 4}, {6, 7}}, .connect = {{5, 6}}}));
}

std::vector<OpticalCircuit> random_circuits(int positions, Random& random) {
  std::vector<int> free;
  for (int p = 1; p <= positions; ++p) free.push_back(p);
  std::vector<OpticalCircuit> circuits;
  while (free.size() >= 2 && random.below(8) != 0) {
    std::pair<int, int> ends;
    for (int* end : {&ends.first, &ends.second}) {
      const auto at = free.begin() + static_cast<std::ptrdiff_t>(random.below(free.size()));
      *end = *at;
      free.erase(at);
    }
    circuits.push_back({std::min(ends.first, ends.second), std::max(ends.first, ends.second)});
  }
  std::ranges::sort(circuits);
  return circuits;
}

// From any state, halves and loops among it, to any other, in one step.
TEST(Reconcile, ReachesWhatIsWantedFromAnywhere) {
  Random random(1);
  for (int round = 0; round < 2'000; ++round) {
    std::vector<int> outs;
    for (int p = 1; p <= 16; ++p) outs.push_back(p);
    std::set<Patch> state;
    for (int in = 1; in <= 16; ++in) {
      const auto at = static_cast<std::ptrdiff_t>(random.below(outs.size()));
      if (random.below(2) != 0) state.insert({in, 16 + outs[static_cast<std::size_t>(at)]});
      outs.erase(outs.begin() + at);
    }
    const std::vector<OpticalCircuit> wanted = random_circuits(16, random);
    const std::vector<Patch> before(state.begin(), state.end());
    const SwitchChange change = reconcile(fold(before, kTwoSides, {}), wanted);
    check_change(change, kTwoSides, {}, "ocs");
    const ChangePlan plan = plan_change(change, before, kTwoSides);
    for (const Patch& patch : plan.remove) state.erase(patch);
    for (const Patch& patch : plan.add) state.insert(patch);
    const std::vector<Patch> after(state.begin(), state.end());
    const CrossConnects joined = fold(after, kTwoSides, {});
    ASSERT_EQ(joined, (CrossConnects{.circuits = wanted}));
    ASSERT_TRUE(judge_change(change, plan, after, {}, kTwoSides).complete());
  }
}

TEST(DelayMeter, IsTheMedianOfTheLast64) {
  DelayMeter meter;
  EXPECT_EQ(meter.median(), Duration::zero());
  for (int i = 1; i <= 3; ++i) meter.add(Duration::milliseconds(i));
  EXPECT_EQ(meter.median(), Duration::milliseconds(2));
  for (int i = 0; i < 64; ++i) meter.add(Duration::milliseconds(9));
  EXPECT_EQ(meter.median(), Duration::milliseconds(9));
}

}  // namespace
}  // namespace mixnet
