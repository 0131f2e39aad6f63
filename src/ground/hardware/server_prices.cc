#include "hardware/server_prices.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/csv.h"
#include "base/error.h"
#include "base/text_file.h"
#include "hardware/prices.h"

namespace mixnet {
namespace {

double in_range(const CsvTable& table, std::size_t row, std::string_view name, double least,
                double most) {
  const std::size_t column = table.column(name);
  const double value = table.number(row, column);
  if (value >= least && value <= most) return value;
  throw Error(table.place(row, column), fmt::format("{} is out of range", value),
              fmt::format("give {} to {}", least, most));
}

constexpr std::string_view kTakenAs = "h100";

std::filesystem::path prices_folder() { return data_directory() / "prices"; }

}  // namespace

std::vector<ServerPrice> parse_server_prices(std::string_view csv, std::string_view input) {
  const CsvTable table = CsvTable::parse(csv, input);
  std::vector<ServerPrice> list;
  for (std::size_t row = 0; row < table.rows(); ++row) {
    ServerPrice price;
    price.gpu = table.text(row, table.column("gpu"));
    price.gpus = static_cast<int>(in_range(table, row, "gpus", 1, 1024));
    price.usd = in_range(table, row, "usd", 0, 1e9);
    price.kw = in_range(table, row, "kw", 0, 1e4);
    price.year = static_cast<int>(in_range(table, row, "year", 2000, 2100));
    price.source = table.text(row, table.column("source"));
    const bool twice = std::ranges::find(list, price.gpu, &ServerPrice::gpu) != list.end();
    if (twice) throw Error(input, fmt::format("lists '{}' twice", price.gpu), "give each one row");
    list.push_back(std::move(price));
  }
  return list;
}

ServerPrice server_price(std::string_view gpu, int gpus) {
  const std::filesystem::path path = prices_folder() / "server_prices.csv";
  const std::vector<ServerPrice> list = parse_server_prices(read_text_file(path), path.string());
  const auto found = std::ranges::find(list, gpu, &ServerPrice::gpu);
  const auto taken = std::ranges::find(list, kTakenAs, &ServerPrice::gpu);
  if (found == list.end() && taken == list.end()) {
    throw Error(path.string(), fmt::format("has no server with '{}' or '{}'", gpu, kTakenAs),
                "add a row");
  }
  ServerPrice price = found != list.end() ? *found : *taken;
  if (found == list.end())
    price.source = fmt::format("taken as an {}'s: '{}' has none", kTakenAs, gpu);
  const double share = static_cast<double>(gpus) / price.gpus;
  price.gpus = gpus;
  price.usd *= share;
  price.kw *= share;
  return price;
}

double PartPower::watts(std::string_view part) const {
  if (part == "transceiver") return transceiver;
  if (part == "nic") return nic;
  if (part == "eps_port") return eps_port;
  if (part == "ocs_port") return ocs_port;
  if (part == "patch_panel_port") return patch_panel_port;
  return part == "aoc" ? 2 * transceiver : 0;
}

PartPower part_power(Bandwidth bandwidth) {
  const std::filesystem::path path = prices_folder() / "part_power.csv";
  // The same columns as a price list's, W in place of USD.
  const PriceList list = PriceList::load(path);
  const std::vector<PriceRow>& rows = list.rows();
  const auto above =
      std::ranges::find_if(rows, [&](const PriceRow& row) { return row.bandwidth >= bandwidth; });
  const PriceRow& high = above == rows.end() ? rows.back() : *above;
  const PriceRow& low = above == rows.begin() || above == rows.end() ? high : *(above - 1);
  const auto of = [&](double PriceRow::*part) {
    const double wide = high.bandwidth.to_gbps();
    const double narrow = low.bandwidth.to_gbps();
    const double gbps = bandwidth.to_gbps();
    if (wide == narrow) return high.*part * gbps / wide;
    return low.*part + (high.*part - low.*part) * (gbps - narrow) / (wide - narrow);
  };
  return {of(&PriceRow::transceiver), of(&PriceRow::nic), of(&PriceRow::eps_port),
          of(&PriceRow::ocs_port), of(&PriceRow::patch_panel_port)};
}

}  // namespace mixnet
