// Results for the tests of reports: rows as values and as lines of results.jsonl, a comparison.
#pragma once

#include <fmt/format.h>

#include <stdexcept>
#include <string>
#include <utility>

#include "base/error.h"
#include "report/report_folder.h"

namespace mixnet::testing_reports {

/// Axes model (a, b), degree (6, 4), bandwidth (100Gbps, 400Gbps), fabric (fat-tree, mixnet).
inline SweepHead sweep() {
  SweepHead head;
  head.program = "mixnet 1";
  head.command = "mixnet compare";
  head.points = 16;
  head.axes = {{"model", {"a", "b"}},
               {"degree", {"6", "4"}},
               {"bandwidth", {"100Gbps", "400Gbps"}},
               {"fabric", {"fat-tree", "mixnet"}}};
  head.fixed = {{"gpus", "1024"}};
  return head;
}

/// `values` in the order of the axes; the cluster costs what its network does. The point's number
/// follows from them.
inline ReportRow row(std::vector<std::size_t> values, double seconds, double cost, double perf) {
  ReportRow row;
  for (const std::size_t value : values) row.point = row.point * 2 + value;
  row.values = values;
  row.command = std::string("mixnet compare");
  ReportRun& run = row.run.emplace();
  run.model = std::string(1, values[0] == 0 ? 'a' : 'b');
  run.bandwidth = Bandwidth::gbps(values[2] == 0 ? 100 : 400);
  run.fabric = values[3] == 0 ? FabricKind::kFatTree : FabricKind::kMixNet;
  run.iteration = run.compute = Time::from_seconds(seconds);
  run.network_cost_usd = cost;
  run.performance_per_dollar = run.performance_per_total_dollar = perf;
  run.cluster_cost_usd = cost;
  run.tokens_per_usd = 1e14 / (seconds * cost);
  return row;
}

inline constexpr std::string_view kSweepJson =
    R"({"schema":"mixnet.sweep/1","program":"mixnet 1","command":"mixnet compare","points":4,)"
    R"("axes":{"fabric":["fat-tree","mixnet"],"bandwidth":["100Gbps","400Gbps"]},)"
    R"("fixed":{"model":"mixtral-8x7b","free-acks":null},"exclude":[],"files":{}})";

/// A row of kSweepJson.
inline std::string line(int point, std::string_view fabric, int gbps, std::string_view more = "") {
  return fmt::format(
      R"({{"schema":"mixnet.sweep/1","point":{},"axes":{{"fabric":"{}","bandwidth":"{}Gbps"}},)"
      R"("status":"ok","command":"mixnet compare --fabric {}","plan":{{"tp":4,"pp":4,"ep":8,)"
      R"("dp":64,"gpus_per_server":8,"micro_batch_size":8,"global_batch_size":512,)"
      R"("seq_length":4096}},"run":{{"model":"mixtral-8x7b","fabric":"{}","bandwidth_gbps":{},)"
      R"("gpus":1024,"iteration_seconds":2.5,"tokens_per_second":1000.0,"exposed_seconds":)"
      R"({{"ep":0.5,"tp":0.25,"pp":0.0,"dp":0.0,"reconfiguration":0.0,"bubble":0.25}},)"
      R"("compute_seconds":1.5,"network_cost_usd":1000000.0,)"
      R"("performance_per_dollar_vs_fat_tree":1.0,"routing":"dynamic","policy":"block",)"
      R"("ep_split":"circuits-first","fidelity":"fluid","seed":1{}}}}})"
      "\n",
      point, fabric, gbps, fabric, fabric, gbps, more);
}

/// What `mixnet compare --json` writes, cut short: mixnet and fat-tree at 100 Gb/s, mixnet at 400.
inline std::string comparison_json() {
  const auto run = [](std::string_view fabric, int gbps) {
    const std::string row = line(1, fabric, gbps);
    const std::size_t begin = row.find("\"run\":") + 6;
    return row.substr(begin, row.size() - begin - 2);
  };
  return fmt::format(
      R"({{"schema":"mixnet.compare/1","program":"mixnet 1","gpu":"NVIDIA H100","plan":{{"tp":4,)"
      R"("pp":4,"ep":8,"dp":64,"gpus_per_server":8,"micro_batch_size":8,"global_batch_size":512,)"
      R"("seq_length":4096}},"runs":[{},{},{}]}})",
      run("mixnet", 100), run("fat-tree", 100), run("mixnet", 400));
}

/// The Error that `read` ends with; "" when it ends well.
template <typename Read>
std::string complaint(Read&& read) {
  try {
    read();
    return {};
  } catch (const Error& error) {
    return error.what();
  }
}

inline std::string replaced(std::string text, std::string_view what, std::string_view with) {
  const std::size_t at = text.find(what);
  if (at == std::string::npos) throw std::logic_error(fmt::format("no '{}' to replace", what));
  return text.replace(at, what.size(), with);
}

}  // namespace mixnet::testing_reports
