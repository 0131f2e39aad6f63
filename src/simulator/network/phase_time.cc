#include "network/phase_time.h"

namespace mixnet {

PhaseTime PhaseTime::measured(Time time, Bandwidth nic_rate) {
  if (time == Time::max()) return {time, Time::zero()};
  const double faster = static_cast<double>(nic_rate.bits_per_second) /
                        static_cast<double>(kReferenceRate.bits_per_second);
  return {Time::from_seconds(time.to_seconds() * faster), Time::zero()};
}

Time PhaseTime::at(Bandwidth nic_rate) const {
  if (transfer == Time::max()) return transfer;
  const double slower = static_cast<double>(kReferenceRate.bits_per_second) /
                        static_cast<double>(nic_rate.bits_per_second);
  const Time scaled = Time::from_seconds(transfer.to_seconds() * slower);
  return scaled > Time::max() - delay ? Time::max() : scaled + delay;
}

}  // namespace mixnet
