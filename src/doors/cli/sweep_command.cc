#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "base/error.h"
#include "base/parallel.h"
#include "base/text_file.h"
#include "base/units.h"
#include "cli/commands.h"
#include "cli/sweep_points.h"
#include "shell/output.h"
#include "sweep/mpi_ranks.h"
#include "sweep/sweep.h"
#include "sweep/sweep_folder.h"

namespace mixnet::cli {
namespace {

constexpr int kSomeFailed = 3;  // exit status; docs/sweep.md
constexpr std::size_t kFailuresShown = 5;

struct SweepFlags {
  std::string study;
  std::string out;
  std::optional<int> threads;
  std::string rank_timeout = "60s";
  bool retry_failed = false;
  bool dry_run = false;
};

SweepOptions options_from(const SweepFlags& flags, Ranks* ranks) {
  SweepOptions options;
  options.ranks = ranks;
  options.threads = flags.threads.value_or(ranks == nullptr ? default_threads() : 1);
  if (options.threads < 1 || options.threads > 1024) {
    throw Error("--threads", fmt::format("{} is out of range", options.threads), "give 1 to 1024");
  }
  const Time timeout = parse_time(flags.rank_timeout, "--rank-timeout");
  if (timeout < Time::seconds(1) || timeout > Time::seconds(3600)) {
    throw Error("--rank-timeout", fmt::format("'{}' is out of range", flags.rank_timeout),
                "give 1s to 3600s");
  }
  options.rank_timeout = std::chrono::milliseconds(timeout.ps / Time::milliseconds(1).ps);
  return options;
}

void print_commands(const SweepPlan& plan) {
  std::string lines;
  for (std::size_t point = 0; point < plan.points(); ++point) {
    lines += plan.command_line(point) + "\n";
  }
  write_output("-", lines);
}

/// On rank 0, or without MPI.
void lead(const SweepFlags& flags, const SweepOptions& options) {
  std::optional<SweepPlan> plan;
  std::optional<SweepFolder> folder;
  try {
    const std::string text = read_text_file(flags.study);
    plan.emplace(plan_sweep(text, flags.study));
    if (!flags.dry_run && flags.out.empty()) {
      throw Error("--out", "is missing", "name a folder for the results, as in --out results");
    }
    if (!flags.dry_run) {
      folder.emplace(flags.out, *plan, plan->identity("mixnet " MIXNET_VERSION, study_flags()),
                     text, SweepFolder::Options{.retry_failed = flags.retry_failed});
    }
  } catch (...) {
    if (options.ranks != nullptr) dismiss_ranks(*options.ranks);
    throw;
  }
  if (!folder) {
    if (options.ranks != nullptr) dismiss_ranks(*options.ranks);
    print_commands(*plan);
    return;
  }
  const std::size_t before = folder->finished();
  const std::vector<int> lost = run_sweep(*plan, *folder, point_group, run_points, options);
  const std::vector<SweepFolder::Failure> failures = folder->failures();
  std::string report =
      fmt::format("{}: {} points, {} failed; {} run now, {} were there\n", flags.out,
                  plan->points(), failures.size(), plan->points() - before, before);
  if (!lost.empty()) {
    report +=
        fmt::format("given up, as nothing was heard of them: rank {}\n", fmt::join(lost, ", "));
  }
  for (std::size_t i = 0; i < std::min(failures.size(), kFailuresShown); ++i) {
    report += fmt::format("point {} failed: {}\n", failures[i].point + 1, failures[i].error);
  }
  if (failures.size() > kFailuresShown) {
    report += fmt::format("... and {} more\n", failures.size() - kFailuresShown);
  }
  write_output("-", report);
  if (!failures.empty()) throw CLI::RuntimeError(kSomeFailed);
}

void run(const SweepFlags& flags) {
  const std::unique_ptr<Ranks> ranks = started_by_mpi() ? join_mpi() : nullptr;
  SweepOptions options;
  try {
    options = options_from(flags, ranks.get());
  } catch (...) {
    if (ranks != nullptr) ranks->finish();  // all have the same flags
    if (ranks != nullptr && ranks->rank() != 0) throw CLI::RuntimeError(0);
    throw;
  }
  if (ranks != nullptr && ranks->rank() != 0) {
    serve_sweep(run_points, options);
  } else {
    lead(flags, options);
  }
}

}  // namespace

void add_sweep_command(Program& app) {
  CLI::App* command = app.add_subcommand(
      "sweep", "Run 'mixnet compare' for every point of a study, on all cores or under mpirun");
  command->footer(
      "A study is a YAML file of flags of 'mixnet compare'; a list of values is an axis, and the\n"
      "points are the product of the axes:\n"
      "  model: mixtral-8x7b\n"
      "  fabric: [fat-tree, mixnet]\n"
      "  bandwidth: [100Gbps, 400Gbps]\n"
      "The folder gets results.jsonl and results.csv, a row for each point, with the command line\n"
      "that repeats it. After a kill, the same command goes on where the sweep was.\n"
      "Ends with status 0 when all points are ok, 3 when some failed, 2 on bad input.\n\n"
      "Examples:\n"
      "  mixnet sweep studies/optical-switch.yaml --out results\n"
      "  mixnet sweep studies/optical-switch.yaml --dry-run\n"
      "  mpirun -n 64 mixnet sweep studies/optical-switch.yaml --out results");
  const auto flags = std::make_shared<SweepFlags>();
  command->add_option("study", flags->study, "The study (docs/sweep.md)")
      ->required()
      ->type_name("STUDY.yaml");
  command->add_option("--out", flags->out, "Folder of the results; made, or gone on with")
      ->type_name("FOLDER");
  command->add_flag("--dry-run", flags->dry_run, "Only print the command line of every point");
  command->add_flag("--retry-failed", flags->retry_failed, "Run points that failed once more");
  command->add_option("--threads", flags->threads,
                      "Threads of this process (default: all cores; under MPI, 1 a rank)");
  command
      ->add_option("--rank-timeout", flags->rank_timeout,
                   "MPI: a rank that is not heard from for so long is given up, and its points\n"
                   "go to others (with mpirun --enable-recovery)")
      ->capture_default_str();
  command->callback([flags] { run(*flags); });
}

}  // namespace mixnet::cli
