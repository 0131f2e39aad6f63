// The operations of a model's layers, as one GPU of a plan computes them: shapes from the model and
// from how it is split, times by the curves (operation_curves.h).
//
// Tensor parallelism divides heads, intermediate widths and the vocabulary; keys and values by at
// most their heads; MLA's projections down to latents, the gate and the permutation not at all.
// Expert parallelism divides the experts.
//
// Pure, constant time. Of models that are simulated (require_simulated()).
#pragma once

#include <string_view>

#include "base/names.h"
#include "compute/operation_curves.h"
#include "moe/model.h"

namespace mixnet {

enum class LayerOperation {
  kAttention,      ///< norm, projections, causal scores and weighted sum
  kGate,           ///< router, top-k, load-balancing loss
  kPermute,        ///< gather of token copies in the order of their experts
  kExperts,        ///< routed experts of one EP rank
  kSharedExperts,  ///< those that all tokens visit
  kDenseFfn,       ///< the feed-forward part of a layer without experts
  kHead,           ///< output projection and loss
  kOptimizer,      ///< AdamW in mixed precision
};

template <>
struct Names<LayerOperation> {
  static constexpr std::string_view kWhat = "operation";
  static constexpr NamedValue<LayerOperation> kTable[] = {
      {"attention", LayerOperation::kAttention},
      {"gate", LayerOperation::kGate},
      {"permute", LayerOperation::kPermute},
      {"experts", LayerOperation::kExperts},
      {"shared_experts", LayerOperation::kSharedExperts},
      {"dense_ffn", LayerOperation::kDenseFfn},
      {"head", LayerOperation::kHead},
      {"optimizer", LayerOperation::kOptimizer}};
};
inline constexpr std::size_t kLayerOperations = std::size(Names<LayerOperation>::kTable);

/// What a GPU has of an operation.
struct OperationWork {
  LayerOperation operation = LayerOperation::kAttention;
  int tp = 1;
  int ep = 1;
  double sequence = 1;  ///< tokens; of attention
  /// What the operation sees: tokens of a micro-batch; token copies at permute and at experts (of
  /// the busiest rank, for which the layer waits); parameters at the optimizer.
  double tokens = 1;
  ExpertCalls calls = ExpertCalls::kGrouped;
};

/// Whether the model has such an operation: shared experts and layers without experts may not be.
bool has_operation(const Model& model, LayerOperation operation);

/// Experts on one EP rank: of those that exist when they divide evenly, else of those placed.
double local_experts(const Model& model, int ep);

/// Of one layer and micro-batch; the optimizer's of an iteration. `work.operation` is one that the
/// model has; of the optimizer, the model does not matter.
OperationTime operation_time(const Model& model, const OperationWork& work,
                             const ComputeRates& rates);

}  // namespace mixnet
