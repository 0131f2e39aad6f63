// What network parts cost: a price list, one row for each NIC speed.
//
// A price list is a CSV file with the columns of data/prices/component_prices.csv, in USD per unit;
// the columns dac and aoc may be absent. The default is that file's prices (MixNet paper, Table 4)
// with the cables of data/prices/cable_prices.csv. A speed that has no row has no price: parts are
// sold at fixed speeds, so nothing is interpolated.
//
// Fibre costs as in TopoOpt (NSDI 2023), which the MixNet paper follows: 0.30 USD a metre and
// lengths uniform in 0-1000 m, so 150 USD a link.
//
// A PriceList is a plain value. Cost: load() reads two small files.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/units.h"

namespace mixnet {

inline constexpr double kFibreUsdPerMetre = 0.30;
inline constexpr double kMeanFibreMetres = 500;
inline constexpr double kFibreUsd = kFibreUsdPerMetre * kMeanFibreMetres;

/// Prices of the parts for one speed, USD each.
struct PriceRow {
  Bandwidth bandwidth;
  double transceiver = 0;
  double nic = 0;
  double eps_port = 0;
  double ocs_port = 0;
  double patch_panel_port = 0;
  std::optional<double> dac;  ///< copper cable with both ends, rack-length
  std::optional<double> aoc;  ///< active optical cable with both ends, row-length
};

class PriceList {
 public:
  /// The prices that ship with the program. Throws Error when its data files are gone or bad.
  static PriceList load();
  /// A user's file. Where it has no column dac or aoc, those cables have no price.
  static PriceList load(const std::filesystem::path& path);
  /// `input` names the text in errors. Throws Error on a missing column, a negative price, a speed
  /// that is zero or listed twice.
  static PriceList parse(std::string_view csv, std::string_view input);

  bool has(Bandwidth bandwidth) const;
  /// The row for exactly `bandwidth`; throws Error naming the speeds that there are.
  const PriceRow& at(Bandwidth bandwidth) const;
  /// In order of speed, at least one.
  const std::vector<PriceRow>& rows() const { return rows_; }
  std::vector<Bandwidth> bandwidths() const;
  const std::string& input() const { return input_; }

 private:
  std::string input_;
  std::vector<PriceRow> rows_;
};

}  // namespace mixnet
