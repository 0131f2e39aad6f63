#include "training/exchange_meter.h"

#include <algorithm>
#include <memory>

namespace mixnet {
namespace {

/// Makes what is dispatched `share` as wide, and what comes back not: transfers are as much
/// shorter. Of circuits that light up on the way the delay stays.
void narrow_dispatch(double share, Time delay, ExchangeTimes& times) {
  if (share == 1) return;
  const auto narrow = [&](Time& time) { time = scaled(time, share); };
  // What stands for both ways at once.
  for (Time* both : {&times.shared_nics_busy, &times.expected_predicted.transfer,
                     &times.expected_present.transfer}) {
    *both = scaled(*both, (1 + share) / 2);
  }
  narrow(times.dispatch.transfer);
  narrow(times.present_dispatch.transfer);
  narrow(times.predicted_dispatch.transfer);
  const auto narrow_moving = [&](Time& moving) {
    if (moving != Time::max()) moving = std::max(scaled(moving, share), std::min(moving, delay));
  };
  narrow_moving(times.moving_dispatch.transfer);
  if (times.expected == nullptr) return;
  SwitchedExchange expected = *times.expected;
  narrow(expected.dispatch);
  narrow(expected.present_dispatch);
  narrow(expected.predicted_dispatch);
  narrow_moving(expected.moving_dispatch);
  times.expected = std::make_shared<const SwitchedExchange>(expected);
}

}  // namespace

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
  // What the switch was set for is mostly what was loaded last.
  const bool is_usual = &maker == &worker.maker;
  DemandCache* const cache = is_usual ? job_.demands : nullptr;
  if (knows_present_) {
    const RegionDemand* known = cache != nullptr ? cache->find(place.before) : nullptr;
    if (known != nullptr) {
      worker.before = known->server_bytes;
    } else if (is_usual && worker.last == place.before) {
      worker.before = worker.last_bytes;
    } else {
      job_.routing.counts(place.before, worker.counts);
      worker.before = maker.make_server_bytes(worker.counts);
    }
  }
  if (cache != nullptr) {
    if (const RegionDemand* known = cache->find(place.routing)) return *known;
  }
  job_.routing.counts(place.routing, worker.counts);
  const RegionDemand& demand = maker.make(worker.counts);
  if (cache != nullptr) cache->keep(place.routing, demand);
  if (knows_present_ && is_usual) {
    worker.last = place.routing;
    worker.last_bytes = demand.server_bytes;
  }
  return demand;
}

ExchangeTimes ExchangeMeter::measure(const PhaseWorker& worker, CommunicationModel& network,
                                     std::size_t fabric, std::size_t exchange,
                                     const RegionDemand& demand) const {
  const double share = dispatch_share(job_.options.network.dispatch);
  ExchangeTimes times = measure_bf16(worker, network, fabric, exchange, demand);
  const Time delay = job_.options.switching();
  narrow_dispatch(share,
                  scaled(delay, job_.fidelity().nic_rate.bytes_per_second() /
                                    kReferenceRate.bytes_per_second()),
                  times);
  return times;
}

ExchangeTimes ExchangeMeter::measure_bf16(const PhaseWorker& worker, CommunicationModel& network,
                                          std::size_t fabric, std::size_t exchange,
                                          const RegionDemand& demand) const {
  const ExchangePlace& place = places_[fabric][exchange];
  if (!knows_present_) return network.exchange(place.first_server, demand);
  const Reconfiguration policy = job_.options.reconfiguration;
  SwitchState state = {&worker.before, nullptr, job_.options.switching(), job_.fidelity().nic_rate};
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
