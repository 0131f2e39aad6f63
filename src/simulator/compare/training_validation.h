// The simulator against published training runs of real clusters: step times beside ours, nothing
// fitted to the rows at hand.
//
// A CSV with one row a run (data of the kind of docs/validation.md):
//   name, model, gpu, gpus, gpus_per_server, tp, ep, etp, pp, vpp, cp, micro_batch, global_batch,
//   seq, precision, ep_overlap, fabric, nic_gbps, step_seconds
// and further columns, of which `source` is read. A model is a preset, or NAME.json or
// models/NAME.json beside the CSV, or a path.
//
// What a row does not print is taken as its source is known to have it (habits_of()): how tokens
// are dispatched, and how many virtual stages. Recompute is the least with which the row's plan
// fits into memory, with ZeRO-1 and fp32 gradients, Megatron-LM's distributed optimizer. Routing is
// uniform, as benchmarks force it; no overlap of expert traffic with computation is simulated, so
// rows with `ep_overlap` should come out slower than they were.
//
// Deterministic. Cost: some milliseconds a row.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/units.h"
#include "fabric/fabric_kind.h"
#include "hardware/gpu.h"
#include "moe/model.h"
#include "moe/plan.h"
#include "training/iteration_options.h"

namespace mixnet {

struct PublishedRun {
  std::string name;
  std::string place;  ///< "file.csv:12", for errors
  std::string model;
  Gpu gpu;
  PlanRequest plan;
  Precision precision = Precision::kBf16;
  bool overlaps_ep = false;
  FabricKind fabric = FabricKind::kRailOptimized;
  Bandwidth nic_rate;
  double step_seconds = 0;
  std::string source;
};

/// Throws Error on missing columns and values that are out of range.
std::vector<PublishedRun> parse_published_runs(std::string_view csv, std::string_view input);

/// What a run has where its row does not print it, as its source is known to run.
struct SourceHabits {
  DispatchMode dispatch = DispatchMode::kDeduplicated;
  bool interleaves = false;  ///< as many virtual stages as divide the layers, else none
};
SourceHabits habits_of(const PublishedRun& run);

struct TrainingRow {
  PublishedRun run;
  ParallelPlan plan;
  DispatchMode dispatch = DispatchMode::kDeduplicated;
  Recompute recompute = Recompute::kNone;  ///< the least that fits
  double simulated_seconds = 0;
  double error() const { return simulated_seconds / run.step_seconds - 1; }
};

/// Of the absolute errors of the rows that have something in common.
struct TrainingGroup {
  std::string by;    ///< "all", "family", "precision", "overlap" or "bf16 without overlap"
  std::string name;  ///< "mixtral", "fp8", "yes"
  std::size_t rows = 0;
  double median = 0;
  double worst = 0;
};

struct TrainingValidation {
  std::vector<TrainingRow> rows;  ///< in the order of the file
  std::vector<TrainingGroup> groups;
};

/// `options`: what is no row's own. A model that is no preset is looked for in `folder`, that of
/// the CSV. Throws Error at a row whose model is not known, or whose plan is impossible.
TrainingValidation validate_training(const std::vector<PublishedRun>& runs,
                                     const IterationOptions& options,
                                     const std::filesystem::path& folder = ".");

/// Schema mixnet.validate-training/1, docs/validation.md.
std::string to_json(const TrainingValidation& validation);

}  // namespace mixnet
