#include <fmt/format.h>

#include <algorithm>
#include <climits>
#include <memory>
#include <string>
#include <utility>

#include "base/error.h"
#include "cli/answer_flags.h"
#include "cli/compare_flags.h"
#include "cli/simulate_ways.h"
#include "cli/timeline_flags.h"
#include "compare/comparison_text.h"
#include "compare/iteration_run.h"
#include "interop/timeline_trace.h"
#include "moe/routing.h"
#include "shell/output.h"

namespace mixnet::cli {
namespace {

struct Flags {
  CompareFlags job;
  TimelineFlags timeline;
  JsonAnswer json;
};

void print_report(const ComparisonRequest& request, const Comparison& comparison) {
  const ComparisonRun& run = comparison.runs.front();
  const IterationTime& time = run.time;
  write_output("-", describe_job(comparison, request));
  write_output("-",
               fmt::format("\n{}, {} a NIC\n", to_string(run.fabric), to_string(run.bandwidth)));
  TextTable table({{"", Align::kLeft}, {"time"}, {"share"}});
  const auto add = [&](const char* part, Time length) {
    table.add_row({part, to_string(length),
                   fmt::format("{:.1f} %", 100 * length.to_seconds() / time.total.to_seconds())});
  };
  add("compute", time.compute);
  add("EP", time.ep);
  add("TP", time.tp);
  add("PP", time.pp);
  add("DP", time.dp);
  add("reconfig", time.reconfiguration);
  add("bubble", time.bubble);
  if (time.lost > Time::zero()) add("begun again", time.lost);
  add("iteration", time.total);
  table.print();
  std::string end = fmt::format("\n{} tokens/s", grouped(run.tokens_per_second));
  if (run.network_cost_usd) end += fmt::format("; network {} USD", grouped(*run.network_cost_usd));
  if (run.without_failures) {
    end += fmt::format("; without failures {}", to_string(*run.without_failures));
  }
  write_output("-", end + "\n");
}

/// To draw.
int regions_of(const Flags& flags, const ComparisonRequest& request) {
  flags.timeline.check("regions");
  if (flags.timeline.file.empty()) return 0;
  if (flags.timeline.most) return *flags.timeline.most;
  // Of the micro-batch that fits into memory, which may be smaller than the model's.
  const ParallelPlan plan = comparison_of(request).plan;
  const std::int64_t fit = TimelineFlags::kMostSpans / spans_of_region(request.model, plan);
  return static_cast<int>(std::clamp<std::int64_t>(fit, 1, INT_MAX));
}

void run(const Flags& flags) {
  if (flags.job.fabrics.empty()) {
    throw Error("--fabric", "is required", "give one of 'mixnet fabrics'");
  }
  const ComparisonRequest request = flags.job.request();
  const bool quiet = answers_on_stdout(flags.json, flags.timeline.file, "--timeline");
  const IterationRun result = run_iteration(request, {.regions = regions_of(flags, request)});
  if (!flags.json.empty())
    write_output(flags.json, to_json(result.comparison, "mixnet " MIXNET_VERSION));
  if (request.memory.looked_at) {
    print_note(flags.json, memory_warning(result.comparison.memory));
  }
  print_note(flags.json, routing_note(request.routing));
  std::size_t bytes = 0;
  if (!flags.timeline.file.empty()) {
    const std::string trace = to_chrome_trace(result.timeline, title_of(request));
    bytes = trace.size();
    write_output(flags.timeline.file, trace);
  }
  if (quiet) return;
  print_report(request, result.comparison);
  if (flags.timeline.file.empty()) return;
  write_output("-", describe_timeline(flags.timeline, "regions", result.timeline.regions,
                                      result.timeline.stages * result.timeline.replicas, bytes));
}

}  // namespace

void add_simulate_model(Program& program) {
  CLI::App* command = program.add_subcommand(
      "simulate",
      "Simulate a training iteration of a model on one fabric: its time, and what happens when");
  command->footer(
      "The flags are those of 'mixnet compare', for one fabric and one speed. A region is a\n"
      "pipeline stage of a replica; those of the first replicas are drawn.\n\n"
      "Examples:\n"
      "  mixnet simulate --model mixtral-8x7b --gpus 1024 --fabric mixnet --bandwidth 400Gbps \\\n"
      "                  --timeline timeline.json\n"
      "  mixnet simulate --model deepseek-r1 --fabric mixnet --reconfiguration hitless --json -\n");
  const auto flags = std::make_shared<Flags>();
  add_compare_flags(*command, flags->job);
  add_timeline_flags(*command, flags->timeline, "regions");
  add_json_flag(program, *command, flags->json, "Also write the result as JSON");
  command->callback([flags] { run(*flags); });
}

}  // namespace mixnet::cli
