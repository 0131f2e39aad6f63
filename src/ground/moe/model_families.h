// The families of models that config.json files are of: one row of data each.
//
// A row says of what shapes (layer_shapes.h) the family is made, and what its reference
// configuration class takes where a file leaves a key out. How the keys are spelled, and which
// layers are of which sort, is the same table for all families (config_fields.h): a row adds only
// what cannot be told apart otherwise. Facts, from the public code that each family is run with:
// HuggingFace transformers 5.24 or what the authors publish beside their weights.
#pragma once

#include <span>
#include <string_view>

#include "moe/layer_shapes.h"

namespace mixnet {

/// How wide the norms on queries and keys are.
enum class HeadNorm { kNone, kHead, kAllHeads };
enum class OutputGate { kNone, kQueries, kHeads };
/// The shared experts: as many as n_shared_experts says, each as wide as an expert; or of a width
/// of their own; or always one; or a dense part as wide as the hidden size (Arctic).
enum class SharedExperts { kNone, kCount, kWidth, kOne, kHidden };

/// Flags are keys of config.json, whose default is in `defaults`; "yes" is always, "" never.
using Flag = std::string_view;

struct Family {
  std::string_view name;          ///< model_type
  std::string_view architecture;  ///< of architectures, where model_type is absent
  /// JSON: what the reference class takes for a key that a file leaves out. "?" is a key that must
  /// be there; either way, of several spellings this is the one that the family uses.
  std::string_view defaults = "{}";

  AttentionKind attention = AttentionKind::kGroupedQuery;
  AttentionKind other = AttentionKind::kGroupedQuery;  ///< of layers that are not of `attention`
  int mixers = 1;                                      ///< a layer's
  HeadNorm head_norm = HeadNorm::kNone;
  Flag head_norm_if = "yes";
  Flag qkv_bias = {};
  Flag output_bias = {};
  OutputGate gate = OutputGate::kNone;
  Flag sinks = {};
  std::string_view heads_share = {};  ///< key: of so many layers, one has keys and values
  Flag heads_share_if = {};

  std::string_view expert_width = "moe_intermediate_size";
  std::string_view dense_width = "intermediate_size";
  bool experts_cut = false;  ///< expert_width is that of all experts together (LLaMA-MoE)
  bool gated = true;
  SharedExperts shared = SharedExperts::kNone;
  bool shared_gate = false;
  Flag router_bias = {};
  Flag expert_bias = {};
  bool sum_bias = false;      ///< on the sum of a token's experts
  Flag dense_bias = {};       ///< of layers without experts, and of the shared experts
  bool dense_beside = false;  ///< dense parts in the layers with experts too, one per mixer
  bool one_part = false;      ///< a layer is a mixer or a feed-forward part (Nemotron-H)
  bool encoder_decoder = false;

  int norms = 2;
  bool norm_bias = false;
  Flag head_bias = {};
};

/// All of them, the most used first.
std::span<const Family> model_families();

/// The family of that model_type or architecture; null when it is none of them. Names of wrappers
/// ("qwen3_vl_moe", "qwen3_vl_moe_text") are those of their text model; a few are told apart by
/// both, "TYPE/ARCHITECTURE".
const Family* find_family(std::string_view name);

}  // namespace mixnet
