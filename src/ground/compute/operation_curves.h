// How long a GPU takes for the operations of a layer, from their shapes: efficiency curves by kind
// of operation and by size, in place of one factor for all.
//
//   GEMM (m x k) * (k x n)   max(FLOPs / (peak * kGemm * n / (n + kHalfColumns)), bytes / memory)
//                            backward: two such GEMMs, times m / (m + kHalfRowsBackward)
//   memory                   bandwidth * kMemory: what streams of numbers reach
//   attention                its projections + scores and weighted sum (peak * their own share *
//                            s / (s + kHalfSequence)) + norms, rotations and copies (passes over
//                            the activations); at least its launches
//   experts                  for each local expert the three GEMMs of its tokens + passes over the
//                            activations between them + launches
//   gate, permute, head, optimizer   bytes and launches; the head is a GEMM
//
// The constants below were fitted by scripts/fit_compute.py to 163 times measured on one H200
// (docs/compute.md); those that were not say where they are from. Shares of peaks and passes are
// carried to other GPUs by these GPUs' peaks and bandwidths; launches are the host's and the
// software's (PyTorch), and stay as they are.
//
// Precision. With fp8, GEMMs of projections, experts and feed-forward parts multiply e4m3 numbers
// scaled by blocks (DeepSeek-V3's 1 x 128 and 128 x 128, or MX); scores, router, head, norms and
// activations stay bf16. What comes in is cast first, which is traffic.
//
// Units: FLOP/s, bytes a second, tokens; times are Time. Sizes are doubles, so that a balanced
// share need not be whole; they are above zero. Pure; constant time.
#pragma once

#include <span>
#include <string_view>

#include "base/names.h"
#include "compute/operation_time.h"
#include "hardware/gpu.h"

namespace mixnet {

// 19 fitted constants.
inline constexpr double kGemm = 0.732;            ///< of the peak, of large bf16 GEMMs
inline constexpr double kHalfColumns = 112;       ///< columns at which a GEMM is half as good
inline constexpr double kHalfRowsBackward = 394;  ///< rows at which its gradients are
inline constexpr double kScoresForward = 0.773;   ///< of the peak, of long sequences
inline constexpr double kScoresBackward = 0.558;
inline constexpr double kLatentScoresForward = 0.544;  ///< MLA: values narrower than queries
inline constexpr double kLatentScoresBackward = 0.267;
inline constexpr double kHalfSequence = 808;      ///< tokens at which scores are half as good
inline constexpr double kAttentionPasses = 9.26;  ///< halves of passes over hidden and head widths
inline constexpr double kAttentionForward = 268e-6;  ///< seconds of launches, at least
inline constexpr double kAttentionBackward = 1.21e-3;
inline constexpr double kExpertPasses = 10.2;    ///< over the intermediate; backward twice
inline constexpr double kLaunches = 93.2e-6;     ///< seconds, of experts and of the gate
inline constexpr double kLoopLaunch = 20.5e-6;   ///< seconds, for each expert of a loop
inline constexpr double kLoopGradient = 241e-6;  ///< the same of its backward
inline constexpr double kGateBackward = 350e-6;  ///< seconds of launches
inline constexpr double kGateLogitBytes = 213;   ///< softmax, top-k and loss, per token and expert
inline constexpr double kPermutePassesBackward = 17.7;  ///< a scatter with sums
inline constexpr double kOptimizerMemory = 0.647;  ///< of the bandwidth, of AdamW's seven streams

/// What a layer with experts waits for the host in a pass of a micro-batch: its counts of tokens,
/// and launches of small kernels behind them. One constant fitted to published training
/// (scripts/fit_training.py); CUDA graphs would take it away.
inline constexpr Time kLayerWait = Time::microseconds(300);

// Not fitted.
inline constexpr double kMemory = 0.8;              ///< of the bandwidth, of long streams
inline constexpr double kPermutePassesForward = 2;  ///< a gather reads and writes
/// A permutation in one kernel (Transformer Engine's) reads and writes, and so does its gradient's.
inline constexpr double kFusedPermutePasses = 2;
inline constexpr double kLoopGradientPasses = 4;     ///< fills with zeros; adds: reads two, writes
inline constexpr double kScoresBackwardFlops = 2.5;  ///< FlashAttention-2: five products for two
inline constexpr double kOptimizerBytes =
    28;  ///< a parameter: gradient, master, two moments, weight
/// Of the share of its peak that a GEMM has in bf16, in fp8 scaled by blocks: DeepGEMM's first
/// release had 1350 TFLOP/s on an H800, 0.68 of 1979, where kGemm is 0.73.
inline constexpr double kFp8Gemm = 0.93;
/// Bytes to cast one bf16 number that comes in: read 2, write it scaled along either axis
/// (Transformer Engine's and DeepSeek-V3's recipe: rows for this GEMM, columns for the gradient's).
inline constexpr double kFp8CastBytes = 4;

enum class Precision { kBf16, kFp8 };

template <>
struct Names<Precision> {
  static constexpr std::string_view kWhat = "precision";
  static constexpr NamedValue<Precision> kTable[] = {
      {"bf16", Precision::kBf16}, {"fp8", Precision::kFp8}, {"mxfp8", Precision::kFp8}};
};

/// What a GPU computes and moves a second, before efficiencies.
struct ComputeRates {
  double bf16_flops = 0;
  double gemm_flops = 0;  ///< of the GEMMs that the precision is for
  double bytes = 0;
  Precision precision = Precision::kBf16;
};

/// Throws Error when the GPU has no such precision; `input` names the flag.
ComputeRates compute_rates(const Gpu& gpu, Precision precision,
                           std::string_view input = "--precision");

/// (rows x inner) * (inner x columns): rows are tokens.
struct GemmShape {
  double rows = 1;
  double inner = 1;
  double columns = 1;
};

struct AttentionShape {
  double tokens = 1;
  double sequence = 1;
  double hidden = 1;
  double head_widths = 1;  ///< of this GPU's heads, query and value together
  bool is_latent = false;  ///< queries are wider than values
  std::span<const GemmShape> projections;
};

/// How experts are computed: in one call of grouped GEMMs, or one expert after the other.
enum class ExpertCalls { kGrouped, kLoop };

struct ExpertsShape {
  double tokens = 1;  ///< token copies that reach the GPU
  double local = 1;   ///< experts that it holds
  double hidden = 1;
  double width = 1;  ///< intermediate, after division by tp
  ExpertCalls calls = ExpertCalls::kGrouped;
};

OperationTime gemm_time(const GemmShape& shape, const ComputeRates& rates);
/// In bf16 whatever the precision is.
OperationTime bf16_gemm_time(const GemmShape& shape, const ComputeRates& rates);
OperationTime attention_time(const AttentionShape& shape, const ComputeRates& rates);
OperationTime experts_time(const ExpertsShape& shape, const ComputeRates& rates);
/// A gated feed-forward part that all tokens pass: a dense layer's, or shared experts.
OperationTime feed_forward_time(double tokens, double hidden, double width,
                                const ComputeRates& rates);
OperationTime gate_time(double tokens, double hidden, double experts, const ComputeRates& rates);
/// The gather of `tokens` token copies in the order of their experts.
OperationTime permute_time(double tokens, double hidden, const ComputeRates& rates);
/// The same, and the other way round with weights, by one kernel each as frameworks train.
OperationTime fused_permute_time(double tokens, double hidden, const ComputeRates& rates);
OperationTime optimizer_time(double parameters, const ComputeRates& rates);

}  // namespace mixnet
