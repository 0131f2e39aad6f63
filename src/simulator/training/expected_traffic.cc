#include "training/expected_traffic.h"

#include <algorithm>
#include <numeric>
#include <span>
#include <vector>

#include "moe/demand.h"
#include "moe/routing.h"
#include "moe/stage_layers.h"
#include "training/gradient_groups.h"

namespace mixnet {
namespace {

constexpr double kGradientBytes = 2;
constexpr int kAllToAlls = 4;     // per MoE layer and micro-batch
constexpr double kTpPhases = 10;  // of a sequence's activations, per layer and micro-batch, about

/// Whether pairs with traffic join all `servers` from `first` on.
bool joins_all(std::span<const ExpectedTraffic::Pair> pairs, int first, int servers) {
  std::vector<int> island(servers);
  std::iota(island.begin(), island.end(), 0);
  for (const auto& [a, b, bytes] : pairs) {
    const bool inside = std::min(a, b) >= first && std::max(a, b) < first + servers;
    if (!inside || bytes <= 0 || island[a - first] == island[b - first]) continue;
    std::ranges::replace(island, int{island[b - first]}, int{island[a - first]});
  }
  return std::ranges::count(island, island.front()) == servers;
}

/// Regions whose all-to-alls are expected to leave servers apart (a few tokens, of which none goes
/// from one to another) get a ring for the gradients, of so little weight that it comes last.
void join_regions(int first, int end, int region, std::vector<ExpectedTraffic::Pair>& pairs) {
  constexpr double kLittle = 1;
  std::vector<std::vector<ExpectedTraffic::Pair>> of_region((end - first) / region);
  for (const ExpectedTraffic::Pair& pair : pairs) {
    if (pair.a >= first && pair.a < end) of_region[(pair.a - first) / region].push_back(pair);
  }
  for (std::size_t r = 0; r < of_region.size(); ++r) {
    const int start = first + static_cast<int>(r) * region;
    if (joins_all(of_region[r], start, region)) continue;
    for (int s = 0; s < region; ++s) {
      const int next = (s + 1) % region;
      if (region > 2 || s < next) {
        pairs.push_back({start + std::min(s, next), start + std::max(s, next), kLittle});
      }
    }
  }
}

}  // namespace

ExpectedTraffic expected_traffic(const Model& model, const ParallelPlan& plan,
                                 DispatchMode dispatch) {
  ExpectedTraffic traffic;
  const int region = plan.region_servers();
  const int region_starts = plan.servers_per_stage() / region;
  TokenCounts counts;
  RoutingSource::make("uniform", routing_shape(model, plan), 0).counts({}, counts);
  DemandMaker maker(plan, token_traffic(model, {dispatch, false}));
  const RegionDemand& demand = maker.make(counts);

  for (int stage = 0; stage < plan.pp; ++stage) {
    const auto [first_layer, end_layer] = stage_layers(model, plan, stage);
    const auto sparse =
        std::count(model.is_moe.begin() + first_layer, model.is_moe.begin() + end_layer, true);
    const double exchanges = static_cast<double>(sparse) * kAllToAlls * plan.micro_batches();
    const int first = plan.first_server(stage, 0);
    for (int start = first; start < first + region_starts * region; start += region) {
      for (int s = 0; s < region; ++s) {
        for (int t = s + 1; t < region; ++t) {
          const auto bytes =
              static_cast<double>(demand.server_bytes(s, t) + demand.server_bytes(t, s));
          traffic.pairs.push_back({start + s, start + t, bytes * exchanges});
        }
      }
    }
    const int span = tp_servers(plan);
    if (span > 1) {
      const double bytes = kTpPhases * (end_layer - first_layer) * plan.micro_batches() *
                           static_cast<double>(plan.tokens_per_micro_batch()) * model.hidden *
                           kBytesPerNumber;
      for (int server = first; server < first + plan.servers_per_stage(); ++server) {
        const int next = server / span * span + (server + 1) % span;
        if (span > 2 || server < next) traffic.pairs.push_back({server, next, bytes});
      }
    }
    // Within a region the all-to-alls' circuits close the dense ring, where there are any.
    const bool has_all_to_alls = region > 1 && sparse > 0;
    if (has_all_to_alls) {
      join_regions(first, first + plan.servers_per_stage(), region, traffic.pairs);
    }
    if (stage + 1 < plan.pp) {
      const int next = plan.first_server(stage + 1, 0);  // the same where stages share a server
      for (int s = 0; s < plan.servers_per_stage() && next > first; ++s) {
        traffic.neighbours.emplace_back(first + s, next + s);
      }
    }
    const GradientGroups groups = gradient_groups(model, plan, stage);
    const auto& rings = has_all_to_alls ? groups.expert : groups.dense;
    traffic.rings.insert(traffic.rings.end(), rings.begin(), rings.end());
    traffic.joining_rings.insert(traffic.joining_rings.end(), groups.dense.begin(),
                                 groups.dense.end());
    traffic.ring_bytes =
        std::max(traffic.ring_bytes, 2 * kGradientBytes *
                                         static_cast<double>(groups.dense_parameters_per_server +
                                                             groups.expert_parameters_per_server));
  }
  return traffic;
}

}  // namespace mixnet
