#include "training/packet_correction.h"

#include <algorithm>
#include <cmath>

namespace mixnet {

void TimeRatio::add(Time fluid, Time packet) {
  if (fluid == Time::zero() || fluid == Time::max() || packet == Time::max()) return;
  fluid_ += fluid.to_seconds();
  packet_ += packet.to_seconds();
  pairs_.push_back({fluid.to_seconds(), packet.to_seconds()});
}

double TimeRatio::deviation() const {
  if (pairs_.size() < 2) return 0;
  double variance = 0;
  for (const auto& [fluid, packet] : pairs_) {
    variance += (packet - ratio() * fluid) * (packet - ratio() * fluid);
  }
  const auto count = static_cast<double>(pairs_.size());
  return std::sqrt(variance / (count - 1)) / (packet_ / count);
}

void PacketCorrection::add(const ExchangeTimes& fluid, const ExchangeTimes& packet,
                           std::int64_t bytes) {
  const auto learn = [this](TimeRatio& ratio, const PhaseTime& a, const PhaseTime& b) {
    ratio.add(a.at(nic_rate_), b.at(nic_rate_));
  };
  learn(own_, fluid.dispatch, packet.dispatch);
  learn(own_, fluid.combine, packet.combine);
  if (packet.circuits_change) {
    learn(other_, fluid.present_dispatch, packet.present_dispatch);
    learn(other_, fluid.present_combine, packet.present_combine);
    learn(other_, fluid.moving_dispatch, packet.moving_dispatch);
  }
  if (!packet.predicted_is_wanted) {
    learn(other_, fluid.predicted_dispatch, packet.predicted_dispatch);
    learn(other_, fluid.predicted_combine, packet.predicted_combine);
  }
  ++places_;
  packet_hops_ += static_cast<double>(packet.dispatch.packet_hops + packet.combine.packet_hops);
  bytes_ += 2 * static_cast<double>(bytes);
}

double PacketCorrection::error() const {
  if (places_ == 0) return 0;
  // Few places tell little of their own spread: about Student's 97.5 % quantile.
  const double quantile = 2 + 4 / std::max(1.0, places_ - 1);
  return quantile * std::max(own_.deviation(), other_.deviation()) / std::sqrt(places_);
}

void PacketCorrection::correct(PhaseTime& phase, double ratio, std::int64_t packet_hops) const {
  // At this speed, so propagation is in the ratio.
  phase = PhaseTime::measured(scaled(phase.at(nic_rate_), ratio), nic_rate_);
  phase.packet_hops = packet_hops;
}

void PacketCorrection::correct(ExchangeTimes& times, std::int64_t bytes) const {
  const double own = own_.ratio();
  const double present = times.circuits_change ? other_.ratio() : own;
  const double predicted = times.predicted_is_wanted ? own : other_.ratio();
  const double hops_a_byte = bytes_ > 0 ? packet_hops_ / bytes_ : 0;
  const auto hops = std::llround(hops_a_byte * static_cast<double>(bytes));
  times.shared_nics_busy = scaled(times.shared_nics_busy, own);
  correct(times.dispatch, own, hops);
  correct(times.combine, own, hops);
  correct(times.present_dispatch, present, hops);
  correct(times.present_combine, present, hops);
  correct(times.moving_dispatch, present, hops);
  correct(times.predicted_dispatch, predicted, hops);
  correct(times.predicted_combine, predicted, hops);
}

}  // namespace mixnet
