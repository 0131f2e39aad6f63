#include "compare/circuit_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/error.h"

namespace mixnet {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

/// 1 GB each way between servers 0 and 1, nothing else.
CircuitPlanRequest one_pair() {
  CircuitPlanRequest request;
  request.demand = ServerDemand(3, 3);
  request.demand(0, 1) = request.demand(1, 0) = 1'000'000'000;
  request.degree = 4;
  request.eps_nics = 1;
  request.bandwidth = Bandwidth::gbps(100);
  return request;
}

TEST(CircuitPlan, OnePairGetsAllCircuits) {
  const CircuitPlan plan = plan_circuits(one_pair());
  EXPECT_EQ(plan.counts(0, 1), 4);
  EXPECT_EQ(plan.circuits.size(), 4U);
  EXPECT_EQ(plan.time.whole(), Time::milliseconds(20));  // over 4 NICs of 12.5 GB/s
  EXPECT_EQ(plan.balanced, Time::milliseconds(16));      // the EPS NIC helps
  EXPECT_EQ(plan.lower_bound, Time::milliseconds(16));
  EXPECT_EQ(gap(plan), 0);
  EXPECT_THAT(plan.request.numa_of_nic, ElementsAre(0, 0, 1, 1));
}

TEST(CircuitPlan, NothingToSendTakesNoTime) {
  CircuitPlanRequest request = one_pair();
  request.demand = ServerDemand(3, 3);
  const CircuitPlan plan = plan_circuits(request);
  EXPECT_TRUE(plan.circuits.empty());
  EXPECT_EQ(plan.balanced, Time::zero());
  EXPECT_EQ(gap(plan), 0);
}

TEST(CircuitPlan, WhoIsCutOffWaitsForEverAndJsonSaysNull) {
  CircuitPlanRequest request = one_pair();
  request.demand(0, 2) = 1;
  request.degree = 1;
  request.eps_nics = 0;
  const CircuitPlan plan = plan_circuits(request);
  EXPECT_EQ(plan.time.whole(), Time::max());
  const auto json = nlohmann::json::parse(to_json(plan));
  EXPECT_TRUE(json["time_ps"]["all_to_all"].is_null());
  EXPECT_TRUE(json["gap"].is_null());
  EXPECT_EQ(json["schema"], "mixnet.plan/1");
}

std::string error_of(const CircuitPlanRequest& request) {
  try {
    plan_circuits(request);
    return "no error";
  } catch (const Error& error) {
    return error.what();
  }
}

TEST(CircuitPlan, FiguresOutOfRange) {
  const auto with = [](auto&& change) {
    CircuitPlanRequest request = one_pair();
    change(request);
    return error_of(request);
  };
  EXPECT_THAT(with([](auto& r) { r.degree = 0; }), HasSubstr("--degree: 0 is out of range"));
  EXPECT_THAT(with([](auto& r) { r.eps_nics = 1025; }), HasSubstr("--eps-nics: 1025"));
  EXPECT_THAT(with([](auto& r) { r.bandwidth = {}; }), HasSubstr("--bandwidth"));
  EXPECT_THAT(with([](auto& r) { r.budget = -1; }), HasSubstr("--budget: -1"));
  EXPECT_THAT(with([](auto& r) { r.numa_of_nic = {0}; }), HasSubstr("--numa: names 1 NICs"));
}

}  // namespace
}  // namespace mixnet
