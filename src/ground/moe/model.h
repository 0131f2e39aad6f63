// What a Mixture-of-Experts transformer is, as far as time and traffic depend on it: shapes of the
// layers, how many experts and how many of them a token visits. Weights, tokenizers and numerics
// are no part of it.
//
// A layer is attention followed by a feed-forward part, which is either dense or a router with
// routed experts and, in some families, shared experts that every token visits. All layers have the
// same attention, and all feed-forward parts are gated (three matrices: gate, up, down). A model
// that is not so is counted only: `counted_only` says why, `counted` holds its counts, and of the
// fields below those that do not fit it describe its first layers with experts. make_plan() refuses
// it, so nothing simulates it.
//
// Counting. All counts are of parameters (not bytes), from the shapes alone (layer_shapes.h).
// Multi-token-prediction layers (DeepSeek-V3's 11.5 B) are not counted: the published 671 B leave
// them out too. Training does run them: with_mtp() adds them as layers. Of models that see or hear,
// the text model is counted. `active` is the same sum with top_k experts in place of all of them,
// input embedding and head included, which is how most papers count.
//
// Invariants, which parse_model_config() upholds and whoever fills a Model by hand must: all sizes
// that are not documented as "0 when none" are at least 1; is_moe has `layers` entries, at least
// one of them true; top_k <= placed_experts; total_parameters fits (it is refused above 1e16).
//
// A Model is a plain value; the functions are pure and take constant time, moe_layers() and what
// uses it O(layers).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "moe/layer_shapes.h"

namespace mixnet {

inline constexpr int kMostMtpLayers = 16;
inline constexpr int kBytesPerNumber = 2;  ///< bf16: activations, and the weights computed with

/// The training plan that a preset comes with; 0 = not given. model_catalog.h, docs/models.md.
struct ModelDefaults {
  int tp = 0;
  int pp = 0;
  int ep = 0;
  int micro_batch_size = 0;            ///< sequences
  int seq_length = 0;                  ///< tokens
  std::int64_t global_batch_size = 0;  ///< sequences
};

struct Model {
  using Defaults = ModelDefaults;

  std::string name;    ///< as typed by users: "mixtral-8x7b"
  std::string title;   ///< as people write it: "Mixtral 8x7B"
  std::string source;  ///< where the numbers are from
  std::string family;  ///< HuggingFace's model_type: "mixtral", "deepseek_v3", ...

  int layers = 1;
  int hidden = 1;
  int vocab = 1;
  Attention attention;
  bool tied_embeddings = false;  ///< the head is the input embedding again

  int dense_intermediate = 0;  ///< FFN width of layers without experts; 0 when all have experts
  int experts = 1;             ///< routed experts that exist, per layer: what parameters count
  /// Routed experts as laid out on EP ranks and routed to. Equal to `experts`, save where a study
  /// rounds up to divide evenly (the MixNet paper places Qwen-MoE's 60 as 64).
  int placed_experts = 1;
  int top_k = 1;
  int expert_groups = 1;     ///< in which the router has its experts (DeepSeek-V3's n_group)
  int groups_per_token = 1;  ///< that a token's experts are all of; expert_groups: no limit
  int expert_intermediate = 1;
  int shared_intermediate = 0;      ///< width of the shared experts together, 0 when none
  bool shared_expert_gate = false;  ///< a learned scalar gate on the shared experts (Qwen2-MoE)
  bool expert_bias = false;         ///< biases in the experts' matrices (gpt-oss)
  bool router_bias = false;         ///< a bias per expert (gpt-oss, DeepSeek-V3's load balancing)
  /// LLaMA-MoE's router: a second E x E matrix and a noise projection as wide as the first.
  bool router_mlp = false;
  bool router_noise = false;
  bool dense_bias = false;   ///< biases in the layers without experts
  bool shared_bias = false;  ///< and in the shared experts
  int shared_norms = 0;      ///< on what the shared experts read (Arctic)
  int norms = 2;             ///< a layer's, before and after its parts
  bool norm_bias = false;    ///< LayerNorm with a shift, in place of RMSNorm (Phi-3.5-MoE)
  bool head_bias = false;
  std::vector<bool> is_moe;  ///< per layer
  /// Multi-token-prediction layers that it is published with (DeepSeek-V3: 1), behind its `layers`.
  int published_mtp_layers = 0;
  /// Of `layers`, the last ones, which are such: with_mtp().
  int mtp_layers = 0;

  std::string counted_only;  ///< why it can be counted and not simulated; empty when it can
  ModelCounts counted;       ///< of all of it, as it was read
  std::string note;          ///< what is left out of it, such as "its vision part"; may be empty

  std::int64_t published_parameters = 0;         ///< 0 when unknown
  std::int64_t published_active_parameters = 0;  ///< per token; 0 when unknown
  /// gpt-oss's authors leave the input embedding out of their active count.
  bool published_active_without_embedding = false;
  Defaults defaults;
};

int moe_layers(const Model& model);

/// The model as it is trained with `count` multi-token-prediction layers (DeepSeek-V3, arXiv
/// 2412.19437, section 2.2): each is one more layer with experts, which reads a projection of 2
/// hidden to hidden and runs the head again. Throws Error, naming the flag --mtp.
Model with_mtp(Model model, int count);
/// The projections and norms of these layers, beside what every layer has.
std::int64_t mtp_parameters(const Model& model);

// Of one layer, of a model that is not counted only.
/// One layer's attention with its own norms (on queries, keys or latents) and the layer's, before
/// attention and before the feed-forward part.
std::int64_t attention_parameters(const Model& model);
std::int64_t expert_parameters(const Model& model);         ///< one routed expert
std::int64_t shared_expert_parameters(const Model& model);  ///< one layer's, with their gate
std::int64_t dense_ffn_parameters(const Model& model);      ///< one layer without experts
std::int64_t router_parameters(const Model& model);         ///< one layer's
/// Input embedding and head (one matrix when tied). The final norm is not in it.
std::int64_t embedding_parameters(const Model& model);
std::int64_t final_norm_parameters(const Model& model);

/// Throws Error, with the reason, when the model is counted only.
void require_simulated(const Model& model);

/// By block, of any model.
ModelCounts count_parameters(const Model& model);
/// One token's forward pass, `seq_length` tokens long: two per weight of the matrices that it
/// passes (all but the input embedding and the norms), and attention's scores, and its index's,
/// over the tokens before it, as if no layer had a window. What linear attention and state spaces
/// do to their state is not in it.
double forward_flops_per_token(const Model& model, std::int64_t seq_length);

std::int64_t total_parameters(const Model& model);
std::int64_t active_parameters(const Model& model);  ///< those that one token passes through

}  // namespace mixnet
