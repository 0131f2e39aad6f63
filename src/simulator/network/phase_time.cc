#include "network/phase_time.h"

namespace mixnet {

PhaseTime PhaseTime::measured(Time time, Bandwidth nic_rate) {
  const double faster = static_cast<double>(nic_rate.bits_per_second) /
                        static_cast<double>(kReferenceRate.bits_per_second);
  return {scaled(time, faster), Time::zero()};
}

Time PhaseTime::at(Bandwidth nic_rate) const {
  const double slower = static_cast<double>(kReferenceRate.bits_per_second) /
                        static_cast<double>(nic_rate.bits_per_second);
  return scaled(transfer, slower) + delay;
}

}  // namespace mixnet
