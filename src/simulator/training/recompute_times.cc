#include "training/recompute_times.h"

namespace mixnet {
namespace {

constexpr double kOfNorm = 2;     // numbers read and written
constexpr double kOfProduct = 3;  // the same

bool is_selective(const JobSetup& job) { return job.options.recompute == Recompute::kSelective; }

double own_tokens(const JobSetup& job) {
  return static_cast<double>(job.plan.tokens_per_micro_batch()) / job.plan.cp;
}

/// In which numbers pass the memory.
OperationTime numbers(const JobSetup& job, double count) {
  const double rate = job.gpu.memory_bytes_per_second * kMemory;
  return {Time::zero(), Time::from_seconds(kBytesPerNumber * count / rate)};
}

OperationTime product(const JobSetup& job, double tokens, double width, int parts) {
  if (!is_selective(job)) return {};
  return numbers(job, kOfProduct * tokens * width / parts);
}

}  // namespace

OperationTime attention_again(const JobSetup& job) {
  if (!is_selective(job)) return {};
  const Model& model = job.model;
  const Attention& a = model.attention;
  const double between = own_tokens(job) / (job.options.sequence_parallel ? job.plan.tp : 1);
  OperationTime time = numbers(job, kOfNorm * model.norms * model.hidden * between);
  if (a.kind != AttentionKind::kMultiHeadLatent) return time;
  const ComputeRates rates = compute_rates(job.gpu, job.options.compute.precision);
  const double tokens = own_tokens(job);
  const double heads = static_cast<double>(a.heads) / job.plan.tp;
  const auto out_of = [&](double rank, double width) {
    if (rank > 0) time.backward += gemm_time({tokens, rank, heads * width}, rates).forward;
  };
  out_of(a.q_lora_rank, a.qk_nope_head_dim + a.qk_rope_head_dim);
  out_of(a.kv_lora_rank, a.qk_nope_head_dim + a.v_head_dim);
  return time;
}

OperationTime dense_ffn_again(const JobSetup& job) {
  return product(job, own_tokens(job), job.model.dense_intermediate, job.plan.tp);
}

OperationTime shared_experts_again(const JobSetup& job) {
  return product(job, own_tokens(job), job.model.shared_intermediate, job.plan.tp);
}

OperationTime experts_again(const JobSetup& job, std::int64_t tokens) {
  return product(job, static_cast<double>(tokens), job.model.expert_intermediate,
                 job.plan.expert_tp());
}

}  // namespace mixnet
