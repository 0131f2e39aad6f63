#include "cli/sweep_points.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "base/error.h"

namespace mixnet::cli {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

SweepPlan plan_of(const std::string& text) { return plan_sweep(text, "study.yaml"); }

std::string message(const std::string& text) {
  try {
    plan_of(text);
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

/// Every point on its own, and those of a group together.
void expect_same_rows(const SweepPlan& plan, std::size_t groups) {
  std::vector<std::pair<std::string, PointArguments>> tasks;
  for (std::size_t point = 0; point < plan.points(); ++point) {
    const std::vector<std::string> arguments = plan.arguments(point);
    const std::string group = point_group(arguments);
    const auto found =
        std::ranges::find(tasks, group, &std::pair<std::string, PointArguments>::first);
    if (found == tasks.end()) {
      tasks.push_back({group, {arguments}});
    } else {
      found->second.push_back(arguments);
    }
  }
  EXPECT_EQ(tasks.size(), groups);
  for (const auto& [group, points] : tasks) {
    const std::vector<PointOutcome> together = run_points(points, 2);
    ASSERT_EQ(together.size(), points.size());
    for (std::size_t i = 0; i < points.size(); ++i) {
      const PointOutcome alone = run_points({points[i]}, 1).at(0);
      EXPECT_EQ(together[i].fields, alone.fields) << group;
      EXPECT_EQ(together[i].error, alone.error) << group;
      EXPECT_NE(together[i].fields.empty(), together[i].error.empty());
    }
  }
}

TEST(StudyFlags, AreThoseOfCompareButItsOutputs) {
  std::set<std::string> names;
  for (const StudyFlag& flag : study_flags()) {
    for (const std::string& name : flag.names) names.insert(name);
    const std::string& name = flag.names.front();
    const bool is_switch = name == "free-acks" || name == "paper" || name == "ignore-memory";
    EXPECT_EQ(flag.is_switch, is_switch) << flag.names.front();
  }
  for (const char* name : {"model", "tp", "tensor-model-parallel-size", "fabric", "bandwidth",
                           "fail", "degree", "seed", "reconfiguration-delay", "mtu"}) {
    EXPECT_TRUE(names.contains(name)) << name;
  }
  for (const char* name : {"json", "csv", "help"}) EXPECT_FALSE(names.contains(name)) << name;
}

TEST(PlanSweep, FabricsLeftOutAreAllDefaultOnes) {
  EXPECT_EQ(plan_of("model: qwen-moe\n").points(), default_fabrics().size());
  EXPECT_EQ(plan_of("model: qwen-moe\nfabric: mixnet\n").points(), 1u);
}

TEST(PlanSweep, ValuesThatAreWrongInEveryPointAreToldWithTheirPlace) {
  const std::string model = "model: mixtral-8x7b\n";
  for (const auto& [text, place, said] :
       {std::tuple("fabric: mixnet\n", "study.yaml: ", "sets no 'model'"),
        std::tuple("model: [mixtral-8x7b, mixtal-8x7b]\n",
                   "study.yaml:1:23: ", "did you mean 'mixtral-8x7b'?"),
        std::tuple("model: mixtral-8x7b\nbandwidth: [100Gbps, 400]\n",
                   "study.yaml:2:22: ", "has no unit; write it as '400Gbps'"),
        std::tuple("model: mixtral-8x7b\nfabric:\n  - mixnet\n  - fattree\n",
                   "study.yaml:4:5: ", "did you mean 'fat-tree'?"),
        std::tuple("model: mixtral-8x7b\nfabric: fat-tree,mixnet\n",
                   "study.yaml:2:9: ", "write several as a list"),
        std::tuple("model: mixtral-8x7b\ntp: 0x8\n", "study.yaml:2:5: ", "not a whole number"),
        std::tuple("model: mixtral-8x7b\nfail: [~, serve:3]\n",
                   "study.yaml:2:11: ", "did you mean 'server'?"),
        std::tuple("model: mixtral-8x7b\nshortcuts: steady\n",
                   "study.yaml:2:12: ", "use --fidelity auto"),
        std::tuple("model: mixtral-8x7b\njson: x\n", "study.yaml:2:1: ", "no flag 'json'")}) {
    EXPECT_THAT(message(text), AllOf(StartsWith(place), HasSubstr(said))) << text;
  }
}

TEST(PlanSweep, AValueMayNeedAnotherBesideIt) {
  EXPECT_EQ(message("model: qwen-moe\nfidelity: [flow, auto]\nshortcuts: [steady]\n"), "no error");
}

TEST(RunPoints, FluidPointsThatDifferInFabricAndSpeedGiveTheRowsOfEachAlone) {
  expect_same_rows(plan_of("model: [mixtral-8x7b, qwen-moe]\n"
                           "gpus: 128\n"
                           "global-batch-size: 64\n"
                           "bandwidth: [100Gbps, 800Gbps]\n"
                           "reconfiguration: [block, hitless]\n"
                           "fabric: [fat-tree, topoopt, mixnet, ideal]\n"),
                   4);
}

TEST(RunPoints, AWrongPointOfAGroupFailsAlone) {
  const SweepPlan plan = plan_of(
      "model: mixtral-8x7b\n"
      "gpus: 512\n"
      "global-batch-size: 256\n"
      "degree: 0\n"
      "nics-per-server: 1\n"  // too few to join servers by circuits
      "bandwidth: [100Gbps, 300Gbps]\n"
      "fabric: [topoopt, ideal]\n");
  expect_same_rows(plan, 1);
  PointArguments points;
  for (std::size_t point = 0; point < 4; ++point) points.push_back(plan.arguments(point));
  std::vector<bool> ok;
  for (const PointOutcome& outcome : run_points(points, 1)) ok.push_back(outcome.ok());
  EXPECT_EQ(ok, (std::vector<bool>{false, true, false, true}));
}

TEST(RunPoints, SpeedsWithoutAPriceHaveRows) {
  const SweepPlan plan = plan_of(
      "model: mixtral-8x7b\n"
      "gpus: 128\n"
      "global-batch-size: 64\n"
      "bandwidth: [100Gbps, 300Gbps]\n"
      "fabric: [mixnet, ideal]\n");
  expect_same_rows(plan, 1);
}

TEST(RunPoints, DomainsAreNotMixedWithServers) {
  expect_same_rows(plan_of("model: deepseek-v3\n"
                           "gpus: 2048\n"
                           "ep: 64\n"
                           "routing: uniform\n"
                           "bandwidth: [400Gbps, 800Gbps]\n"
                           "fabric: [mixnet, nvl72, mixnet-optical-io]\n"),
                   2);
}

TEST(RunPoints, ALinkFailsOnlyWhereThereIsOne) {
  expect_same_rows(plan_of("model: mixtral-8x7b\n"
                           "gpus: 128\n"
                           "global-batch-size: 64\n"
                           "bandwidth: [100Gbps, 400Gbps]\n"
                           "fail: [~, nic:3.1, link:tor-up.1]\n"
                           "fabric: [fat-tree, topoopt]\n"),
                   5);
}

TEST(RunPoints, InPacketsEveryPointIsAlone) {
  expect_same_rows(plan_of("model: mixtral-8x7b\n"
                           "gpus: 128\n"
                           "global-batch-size: 64\n"
                           "fidelity: auto\n"
                           "packet-budget: 1M\n"
                           "bandwidth: [100Gbps, 400Gbps]\n"
                           "fabric: [rail-optimized, mixnet]\n"),
                   4);
}

TEST(RunPoints, ImpossiblePointsFailAlone) {
  const std::vector<PointOutcome> outcomes =
      run_points({{"--model", "mixtral-8x7b", "--gpus", "1000", "--fabric", "mixnet"},
                  {"--model", "mixtral-8x7b", "--gpus", "1000", "--fabric", "ideal"}},
                 1);
  for (const PointOutcome& outcome : outcomes) {
    EXPECT_THAT(outcome.error, StartsWith("parallel plan: 1000 GPUs cannot be divided"));
  }
}

}  // namespace
}  // namespace mixnet::cli
