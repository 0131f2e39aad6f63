#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <string>
#include <tuple>
#include <vector>

#include "base/env.h"
#include "base/error.h"
#include "base/text_fields.h"
#include "base/units.h"
#include "circuits/demand_file.h"
#include "cli/answer_flags.h"
#include "cli/commands.h"
#include "compare/circuit_plan.h"
#include "shell/output.h"

namespace mixnet::cli {
namespace {

constexpr std::size_t kMaxMatrixShown = 16;    // servers
constexpr std::size_t kMaxEpsPairsShown = 20;  // pairs without a circuit

struct CircuitPlanFlags {
  std::string demand;
  int degree = 6;
  int eps_nics = 2;
  std::string bandwidth = "400Gbps";
  std::string numa;
  std::string allocator = "refined";
  std::int64_t budget = RefinedAllocator::kDefaultBudget;
  std::string json;
};

/// Empty without the flag.
std::vector<int> numa_nodes(const CircuitPlanFlags& flags) {
  std::vector<int> nodes;
  if (flags.numa.empty()) return nodes;
  for (const std::string& text : split_list(flags.numa, "--numa")) {
    const int node = number_in<int>(text).value_or(-1);
    if (node < 0) {
      throw Error("--numa", fmt::format("'{}' is not the number of a NUMA node", text),
                  "give one number for each OCS NIC, as in 0,0,0,1,1,1");
    }
    nodes.push_back(node);
  }
  return nodes;
}

CircuitPlan make_plan(const CircuitPlanFlags& flags) {
  CircuitPlanRequest request;
  request.degree = flags.degree;
  request.eps_nics = flags.eps_nics;
  request.numa_of_nic = numa_nodes(flags);
  request.bandwidth = parse_bandwidth(flags.bandwidth, "--bandwidth");
  request.allocator = parse<AllocatorKind>(flags.allocator, "--allocator");
  request.budget = flags.budget;
  request.demand = read_server_demand(flags.demand);
  const auto start = system_env().monotonic_now();
  CircuitPlan plan = plan_circuits(std::move(request));
  const std::chrono::duration<double, std::micro> lasted = system_env().monotonic_now() - start;
  // Only for a person to see: what goes to standard output and files does not depend on a clock.
  if (system_env().is_terminal(Env::Stream::kError)) {
    (void)system_env().print(Env::Stream::kError,
                             fmt::format("planned in {:.0f} us\n", lasted.count()));
  }
  return plan;
}

Bytes pair_bytes(const CircuitPlan& plan, std::size_t a, std::size_t b) {
  return Bytes{plan.request.demand(a, b) + plan.request.demand(b, a)};
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
    const Bytes slower{std::max(plan.request.demand(a, b), plan.request.demand(b, a))};
    table.add_row({fmt::format("{}-{}", a, b), std::to_string(count),
                   to_string(pair_bytes(plan, a, b)),
                   to_string(slower / (plan.request.bandwidth * count)), nics});
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
  for (std::size_t a = 0; a < plan.request.demand.rows(); ++a) {
    for (std::size_t b = a + 1; b < plan.request.demand.rows(); ++b) {
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
  TextTable table({{fmt::format("{} servers", plan.request.demand.rows()), Align::kLeft},
                   {fmt::format("{} OCS + {} EPS NICs of {}", plan.request.degree,
                                plan.request.eps_nics, to_string(plan.request.bandwidth)),
                    Align::kLeft}});
  table.add_row({"circuits", std::to_string(plan.circuits.size())});
  table.add_row({"pairs by EPS", plan.time.eps_pairs == 0
                                     ? std::string("0")
                                     : fmt::format("{} ({})", plan.time.eps_pairs,
                                                   to_string(plan.time.eps_bytes))});
  table.add_row({"allocator", std::string(to_string(plan.request.allocator))});
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
  if (!flags.json.empty()) write_output(flags.json, to_json(plan));
  if (quiet) return;
  print_circuits(plan);
  print_matrix(plan);
  print_eps_pairs(plan);
  print_summary(plan);
}

}  // namespace

void add_plan_command(Program& app) {
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
  add_answer_flag(*command, "--json", flags->json, "Also write the plan as JSON");
  command->footer(
      "Example:\n"
      "  mixnet plan --demand demand.csv --degree 6 --bandwidth 400Gbps --json plan.json\n"
      "  mixnet plan --demand demand.csv --allocator refined");
  command->callback([flags] { run_plan(*flags); });
}

}  // namespace mixnet::cli
