#include "memory/recompute_times.h"

namespace mixnet {
namespace {

constexpr double kOfNorm = 2;     // numbers read and written
constexpr double kOfProduct = 3;  // the same

}  // namespace

double RecomputeTimes::own_tokens() const {
  return static_cast<double>(plan_.tokens_per_micro_batch()) / plan_.cp;
}

/// In which numbers pass the memory.
Time RecomputeTimes::numbers(double count) const {
  return Time::from_seconds(kBytesPerNumber * count / (rates_.bytes * kMemory));
}

Time RecomputeTimes::product(double tokens, double width, int parts) const {
  if (options_.recompute != Recompute::kSelective) return Time::zero();
  return numbers(kOfProduct * tokens * width / parts);
}

Time RecomputeTimes::attention() const {
  if (options_.recompute != Recompute::kSelective) return Time::zero();
  const Attention& a = model_.attention;
  const double between = own_tokens() / (options_.sequence_parallel ? plan_.tp : 1);
  const Time norms = numbers(kOfNorm * model_.norms * model_.hidden * between);
  if (a.kind != AttentionKind::kMultiHeadLatent) return norms;
  const double heads = static_cast<double>(a.heads) / plan_.tp;
  const auto out_of = [&](double latent, double width) {
    if (latent == 0) return Time::zero();  // projected from the layer's input
    return gemm_time({own_tokens(), latent, heads * width}, rates_).forward;
  };
  return norms + out_of(a.q_lora_rank, double(a.qk_nope_head_dim) + a.qk_rope_head_dim) +
         out_of(a.kv_lora_rank, double(a.qk_nope_head_dim) + a.v_head_dim);
}

Time RecomputeTimes::dense_ffn() const {
  return product(own_tokens(), model_.dense_intermediate, plan_.tp);
}

Time RecomputeTimes::shared_experts() const {
  return product(own_tokens(), model_.shared_intermediate, plan_.tp);
}

Time RecomputeTimes::experts(std::int64_t tokens) const {
  return product(static_cast<double>(tokens), model_.expert_intermediate, plan_.expert_tp());
}

}  // namespace mixnet
