// On which network the communication phases of an iteration run: the fluid one (fluid_network.h),
// or in packets (packet_phase.h); and which shortcuts may be taken (job_phases.h of the training
// room says what each errs by). Plain values.
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
  /// At which packets run, and a GPU's bandwidth is divided. A fluid phase serves every rate.
  Bandwidth nic_rate = kReferenceRate;
  bool reuse = true;        ///< what is identical is simulated once: phases, alike flows
  bool skip_steady = true;  ///< the steady state is jumped over; kAuto only
  bool fluid = true;        ///< what costs too much in packets is fluid; kAuto only
  /// kAuto, in packet-hops: what the all-to-alls of one fabric may cost before the rest is fluid.
  std::int64_t budget = 100'000'000;
  std::uint64_t sample_seed = 1;  ///< of which all-to-alls stand for the others
  int threads = 0;                ///< 0: all cores

  bool skips_steady() const { return fidelity == Fidelity::kAuto && skip_steady; }
};

}  // namespace mixnet
