#include "training/exchange_meter.h"

namespace mixnet {

ExchangeMeter::ExchangeMeter(const MeasuredJob& job, const JobPhases& phases)
    : job_(job), phases_(phases), knows_present_(needs_of(job.options.reconfiguration).present) {
  for (const FabricPhases& fabric : phases.fabrics) {
    places_.push_back(exchange_places(job.model, job.plan, phases.varies, fabric.uniform));
  }
}

const RegionDemand& ExchangeMeter::load(PhaseWorker& worker, std::size_t fabric,
                                        std::size_t exchange) const {
  const std::vector<ExchangePlace>& list = places_[fabric];
  const ExchangePlace place = list.empty() ? ExchangePlace{} : list[exchange];
  const bool repatched = phases_.fabrics[fabric].kind == FabricKind::kTopoOpt;
  const auto moved = worker.with_spare.find(place.first_server);
  DemandMaker& maker = moved == worker.with_spare.end() || repatched ? worker.maker : moved->second;
  if (knows_present_) {
    job_.routing.counts(place.before, worker.counts);
    worker.before = maker.make(worker.counts).server_bytes;
  }
  job_.routing.counts(place.routing, worker.counts);
  return maker.make(worker.counts);
}

ExchangeTimes ExchangeMeter::measure(const PhaseWorker& worker, CommunicationModel& network,
                                     std::size_t fabric, std::size_t exchange,
                                     const RegionDemand& demand) const {
  const ExchangePlace& place = places_[fabric][exchange];
  if (!knows_present_) return network.exchange(place.first_server, demand);
  const Reconfiguration policy = job_.options.reconfiguration;
  SwitchState state = {&worker.before, nullptr, job_.options.switching(),
                       job_.fidelity().nic_rate};
  state.over_lit = needs_of(policy).over_present;
  state.while_moving = needs_of(policy).moving;
  if (!phases_.forecasts.empty()) {
    const RoutingPlace& at = place.routing;
    const DemandForecast& forecast =
        phases_.forecasts[phases_.place_index(at.replica, at.micro_batch, at.layer)];
    // Forecasts know nothing of ranks that moved to a spare.
    if (forecast.server_bytes.rows() == worker.before.rows()) {
      state.forecast = &forecast.server_bytes;
      state.hedge = forecast.hedges[fabric];
    }
  }
  return network.exchange_switched(place.first_server, demand, state);
}

ExchangeTimes ExchangeMeter::in_packets(PhaseWorker& worker, std::size_t fabric,
                                        std::size_t exchange) const {
  const RegionDemand& demand = load(worker, fabric, exchange);
  return measure(worker, *worker.packet[fabric], fabric, exchange, demand);
}

}  // namespace mixnet
