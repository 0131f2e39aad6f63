#include "compute/operation_curves.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "moe/model.h"

namespace mixnet {
namespace {

/// Seconds there and back, which add up before they are rounded.
struct Seconds {
  double forward = 0;
  double backward = 0;

  Seconds& operator+=(const Seconds& other) {
    forward += other.forward;
    backward += other.backward;
    return *this;
  }
  Seconds operator*(double factor) const { return {forward * factor, backward * factor}; }
};

OperationTime rounded(const Seconds& seconds) {
  return {Time::from_seconds(seconds.forward), Time::from_seconds(seconds.backward)};
}

/// Of bytes that are moved once.
double stream(double bytes, const ComputeRates& rates) { return bytes / (rates.bytes * kMemory); }

/// Of bf16 activations that are moved so many times.
Seconds passes(double numbers, double forward, double backward, const ComputeRates& rates) {
  return {stream(kBytesPerNumber * numbers * forward, rates),
          stream(kBytesPerNumber * numbers * backward, rates)};
}

Seconds bf16_gemm(const GemmShape& s, double peak, double operand_bytes,
                  const ComputeRates& rates) {
  const double flops = 2 * s.rows * s.inner * s.columns;
  const double bytes = operand_bytes * (s.rows * s.inner + s.inner * s.columns) +
                       kBytesPerNumber * s.rows * s.columns;
  const double speed = peak * kGemm * s.columns / (s.columns + kHalfColumns);
  const double rows = s.rows / (s.rows + kHalfRowsBackward);
  return {std::max(flops / speed, stream(bytes, rates)),
          std::max(2 * flops / (speed * rows), stream(2 * bytes, rates))};
}

Seconds gemm(const GemmShape& s, const ComputeRates& rates) {
  if (rates.precision == Precision::kBf16) {
    return bf16_gemm(s, rates.bf16_flops, kBytesPerNumber, rates);
  }
  Seconds time = bf16_gemm(s, rates.gemm_flops * kFp8Gemm, 1, rates);
  // What comes in forward, and the gradient of what goes out.
  time += {stream(kFp8CastBytes * s.rows * s.inner, rates),
           stream(kFp8CastBytes * s.rows * s.columns, rates)};
  return time;
}

/// Scores and weighted sums; causal, which halves them.
Seconds scores(const AttentionShape& s, const ComputeRates& rates) {
  const double flops = s.tokens * s.sequence * s.head_widths;
  const double peak = rates.bf16_flops * s.sequence / (s.sequence + kHalfSequence);
  const double forward = s.is_latent ? kLatentScoresForward : kScoresForward;
  const double backward = s.is_latent ? kLatentScoresBackward : kScoresBackward;
  return {flops / (peak * forward), kScoresBackwardFlops * flops / (peak * backward)};
}

/// The three matrices of a gated part; gate and up, which are alike, and down.
Seconds gated_part(double tokens, double hidden, double width, const ComputeRates& rates) {
  Seconds time = gemm({tokens, hidden, width}, rates) * 2;
  time += gemm({tokens, width, hidden}, rates);
  return time;
}

}  // namespace

ComputeRates compute_rates(const Gpu& gpu, Precision precision, std::string_view input) {
  const bool is_fp8 = precision == Precision::kFp8;
  if (is_fp8 && gpu.peak_fp8_flops <= 0) {
    throw Error(input, fmt::format("{} has no fp8", gpu.name),
                "give bf16, or a GPU with peak_fp8_tflops ('mixnet gpus')");
  }
  return {gpu.peak_bf16_flops, is_fp8 ? gpu.peak_fp8_flops : gpu.peak_bf16_flops,
          gpu.memory_bytes_per_second, precision};
}

OperationTime gemm_time(const GemmShape& shape, const ComputeRates& rates) {
  return rounded(gemm(shape, rates));
}

OperationTime bf16_gemm_time(const GemmShape& shape, const ComputeRates& rates) {
  return rounded(bf16_gemm(shape, rates.bf16_flops, kBytesPerNumber, rates));
}

OperationTime attention_time(const AttentionShape& shape, const ComputeRates& rates) {
  Seconds time = scores(shape, rates);
  for (const GemmShape& projection : shape.projections) time += gemm(projection, rates);
  const double half = kAttentionPasses / 2;
  time += passes(shape.tokens * (shape.hidden + shape.head_widths), half, half, rates);
  return rounded(
      {std::max(time.forward, kAttentionForward), std::max(time.backward, kAttentionBackward)});
}

OperationTime experts_time(const ExpertsShape& shape, const ComputeRates& rates) {
  Seconds time =
      gated_part(shape.tokens / shape.local, shape.hidden, shape.width, rates) * shape.local;
  time += passes(shape.tokens * shape.width, kExpertPasses, 2 * kExpertPasses, rates);
  time += {kLaunches, kLaunches};
  if (shape.calls == ExpertCalls::kLoop) {
    // The gradient of each expert's slice is that of all tokens, zero elsewhere; the sum of these
    // has one addition fewer.
    time.forward += shape.local * kLoopLaunch;
    const Seconds gradient = passes(shape.tokens * shape.hidden, 0, kLoopGradientPasses, rates);
    time.backward += std::max(shape.local - 1, 0.0) * (kLoopGradient + gradient.backward);
  }
  return rounded(time);
}

OperationTime feed_forward_time(double tokens, double hidden, double width,
                                const ComputeRates& rates) {
  return experts_time({tokens, 1, hidden, width, ExpertCalls::kGrouped}, rates);
}

OperationTime gate_time(double tokens, double hidden, double experts, const ComputeRates& rates) {
  const double bytes = tokens * (kBytesPerNumber * hidden + kGateLogitBytes * experts);
  return rounded({kLaunches + stream(bytes, rates), kGateBackward});
}

OperationTime permute_time(double tokens, double hidden, const ComputeRates& rates) {
  return rounded(passes(tokens * hidden, kPermutePassesForward, kPermutePassesBackward, rates));
}

OperationTime fused_permute_time(double tokens, double hidden, const ComputeRates& rates) {
  return rounded(passes(tokens * hidden, kFusedPermutePasses, kFusedPermutePasses, rates));
}

OperationTime optimizer_time(double parameters, const ComputeRates& rates) {
  return {Time::from_seconds(kOptimizerBytes * parameters / (rates.bytes * kOptimizerMemory)),
          Time::zero()};
}

}  // namespace mixnet
