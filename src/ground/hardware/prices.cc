#include "hardware/prices.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

#include "base/csv.h"
#include "base/error.h"
#include "base/text_file.h"

namespace mixnet {
namespace {

constexpr double kMaxGbps = 1e6;
constexpr double kMaxUsd = 1e9;

bool has_column(const CsvTable& table, std::string_view name) {
  return std::find(table.header().begin(), table.header().end(), name) != table.header().end();
}

Bandwidth speed(const CsvTable& table, std::size_t row) {
  const std::size_t column = table.column("bandwidth_gbps");
  const double gbps = table.number(row, column);
  const std::int64_t bits = gbps > kMaxGbps ? 0 : std::llround(gbps * 1e9);
  if (bits == 0) {
    throw Error(table.place(row, column), fmt::format("{} is out of range", gbps),
                fmt::format("give a speed above 0 and up to {} Gb/s", kMaxGbps));
  }
  return {bits};
}

double price(const CsvTable& table, std::size_t row, std::string_view name) {
  const std::size_t column = table.column(name);
  const double usd = table.number(row, column);
  if (usd > kMaxUsd) {
    throw Error(table.place(row, column), fmt::format("{} is out of range", usd),
                fmt::format("give USD per unit, up to {}", kMaxUsd));
  }
  return usd;
}

std::optional<double> optional_price(const CsvTable& table, std::size_t row,
                                     std::string_view name) {
  if (!has_column(table, name)) return std::nullopt;
  return price(table, row, name);
}

}  // namespace

PriceList PriceList::parse(std::string_view csv, std::string_view input) {
  const CsvTable table = CsvTable::parse(csv, input);
  PriceList list;
  list.input_ = input;
  for (std::size_t r = 0; r < table.rows(); ++r) {
    PriceRow row;
    row.bandwidth = speed(table, r);
    row.transceiver = price(table, r, "transceiver");
    row.nic = price(table, r, "nic");
    row.eps_port = price(table, r, "eps_port");
    row.ocs_port = price(table, r, "ocs_port");
    row.patch_panel_port = price(table, r, "patch_panel_port");
    row.dac = optional_price(table, r, "dac");
    row.aoc = optional_price(table, r, "aoc");
    list.rows_.push_back(row);
  }
  std::stable_sort(list.rows_.begin(), list.rows_.end(),
                   [](const PriceRow& a, const PriceRow& b) { return a.bandwidth < b.bandwidth; });
  for (std::size_t r = 1; r < list.rows_.size(); ++r) {
    if (list.rows_[r].bandwidth != list.rows_[r - 1].bandwidth) continue;
    throw Error(input, fmt::format("lists {} twice", to_string(list.rows_[r].bandwidth)),
                "give one row for each speed");
  }
  return list;
}

PriceList PriceList::load(const std::filesystem::path& path) {
  return parse(read_text_file(path), path.string());
}

PriceList PriceList::load() {
  const std::filesystem::path folder = data_directory() / "prices";
  PriceList list = load(folder / "component_prices.csv");
  const std::filesystem::path cable_path = folder / "cable_prices.csv";
  const CsvTable cables = CsvTable::parse(read_text_file(cable_path), cable_path.string());
  for (std::size_t r = 0; r < cables.rows(); ++r) {
    const Bandwidth bandwidth = speed(cables, r);
    for (PriceRow& row : list.rows_) {
      if (row.bandwidth != bandwidth) continue;
      row.dac = price(cables, r, "dac");
      row.aoc = price(cables, r, "aoc");
    }
  }
  return list;
}

bool PriceList::has(Bandwidth bandwidth) const {
  return std::ranges::find(rows_, bandwidth, &PriceRow::bandwidth) != rows_.end();
}

const PriceRow& PriceList::at(Bandwidth bandwidth) const {
  for (const PriceRow& row : rows_) {
    if (row.bandwidth == bandwidth) return row;
  }
  std::vector<std::string> known;
  for (const PriceRow& row : rows_) known.push_back(to_string(row.bandwidth));
  throw Error(input_, fmt::format("has no prices for {}", to_string(bandwidth)),
              fmt::format("it has {}", fmt::join(known, ", ")));
}

std::vector<Bandwidth> PriceList::bandwidths() const {
  std::vector<Bandwidth> speeds;
  for (const PriceRow& row : rows_) speeds.push_back(row.bandwidth);
  return speeds;
}

}  // namespace mixnet
