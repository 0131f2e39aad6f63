#include "moe/model.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"

namespace mixnet {
namespace {

using Count = std::int64_t;

LayerShape layer_shape(const Model& model, bool is_moe) {
  LayerShape layer;
  layer.mixers = {model.attention};
  layer.norms = model.norms;
  if (!is_moe) {
    layer.dense = {model.dense_intermediate, true, model.dense_bias};
    return layer;
  }
  layer.experts = model.experts;
  layer.top_k = model.top_k;
  layer.expert = {model.expert_intermediate, true, model.expert_bias};
  layer.shared = {model.shared_intermediate, true, model.shared_bias};
  layer.shared_gate = model.shared_expert_gate;
  layer.shared_norms = model.shared_norms;
  layer.router = {model.experts, model.router_bias, model.router_mlp, model.router_noise};
  return layer;
}

Count norm_parameters(const Model& model) {
  return Count{model.hidden} * (model.norm_bias ? 2 : 1);
}

}  // namespace

int moe_layers(const Model& model) {
  return static_cast<int>(std::count(model.is_moe.begin(), model.is_moe.end(), true));
}

Model with_mtp(Model model, int count) {
  if (count < 0 || count > kMostMtpLayers) {
    throw Error("--mtp", fmt::format("{} is out of range", count),
                fmt::format("give 0 to {} multi-token-prediction layers", kMostMtpLayers));
  }
  model.mtp_layers = count;
  model.layers += count;
  model.is_moe.resize(model.is_moe.size() + static_cast<std::size_t>(count), true);
  return model;
}

Count mtp_parameters(const Model& model) {
  // Norms of what it predicts from, of the next token's embedding, and of what the head reads.
  return model.mtp_layers * (2 * Count{model.hidden} * model.hidden + 3 * norm_parameters(model));
}

Count attention_parameters(const Model& model) {
  return parameters(model.attention, model.hidden) + model.norms * norm_parameters(model);
}

Count expert_parameters(const Model& model) {
  return parameters(layer_shape(model, true).expert, model.hidden);
}

Count shared_expert_parameters(const Model& model) {
  const Count beside = (model.shared_expert_gate ? 1 : 0) + Count{model.shared_norms};
  return parameters(layer_shape(model, true).shared, model.hidden) + beside * model.hidden;
}

Count dense_ffn_parameters(const Model& model) {
  return parameters(layer_shape(model, false).dense, model.hidden);
}

Count router_parameters(const Model& model) {
  return parameters(layer_shape(model, true).router, model.hidden);
}

Count embedding_parameters(const Model& model) {
  return Count{model.vocab} * model.hidden * (model.tied_embeddings ? 1 : 2) +
         (model.head_bias ? model.vocab : 0);
}

Count final_norm_parameters(const Model& model) { return norm_parameters(model); }

void require_simulated(const Model& model) {
  if (model.counted_only.empty()) return;
  throw Error(fmt::format("model '{}'", model.name),
              fmt::format("can be counted and not simulated: {}", model.counted_only),
              "'mixnet models FILE' counts it; give a model whose layers are alike");
}

ModelCounts count_parameters(const Model& model) {
  if (!model.counted_only.empty()) return model.counted;
  StackShape stack;
  stack.hidden = model.hidden;
  stack.vocab = model.vocab;
  stack.norm_bias = model.norm_bias;
  stack.tied_embeddings = model.tied_embeddings;
  stack.head_bias = model.head_bias;
  stack.layers = {layer_shape(model, true), layer_shape(model, false)};
  stack.layers[0].count = moe_layers(model);
  stack.layers[1].count = model.layers - moe_layers(model);
  return count(stack);
}

Count total_parameters(const Model& model) { return count_parameters(model).total.total(); }

Count active_parameters(const Model& model) { return count_parameters(model).active.total(); }

double forward_flops_per_token(const Model& model, std::int64_t seq_length) {
  const ModelCounts counts = count_parameters(model);
  const BlockCounts& active = counts.active;
  const double passed =
      static_cast<double>(active.total() - active.embeddings - active.norms - active.head) +
      static_cast<double>(model.vocab) * model.hidden * (1 + model.mtp_layers) +
      2.0 * model.mtp_layers * model.hidden * model.hidden;
  return 2 * passed +
         static_cast<double>(counts.attention_flops_per_token) * static_cast<double>(seq_length);
}

}  // namespace mixnet
