#include "fabric/fabric_kind.h"

#include <array>

namespace mixnet {
namespace {

struct Entry {
  FabricKind kind;
  std::string_view description;
  std::string_view source;
};

// In the order of the enumeration, so that a kind is its own index.
constexpr std::array kEntries = {
    Entry{FabricKind::kFatTree,
          "three tiers of electrical switches, 1:1: any NIC reaches any other at full speed",
          "Al-Fares et al., SIGCOMM 2008"},
    Entry{FabricKind::kOversubFatTree,
          "a fat-tree with one uplink for every three NICs of a ToR switch (3:1)",
          "MixNet, SIGCOMM 2025, section 7.1"},
    Entry{FabricKind::kRailOptimized,
          "a 1:1 tree whose leaf switches each serve NIC r of many servers (rail r)",
          "NVIDIA DGX SuperPOD reference architecture"},
    Entry{FabricKind::kTopoOpt,
          "all NICs on a flat patch panel: one topology, found before training, for the whole job",
          "Wang et al., NSDI 2023"},
    Entry{FabricKind::kMixNet,
          "two NICs of a server on a fat-tree, six on its region's optical circuit switch",
          "Liao et al., SIGCOMM 2025"},
    Entry{FabricKind::kIdeal,
          "one switch without any contention inside: the bound for all others, cannot be bought",
          "none: a yardstick"},
    Entry{FabricKind::kNvl72,
          "NVLink domains of up to 72 GPUs, and a 1:1 fat-tree of one Ethernet NIC a GPU",
          "NVIDIA GB200 NVL72; MixNet, SIGCOMM 2025, section 8"},
    Entry{FabricKind::kMixNetOpticalIo,
          "such domains, half of NVLink given to optical I/O on the region's circuit switch",
          "Liao et al., SIGCOMM 2025, section 8"},
};

constexpr std::array<FabricKind, kEntries.size()> kinds() {
  std::array<FabricKind, kEntries.size()> list{};
  for (std::size_t i = 0; i < kEntries.size(); ++i) list[i] = kEntries[i].kind;
  return list;
}
constexpr auto kKinds = kinds();

const Entry& entry(FabricKind kind) { return kEntries[static_cast<std::size_t>(kind)]; }

}  // namespace

std::string_view describe(FabricKind kind) { return entry(kind).description; }
std::string_view fabric_source(FabricKind kind) { return entry(kind).source; }
std::span<const FabricKind> all_fabrics() { return kKinds; }
std::span<const FabricKind> default_fabrics() {
  return all_fabrics().first(static_cast<std::size_t>(FabricKind::kNvl72));
}

bool divides_gpu_bandwidth(FabricKind kind) {
  return kind == FabricKind::kNvl72 || kind == FabricKind::kMixNetOpticalIo;
}

bool has_price(FabricKind kind) {
  return kind != FabricKind::kIdeal && !divides_gpu_bandwidth(kind);
}

}  // namespace mixnet
