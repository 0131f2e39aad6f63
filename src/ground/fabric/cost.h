// What the network of a cluster costs: NICs, transceivers, switch ports, fibres and cables.
//
// Rules of the MixNet paper, section 7.2 and appendix D.2; only switch ports in use are counted.
// One electrical NIC's share of a three-tier 1:1 fat-tree has three links (NIC-ToR,
// ToR-aggregation, aggregation-core), each a fibre with a transceiver at both ends, and five switch
// ports (one at the ToR's down side, two at either link above it):
//
//   for each NIC         nic  transceivers  switch ports  fibres  optical port
//   fat-tree               1       6             5           3
//   rail-optimized         1       6             5           3
//   oversub-fat-tree, r:1  1    2 + 4/r       1 + 4/r     1 + 2/r
//   topoopt                1       1                         1     1 patch panel
//   mixnet, electrical     1       6             5           3
//   mixnet, optical        1       1                         1     1 OCS
//
// That is the paper's price of a NIC whatever the cluster. A cluster has no more tiers than it
// needs: switches of k ports make a tree of t tiers for up to 2 (k/2)^t NICs (one switch alone for
// k), and a NIC's share of it is t links with 2t - 1 switch ports. CostRequest::tiers = 0 asks for
// that; one server has then no network at all.
//
// Over-subscription thins what lies above the ToRs: the two upper links exist once for every r
// NICs. Whole parts are bought, so the cluster's number of these upper links is rounded up, once.
//
// With DAC or AOC the link from an electrical NIC to its ToR is one ready-made cable in place of
// two transceivers and a fibre. NICs on a patch panel or an optical switch stay on optics: they
// need light. What has no price (has_price()) has no parts here and costs nothing: the ideal
// fabric, which cannot be bought, and those of scale-up domains, whose prices are not published.
//
// Everything is a plain value; network_cost() is pure and takes constant time.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/names.h"
#include "base/units.h"
#include "fabric/fabric_kind.h"
#include "hardware/prices.h"

namespace mixnet {

/// What joins an electrical NIC to its ToR switch.
enum class ServerLink { kOptics, kDac, kAoc };

template <>
struct Names<ServerLink> {
  static constexpr std::string_view kWhat = "kind of link";
  static constexpr NamedValue<ServerLink> kTable[] = {
      {"optics", ServerLink::kOptics}, {"dac", ServerLink::kDac}, {"aoc", ServerLink::kAoc}};
};

struct CostRequest {
  FabricKind fabric = FabricKind::kFatTree;
  int servers = 1;
  int nics_per_server = 8;
  int eps_nics = 2;             ///< of these, on MixNet's electrical network
  double oversubscription = 3;  ///< r of oversub-fat-tree, at least 1
  Bandwidth bandwidth;          ///< of a NIC
  ServerLink server_link = ServerLink::kOptics;
  int tiers = 3;  ///< of switches, up to 8: the paper's 3; 0: as few as there must be
  int switch_ports =
      32;  ///< of one, where `tiers` is 0: as the price list's 32 x 100G and 32 x 400G
};

struct CostPart {
  std::string name;  ///< "nic", "transceiver", "eps_port", "fibre", "ocs_port", ...
  std::int64_t quantity = 0;
  double unit_usd = 0;
  double usd() const { return static_cast<double>(quantity) * unit_usd; }
};

struct NetworkCost {
  std::vector<CostPart> parts;  ///< those of which there is at least one
  double total_usd() const;
};

/// As few tiers as a tree over `nics` needs of switches with `ports`, an even number.
int tree_tiers(std::int64_t nics, int ports);

/// Throws Error when the list has no price for that speed or cable, or a number is out of range:
/// servers from 1 to 4194304, NICs from 1 to 1024, EPS NICs from 0 to all, ports from 4 to 1024.
NetworkCost network_cost(const CostRequest& request, const PriceList& prices);

}  // namespace mixnet
