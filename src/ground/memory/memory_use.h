// What training a model under a plan takes of the memory of a GPU, part by part, on the GPU of each
// pipeline stage that has most. The activations are in activation_memory.h.
//
//   parameters   2 bytes (bf16). With fp8, 2 more for each that is kept in fp8, too: Transformer
//                Engine casts weights once an iteration and keeps them by rows and by columns.
//   gradients    gradient_bytes: the buffer that micro-batches add to and that is summed over
//                replicas; 4 is Megatron-LM's default with bf16, 2 its
//                --grad-reduce-in-bf16
//   optimizer    Adam: an fp32 copy of the parameter (4) and two moments of moment_bytes each: 4,
//                or 2 as DeepSeek-V3 trained (arXiv 2412.19437, section 3.3) and as Megatron-LM's
//                --use-precision-aware-optimizer has it
//   buffers      what an all-to-all of tokens reads and writes, the gradients of a layer's
//                activations in backward, the sequence gathered over tp, activations that arrive
//                from the next stages, and what ZeRO gathers
// Which of a stage's copies holds what is ZeRO's stage (Rajbhandari et al., SC 2020): 0 all of it;
// 1 its share of the optimizer (Megatron's distributed optimizer); 2 of the gradients, too (one
// layer's lie whole beside them); 3, which is fully sharded data parallel, of the parameters, too
// (two layers' lie whole beside them: the one at work and the next). Copies are dp * cp for what is
// dense and the replicas of the EP group for experts; a share is rounded up to whole numbers.
//
// kRuntimeOverhead is what else is there: CUDA's context (0.5 GB), NCCL's channels (1 to 2 GB
// with a communicator each for TP, EP, PP, DP), workspaces of GEMMs and attention, and what
// PyTorch's allocator cannot use. A GPU sold as "80 GB" has 85.5e9 bytes (nvidia-smi of an H100:
// 81,559 MiB), of which the 80e9 here leave 5.5e9 besides.
//
// Pure; O(1) a stage. Bytes that no GPU will ever have stop at 1e18 a part.
#pragma once

#include <cstdint>

#include "base/names.h"
#include "hardware/gpu.h"
#include "moe/model.h"
#include "moe/plan.h"

namespace mixnet {

/// What of a layer's forward pass is not kept and runs again in backward.
///   selective  what is cheap: norms, activation functions (of experts, too), MLA's matrices out of
///              the latents. Scores of attention are never kept: FlashAttention.
///   full       all but the layer's input (Chen et al., arXiv:1604.06174), communication included
enum class Recompute { kNone, kSelective, kFull };

template <>
struct Names<Recompute> {
  static constexpr std::string_view kWhat = "recompute";
  static constexpr NamedValue<Recompute> kTable[] = {
      {"none", Recompute::kNone}, {"selective", Recompute::kSelective}, {"full", Recompute::kFull}};
};

struct MemoryOptions {
  int zero = 1;  ///< 0 to 3
  Recompute recompute = Recompute::kNone;
  int gradient_bytes = 2;
  int moment_bytes = 4;
  bool eager_schedule = false;    ///< eager 1F1B: twice the micro-batches in flight
  bool sequence_parallel = true;  ///< of the tp ranks: else each keeps what lies between its parts
  bool fp8 = false;               ///< GEMMs in fp8
};

/// Of one GPU, in bytes.
struct MemoryUse {
  std::int64_t parameters = 0;
  std::int64_t gradients = 0;
  std::int64_t optimizer = 0;
  std::int64_t activations = 0;
  std::int64_t buffers = 0;

  std::int64_t states() const { return parameters + gradients + optimizer; }
  std::int64_t total() const { return states() + activations + buffers; }
  bool operator==(const MemoryUse&) const = default;
};

MemoryUse memory_of_stage(const Model& model, const ParallelPlan& plan,
                          const MemoryOptions& options, int stage);

struct WorstRank {
  int stage = 0;
  MemoryUse use;
};
WorstRank worst_rank(const Model& model, const ParallelPlan& plan, const MemoryOptions& options);

inline constexpr int kMasterBytes = 4;  ///< a parameter
inline constexpr std::int64_t kRuntimeOverhead = 3'000'000'000;
/// What of a GPU's memory training can have.
std::int64_t usable_memory(const Gpu& gpu);

}  // namespace mixnet
