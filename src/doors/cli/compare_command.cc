#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/text_file.h"
#include "cli/answer_flags.h"
#include "cli/commands.h"
#include "cli/compare_flags.h"
#include "compare/advice.h"
#include "compare/comparison_text.h"
#include "moe/routing.h"
#include "shell/output.h"

namespace mixnet::cli {
namespace {

struct Flags {
  CompareFlags compare;
  JsonAnswer json;
  std::string csv;
};

std::string millions(const std::optional<double>& usd) {
  return usd ? fmt::format("{:.2f}", *usd / 1e6) : "-";
}
std::string factor(const std::optional<double>& value) {
  return value ? fmt::format("{:.2f}x", *value) : "-";
}

std::vector<std::string> cells_of(const ComparisonRun& run) {
  const IterationTime& time = run.time;
  return {std::string(to_string(run.fabric)),
          to_string(time.total),
          grouped(run.tokens_per_second),
          to_string(time.compute),
          to_string(time.ep),
          to_string(time.tp),
          to_string(time.pp),
          to_string(time.dp),
          to_string(time.reconfiguration),
          to_string(time.bubble),
          millions(run.network_cost_usd),
          millions(run.cluster ? std::optional(run.cluster->total_usd()) : std::nullopt),
          run.tokens_per_usd ? fmt::format("{:.2f} M", *run.tokens_per_usd / 1e6) : "-",
          factor(run.performance_per_dollar_vs_fat_tree),
          factor(run.performance_per_total_dollar_vs_fat_tree)};
}

/// One table for the runs of one bandwidth; what cannot be bought is never the best.
void print_table(std::span<const ComparisonRun> runs) {
  TextTable table({{"fabric", Align::kLeft},
                   {"iteration"},
                   {"tokens/s"},
                   {"compute"},
                   {"EP"},
                   {"TP"},
                   {"PP"},
                   {"DP"},
                   {"reconfig"},
                   {"bubble"},
                   {"net M$"},
                   {"all M$"},
                   {"tokens/$"},
                   {"perf/net$"},
                   {"perf/$"}});
  for (const ComparisonRun& run : runs) table.add_row(cells_of(run));
  const auto mark_best = [&](std::size_t column, auto&& value) {
    std::optional<double> best;
    for (const ComparisonRun& run : runs) {
      if (run.fabric != FabricKind::kIdeal && (!best || value(run) < *best)) best = value(run);
    }
    for (std::size_t row = 0; row < runs.size(); ++row) {
      if (runs[row].fabric != FabricKind::kIdeal && value(runs[row]) == *best) {
        table.make_bold(row, column);
      }
    }
  };
  using Run = ComparisonRun;
  const auto seconds = [](Time time) { return time.to_seconds(); };
  mark_best(1, [&](const Run& run) { return seconds(run.time.total); });
  mark_best(2, [&](const Run& run) { return -run.tokens_per_second; });
  mark_best(4, [&](const Run& run) { return seconds(run.time.ep); });
  mark_best(5, [&](const Run& run) { return seconds(run.time.tp); });
  mark_best(6, [&](const Run& run) { return seconds(run.time.pp); });
  mark_best(7, [&](const Run& run) { return seconds(run.time.dp); });
  mark_best(8, [&](const Run& run) { return seconds(run.time.reconfiguration); });
  mark_best(9, [&](const Run& run) { return seconds(run.time.bubble); });
  if (std::ranges::none_of(runs, [](const Run& run) { return has_price(run.fabric); })) {
    table.print();
    return;
  }
  mark_best(10, [&](const Run& run) { return run.network_cost_usd.value_or(INFINITY); });
  mark_best(11, [&](const Run& run) { return run.cluster ? run.cluster->total_usd() : INFINITY; });
  mark_best(12, [&](const Run& run) { return -run.tokens_per_usd.value_or(0); });
  mark_best(13,
            [&](const Run& run) { return -run.performance_per_dollar_vs_fat_tree.value_or(0); });
  mark_best(14, [&](const Run& run) {
    return -run.performance_per_total_dollar_vs_fat_tree.value_or(0);
  });
  table.print();
}

/// Of a few hours as of centuries: three digits, and no fraction of what is large.
std::string three_digits(double value) {
  if (value >= 1e6) return fmt::format("{:.3g}", value);
  return value >= 100 ? grouped(value) : fmt::format("{:.3g}", value);
}

/// The same runs as others print theirs.
void print_figures(const ComparisonRequest& request, std::span<const ComparisonRun> runs) {
  std::vector<TextTable::Column> columns = {
      {"fabric", Align::kLeft}, {"tokens/s a GPU"}, {"TFLOP/s a GPU"}, {"MFU"}};
  if (request.tokens > 0) {
    columns.push_back({"days"});
    columns.push_back({"M$ for the tokens"});
  }
  TextTable table(columns);
  for (const ComparisonRun& run : runs) {
    const TrainingFigures& figures = run.figures;
    std::vector<std::string> row = {
        std::string(to_string(run.fabric)), grouped(figures.tokens_per_second_per_gpu),
        fmt::format("{:.1f}", figures.tflops_per_gpu), fmt::format("{:.1f} %", figures.mfu * 100)};
    if (figures.days) {
      row.push_back(three_digits(*figures.days));
      row.push_back(figures.usd ? three_digits(*figures.usd / 1e6) : "-");
    }
    table.add_row(row);
  }
  table.print();
}

/// How a GPU's bandwidth is divided, on the fabrics that do so.
void print_gpu_bandwidths(std::span<const ComparisonRun> runs) {
  for (const ComparisonRun& run : runs) {
    if (!run.gpu_bandwidth) continue;
    const GpuBandwidth& gpu = *run.gpu_bandwidth;
    write_output(
        "-", fmt::format("{}: {} a GPU = {} Ethernet + {} scale-up{}\n", to_string(run.fabric),
                         to_string(gpu.total()), to_string(gpu.ethernet), to_string(gpu.scale_up),
                         gpu.optical.bits_per_second > 0
                             ? fmt::format(" + {} optical", to_string(gpu.optical))
                             : ""));
  }
}

/// What failures do to the runs of one bandwidth.
void print_failures(std::span<const ComparisonRun> runs) {
  TextTable table(
      {{"failures", Align::kLeft}, {"without"}, {"with"}, {"more"}, {"of it begun again"}});
  for (const ComparisonRun& run : runs) {
    const double more = run.time.total.to_seconds() / run.without_failures->to_seconds() - 1;
    table.add_row({std::string(to_string(run.fabric)), to_string(*run.without_failures),
                   to_string(run.time.total), fmt::format("{:+.2f} %", more * 100),
                   to_string(run.time.lost)});
  }
  table.print();
}

/// What of the runs of one bandwidth was simulated in packets.
void print_fidelity(std::span<const ComparisonRun> runs) {
  TextTable table({{"all phases", Align::kLeft},
                   {"number"},
                   {"in packets"},
                   {"reused"},
                   {"fluid"},
                   {"skipped"},
                   {"packet-hops"},
                   {"of"},
                   {"packet/fluid"},
                   {"error"}});
  for (const ComparisonRun& run : runs) {
    if (!run.packets) continue;
    const FidelityReport& report = *run.packets;
    const auto count = [](std::int64_t n) { return grouped(static_cast<double>(n)); };
    table.add_row({std::string(to_string(run.fabric)), count(report.phases),
                   count(report.in_packets), count(report.reused), count(report.fluid),
                   fmt::format("{:.0f} %", report.skipped * 100),
                   fmt::format("{:.3g}", static_cast<double>(report.packet_hops)),
                   fmt::format("{:.3g}", static_cast<double>(report.plain_packet_hops)),
                   report.fluid > 0 ? fmt::format("{:.4f}", report.packet_over_fluid) : "-",
                   report.error > 0 ? fmt::format("{:.2f} %", report.error * 100) : "0"});
  }
  table.print();
}

void print_report(const Comparison& comparison, const ComparisonRequest& request) {
  write_output("-", describe_job(comparison, request));
  const std::span<const ComparisonRun> runs = comparison.runs;
  for (std::size_t begin = 0, end = 0; begin < runs.size(); begin = end) {
    while (end < runs.size() && runs[end].bandwidth == runs[begin].bandwidth) ++end;
    write_output("-", fmt::format("\n{} a NIC\n", to_string(runs[begin].bandwidth)));
    print_gpu_bandwidths(runs.subspan(begin, end - begin));
    print_table(runs.subspan(begin, end - begin));
    write_output("-", "\n");
    print_figures(request, runs.subspan(begin, end - begin));
    if (!comparison.failures.empty()) {
      write_output("-", "\n");
      print_failures(runs.subspan(begin, end - begin));
    }
    if (comparison.fidelity != to_string(Fidelity::kFluid)) {
      write_output("-", "\n");
      print_fidelity(runs.subspan(begin, end - begin));
    }
  }
  write_output("-", fmt::format("\nMFU is of {:.0f} TFLOP/s (bf16, dense); {:.4g} GFLOP a token, "
                                "forward and backward.\n\n",
                                request.gpu.peak_bf16_flops * 1e-12,
                                runs.front().figures.flops_per_token * 1e-9));
  for (const std::string& sentence : gaps(comparison, request)) write_output("-", sentence + "\n");
  for (const std::string& sentence : advice(comparison)) write_output("-", sentence + "\n");
  for (const std::string& sentence : caveats(comparison, request)) {
    write_output("-", sentence + "\n");
  }
}

void run(const Flags& flags) {
  ComparisonRequest request = flags.compare.request();
  const bool quiet = answers_on_stdout(flags.json, flags.csv);
  request.advise = !quiet;
  const Comparison comparison = compare(request);
  if (!flags.json.empty()) write_output(flags.json, to_json(comparison, "mixnet " MIXNET_VERSION));
  if (!flags.csv.empty()) write_output(flags.csv, to_csv(comparison));
  if (!quiet) print_report(comparison, request);
  if (quiet) {
    for (const std::string& sentence : gaps(comparison, request)) print_note(flags.json, sentence);
  }
  if (quiet && request.memory.looked_at) {
    print_note(flags.json, memory_warning(comparison.memory));
  }
  print_note(flags.json, routing_note(request.routing));
  const std::string& priced = comparison.server.gpu;  // empty where nothing is
  if (!priced.empty() && priced != request.gpu.name) {
    print_note(flags.json,
               fmt::format("price and power of a server with '{}' are not known: those of one with "
                           "'{}' taken (--server-price)",
                           request.gpu.name, priced));
  }
}

}  // namespace

void add_compare_command(Program& app) {
  CLI::App* command = app.add_subcommand(
      "compare",
      "Simulate a training iteration on each fabric: time, cost, performance per dollar");
  command->footer(
      "EP, TP, PP, DP and reconfig are what communication adds to the iteration of the average "
      "GPU,\n"
      "bubble is its idle time; with compute they add up to the iteration. net M$ is the price of\n"
      "the network, all M$ that of the cluster with servers and electricity over the years;\n"
      "tokens/$ are those trained in these years for a dollar of it. perf/net$ and perf/$ are\n"
      "performance for a dollar of the network and of all, relative to the fat-tree of the same\n"
      "speed. Other fidelities than fluid add a table of how the phases were had: in packets,\n"
      "reused from identical ones, or fluid; skipped: share of packets jumped over in the steady\n"
      "state; packet-hops simulated, of those that all phases would take.\n\n"
      "Examples:\n"
      "  mixnet compare --model mixtral-8x7b --gpus 1024 --bandwidth 100Gbps,400Gbps\n"
      "  mixnet compare --model mixtral-8x22b --fidelity auto --fabric fat-tree,mixnet\n"
      "  mixnet compare --model mixtral-8x22b --fabric mixnet --reconfiguration copilot\n"
      "  mixnet compare --model mixtral-8x22b --micro-batch-size 1 --recompute full --zero 3\n"
      "  mixnet compare --model deepseek-v3 --tp 2 --pp 8 --vpp 4 --ep 64 --etp 1 \\\n"
      "                 --micro-batch-size 1 --global-batch-size 8192 --precision fp8 --tokens "
      "15T\n"
      "  mixnet compare --model deepseek-v3 --gpus 2048 --pp 16 --ep 128 --bandwidth 800Gbps \\\n"
      "                 --fabric nvl72,mixnet-optical-io\n"
      "  mixnet compare --model mixtral-8x22b --fail nic:3.1,server:9@2s --fabric fat-tree,mixnet\n"
      "  mixnet compare --model path/to/config.json --tp 4 --pp 4 --ep 8 --micro-batch-size 8 \\\n"
      "                 --global-batch-size 512 --gpus 1024 --json result.json");
  const auto flags = std::make_shared<Flags>();
  add_compare_flags(*command, flags->compare);
  add_json_flag(app, *command, flags->json, "Also write the result as JSON");
  add_answer_flag(*command, "--csv", flags->csv, "Also write the result as CSV");
  command->callback([flags] { run(*flags); });
}

}  // namespace mixnet::cli
