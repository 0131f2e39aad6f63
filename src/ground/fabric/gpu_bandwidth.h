// How the bandwidth of a GPU is divided on the fabrics of scale-up domains (MixNet paper, section
// 8). All figures are of one GPU and one direction.
//
//   total = Ethernet + scale-up + optical
//
//                       Ethernet   scale-up             optical   as published
//   nvl72               the NIC    the rest             none      0.8 + 7.2 Tb/s
//   mixnet-optical-io   the NIC    the rest             half of what the NIC leaves
//                                                                 0.8 + 3.6 + 3.6 Tb/s
//
// Without other wishes the total is ten times the NIC, as published, so every part keeps its
// proportion at any NIC speed: 8 Tb/s with NICs of 800 Gb/s, 16 Tb/s with 1.6 Tb/s.
//
// The optical I/O of a GPU is `lanes` ports of equal speed on the region's optical switch, each of
// which can be an end of one circuit. Four of them make 512 ports of two domains of 64 GPUs: what
// one piezo switch has (576).
//
// Plain values, pure functions.
#pragma once

#include <optional>

#include "base/units.h"
#include "fabric/fabric_kind.h"

namespace mixnet {

struct GpuBandwidthOptions {
  std::optional<Bandwidth> total;    ///< default: ten times the NIC
  std::optional<Bandwidth> optical;  ///< of mixnet-optical-io; default: half of what the NIC leaves
  int optical_lanes = 4;             ///< 1 to 64

  /// Whether the parts keep their proportions when the NIC's speed changes.
  bool scales() const { return !total && !optical; }
};

struct GpuBandwidth {
  Bandwidth ethernet, scale_up, optical;

  Bandwidth total() const { return ethernet + scale_up + optical; }
};

/// `kind`: one that divides_gpu_bandwidth(). Throws Error, naming the flag, when the parts are more
/// than the total or leave nothing for the scale-up switch, or the lanes are out of range.
GpuBandwidth divide_gpu_bandwidth(FabricKind kind, const GpuBandwidthOptions& options,
                                  Bandwidth nic);

}  // namespace mixnet
