#include "training/expected_traffic.h"

#include <algorithm>

#include "moe/demand.h"
#include "moe/routing.h"
#include "training/gradient_groups.h"

namespace mixnet {
namespace {

constexpr double kGradientBytes = 2;
constexpr int kAllToAlls = 4;     // per MoE layer and micro-batch
constexpr double kTpPhases = 10;  // of a sequence's activations, per layer and micro-batch, about

}  // namespace

ExpectedTraffic expected_traffic(const Model& model, const ParallelPlan& plan) {
  ExpectedTraffic traffic;
  const int region = plan.region_servers();
  const int region_starts = plan.servers_per_stage() / region;
  TokenCounts counts;
  RoutingSource::make("uniform", routing_shape(model, plan), 0).counts({}, counts);
  DemandMaker maker(plan, model.hidden);
  const RegionDemand& demand = maker.make(counts);

  for (int stage = 0; stage < plan.pp; ++stage) {
    const auto [first_layer, end_layer] = stage_layers(model.layers, plan.pp, stage);
    const auto sparse =
        std::count(model.is_moe.begin() + first_layer, model.is_moe.begin() + end_layer, true);
    const double exchanges = static_cast<double>(sparse) * kAllToAlls * plan.micro_batches();
    const int first = stage * plan.servers_per_stage();
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
    if (stage + 1 < plan.pp) {
      for (int server = first; server < first + plan.servers_per_stage(); ++server) {
        traffic.neighbours.emplace_back(server, server + plan.servers_per_stage());
      }
    }
    const GradientGroups groups = gradient_groups(model, plan, stage);
    // Within a region the all-to-alls' circuits close the dense ring, where there are any.
    const auto& rings = region > 1 && sparse > 0 ? groups.expert : groups.dense;
    traffic.rings.insert(traffic.rings.end(), rings.begin(), rings.end());
    traffic.ring_bytes =
        std::max(traffic.ring_bytes, 2 * kGradientBytes *
                                         static_cast<double>(groups.dense_parameters_per_server +
                                                             groups.expert_parameters_per_server));
  }
  return traffic;
}

}  // namespace mixnet
