#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/error.h"
#include "cli/answer_flags.h"
#include "cli/commands.h"
#include "fabric/cost.h"
#include "shell/output.h"

namespace mixnet::cli {
namespace {

struct CostFlags {
  int servers = 128;
  std::string bandwidths;
  std::string fabrics;
  int nics_per_server = 8;
  int gpus_per_server = 8;
  int eps_nics = 2;
  double oversubscription = 3;
  bool paper = false;
  int switch_ports = CostRequest{}.switch_ports;
  std::string server_link = "optics";
  std::string prices;
  JsonAnswer json;
  std::string csv;
};

struct CostRow {
  CostRequest request;
  NetworkCost cost;
  double fat_tree_usd = 0;  ///< the same servers at the same speed on a fat-tree
};

template <typename Value>
void refuse_repeats(std::vector<Value> values, std::string_view flag) {
  std::ranges::sort(values);
  if (std::ranges::adjacent_find(values) != values.end()) {
    throw Error(flag, "names one of them twice", "name each once");
  }
}

std::vector<FabricKind> chosen_fabrics(const CostFlags& flags) {
  std::vector<FabricKind> chosen(default_fabrics().begin(), default_fabrics().end());
  if (!flags.fabrics.empty()) {
    chosen.clear();
    for (const std::string& name : split_list(flags.fabrics, "--fabric")) {
      chosen.push_back(parse<FabricKind>(name, "--fabric"));
    }
  }
  refuse_repeats(chosen, "--fabric");
  for (const FabricKind kind : chosen) {
    if (!divides_gpu_bandwidth(kind)) continue;
    throw Error("--fabric",
                fmt::format("'{}' has no cost: no prices of it are published", to_string(kind)),
                "name a fabric of NICs and switches");
  }
  std::erase(chosen, FabricKind::kIdeal);
  if (chosen.empty()) {
    throw Error("--fabric", "'ideal' has no cost: it cannot be bought",
                "name a fabric that can be built");
  }
  return chosen;
}

std::vector<Bandwidth> chosen_bandwidths(const CostFlags& flags, const PriceList& prices) {
  if (flags.bandwidths.empty()) return prices.bandwidths();
  std::vector<Bandwidth> chosen;
  for (const std::string& text : split_list(flags.bandwidths, "--bandwidth")) {
    chosen.push_back(parse_bandwidth(text, "--bandwidth"));
  }
  refuse_repeats(chosen, "--bandwidth");
  return chosen;
}

std::vector<CostRow> price_all(const CostFlags& flags) {
  const PriceList prices = flags.prices.empty() ? PriceList::load() : PriceList::load(flags.prices);
  CostRequest request;
  request.servers = flags.servers;
  request.nics_per_server = flags.nics_per_server;
  request.eps_nics = flags.eps_nics;
  request.oversubscription = flags.oversubscription;
  request.server_link = parse<ServerLink>(flags.server_link, "--server-link");
  if (!flags.paper) request.tiers = 0;
  request.switch_ports = flags.switch_ports;
  const std::vector<FabricKind> fabrics = chosen_fabrics(flags);
  std::vector<CostRow> rows;
  for (const Bandwidth bandwidth : chosen_bandwidths(flags, prices)) {
    request.bandwidth = bandwidth;
    request.fabric = FabricKind::kFatTree;
    const double fat_tree_usd = network_cost(request, prices).total_usd();
    for (const FabricKind fabric : fabrics) {
      request.fabric = fabric;
      rows.push_back({request, network_cost(request, prices), fat_tree_usd});
    }
  }
  return rows;
}

std::string json_text(const std::vector<CostRow>& rows) {
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (const CostRow& row : rows) {
    nlohmann::ordered_json parts = nlohmann::ordered_json::object();
    for (const CostPart& part : row.cost.parts) {
      parts[part.name] = {
          {"quantity", part.quantity}, {"unit_usd", part.unit_usd}, {"usd", part.usd()}};
    }
    list.push_back({{"fabric", to_string(row.request.fabric)},
                    {"bandwidth_gbps", row.request.bandwidth.to_gbps()},
                    {"servers", row.request.servers},
                    {"network_cost_usd", row.cost.total_usd()},
                    {"parts", parts}});
  }
  const nlohmann::ordered_json document = {{"schema", "mixnet.cost/1"}, {"rows", list}};
  return document.dump(2) + "\n";
}

struct PartColumn {
  std::string_view name;   ///< as in CostPart
  std::string_view title;  ///< for people
};
constexpr std::array<PartColumn, 8> kParts = {{{"nic", "NICs"},
                                               {"transceiver", "transceivers"},
                                               {"eps_port", "EPS ports"},
                                               {"ocs_port", "OCS ports"},
                                               {"patch_panel_port", "panel ports"},
                                               {"fibre", "fibres"},
                                               {"dac", "DACs"},
                                               {"aoc", "AOCs"}}};

std::int64_t quantity(const NetworkCost& cost, std::string_view part_name) {
  const auto found = std::find_if(cost.parts.begin(), cost.parts.end(),
                                  [&](const CostPart& part) { return part.name == part_name; });
  return found == cost.parts.end() ? 0 : found->quantity;
}

std::string csv_text(const std::vector<CostRow>& rows) {
  std::string text = "fabric,bandwidth_gbps,servers,network_cost_usd";
  for (const PartColumn& part : kParts) text += fmt::format(",{}", part.name);
  text += '\n';
  for (const CostRow& row : rows) {
    text += fmt::format("{},{:g},{},{:.2f}", to_string(row.request.fabric),
                        row.request.bandwidth.to_gbps(), row.request.servers, row.cost.total_usd());
    for (const PartColumn& part : kParts) {
      text += fmt::format(",{}", quantity(row.cost, part.name));
    }
    text += '\n';
  }
  return text;
}

/// The kinds of parts of which any row has some.
std::vector<PartColumn> used_parts(const std::vector<CostRow>& rows) {
  std::vector<PartColumn> used;
  for (const PartColumn& part : kParts) {
    const bool any = std::any_of(rows.begin(), rows.end(), [&](const CostRow& row) {
      return quantity(row.cost, part.name) > 0;
    });
    if (any) used.push_back(part);
  }
  return used;
}

std::vector<std::string> cells_of(const CostRow& row, int gpus_per_server,
                                  const std::vector<PartColumn>& parts) {
  const double usd = row.cost.total_usd();
  const double gpus = static_cast<double>(row.request.servers) * gpus_per_server;
  std::vector<std::string> cells = {
      to_string(row.request.bandwidth), std::string(to_string(row.request.fabric)), grouped(usd),
      grouped(usd / gpus), usd > 0 ? fmt::format("{:.2f}x", row.fat_tree_usd / usd) : "-"};
  for (const PartColumn& part : parts) {
    cells.push_back(grouped(static_cast<double>(quantity(row.cost, part.name))));
  }
  return cells;
}

void print_table(const std::vector<CostRow>& rows, const CostFlags& flags) {
  const std::vector<PartColumn> parts = used_parts(rows);
  std::vector<TextTable::Column> columns = {
      {"bandwidth"}, {"fabric", Align::kLeft}, {"USD"}, {"USD/GPU"}, {"fat-tree costs"}};
  for (const PartColumn& part : parts) columns.push_back({std::string(part.title)});
  TextTable table(std::move(columns));
  std::size_t cheapest = 0;
  for (std::size_t r = 0; r < rows.size(); ++r) {
    table.add_row(cells_of(rows[r], flags.gpus_per_server, parts));
    if (rows[r].request.bandwidth != rows[cheapest].request.bandwidth ||
        rows[r].cost.total_usd() < rows[cheapest].cost.total_usd()) {
      cheapest = r;
    }
    const bool last =
        r + 1 == rows.size() || rows[r + 1].request.bandwidth != rows[r].request.bandwidth;
    if (last) table.make_bold(cheapest, 2);
  }
  const std::int64_t nics = std::int64_t{flags.servers} * flags.nics_per_server;
  const int tiers = flags.paper ? CostRequest{}.tiers : tree_tiers(nics, flags.switch_ports);
  write_output("-",
               fmt::format("Network of {} servers with {} NICs each; server-to-ToR links: {}; a "
                           "fat-tree of {} tier{}\n\n",
                           grouped(flags.servers), flags.nics_per_server, flags.server_link, tiers,
                           tiers == 1 ? "" : "s"));
  table.print();
}

void run(const CostFlags& flags) {
  if (flags.gpus_per_server < 1) {
    throw Error("--gpus-per-server", fmt::format("{} is out of range", flags.gpus_per_server),
                "give a whole number of at least 1");
  }
  const bool quiet = answers_on_stdout(flags.json, flags.csv);
  const std::vector<CostRow> rows = price_all(flags);
  if (!flags.json.empty()) write_output(flags.json, json_text(rows));
  if (!flags.csv.empty()) write_output(flags.csv, csv_text(rows));
  if (!quiet) print_table(rows, flags);
}

}  // namespace

void add_cost_command(Program& app) {
  CLI::App* command = app.add_subcommand("cost", "What the network costs on each fabric");
  command->footer(
      "Servers and electricity are in `mixnet compare`.\n\n"
      "Examples:\n"
      "  mixnet cost --servers 128 --bandwidth 100Gbps,400Gbps\n"
      "  mixnet cost --servers 128 --paper --json -");
  const auto flags = std::make_shared<CostFlags>();
  command->add_option("--servers", flags->servers, "Servers")->capture_default_str();
  command->add_option("--bandwidth", flags->bandwidths,
                      "Speeds of a NIC, such as 100Gbps,400Gbps (default: all with a price)");
  command->add_option("--fabric", flags->fabrics, "Fabrics, comma-separated (default: all)");
  command->add_option("--nics-per-server", flags->nics_per_server, "NICs in a server")
      ->capture_default_str();
  command->add_option("--gpus-per-server", flags->gpus_per_server, "GPUs in a server")
      ->capture_default_str();
  command
      ->add_option("--eps-nics", flags->eps_nics,
                   "MixNet: of the NICs, those on the electrical net")
      ->capture_default_str();
  command
      ->add_option("--oversubscription", flags->oversubscription,
                   "oversub-fat-tree: NICs for one uplink")
      ->capture_default_str();
  command
      ->add_option("--server-link", flags->server_link,
                   "Link of an electrical NIC to its ToR switch: optics, dac or aoc")
      ->capture_default_str();
  command
      ->add_option("--switch-ports", flags->switch_ports,
                   "Ports of a packet switch: how many tiers the network has")
      ->capture_default_str();
  command->add_flag("--paper", flags->paper,
                    "Three tiers of switches whatever the size, as in the paper");
  command->add_option("--prices", flags->prices, "Price list (CSV) in place of the shipped one");
  add_json_flag(app, *command, flags->json, "Also write the result as JSON");
  add_answer_flag(*command, "--csv", flags->csv, "Also write the result as CSV");
  command->callback([flags] { run(*flags); });
}

}  // namespace mixnet::cli
