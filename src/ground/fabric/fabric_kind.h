// The fabrics that are compared, by name.
#pragma once

#include <span>
#include <string_view>

#include "base/names.h"

namespace mixnet {

enum class FabricKind {
  kFatTree,         ///< electrical three-tier Clos, 1:1
  kOversubFatTree,  ///< the same with a thinner upper part, 3:1 by default
  kRailOptimized,   ///< NIC r of every server on the leaf switches of rail r
  kTopoOpt,         ///< all NICs on a flat patch panel, one topology for the whole job
  kMixNet,          ///< some NICs on a fat-tree, the others on optical switches, one per region
  kIdeal,           ///< one switch that never blocks: what no fabric can beat; cannot be bought
  kNvl72,           ///< scale-up domains of up to 72 GPUs, joined by an Ethernet NIC a GPU
  kMixNetOpticalIo  ///< such domains whose GPUs also have optical I/O of their own, on the OCS
};

template <>
struct Names<FabricKind> {
  static constexpr std::string_view kWhat = "fabric";
  static constexpr NamedValue<FabricKind> kTable[] = {
      {"fat-tree", FabricKind::kFatTree},
      {"oversub-fat-tree", FabricKind::kOversubFatTree},
      {"rail-optimized", FabricKind::kRailOptimized},
      {"topoopt", FabricKind::kTopoOpt},
      {"mixnet", FabricKind::kMixNet},
      {"ideal", FabricKind::kIdeal},
      {"nvl72", FabricKind::kNvl72},
      {"mixnet-optical-io", FabricKind::kMixNetOpticalIo}};
};

/// All of them, in the order above.
std::span<const FabricKind> all_fabrics();

/// Those that are compared when none is named: all but the two that are made of scale-up domains,
/// which want a plan of other servers.
std::span<const FabricKind> default_fabrics();

/// Whether the fabric divides a GPU's whole bandwidth between its networks (gpu_bandwidth.h) and a
/// server is a scale-up domain: kNvl72 and kMixNetOpticalIo.
bool divides_gpu_bandwidth(FabricKind kind);

/// Whether there are prices for its parts. None for kIdeal, which cannot be bought, nor for the two
/// of domains, whose prices nobody has published.
bool has_price(FabricKind kind);

std::string_view describe(FabricKind kind);       ///< what it is, in one line
std::string_view fabric_source(FabricKind kind);  ///< the publication that it follows

}  // namespace mixnet
