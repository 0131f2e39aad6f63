#include "training/exchange_phases.h"

#include <algorithm>
#include <map>
#include <mutex>
#include <optional>
#include <string>

#include "base/parallel.h"
#include "base/progress.h"
#include "moe/stage_layers.h"
#include "training/exchange_meter.h"
#include "training/exchange_sample.h"

namespace mixnet {
namespace {

constexpr int kUses = 2;                   // forward and backward
constexpr std::size_t kRunsOfThread = 16;  // at least, so that all threads end together

/// The fluid times of the all-to-alls [begin, end) on one fabric, all of one demand but for spares;
/// `demand`: that of the first.
void measure_fluid_on(const MeasuredJob& job, const ExchangeMeter& meter, PhaseWorker& worker,
                      std::size_t f, std::size_t begin, std::size_t end, const RegionDemand* demand,
                      FabricPhases& fabric) {
  CommunicationModel& network = *worker.fluid[f];
  std::map<std::uint64_t, std::size_t> of_kind;  // the first one
  for (std::size_t i = begin; i < end; ++i) {
    const int first_server = meter.first_server(f, i);
    std::optional<std::uint64_t> kind;
    if (end > begin + 1) kind = network.kind_of_region(first_server, job.plan.region_servers());
    if (kind) {
      const auto [first, is_new] = of_kind.try_emplace(*kind, i);
      if (!is_new) {
        fabric.scale_up_bytes[i] = fabric.scale_up_bytes[first->second];
        fabric.exchanges[i] = fabric.exchanges[first->second];
        continue;
      }
    }
    if (i > begin && !worker.with_spare.empty()) demand = &meter.load(worker, f, i);
    fabric.scale_up_bytes[i] = network.scale_up_bytes(first_server, *demand);
    if (job.fidelity().fidelity == Fidelity::kPacket) continue;
    fabric.exchanges[i] = meter.measure(worker, network, f, i, *demand);
  }
}

/// The fluid times at one place, and what the demand itself says.
void measure_fluid_at(const MeasuredJob& job, const ExchangeMeter& meter, PhaseWorker& worker,
                      std::size_t at, JobPhases& phases) {
  const RegionDemand* demand = nullptr;  // as long as it is that of all fabrics
  for (std::size_t f = 0; f < phases.fabrics.size(); ++f) {
    FabricPhases& fabric = phases.fabrics[f];
    const std::size_t begin = phases.varies ? at : 0;
    if (demand == nullptr || !worker.with_spare.empty()) demand = &meter.load(worker, f, begin);
    phases.busiest_rank_tokens[at] = demand->busiest_rank_tokens;
    if (worker.fluid[f] == nullptr) continue;
    const std::size_t end = phases.varies ? at + 1 : fabric.exchanges.size();
    measure_fluid_on(job, meter, worker, f, begin, end, demand, fabric);
  }
}

void measure_all_fluid(const MeasuredJob& job, const ExchangeMeter& meter, PhaseWorkers& workers,
                       JobPhases& phases) {
  ProgressBar progress("all-to-alls", phases.places());
  std::mutex progress_mutex;
  // Layer by layer of a micro-batch, since one layer's demand is what the switch was set for at the
  // next; unless these are too few for all threads.
  const std::size_t places = phases.places();
  const std::size_t threads = static_cast<std::size_t>(workers.threads());
  const std::size_t run =
      std::clamp<std::size_t>(places / (threads * kRunsOfThread), 1,
                              static_cast<std::size_t>(std::max(1, phases.moe_layers)));
  parallel_for((places + run - 1) / run, workers.threads(), [&](std::size_t step, int index) {
    const std::size_t end = std::min(places, (step + 1) * run);
    for (std::size_t at = step * run; at < end; ++at) {
      measure_fluid_at(job, meter, workers.at(index), at, phases);
    }
    const std::lock_guard lock(progress_mutex);
    progress.advance(end - step * run);
  });
}

void measure_all_in_packets(const ExchangeMeter& meter, PhaseWorkers& workers, std::size_t f,
                            FabricPhases& fabric) {
  ProgressBar progress("packets on " + std::string(to_string(fabric.kind)),
                       fabric.exchanges.size());
  std::mutex progress_mutex;
  parallel_for(fabric.exchanges.size(), workers.threads(), [&](std::size_t i, int index) {
    fabric.exchanges[i] = meter.in_packets(workers.at(index), f, i);
    const std::lock_guard lock(progress_mutex);
    progress.advance();
  });
}

/// `is_fluid`: by exchange.
void count_exchanges(const MeasuredJob& job, const JobPhases& phases,
                     const std::vector<bool>& is_fluid, FabricPhases& fabric) {
  for (int stage = 0; stage < job.plan.pp; ++stage) {
    const auto [first, end] = stage_moe_layers(job.model, job.plan, stage);
    for (int layer = first; layer < end; ++layer) {
      for (int replica = 0; replica < phases.replicas; ++replica) {
        for (int micro_batch = 0; micro_batch < phases.micro_batches; ++micro_batch) {
          const std::size_t at = phases.exchange_index(fabric, stage, replica, micro_batch, layer);
          const ExchangeTimes& exchange = fabric.exchanges[at];
          fabric.report.count(exchange.dispatch.packet_hops, kUses, is_fluid[at]);
          fabric.report.count(exchange.combine.packet_hops, kUses, is_fluid[at]);
        }
      }
    }
  }
}

/// What the all-to-alls of a fabric cost in packets, told by the first one; zero where that does
/// not matter.
struct PacketCost {
  std::int64_t hops_a_place = 0;
  bool is_too_much = false;
};

PacketCost packet_cost(const MeasuredJob& job, const ExchangeMeter& meter, PhaseWorkers& workers,
                       std::size_t f, const JobPhases& phases) {
  if (!job.may_be_fluid() || !phases.varies) return {};
  const ExchangeTimes first = meter.in_packets(workers.at(0), f, 0);
  const std::int64_t hops = first.dispatch.packet_hops + first.combine.packet_hops;
  const auto all =
      static_cast<double>(hops) * static_cast<double>(phases.fabrics[f].exchanges.size());
  return {hops, all > static_cast<double>(job.fidelity().budget)};
}

}  // namespace

void measure_exchanges(const MeasuredJob& job, PhaseWorkers& workers, JobPhases& phases) {
  const ExchangeMeter meter(job, phases);
  phases.busiest_rank_tokens.resize(phases.places());
  for (std::size_t f = 0; f < phases.fabrics.size(); ++f) {
    phases.fabrics[f].scale_up_bytes.resize(meter.exchanges(f));
    phases.fabrics[f].exchanges.resize(meter.exchanges(f));
  }
  measure_all_fluid(job, meter, workers, phases);
  if (!job.in_packets() || job.plan.region_servers() < 2 || phases.moe_layers == 0) return;

  // Packets replace or correct these.
  for (std::size_t f = 0; f < phases.fabrics.size(); ++f) {
    if (!workers.has_network(f)) continue;
    FabricPhases& fabric = phases.fabrics[f];
    std::vector<bool> is_fluid(fabric.exchanges.size(), false);
    const PacketCost cost = packet_cost(job, meter, workers, f, phases);
    if (cost.is_too_much) {
      is_fluid = measure_by_sample(job, meter, workers, f, cost.hops_a_place, phases);
    } else {
      measure_all_in_packets(meter, workers, f, fabric);
    }
    count_exchanges(job, phases, is_fluid, fabric);
  }
}

}  // namespace mixnet
