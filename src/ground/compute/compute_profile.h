// Times of operations that somebody measured, for the iteration: in place of what the curves say
// (compute.h), or to correct them by. Two kinds of files (docs/compute.md):
//
//   a JSON of the plan at hand, whose times are taken as they are
//     {"operations": {"attention": {"forward": "1.2ms", "backward": "2.5ms"},
//                     "optimizer": {"forward": "18ms"}}}
//   a CSV of operations of any shape (compute/measured_operations.h; python3 -m mixnet.profile
//     writes it): measured / predicted of the nearest shape is a factor on the curve. Rows of the
//     model go before those of others; an operation without rows has no factor. It was measured in
//     bf16; the factors are taken over to fp8.
//
// Plain values; pure.
#pragma once

#include <array>
#include <filesystem>
#include <optional>
#include <string_view>
#include <vector>

#include "compute/operation_shapes.h"
#include "compute/operation_time.h"

namespace mixnet {

/// Measured over predicted, of one shape.
struct OperationFactor {
  OperationWork work;
  bool is_own = false;  ///< of the model that is simulated
  double forward = 1;
  double backward = 1;
};

/// Measured times, per layer and micro-batch on one GPU; of experts with balanced load; of the
/// optimizer per iteration.
struct ComputeProfile {
  std::array<std::optional<OperationTime>, kLayerOperations> measured;
  std::vector<OperationFactor> factors;

  /// That of the nearest shape of the operation: least in the sum of powers of two by which tokens,
  /// tp, sequence and (experts) ep differ. Nothing where none was measured.
  std::optional<OperationFactor> nearest(const OperationWork& work) const;
};

/// Throws Error, naming `input` and the place in it, on unknown operations, missing directions, or
/// times without units.
ComputeProfile parse_compute_profile(std::string_view json, std::string_view input);

/// Of a CSV; `model`: the name of the one that is simulated; `rates`: of what was measured (bf16).
/// `folder` and errors as predict_operations() has them.
ComputeProfile parse_operations_profile(std::string_view csv, std::string_view input,
                                        std::string_view model, const ComputeRates& rates,
                                        const std::filesystem::path& folder = ".");

}  // namespace mixnet
