// Measures one all-to-all of an iteration at a time: its demand, and its times on a communication
// model, with those over circuits for another demand where the policy asks for them.
//
// Thread-safe: what changes is the worker, of which each thread has its own.
#pragma once

#include <vector>

#include "training/exchange_places.h"
#include "training/phase_workers.h"

namespace mixnet {

class ExchangeMeter {
 public:
  /// `phases`: of which the fabrics are uniform or not, and the forecasts are there. It outlives
  /// the meter.
  ExchangeMeter(const MeasuredJob& job, const JobPhases& phases);

  /// How many all-to-alls have times of their own on a fabric.
  std::size_t exchanges(std::size_t fabric) const { return places_[fabric].size(); }

  /// Of the region that all-to-all `exchange` is in.
  int first_server(std::size_t fabric, std::size_t exchange) const {
    return places_[fabric][exchange].first_server;
  }

  /// The demand of all-to-all `exchange` (any where there is none) and, where it is asked for,
  /// worker.before. Valid until the worker's next one.
  const RegionDemand& load(PhaseWorker& worker, std::size_t fabric, std::size_t exchange) const;

  /// Its times on `network`, after load(), which gave `demand`.
  ExchangeTimes measure(const PhaseWorker& worker, CommunicationModel& network, std::size_t fabric,
                        std::size_t exchange, const RegionDemand& demand) const;

  /// Both, in packets.
  ExchangeTimes in_packets(PhaseWorker& worker, std::size_t fabric, std::size_t exchange) const;

 private:
  /// As if dispatch were as wide as combine.
  ExchangeTimes measure_bf16(const PhaseWorker& worker, CommunicationModel& network,
                             std::size_t fabric, std::size_t exchange,
                             const RegionDemand& demand) const;

  const MeasuredJob& job_;
  const JobPhases& phases_;
  bool knows_present_;  ///< times over the circuits that are lit are asked for
  std::vector<std::vector<ExchangePlace>> places_;  ///< by fabric
};

}  // namespace mixnet
