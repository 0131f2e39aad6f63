// What a cluster costs beside its network: servers, and what electricity they and the parts of the
// network draw.
//
// Data, with sources and years: data/prices/server_prices.csv and part_power.csv.
//
// Plain values; thread-safe. Cost: reads one small file each time.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/units.h"

namespace mixnet {

/// Of one server, without the NICs of the training network.
struct ServerPrice {
  std::string gpu;  ///< as data/gpus.json names it
  int gpus = 8;
  double usd = 0;
  double kw = 0;  ///< at most
  int year = 0;   ///< of the price
  std::string source;
};

/// A list of them; `input` names the text in errors. Throws Error on a missing column, a value out
/// of range, a GPU named twice.
std::vector<ServerPrice> parse_server_prices(std::string_view csv, std::string_view input);

/// Of a server with `gpus` of that GPU, in proportion to the one that has a price. A GPU that has
/// none (a user's own) is taken as an h100: `gpu` and `source` say so.
ServerPrice server_price(std::string_view gpu, int gpus);

/// What parts of the network draw, W each, at one speed.
struct PartPower {
  double transceiver = 0, nic = 0, eps_port = 0, ocs_port = 0, patch_panel_port = 0;

  /// By its name in CostPart; 0 where it draws none ("fibre"). An AOC has two transceivers in it.
  double watts(std::string_view part) const;
};

/// In proportion between the speeds that are known, and beyond them.
PartPower part_power(Bandwidth bandwidth);

}  // namespace mixnet
