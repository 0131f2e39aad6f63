// On which network flows run: the fluid one (fluid_network.h), or in packets (packet_network.h);
// and what may be done to be faster. Plain values.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/names.h"
#include "base/units.h"
#include "network/packet_network.h"
#include "network/phase_time.h"

namespace mixnet {

enum class Fidelity { kFluid, kPacket, kAuto };

template <>
struct Names<Fidelity> {
  static constexpr std::string_view kWhat = "fidelity";
  static constexpr NamedValue<Fidelity> kTable[] = {{"fluid", Fidelity::kFluid},
                                                    {"packet", Fidelity::kPacket},
                                                    {"auto", Fidelity::kAuto},
                                                    {"flow", Fidelity::kFluid}};
};

struct FidelityOptions {
  Fidelity fidelity = Fidelity::kFluid;
  PacketOptions packets;
  Bandwidth nic_rate = kReferenceRate;  ///< that packets run at, and GPU bandwidth is divided at
  bool reuse = true;
  bool skip_steady = true;  ///< kAuto only
  bool fluid = true;        ///< kAuto only
  /// kAuto: what the all-to-alls of one fabric may cost in packets before the rest is fluid.
  std::int64_t budget = 100'000'000;
  int threads = 0;  ///< 0: all cores
};

}  // namespace mixnet
