#include "compare/training_validation.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/csv.h"
#include "base/error.h"
#include "base/progress.h"
#include "memory/fitting_plan.h"
#include "moe/model_catalog.h"
#include "moe/routing.h"
#include "training/training_job.h"

namespace mixnet {
namespace {

constexpr double kShortestStep = 1e-6;
constexpr double kLongestStep = 1e6;

class RunReader {
 public:
  RunReader(const CsvTable& table, std::size_t row) : table_(table), row_(row) {}

  const std::string& text(std::string_view column) const {
    return table_.text(row_, table_.column(column));
  }
  std::string place(std::string_view column) const {
    return table_.place(row_, table_.column(column));
  }
  std::int64_t count(std::string_view column) const {
    return table_.integer(row_, table_.column(column), 1);
  }
  int size(std::string_view column) const {
    const std::int64_t value = count(column);
    if (value <= std::int64_t{1} << 22) return static_cast<int>(value);
    throw Error(place(column), fmt::format("{} is too many", value), "give at most 4194304");
  }
  double number(std::string_view column, double least, double most) const {
    const double value = table_.number(row_, table_.column(column), least);
    if (value <= most) return value;
    throw Error(place(column), fmt::format("{} is out of range", value),
                fmt::format("give {} to {}", least, most));
  }
  bool yes(std::string_view column) const {
    const std::string& word = text(column);
    if (word == "yes" || word == "no") return word == "yes";
    throw Error(place(column), fmt::format("'{}' is neither yes nor no", word), "give one of them");
  }

 private:
  const CsvTable& table_;
  std::size_t row_;
};

bool has_column(const CsvTable& table, std::string_view name) {
  return std::ranges::find(table.header(), name) != table.header().end();
}

PublishedRun parse_run(const CsvTable& table, std::size_t row) {
  const RunReader read(table, row);
  PublishedRun run;
  run.name = read.text("name");
  run.place = table.place(row, table.column("name"));
  run.model = read.text("model");
  try {
    run.gpu = find_gpu(read.text("gpu"));
  } catch (const Error& error) {
    throw Error(read.place("gpu"), error.what());
  }
  run.plan.gpus = read.count("gpus");
  run.plan.gpus_per_server = read.size("gpus_per_server");
  run.plan.tp = read.size("tp");
  run.plan.ep = read.size("ep");
  run.plan.etp = read.size("etp");
  run.plan.pp = read.size("pp");
  run.plan.cp = read.size("cp");
  if (!read.text("vpp").empty()) run.plan.vpp = read.size("vpp");
  run.plan.micro_batch_size = read.count("micro_batch");
  run.plan.global_batch_size = read.count("global_batch");
  run.plan.seq_length = read.count("seq");
  run.precision = parse<Precision>(read.text("precision"), read.place("precision"));
  run.overlaps_ep = read.yes("ep_overlap");
  run.fabric = parse<FabricKind>(read.text("fabric"), read.place("fabric"));
  run.nic_rate = Bandwidth{std::llround(read.number("nic_gbps", 0.001, 1e6) * 1e9)};
  run.step_seconds = read.number("step_seconds", kShortestStep, kLongestStep);
  if (has_column(table, "source")) run.source = read.text("source");
  return run;
}

/// As many virtual stages as the layers and the micro-batches allow.
int most_virtual_stages(const Model& model, const PlanRequest& plan) {
  const int pp = plan.pp.value_or(1);
  const std::int64_t copy =
      std::int64_t{plan.tp.value_or(1)} * plan.cp.value_or(1) * plan.pp.value_or(1);
  const std::int64_t dp = std::max<std::int64_t>(1, plan.gpus / copy);
  const std::int64_t micro_batches =
      plan.global_batch_size.value_or(1) / (plan.micro_batch_size.value_or(1) * dp);
  if (pp == 1 || model.layers % pp != 0 || micro_batches % pp != 0) return 1;
  return model.layers / pp;
}

/// The least that fits; full where none does.
Recompute recompute_of(const Model& model, const ParallelPlan& plan, const Gpu& gpu,
                       const IterationOptions& options) {
  return least_recompute(model, plan, memory_options(options), usable_memory(gpu))
      .value_or(Recompute::kFull);
}

TrainingRow simulate_run(const PublishedRun& run, const Model& model, IterationOptions options) {
  const SourceHabits habits = habits_of(run);
  PlanRequest request = run.plan;
  if (!request.vpp && habits.interleaves) request.vpp = most_virtual_stages(model, request);
  TrainingRow row;
  row.run = run;
  row.plan = make_plan(model, request);
  row.dispatch = habits.dispatch;
  options.network.nics_per_server = run.plan.gpus_per_server;
  options.network.dispatch.mode = habits.dispatch;
  options.compute.precision = run.precision;
  options.fidelity.nic_rate = run.nic_rate;
  options.zero = 1;
  options.gradient_bytes = 4;  // Megatron-LM's default
  options.recompute = recompute_of(model, row.plan, run.gpu, options);
  row.recompute = options.recompute;
  if (divides_gpu_bandwidth(run.fabric)) {
    options.network.gpu.total =
        run.nic_rate + Bandwidth{std::llround(run.gpu.scale_up_bytes_per_second * 8)};
  }
  const FabricKind fabrics[] = {run.fabric};
  const TrainingJob job(model, row.plan, run.gpu,
                        RoutingSource::make("uniform", routing_shape(model, row.plan), 1), fabrics,
                        std::move(options));
  row.simulated_seconds = job.simulate(run.fabric, run.nic_rate).total.to_seconds();
  return row;
}

/// Of the rows that `belongs` to.
template <typename Belongs>
void add_group(const std::vector<TrainingRow>& rows, std::string by, std::string name,
               Belongs&& belongs, std::vector<TrainingGroup>& groups) {
  std::vector<double> errors;
  for (const TrainingRow& row : rows) {
    if (belongs(row)) errors.push_back(std::abs(row.error()));
  }
  if (errors.empty()) return;
  std::ranges::sort(errors);
  const double median = (errors[(errors.size() - 1) / 2] + errors[errors.size() / 2]) / 2;
  groups.push_back({std::move(by), std::move(name), errors.size(), median, errors.back()});
}

std::vector<TrainingGroup> groups_of(const std::vector<TrainingRow>& rows,
                                     const std::map<std::string, std::string>& family_of) {
  std::vector<TrainingGroup> groups;
  add_group(
      rows, "all", "", [](const TrainingRow&) { return true; }, groups);
  add_group(
      rows, "bf16 without overlap", "",
      [](const TrainingRow& row) {
        return row.run.precision == Precision::kBf16 && !row.run.overlaps_ep;
      },
      groups);
  std::vector<std::string> families;
  for (const auto& [model, family] : family_of) families.push_back(family);
  std::ranges::sort(families);
  families.erase(std::unique(families.begin(), families.end()), families.end());
  for (const std::string& family : families) {
    add_group(
        rows, "family", family,
        [&](const TrainingRow& row) { return family_of.at(row.run.model) == family; }, groups);
  }
  for (const Precision precision : {Precision::kBf16, Precision::kFp8}) {
    add_group(
        rows, "precision", std::string(to_string(precision)),
        [&](const TrainingRow& row) { return row.run.precision == precision; }, groups);
  }
  for (const bool overlaps : {false, true}) {
    add_group(
        rows, "overlap", overlaps ? "yes" : "no",
        [&](const TrainingRow& row) { return row.run.overlaps_ep == overlaps; }, groups);
  }
  return groups;
}

}  // namespace

SourceHabits habits_of(const PublishedRun& run) {
  // Megatron Core before it had DeepEP; only with interleaved stages do its steps of 256 and of
  // 1,024 sequences (4.48 s and 16.8 s) go together.
  if (run.source.starts_with("arXiv:2504.14960")) return {DispatchMode::kCopies, true};
  // Its run configurations (scripts/performance/configs) have moe_token_dispatcher_type alltoall
  // for these, and DeepEP or HybridEP for the others.
  constexpr int kServerGpus = 8;
  const bool of_bridge = run.source.starts_with("Megatron-Bridge");
  const bool in_servers = run.plan.gpus_per_server <= kServerGpus;
  if (of_bridge &&
      (run.model.starts_with("gpt-oss") || (run.model.starts_with("qwen3-235b") && in_servers))) {
    return {DispatchMode::kCopies, false};
  }
  return {};
}

std::vector<PublishedRun> parse_published_runs(std::string_view csv, std::string_view input) {
  const CsvTable table = CsvTable::parse(csv, input);
  std::vector<PublishedRun> runs;
  for (std::size_t row = 0; row < table.rows(); ++row) runs.push_back(parse_run(table, row));
  return runs;
}

TrainingValidation validate_training(const std::vector<PublishedRun>& runs,
                                     const IterationOptions& options,
                                     const std::filesystem::path& folder) {
  TrainingValidation validation;
  std::map<std::string, Model> models;
  std::map<std::string, std::string> family_of;
  ProgressBar progress("published runs", runs.size());
  for (const PublishedRun& run : runs) {
    try {
      if (!models.contains(run.model)) {
        Model model = find_model_beside(run.model, folder);
        require_simulated(model);
        models.emplace(run.model, std::move(model));
      }
      const Model& model = models.at(run.model);
      family_of[run.model] = model.family;
      validation.rows.push_back(simulate_run(run, model, options));
    } catch (const Error& error) {
      throw Error(run.place, error.what());
    }
    progress.advance();
  }
  validation.groups = groups_of(validation.rows, family_of);
  return validation;
}

std::string to_json(const TrainingValidation& validation) {
  using Json = nlohmann::ordered_json;
  Json rows = Json::array();
  for (const TrainingRow& row : validation.rows) {
    rows.push_back({{"name", row.run.name},
                    {"published_step_seconds", row.run.step_seconds},
                    {"simulated_step_seconds", row.simulated_seconds},
                    {"error", row.error()},
                    {"plan", to_string(row.plan)},
                    {"precision", to_string(row.run.precision)},
                    {"ep_overlap", row.run.overlaps_ep},
                    {"dispatch", to_string(row.dispatch)},
                    {"recompute", to_string(row.recompute)}});
  }
  Json groups = Json::array();
  for (const TrainingGroup& group : validation.groups) {
    groups.push_back({{"by", group.by},
                      {"name", group.name},
                      {"rows", group.rows},
                      {"median_absolute_error", group.median},
                      {"worst_absolute_error", group.worst}});
  }
  const Json document = {
      {"schema", "mixnet.validate-training/1"}, {"rows", rows}, {"groups", groups}};
  return document.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace mixnet
