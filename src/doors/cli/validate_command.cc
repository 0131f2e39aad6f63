#include <fmt/format.h>

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "base/error.h"
#include "base/text_file.h"
#include "cli/answer_flags.h"
#include "cli/commands.h"
#include "compare/training_validation.h"
#include "compare/validation.h"
#include "shell/output.h"

namespace mixnet::cli {
namespace {

constexpr std::int64_t kPublishedGpus = 1024;
constexpr const char* kPublishedGpu = "h100";

struct ValidateFlags {
  std::string published;
  std::string training;
  std::optional<std::string> layer_wait;
  std::optional<std::string> fit;
  std::optional<std::int64_t> gpus;
  std::optional<std::string> gpu;
  JsonAnswer json;
};

void print_tables(const Validation& validation) {
  TextTable fits({{"model", Align::kLeft}, {"compute scale"}, {"seconds per unit"}});
  for (const ModelFit& fit : validation.fits) {
    fits.add_row({fit.model, fmt::format("{:.4g}", fit.compute_scale),
                  fmt::format("{:.4g}", fit.seconds_per_unit)});
  }
  write_output("-", "Fitted on the fat-tree column alone:\n\n");
  fits.print();

  TextTable rows({{"model", Align::kLeft},
                  {"bandwidth"},
                  {"fabric", Align::kLeft},
                  {"published"},
                  {"simulated"},
                  {"error"}});
  for (const ValidationRow& row : validation.rows) {
    rows.add_row({row.published.model, to_string(row.published.bandwidth),
                  std::string(to_string(row.published.fabric)),
                  fmt::format("{:.4f}", row.published.time), fmt::format("{:.4f}", row.simulated),
                  fmt::format("{:+.1f} %", row.error() * 100)});
  }
  write_output("-", "\n");
  rows.print();

  TextTable fabrics({{"fabric", Align::kLeft}, {"cases"}, {"median |error|"}, {"worst |error|"}});
  for (const FabricError& fabric : validation.fabrics) {
    fabrics.add_row({std::string(to_string(fabric.fabric)), std::to_string(fabric.cases),
                     fmt::format("{:.1f} %", fabric.median * 100),
                     fmt::format("{:.1f} %", fabric.worst * 100)});
  }
  write_output("-", "\n");
  fabrics.print();
}

void print_tables(const TrainingValidation& validation) {
  TextTable rows({{"run", Align::kLeft},
                  {"published s"},
                  {"simulated s"},
                  {"error"},
                  {"precision", Align::kLeft},
                  {"overlap", Align::kLeft},
                  {"dispatch", Align::kLeft},
                  {"vpp"},
                  {"recompute", Align::kLeft}});
  for (const TrainingRow& row : validation.rows) {
    rows.add_row({row.run.name, fmt::format("{:.3f}", row.run.step_seconds),
                  fmt::format("{:.3f}", row.simulated_seconds),
                  fmt::format("{:+.1f} %", row.error() * 100),
                  std::string(to_string(row.run.precision)), row.run.overlaps_ep ? "yes" : "no",
                  std::string(to_string(row.dispatch)), std::to_string(row.plan.vpp),
                  std::string(to_string(row.recompute))});
  }
  rows.print();
  TextTable groups({{"rows of", Align::kLeft},
                    {"", Align::kLeft},
                    {"rows"},
                    {"median |error|"},
                    {"worst |error|"}});
  for (const TrainingGroup& group : validation.groups) {
    groups.add_row({group.by, group.name, std::to_string(group.rows),
                    fmt::format("{:.1f} %", group.median * 100),
                    fmt::format("{:.1f} %", group.worst * 100)});
  }
  write_output("-", "\n");
  groups.print();
}

void run_training(const ValidateFlags& flags) {
  const bool quiet = answers_on_stdout(flags.json);
  IterationOptions options;
  best_settings(options);
  if (flags.layer_wait) options.compute.layer_wait = parse_time(*flags.layer_wait, "--layer-wait");
  const std::filesystem::path path = flags.training;
  const TrainingValidation validation = validate_training(
      parse_published_runs(read_text_file(path), flags.training), options, path.parent_path());
  if (!flags.json.empty()) write_output(flags.json, to_json(validation));
  if (!quiet) print_tables(validation);
}

/// What would be read and not used.
void refuse_flags_of_the_other(const ValidateFlags& flags) {
  const bool of_training = !flags.training.empty();
  const std::pair<const char*, bool> others[] = {
      {"--fit", of_training && flags.fit},
      {"--gpus", of_training && flags.gpus},
      {"--gpu", of_training && flags.gpu},
      {"--layer-wait", !of_training && flags.layer_wait}};
  for (const auto& [flag, is_given] : others) {
    if (!is_given) continue;
    throw Error(flag,
                of_training ? "does not go with --training, whose rows have their own"
                            : "does not go with --published, whose compute times are fitted",
                "leave it out");
  }
}

void run(const ValidateFlags& flags) {
  if (flags.training.empty() == flags.published.empty()) {
    throw Error("validate",
                flags.training.empty() ? "needs --published or --training"
                                       : "takes --published or --training, not both",
                "give one of them, with a CSV");
  }
  refuse_flags_of_the_other(flags);
  if (!flags.training.empty()) return run_training(flags);
  const bool quiet = answers_on_stdout(flags.json);
  ValidationRequest request;
  request.published = parse_published(read_text_file(flags.published), flags.published);
  const std::string fit = flags.fit.value_or(flags.published);
  request.fit = parse_published(read_text_file(fit), fit);
  request.fit_input = fit;
  request.gpus = flags.gpus.value_or(kPublishedGpus);
  request.gpu = find_gpu(flags.gpu.value_or(kPublishedGpu));
  request.iteration = published_settings();
  const Validation validation = validate(request);
  if (!flags.json.empty()) write_output(flags.json, to_json(validation));
  if (!quiet) print_tables(validation);
}

}  // namespace

void add_validate_command(Program& app) {
  CLI::App* command =
      app.add_subcommand("validate", "Hold the simulator to published iteration times");
  command->footer(
      "published: fits one compute scale and the unit of the series per model on the fat-tree\n"
      "column, with measured routing and hidden reconfiguration; all the rest is prediction.\n"
      "training: nothing is fitted to the file.\n\n"
      "Examples:\n"
      "  mixnet validate --published data/published/iteration_time.csv --json errors.json\n"
      "  mixnet validate --training runs.csv");
  const auto flags = std::make_shared<ValidateFlags>();
  command->add_option("--published", flags->published,
                      "CSV of iteration times: model, bandwidth_gbps, one column a fabric");
  command->add_option("--training", flags->training,
                      "CSV of training runs: plan, precision, step time (docs/validation.md)");
  command->add_option("--layer-wait", flags->layer_wait,
                      "training: what a layer with experts waits for the host in each pass\n"
                      "(default: " +
                          to_string(kLayerWait) + ")");
  command->add_option("--fit", flags->fit,
                      "published: CSV whose fat_tree column is fitted (default: the same)");
  command->add_option("--gpus", flags->gpus, "published: GPUs of the runs (default: 1024)");
  command->add_option("--gpu", flags->gpu,
                      "published: kind of GPU, before scaling ('mixnet gpus'), or FILE.yaml\n"
                      "(default: h100)");
  add_json_flag(app, *command, flags->json, "Also write the result as JSON");
  command->callback([flags] { run(*flags); });
}

}  // namespace mixnet::cli
