#include "compare/circuit_plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string_view>

#include "base/error.h"
#include "circuits/balanced_time.h"
#include "circuits/nic_mapper.h"

namespace mixnet {
namespace {

constexpr int kMaxNics = 1024;
constexpr std::int64_t kMaxBudget = 1'000'000'000'000;
// A rate times all NICs of a server must fit in 63 bits.
constexpr Bandwidth kMaxBandwidth = Bandwidth::gbps(1'000'000);

void check_nics(int nics, int least, std::string_view flag) {
  if (nics >= least && nics <= kMaxNics) return;
  throw Error(flag, fmt::format("{} is out of range", nics),
              fmt::format("give {} to {} NICs a server", least, kMaxNics));
}

void check(const CircuitPlanRequest& request) {
  check_nics(request.degree, 1, "--degree");
  check_nics(request.eps_nics, 0, "--eps-nics");
  if (request.bandwidth.bits_per_second <= 0 || request.bandwidth > kMaxBandwidth) {
    throw Error("--bandwidth", fmt::format("'{}' is out of range", to_string(request.bandwidth)),
                fmt::format("give more than 0 and at most {}", to_string(kMaxBandwidth)));
  }
  if (request.budget < 0 || request.budget > kMaxBudget) {
    throw Error("--budget", fmt::format("{} is out of range", request.budget),
                "give the moves that the refined allocator may look at, such as 25000");
  }
  const std::size_t nodes = request.numa_of_nic.size();
  if (nodes != 0 && nodes != static_cast<std::size_t>(request.degree)) {
    throw Error("--numa", fmt::format("names {} NICs where --degree is {}", nodes, request.degree),
                "give one NUMA node for each OCS NIC");
  }
}

}  // namespace

CircuitPlan plan_circuits(CircuitPlanRequest request) {
  check(request);
  CircuitPlan plan;
  plan.request = std::move(request);
  auto& [demand, degree, eps_nics, bandwidth, numa_of_nic, kind, budget] = plan.request;
  for (int nic = 0; numa_of_nic.size() < static_cast<std::size_t>(degree); ++nic) {
    numa_of_nic.push_back(2 * nic < degree ? 0 : 1);
  }
  plan.counts = CircuitPlanner({.allocator = kind, .budget = budget})
                    .plan(demand, RegionNics::alike(demand.rows(), degree, eps_nics));
  plan.circuits = map_to_nics(plan.counts, numa_of_nic);
  plan.time = circuits_first_time(demand, plan.counts, eps_nics, bandwidth);
  plan.balanced = Time::from_seconds(balanced_time(demand, plan.counts, eps_nics) /
                                     bandwidth.bytes_per_second());
  plan.lower_bound = completion_lower_bound(demand, degree + eps_nics, bandwidth);
  return plan;
}

double gap(const CircuitPlan& plan) {
  if (plan.lower_bound == Time::zero()) return 0;
  return std::max(0.0, plan.balanced.to_seconds() / plan.lower_bound.to_seconds() - 1);
}

std::string to_json(const CircuitPlan& plan) {
  using Json = nlohmann::ordered_json;
  const auto time = [](Time t) { return t == Time::max() ? Json() : Json(t.ps); };
  Json circuits = Json::array();
  for (const Circuit& circuit : plan.circuits) {
    circuits.push_back({{"server_a", circuit.server_a},
                        {"nic_a", circuit.nic_a},
                        {"server_b", circuit.server_b},
                        {"nic_b", circuit.nic_b}});
  }
  const CircuitPlanRequest& request = plan.request;
  const Json document = {{"schema", "mixnet.plan/1"},
                         {"servers", request.demand.rows()},
                         {"allocator", to_string(request.allocator)},
                         {"degree", request.degree},
                         {"eps_nics", request.eps_nics},
                         {"bandwidth_bps", request.bandwidth.bits_per_second},
                         {"numa_of_nic", request.numa_of_nic},
                         {"time_ps",
                          {{"all_to_all", time(plan.time.whole())},
                           {"circuits", time(plan.time.circuits)},
                           {"eps", time(plan.time.eps)},
                           {"balanced", time(plan.balanced)},
                           {"lower_bound", time(plan.lower_bound)}}},
                         {"gap", plan.balanced == Time::max() ? Json() : Json(gap(plan))},
                         {"pairs_without_circuit",
                          {{"count", plan.time.eps_pairs}, {"bytes", plan.time.eps_bytes.count}}},
                         {"circuits", std::move(circuits)}};
  return document.dump(2) + "\n";
}

}  // namespace mixnet
