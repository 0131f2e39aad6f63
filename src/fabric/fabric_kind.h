// The fabrics that are compared, by name.
#pragma once

#include <span>
#include <string_view>

namespace mixnet {

enum class FabricKind {
  kFatTree,         ///< electrical three-tier Clos, 1:1
  kOversubFatTree,  ///< the same with a thinner upper part, 3:1 by default
  kRailOptimized,   ///< NIC r of every server on the leaf switches of rail r
  kTopoOpt,         ///< all NICs on a flat patch panel, one topology for the whole job
  kMixNet,          ///< some NICs on a fat-tree, the others on optical switches, one per region
  kIdeal            ///< one switch that never blocks: what no fabric can beat; cannot be bought
};

/// "fat-tree", "oversub-fat-tree", "rail-optimized", "topoopt", "mixnet", "ideal".
std::string_view to_string(FabricKind kind);

/// The fabric of that name (case does not matter); `input` names the flag or file it came from.
/// Throws Error with a did-you-mean when there is none.
FabricKind parse_fabric(std::string_view name, std::string_view input);

/// All of them, in the order above.
std::span<const FabricKind> all_fabrics();

std::string_view describe(FabricKind kind);       ///< what it is, in one line
std::string_view fabric_source(FabricKind kind);  ///< the publication that it follows

}  // namespace mixnet
