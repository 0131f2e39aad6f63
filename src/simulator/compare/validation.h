// The simulator against published iteration times.
//
// Published series are normalised, and the authors' compute times are not published. So two numbers
// a model are fitted, on the fat-tree column of the fit file alone: one scalar on all compute times
// and the unit of the series (seconds per published 1.0), by least squares of the logarithms over
// the bandwidths. Everything else (other fabrics, other bandwidths) is prediction.
//
// Files have the format of data/published/iteration_time.csv: columns model, bandwidth_gbps, and
// one per fabric with '-' written '_' (fat_tree, mixnet, ...); any models that find_model() knows,
// any bandwidths from 1 Mb/s; an empty cell is a case that was not published.
//
// Settings are those of the authors' simulations: `measured` routing, reconfiguration hidden,
// circuits first, sprayed paths, activations sent beneath compute (eager 1F1B), the model's default
// plan on request.gpus GPUs.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/units.h"
#include "fabric/fabric_kind.h"
#include "hardware/gpu.h"
#include "training/training_job.h"

namespace mixnet {

struct PublishedTime {
  std::string model;
  Bandwidth bandwidth;
  FabricKind fabric = FabricKind::kFatTree;
  double time = 0;  ///< in the series' own unit
};

/// Throws Error on unknown columns, times that are not numbers from 1e-9 to 1e9, cases given twice.
std::vector<PublishedTime> parse_published(std::string_view csv, std::string_view input);

struct ValidationRequest {
  std::vector<PublishedTime> published;
  std::vector<PublishedTime> fit;   ///< its fat-tree rows; two bandwidths a model at least
  std::string fit_input = "--fit";  ///< names the fit file in errors
  std::int64_t gpus = 1024;
  Gpu gpu;
  IterationOptions iteration;
};

struct ValidationRow {
  PublishedTime published;
  double simulated = 0;  ///< in the series' unit
  double error() const { return simulated / published.time - 1; }
};

struct ModelFit {
  std::string model;
  double compute_scale = 1;
  double seconds_per_unit = 1;
};

struct FabricError {
  FabricKind fabric;
  double median = 0;  ///< of the absolute errors
  double worst = 0;
  std::size_t cases = 0;
};

struct Validation {
  std::vector<ModelFit> fits;
  std::vector<ValidationRow> rows;  ///< in the order of the file
  std::vector<FabricError> fabrics;
};

/// The options that the published simulations ran with.
IterationOptions published_settings();

/// Throws Error when a model of `published` has no two fat-tree bandwidths in `fit`, or is unknown.
Validation validate(const ValidationRequest& request);

/// Schema mixnet.validate/1, docs/validation.md.
std::string to_json(const Validation& validation);

}  // namespace mixnet
