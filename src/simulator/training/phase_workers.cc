#include "training/phase_workers.h"

#include <utility>

#include "base/parallel.h"

namespace mixnet {

PhaseWorker::PhaseWorker(const MeasuredJob& job) : maker(job.plan, job.traffic()) {
  for (const auto& [first_server, moved] : job.health.moved()) {
    with_spare.try_emplace(first_server, job.plan, job.traffic(), moved.ranks);
  }
}

PhaseWorkers::PhaseWorkers(const MeasuredJob& job, std::span<const FabricKind> fabrics)
    : job_(job), workers_(job.fidelity().threads > 0 ? job.fidelity().threads : default_threads()) {
  for (const FabricKind kind : fabrics) {
    factories_.emplace_back(kind, job.model, job.plan, job.options.network, job.fidelity().nic_rate,
                            job.health);
  }
}

PhaseWorker& PhaseWorkers::at(int index) {
  const std::lock_guard lock(mutex_);
  if (workers_[index] == nullptr) {
    auto worker = std::make_unique<PhaseWorker>(job_);
    for (const CommunicationFactory& factory : factories_) {
      worker->fluid.push_back(factory.make_fluid(job_.fidelity().reuse));
      worker->packet.push_back(job_.in_packets() ? factory.make_packet(job_.fidelity(), cache_)
                                                 : nullptr);
    }
    workers_[index] = std::move(worker);
  }
  return *workers_[index];
}

PhaseTotals PhaseWorkers::totals(std::size_t fabric) const {
  PhaseTotals totals;
  for (const auto& worker : workers_) {
    if (worker) totals += worker->packet[fabric]->packet_totals();
  }
  return totals;
}

}  // namespace mixnet
