// The operations that a GPU computes for a layer, and measured times of them, which take the place
// of the roofline's (compute.h). A profile is a JSON file (docs/compute.md):
//
//   {"operations": {"attention": {"forward": "1.2ms", "backward": "2.5ms"},
//                   "optimizer": {"forward": "18ms"}}}
//
// Plain values; pure.
#pragma once

#include <array>
#include <optional>
#include <string_view>

#include "base/names.h"
#include "compute/operation_time.h"

namespace mixnet {

enum class Operation { kAttention, kGate, kExperts, kSharedExperts, kDenseFfn, kHead, kOptimizer };

template <>
struct Names<Operation> {
  static constexpr std::string_view kWhat = "operation";
  static constexpr NamedValue<Operation> kTable[] = {
      {"attention", Operation::kAttention}, {"gate", Operation::kGate},
      {"experts", Operation::kExperts},     {"shared_experts", Operation::kSharedExperts},
      {"dense_ffn", Operation::kDenseFfn},  {"head", Operation::kHead},
      {"optimizer", Operation::kOptimizer}};
};
inline constexpr std::size_t kOperations = std::size(Names<Operation>::kTable);

/// Measured times, per layer and micro-batch on one GPU; of experts with balanced load; of the
/// optimizer per iteration.
struct ComputeProfile {
  std::array<std::optional<OperationTime>, kOperations> measured;
};

/// Throws Error, naming `input` and the place in it, on unknown operations, missing directions, or
/// times without units.
ComputeProfile parse_compute_profile(std::string_view json, std::string_view input);

}  // namespace mixnet
