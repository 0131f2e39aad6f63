#include "compare/layer_picture.h"

#include <algorithm>

#include "circuits/circuit_planner.h"
#include "moe/demand.h"
#include "training/network_checks.h"

namespace mixnet {
namespace {

/// Index in the model of the layer that is number `index` of those with experts.
int model_layer(const Model& model, int index) {
  for (int layer = 0; layer < model.layers; ++layer) {
    if (model.is_moe[layer] && index-- == 0) return layer;
  }
  return model.layers - 1;
}

}  // namespace

LayerPicture picture_layer(const ComparisonRequest& request) {
  LayerPicture picture;
  picture.model = request.model.title.empty() ? request.model.name : request.model.title;
  picture.plan =
      with_micro_batch_that_fits(request.model, make_plan(request.model, request.plan),
                                 request.plan, request.gpu, request.iteration, request.memory);
  const NetworkOptions network = network_in_use(request.iteration.network, picture.plan);
  picture.bandwidth = request.bandwidths.at(0);
  picture.degree = network.optical_degree;
  picture.allocator = to_string(network.allocator);
  check_network_options(network, picture.plan);

  const RoutingShape shape = routing_shape(request.model, picture.plan);
  const RoutingSource routing = routing_of(request, picture.plan);
  DemandMaker demands(picture.plan,
                      token_traffic(request.model, request.iteration.network.dispatch,
                                    static_cast<double>(picture.plan.tokens_per_ep_rank())));
  CircuitPlanner planner({.allocator = network.allocator});
  TokenCounts counts;
  for (int index = 0; index < shape.layers; index += std::max(1, shape.layers / 2)) {
    if (picture.regions.size() == 2) break;
    routing.counts({.layer = index}, counts);
    const RegionDemand& demand = demands.make(counts);
    if (demand.servers < 2) break;
    picture.regions.push_back(
        {model_layer(request.model, index), demand.server_bytes,
         planner.plan(demand.server_bytes,
                      RegionNics::alike(demand.servers, network.optical_degree,
                                        network.nics_per_server - network.optical_degree))});
  }
  if (picture.regions.empty()) return picture;

  IterationOptions options = request.iteration;
  options.recompute =
      check_memory(request.model, picture.plan, request.plan, request.gpu, options, request.memory)
          .recompute;
  options.fidelity.fidelity = Fidelity::kFluid;
  options.fidelity.nic_rate = picture.bandwidth;
  const FabricKind fabric = FabricKind::kMixNet;
  const TrainingJob job(request.model, picture.plan, request.gpu, routing, {&fabric, 1}, options);
  const auto pass = [&](bool is_backward) {
    return job.record_layer(fabric, picture.bandwidth,
                            {.layer = picture.regions.back().layer, .is_backward = is_backward},
                            request.compute_scale);
  };
  picture.forward = pass(false);
  picture.backward = pass(true);
  return picture;
}

}  // namespace mixnet
