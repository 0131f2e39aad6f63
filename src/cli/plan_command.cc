#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <tuple>
#include <vector>

#include "base/error.h"
#include "base/units.h"
#include "cli/commands.h"
#include "cli/output.h"
#include "control/allocator.h"
#include "control/balanced_time.h"
#include "control/completion_time.h"
#include "control/demand_file.h"
#include "control/nic_mapping.h"

namespace mixnet::cli {
namespace {

constexpr int kMaxNics = 1024;
constexpr std::size_t kMaxMatrixShown = 16;    // servers
constexpr std::size_t kMaxEpsPairsShown = 20;  // pairs without a circuit
// A rate times all NICs of a server must fit in 63 bits.
constexpr Bandwidth kMaxBandwidth = Bandwidth::gbps(1'000'000);

struct CircuitPlanFlags {
  std::string demand;
  int degree = 6;
  int eps_nics = 2;
  std::string bandwidth = "400Gbps";
  std::string numa;
  std::string allocator = "greedy";
  std::int64_t budget = RefinedAllocator::kDefaultBudget;
  std::string json;
};

struct CircuitPlan {
  int degree = 0;
  int eps_nics = 0;
  Bandwidth bandwidth;
  std::vector<int> numa_of_nic;
  ServerDemand demand;
  CircuitCounts counts;
  std::vector<Circuit> circuits;
  AllocatorKind allocator = AllocatorKind::kGreedy;
  CompletionTime time;
  Time balanced;
  Time lower_bound;
};

/// How far the all-to-all with split pairs is above the bound, relative; 0 when nothing is sent.
double gap(const CircuitPlan& plan) {
  if (plan.lower_bound == Time::zero()) return 0;
  return std::max(0.0, plan.balanced.to_seconds() / plan.lower_bound.to_seconds() - 1);
}

void check_nics(int nics, int least, std::string_view flag) {
  if (nics >= least && nics <= kMaxNics) return;
  throw Error(flag, fmt::format("{} is out of range", nics),
              fmt::format("give {} to {} NICs a server", least, kMaxNics));
}

/// Without the flag: two nodes, the lower half of the NICs in node 0.
std::vector<int> numa_nodes(const CircuitPlanFlags& flags) {
  std::vector<int> nodes;
  if (flags.numa.empty()) {
    for (int nic = 0; nic < flags.degree; ++nic) nodes.push_back(2 * nic < flags.degree ? 0 : 1);
    return nodes;
  }
  for (const std::string& text : split_list(flags.numa, "--numa")) {
    int node = 0;
    const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), node);
    if (code != std::errc{} || end != text.data() + text.size() || node < 0) {
      throw Error("--numa", fmt::format("'{}' is not the number of a NUMA node", text),
                  "give one number for each OCS NIC, as in 0,0,0,1,1,1");
    }
    nodes.push_back(node);
  }
  if (nodes.size() != static_cast<std::size_t>(flags.degree)) {
    throw Error("--numa",
                fmt::format("names {} NICs where --degree is {}", nodes.size(), flags.degree),
                "give one NUMA node for each OCS NIC");
  }
  return nodes;
}

CircuitPlan make_plan(const CircuitPlanFlags& flags) {
  CircuitPlan plan;
  check_nics(flags.degree, 1, "--degree");
  check_nics(flags.eps_nics, 0, "--eps-nics");
  plan.degree = flags.degree;
  plan.eps_nics = flags.eps_nics;
  plan.numa_of_nic = numa_nodes(flags);
  plan.bandwidth = parse_bandwidth(flags.bandwidth, "--bandwidth");
  if (plan.bandwidth.bits_per_second == 0 || plan.bandwidth > kMaxBandwidth) {
    throw Error("--bandwidth", fmt::format("'{}' is out of range", flags.bandwidth),
                fmt::format("give more than 0 and at most {}", to_string(kMaxBandwidth)));
  }
  plan.demand = read_server_demand(flags.demand);

  plan.allocator = parse_allocator(flags.allocator, "--allocator");
  if (flags.budget < 0 || flags.budget > 1'000'000'000'000) {
    throw Error("--budget", fmt::format("{} is out of range", flags.budget),
                "give the moves that the refined allocator may look at, such as 25000");
  }
  const auto allocator = make_allocator(plan.allocator, flags.budget);
  const auto start = std::chrono::steady_clock::now();
  const CircuitCounts& counts = allocator->allocate(plan.demand, plan.degree, plan.eps_nics);
  plan.circuits = map_to_nics(counts, plan.numa_of_nic);
  const std::chrono::duration<double, std::micro> lasted = std::chrono::steady_clock::now() - start;
  // Only for a person to see: what goes to standard output and files does not depend on a clock.
  if (::isatty(STDERR_FILENO) == 1) fmt::print(stderr, "planned in {:.0f} us\n", lasted.count());

  plan.counts = counts;
  plan.time = circuits_first_time(plan.demand, plan.counts, plan.eps_nics, plan.bandwidth);
  const double units = balanced_time(plan.demand, plan.counts, plan.eps_nics);
  plan.balanced = Time::from_seconds(units / plan.bandwidth.bytes_per_second());
  plan.lower_bound =
      completion_lower_bound(plan.demand, plan.degree + plan.eps_nics, plan.bandwidth);
  return plan;
}

std::string json_text(const CircuitPlan& plan) {
  using Json = nlohmann::ordered_json;
  const auto time = [](Time t) { return t == Time::max() ? Json() : Json(t.ps); };
  Json circuits = Json::array();
  for (const Circuit& circuit : plan.circuits) {
    circuits.push_back({{"server_a", circuit.server_a},
                        {"nic_a", circuit.nic_a},
                        {"server_b", circuit.server_b},
                        {"nic_b", circuit.nic_b}});
  }
  const Json document = {{"schema", "mixnet.plan/1"},
                         {"servers", plan.demand.rows()},
                         {"allocator", to_string(plan.allocator)},
                         {"degree", plan.degree},
                         {"eps_nics", plan.eps_nics},
                         {"bandwidth_bps", plan.bandwidth.bits_per_second},
                         {"numa_of_nic", plan.numa_of_nic},
                         {"time_ps",
                          {{"all_to_all", time(plan.time.whole())},
                           {"circuits", time(plan.time.circuits)},
                           {"eps", time(plan.time.eps)},
                           {"balanced", time(plan.balanced)},
                           {"lower_bound", time(plan.lower_bound)}}},
                         {"gap", plan.balanced == Time::max() ? Json() : Json(gap(plan))},
                         {"pairs_without_circuit",
                          {{"count", plan.time.eps_pairs}, {"bytes", plan.time.eps_bytes.count}}},
                         {"circuits", std::move(circuits)}};
  return document.dump(2) + "\n";
}

Bytes pair_bytes(const CircuitPlan& plan, std::size_t a, std::size_t b) {
  return Bytes{plan.demand(a, b) + plan.demand(b, a)};
}

/// One line a pair: its circuits lie together, as map_to_nics() sorts them.
void print_circuits(const CircuitPlan& plan) {
  if (plan.circuits.empty()) return;
  TextTable table(
      {{"servers", Align::kLeft}, {"circuits"}, {"demand"}, {"time"}, {"NIC-NIC", Align::kLeft}});
  for (std::size_t first = 0; first < plan.circuits.size();) {
    const int a = plan.circuits[first].server_a;
    const int b = plan.circuits[first].server_b;
    std::string nics;
    std::size_t end = first;
    for (; end < plan.circuits.size(); ++end) {
      const Circuit& circuit = plan.circuits[end];
      if (circuit.server_a != a || circuit.server_b != b) break;
      nics += fmt::format("{}{}-{}", end == first ? "" : " ", circuit.nic_a, circuit.nic_b);
    }
    const auto count = static_cast<std::int64_t>(end - first);
    const Bytes slower{std::max(plan.demand(a, b), plan.demand(b, a))};
    table.add_row({fmt::format("{}-{}", a, b), std::to_string(count),
                   to_string(pair_bytes(plan, a, b)), to_string(slower / (plan.bandwidth * count)),
                   nics});
    first = end;
  }
  table.print();
  write_output("-", "\n");
}

void print_matrix(const CircuitPlan& plan) {
  const std::size_t servers = plan.counts.rows();
  if (servers > kMaxMatrixShown) return;
  std::vector<TextTable::Column> columns = {{"circuits", Align::kLeft}};
  for (std::size_t b = 0; b < servers; ++b) columns.push_back({std::to_string(b)});
  TextTable table(columns);
  for (std::size_t a = 0; a < servers; ++a) {
    std::vector<std::string> row = {std::to_string(a)};
    for (std::size_t b = 0; b < servers; ++b) {
      row.push_back(a == b ? "." : std::to_string(plan.counts(a, b)));
    }
    table.add_row(row);
  }
  table.print();
  write_output("-", "\n");
}

/// The pairs with demand that go by EPS, the largest first.
void print_eps_pairs(const CircuitPlan& plan) {
  if (plan.time.eps_pairs == 0) return;
  struct EpsPair {
    std::int64_t bytes;
    std::size_t a;
    std::size_t b;
  };
  std::vector<EpsPair> pairs;
  for (std::size_t a = 0; a < plan.demand.rows(); ++a) {
    for (std::size_t b = a + 1; b < plan.demand.rows(); ++b) {
      const std::int64_t bytes = pair_bytes(plan, a, b).count;
      if (bytes > 0 && plan.counts(a, b) == 0) pairs.push_back({bytes, a, b});
    }
  }
  const std::size_t shown = std::min(pairs.size(), kMaxEpsPairsShown);
  std::partial_sort(pairs.begin(), pairs.begin() + static_cast<std::ptrdiff_t>(shown), pairs.end(),
                    [](const EpsPair& x, const EpsPair& y) {
                      return std::tie(y.bytes, x.a, x.b) < std::tie(x.bytes, y.a, y.b);
                    });
  TextTable table({{"by EPS", Align::kLeft}, {"demand"}});
  for (std::size_t i = 0; i < shown; ++i) {
    table.add_row({fmt::format("{}-{}", pairs[i].a, pairs[i].b), to_string(Bytes{pairs[i].bytes})});
  }
  table.print();
  if (shown < pairs.size()) {
    write_output("-", fmt::format("and {} more\n", pairs.size() - shown));
  }
  write_output("-", "\n");
}

void print_summary(const CircuitPlan& plan) {
  const auto time = [](Time t) {
    return t == Time::max() ? std::string("never (there are no EPS NICs)") : to_string(t);
  };
  TextTable table({{fmt::format("{} servers", plan.demand.rows()), Align::kLeft},
                   {fmt::format("{} OCS + {} EPS NICs of {}", plan.degree, plan.eps_nics,
                                to_string(plan.bandwidth)),
                    Align::kLeft}});
  table.add_row({"circuits", std::to_string(plan.circuits.size())});
  table.add_row({"pairs by EPS", plan.time.eps_pairs == 0
                                     ? std::string("0")
                                     : fmt::format("{} ({})", plan.time.eps_pairs,
                                                   to_string(plan.time.eps_bytes))});
  table.add_row({"allocator", std::string(to_string(plan.allocator))});
  table.add_row({"all-to-all, circuits first", time(plan.time.whole())});
  table.add_row({"  circuits", time(plan.time.circuits)});
  table.add_row({"  EPS", time(plan.time.eps)});
  table.add_row({"all-to-all, pairs split", time(plan.balanced)});
  table.add_row({"lower bound",
                 plan.balanced == Time::max()
                     ? time(plan.lower_bound)
                     : fmt::format("{} (gap {:.1f} %)", time(plan.lower_bound), 100 * gap(plan))});
  table.print();
}

void run_plan(const CircuitPlanFlags& flags) {
  const bool quiet = answers_on_stdout(flags.json);
  const CircuitPlan plan = make_plan(flags);
  if (!flags.json.empty()) write_output(flags.json, json_text(plan));
  if (quiet) return;
  print_circuits(plan);
  print_matrix(plan);
  print_eps_pairs(plan);
  print_summary(plan);
}

}  // namespace

void add_plan_command(CLI::App& app) {
  CLI::App* command = app.add_subcommand(
      "plan", "Allocate optical circuits to a demand between servers, and map them to NICs");
  auto flags = std::make_shared<CircuitPlanFlags>();
  command
      ->add_option("--demand", flags->demand,
                   "CSV file: bytes from server (row) to server (column), no header line")
      ->required()
      ->type_name("FILE");
  command->add_option("--degree", flags->degree, "OCS NICs of a server, 1 to 1024")
      ->capture_default_str();
  command->add_option("--bandwidth", flags->bandwidth, "Rate of every NIC, with its unit")
      ->capture_default_str()
      ->type_name("RATE");
  command->add_option("--eps-nics", flags->eps_nics, "EPS NICs of a server, 0 to 1024")
      ->capture_default_str();
  command
      ->add_option("--numa", flags->numa,
                   "NUMA node of each OCS NIC, as in 0,0,0,1,1,1 [half of them each]")
      ->type_name("LIST");
  command
      ->add_option("--allocator", flags->allocator,
                   "greedy (Algorithm 1), refined (local search, knows the EPS) or exact (small\n"
                   "regions)")
      ->capture_default_str();
  command->add_option("--budget", flags->budget, "refined: moves to look at, some 30 ns each")
      ->capture_default_str();
  command->add_option("--json", flags->json, "Also write the plan as JSON ('-': only that)")
      ->type_name("FILE");
  command->footer(
      "Example:\n"
      "  mixnet plan --demand demand.csv --degree 6 --bandwidth 400Gbps --json plan.json\n"
      "  mixnet plan --demand demand.csv --allocator refined");
  command->callback([flags] { run_plan(*flags); });
}

}  // namespace mixnet::cli
