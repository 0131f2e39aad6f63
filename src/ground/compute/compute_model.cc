#include "compute/compute_model.h"

#include <algorithm>

namespace mixnet {
namespace {

OperationTime sum(const OperationTime& a, const OperationTime& b) {
  return {a.forward + b.forward, a.backward + b.backward};
}

}  // namespace

ComputeModel::ComputeModel(const Model& model, const ParallelPlan& plan, const Gpu& gpu,
                           const ComputeOptions& options, double parameters)
    : model_(model),
      plan_(plan),
      rates_(compute_rates(gpu, options.precision)),
      parameters_(parameters),
      options_(options),
      mean_rank_tokens_(static_cast<double>(plan.tokens_per_ep_rank() * model.top_k)) {
  for (std::size_t i = 0; i < kLayerOperations; ++i) {
    const auto operation = static_cast<LayerOperation>(i);
    if (!has_operation(model_, operation)) continue;
    factors_[i] = options_.profile.nearest(work_of(operation, tokens_of(operation)));
    times_[i] = time_of(operation);
  }
}

OperationTime ComputeModel::experts(std::int64_t tokens) const {
  const auto copies = static_cast<double>(tokens);
  if (options_.profile.measured[static_cast<std::size_t>(LayerOperation::kExperts)]) {
    const OperationTime balanced = time(LayerOperation::kExperts);
    const double share = copies / mean_rank_tokens_;
    return {scaled(balanced.forward, share), scaled(balanced.backward, share)};
  }
  // A rank that nobody chose launches all the same.
  return with_permutation(LayerOperation::kExperts,
                          predicted(LayerOperation::kExperts, std::max(copies, 1.0)), copies);
}

OperationWork ComputeModel::work_of(LayerOperation operation, double tokens) const {
  return {.operation = operation,
          .tp = operation == LayerOperation::kExperts ? plan_.expert_tp() : plan_.tp,
          .ep = plan_.ep,
          .sequence = static_cast<double>(plan_.seq_length),
          .tokens = tokens};
}

/// What the curves say, corrected by what was measured.
OperationTime ComputeModel::predicted(LayerOperation operation, double tokens) const {
  const OperationTime time = operation_time(model_, work_of(operation, tokens), rates_);
  const auto& factor = factors_[static_cast<std::size_t>(operation)];
  if (!factor) return with_sum(operation, time);
  return with_sum(operation,
                  {scaled(time.forward, factor->forward), scaled(time.backward, factor->backward)});
}

/// With the sum of gradients over micro-batches. The curves have them written in bf16 once.
OperationTime ComputeModel::with_sum(LayerOperation operation, OperationTime time) const {
  const double bytes = (2.0 * options_.gradient_bytes - kBytesPerNumber) * parameters_of(operation);
  time.backward += Time::from_seconds(bytes / (rates_.bytes * kMemory));
  return time;
}

/// Of one layer on one GPU, of the matrices that an operation multiplies with.
double ComputeModel::parameters_of(LayerOperation operation) const {
  const double tp = plan_.tp;
  switch (operation) {
    case LayerOperation::kAttention:
      return static_cast<double>(attention_parameters(model_)) / tp;
    case LayerOperation::kExperts:
      return static_cast<double>(expert_parameters(model_)) * local_experts(model_, plan_.ep) /
             plan_.expert_tp();
    case LayerOperation::kSharedExperts:
      return static_cast<double>(shared_expert_parameters(model_)) / tp;
    case LayerOperation::kDenseFfn:
      return static_cast<double>(dense_ffn_parameters(model_)) / tp;
    case LayerOperation::kHead:
      return static_cast<double>(model_.vocab) * model_.hidden / tp;
    case LayerOperation::kGate:
    case LayerOperation::kPermute:
    case LayerOperation::kOptimizer:
      break;
  }
  return 0;
}

/// Sequence parallel: the GPUs of a TP group, and of an expert's, have a share of the copies each.
OperationTime ComputeModel::with_permutation(LayerOperation operation, OperationTime time,
                                             double copies) const {
  const int gpus = operation == LayerOperation::kExperts ? plan_.expert_tp() : 1;
  if (copies <= 0) return time;
  return sum(time, fused_permute_time(copies / gpus, model_.hidden, rates_));
}

OperationTime ComputeModel::time_of(LayerOperation operation) const {
  if (const auto& measured = options_.profile.measured[static_cast<std::size_t>(operation)]) {
    return *measured;
  }
  const double tokens = tokens_of(operation);
  const OperationTime time = predicted(operation, tokens);
  if (operation == LayerOperation::kGate) {
    return sum(with_permutation(operation, time, tokens * model_.top_k),
               {options_.layer_wait, options_.layer_wait});
  }
  return operation == LayerOperation::kExperts ? with_permutation(operation, time, tokens) : time;
}

/// What the operation sees, with balanced load. Sequence parallel: gate and permutation have a
/// tp-th of the tokens.
double ComputeModel::tokens_of(LayerOperation operation) const {
  const double tokens = static_cast<double>(plan_.tokens_per_micro_batch()) / plan_.cp;
  switch (operation) {
    case LayerOperation::kGate:
      return tokens / plan_.tp;
    case LayerOperation::kPermute:
      return tokens / plan_.tp * model_.top_k;
    case LayerOperation::kExperts:
      return mean_rank_tokens_;
    case LayerOperation::kOptimizer:
      return parameters_;
    default:
      return tokens;
  }
}

}  // namespace mixnet
