#include "training/compute.h"

#include <algorithm>

#include "training/stage_parameters.h"

namespace mixnet {
namespace {

constexpr double kOptimizerBytes = 28;        // a parameter, see the header
constexpr double kQuadraticBackward = 2.5;    // of forward
constexpr double kAttentionActivations = 12;  // tokens' vectors read and written around attention

double value_width(const Attention& a) { return a.v_head_dim > 0 ? a.v_head_dim : a.head_dim; }

}  // namespace

ComputeModel::ComputeModel(const Model& model, const ParallelPlan& plan, const Gpu& gpu,
                           const ComputeOptions& options)
    : model_(model),
      plan_(plan),
      flops_per_second_(gpu.peak_bf16_flops * options.compute_efficiency),
      bytes_per_second_(gpu.memory_bytes_per_second * options.memory_efficiency),
      mean_rank_tokens_(static_cast<double>(plan.tokens_per_ep_rank() * model.top_k)) {
  for (std::size_t i = 0; i < kOperations; ++i) {
    times_[i] = options.profile.measured[i].value_or(roofline_of(static_cast<Operation>(i)));
  }
  experts_measured_ =
      options.profile.measured[static_cast<std::size_t>(Operation::kExperts)].has_value();
}

OperationTime ComputeModel::experts(std::int64_t tokens) const {
  const auto count = static_cast<double>(tokens);
  if (!experts_measured_) return roofline_experts(count);
  const OperationTime balanced = time(Operation::kExperts);
  return {scaled(balanced.forward, count / mean_rank_tokens_),
          scaled(balanced.backward, count / mean_rank_tokens_)};
}

OperationTime ComputeModel::roofline(double flops, double bytes, double backward_flops,
                                     int tp) const {
  const double memory = bytes / tp / bytes_per_second_;
  return {Time::from_seconds(std::max(flops / tp / flops_per_second_, memory)),
          Time::from_seconds(std::max(backward_flops / tp / flops_per_second_, 2 * memory))};
}

OperationTime ComputeModel::roofline_attention() const {
  const auto tokens = static_cast<double>(plan_.tokens_per_micro_batch() / plan_.cp);
  const Attention& a = model_.attention;
  const auto parameters = static_cast<double>(attention_parameters(model_));
  const double linear = 2 * tokens * parameters;
  const double quadratic =
      tokens * static_cast<double>(plan_.seq_length) * a.heads * (a.head_dim + value_width(a));
  const double bytes =
      kBytesPerNumber * (parameters + kAttentionActivations * tokens * model_.hidden);
  return roofline(linear + quadratic, bytes, 2 * linear + kQuadraticBackward * quadratic, plan_.tp);
}

OperationTime ComputeModel::roofline_experts(double tokens) const {
  const auto parameters = static_cast<double>(expert_parameters(model_));
  const double flops = 2 * parameters * tokens;
  const double local_experts = static_cast<double>(model_.placed_experts) / plan_.ep;
  const double bytes =
      kBytesPerNumber * (parameters * local_experts +
                         tokens * (2.0 * model_.hidden + 4.0 * model_.expert_intermediate));
  return roofline(flops, bytes, 2 * flops, plan_.expert_tp());
}

OperationTime ComputeModel::roofline_of(Operation operation) const {
  const auto tokens = static_cast<double>(plan_.tokens_per_micro_batch() / plan_.cp);
  const auto matrix = [&](std::int64_t parameters) {
    const auto count = static_cast<double>(parameters);
    const double flops = 2 * tokens * count;
    const double bytes = kBytesPerNumber * (count + 2 * tokens * model_.hidden);
    return count > 0 ? roofline(flops, bytes, 2 * flops, plan_.tp) : OperationTime{};
  };
  switch (operation) {
    case Operation::kAttention:
      return roofline_attention();
    case Operation::kGate:
      return matrix(router_parameters(model_));
    case Operation::kExperts:
      return roofline_experts(mean_rank_tokens_);
    case Operation::kSharedExperts:
      return matrix(model_.shared_intermediate > 0 ? shared_expert_parameters(model_) : 0);
    case Operation::kDenseFfn:
      return matrix(dense_ffn_parameters(model_));
    case Operation::kHead:
      return matrix(std::int64_t{model_.hidden} * model_.vocab);
    case Operation::kOptimizer:
      break;
  }
  double busiest = 0;
  for (int stage = 0; stage < plan_.pp; ++stage) {
    const auto [dense, expert] = stage_parameters(model_, plan_, stage);
    busiest = std::max(busiest, static_cast<double>(dense) / plan_.tp +
                                    static_cast<double>(expert) / plan_.ep / plan_.expert_tp());
  }
  return {Time::from_seconds(busiest * kOptimizerBytes / bytes_per_second_), {}};
}

}  // namespace mixnet
