#include "training/job_phases.h"

#include <algorithm>

#include "training/exchange_phases.h"
#include "training/phase_workers.h"
#include "training/transfer_phases.h"

namespace mixnet {
namespace {

JobPhases phases_of(const MeasuredJob& job, const PhaseWorkers& workers,
                    std::span<const FabricKind> fabrics) {
  JobPhases phases;
  phases.varies = job.routing.varies();
  phases.micro_batches = job.plan.micro_batches();
  phases.replicas = job.plan.replicas();
  for (int layer = 0; layer < job.model.layers; ++layer) {
    phases.moe_index.push_back(job.model.is_moe[layer] ? phases.moe_layers++ : -1);
  }
  for (std::size_t f = 0; f < fabrics.size(); ++f) {
    FabricPhases& fabric = phases.fabrics.emplace_back();
    fabric.kind = fabrics[f];
    fabric.gpu_bandwidth = workers.factory(f).gpu_bandwidth();
  }
  return phases;
}

/// Where a forecast could change anything: two servers have but one pair, which has all circuits.
std::vector<DemandForecast> forecasts_of(const MeasuredJob& job, PhaseWorkers& workers,
                                         const JobPhases& phases) {
  const bool switched = std::ranges::any_of(phases.fabrics, [](const FabricPhases& fabric) {
    return fabric.kind == FabricKind::kMixNet || fabric.kind == FabricKind::kMixNetOpticalIo;
  });
  if (!needs_of(job.options.reconfiguration).forecast || !switched || !phases.varies ||
      job.plan.region_servers() < 3) {
    return {};
  }
  std::vector<TimeOverCircuits> fabrics;
  for (std::size_t f = 0; f < workers.fabrics(); ++f) {
    fabrics.emplace_back([&, f](int index, int first_server, const Matrix<std::int64_t>& guessed,
                                const Matrix<std::int64_t>& bytes) {
      CommunicationModel* network = workers.at(index).fluid[f].get();
      // Forecasts know nothing of ranks that moved to a spare.
      if (network == nullptr || job.health.moved().contains(first_server)) return Time::zero();
      return network->over_circuits_for(first_server, guessed, bytes);
    });
  }
  return forecast_demands(job.model, job.plan, job.traffic(), job.routing, workers.threads(),
                          fabrics);
}

}  // namespace

std::size_t JobPhases::places() const {
  return varies ? static_cast<std::size_t>(replicas) * micro_batches * moe_layers : 1;
}

std::size_t JobPhases::place_index(int replica, int micro_batch, int moe_layer) const {
  if (!varies) return 0;
  return (static_cast<std::size_t>(replica) * micro_batches + micro_batch) * moe_layers + moe_layer;
}

std::size_t JobPhases::exchange_index(const FabricPhases& fabric, int stage, int replica,
                                      int micro_batch, int moe_layer) const {
  if (varies) return place_index(replica, micro_batch, moe_layer);
  return fabric.uniform ? 0 : static_cast<std::size_t>(stage) * replicas + replica;
}

JobPhases measure_phases(const Model& model, const ParallelPlan& plan, const RoutingSource& routing,
                         std::span<const FabricKind> fabrics, const IterationOptions& options,
                         const ClusterHealth& health, DemandCache* demands) {
  const MeasuredJob job = {model, plan, routing, options, health, demands};
  PhaseWorkers workers(job, fabrics);
  JobPhases phases = phases_of(job, workers, fabrics);
  for (std::size_t f = 0; f < workers.fabrics(); ++f) {
    if (workers.has_network(f)) phases.fabrics[f].uniform = workers.at(0).fluid[f]->uniform();
  }
  phases.forecasts = forecasts_of(job, workers, phases);
  for (std::size_t f = 0; f < workers.fabrics(); ++f) {
    if (workers.has_network(f)) measure_transfers(job, workers.at(0), f, phases.fabrics[f]);
  }
  measure_exchanges(job, workers, phases);
  for (std::size_t f = 0; f < workers.fabrics(); ++f) {
    if (workers.has_network(f) && job.in_packets()) {
      phases.fabrics[f].report.complete(workers.totals(f));
    }
  }
  return phases;
}

}  // namespace mixnet
