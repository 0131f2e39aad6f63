// What the threads that measure the phases of one iteration (job_phases.h) work with: the job, and
// for each thread a maker of demands and the communication models of all fabrics.
//
// Each worker is one thread's; PhaseWorkers is thread-safe but for totals().
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <vector>

#include "moe/demand.h"
#include "moe/demand_cache.h"
#include "moe/routing.h"
#include "training/communication_factory.h"
#include "training/job_phases.h"

namespace mixnet {

/// What is measured. All of it outlives the measurement.
struct MeasuredJob {
  const Model& model;
  const ParallelPlan& plan;
  const RoutingSource& routing;
  const IterationOptions& options;
  const ClusterHealth& health;
  DemandCache* demands = nullptr;

  const FidelityOptions& fidelity() const { return options.fidelity; }
  TokenTraffic traffic() const {
    return token_traffic(model, options.network.dispatch,
                         static_cast<double>(plan.tokens_per_ep_rank()));
  }
  bool in_packets() const { return fidelity().fidelity != Fidelity::kFluid; }
  /// Whether phases that cost too much in packets are fluid.
  bool may_be_fluid() const { return fidelity().fidelity == Fidelity::kAuto && fidelity().fluid; }
};

struct PhaseWorker {
  explicit PhaseWorker(const MeasuredJob& job);

  TokenCounts counts;
  DemandMaker maker;
  std::map<int, DemandMaker> with_spare;  ///< by first server: of regions of which ranks moved
  /// By fabric; null for kIdeal, and the latter without packets.
  std::vector<std::unique_ptr<CommunicationModel>> fluid, packet;
  Matrix<std::int64_t> before;       ///< demand that the switch was set for
  std::optional<RoutingPlace> last;  ///< place of the last demand of `maker`
  Matrix<std::int64_t> last_bytes;   ///< and that demand, from server to server
};

class PhaseWorkers {
 public:
  PhaseWorkers(const MeasuredJob& job, std::span<const FabricKind> fabrics);

  int threads() const { return static_cast<int>(workers_.size()); }
  std::size_t fabrics() const { return factories_.size(); }
  const CommunicationFactory& factory(std::size_t fabric) const { return factories_[fabric]; }

  /// That of thread `index`, made when first asked for.
  PhaseWorker& at(int index);
  /// False for kIdeal, on which nothing is measured.
  bool has_network(std::size_t fabric) { return at(0).fluid[fabric] != nullptr; }

  /// What the phases on a fabric took in packets, of all workers.
  PhaseTotals totals(std::size_t fabric) const;

 private:
  const MeasuredJob& job_;
  std::vector<CommunicationFactory> factories_;
  std::shared_ptr<PhaseCache> cache_ = std::make_shared<PhaseCache>();
  std::mutex mutex_;
  std::vector<std::unique_ptr<PhaseWorker>> workers_;
};

}  // namespace mixnet
