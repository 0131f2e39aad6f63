// What a layer of a Mixture-of-Experts transformer holds, as far as its size goes: the shapes of
// its parts, and how many parameters they make. Every family of model_families.h is made of these.
//
// A layer mixes tokens (attention, or what stands in for it) and then passes each of them through a
// feed-forward part, which is dense, or a router with routed experts and, in some families, shared
// experts that every token visits. Some families have two mixers, or both dense and routed parts,
// in a layer, or only one of the two.
//
// Counts are of parameters, from the shapes alone, and to the last one: biases, the small vectors
// of norms and gates, and what a checkpoint holds beside them to balance its router.
//
// Plain values; the functions are pure, take constant time, and do not overflow for sizes up to the
// limits in model_config.cc.
#pragma once

#include <cstdint>
#include <vector>

namespace mixnet {

enum class AttentionKind {
  kGroupedQuery,      ///< kv_heads shared by groups of heads; multi-head is kv_heads == heads
  kMultiHeadLatent,   ///< DeepSeek's MLA: queries and keys/values through low-rank latents
  kExpertHeads,       ///< JetMoE: queries and output are routed experts, keys and values are shared
  kGatedDelta,        ///< Qwen3-Next's linear attention (Gated DeltaNet)
  kKimiDelta,         ///< Kimi Linear's (KDA)
  kLightning,         ///< MiniMax-01's linear attention
  kStateSpace,        ///< Mamba
  kStateSpace2,       ///< Mamba-2
  kShortConvolution,  ///< LFM2's gated convolution
};

/// What mixes tokens. Fields that a kind does not name stay 0.
struct Attention {
  AttentionKind kind = AttentionKind::kGroupedQuery;
  int heads = 1;
  int kv_heads = 1;    ///< of grouped-query; 0: the keys and values of an earlier layer are used
  int head_dim = 1;    ///< of a query or key; for MLA nope + rope
  int v_head_dim = 0;  ///< of a value; 0 is head_dim, save for MLA, where it is given
  // Multi-head latent.
  int q_lora_rank = 0;  ///< 0: queries are projected directly (DeepSeek-V2-Lite)
  int kv_lora_rank = 0;
  int qk_nope_head_dim = 0;
  int qk_rope_head_dim = 0;
  int index_heads = 0;  ///< DeepSeek-V3.2's indexer, which picks the tokens attended to
  int index_dim = 0;
  // What few weights sit beside the matrices.
  bool qkv_bias = false;
  bool output_bias = false;
  bool sinks = false;        ///< one learned logit per head (gpt-oss)
  int query_norm_width = 0;  ///< RMSNorm on queries: head_dim (Qwen3), heads * head_dim (OLMoE)
  int key_norm_width = 0;    ///< the same on keys
  int gate_width = 0;        ///< a gate on the output: heads * head_dim, or one number a head
  int position_buckets = 0;  ///< a learned bias by distance, times heads (T5, Switch)
  // Expert heads, linear attention, state spaces and convolutions.
  int experts = 0;                ///< of expert heads
  int value_heads = 0;            ///< gated delta: `heads` are those of keys
  int convolution = 0;            ///< tokens that a short convolution sees
  int inner = 0;                  ///< width inside (Mamba: expand * hidden)
  int state = 0;                  ///< numbers of state per channel
  int groups = 0;                 ///< Mamba-2: groups that share B and C
  int rank = 0;                   ///< of low-rank gates (KDA; 0: full) or of the time step (Mamba)
  bool inner_bias = false;        ///< on the projections
  bool convolution_bias = false;  ///< on the convolution

  friend bool operator==(const Attention&, const Attention&) = default;
};

/// Two matrices, or three where the activation is gated.
struct FeedForward {
  int width = 0;  ///< 0: there is none
  bool gated = true;
  bool bias = false;

  friend bool operator==(const FeedForward&, const FeedForward&) = default;
};

struct Router {
  int outputs = 0;  ///< the routed experts, and those that do nothing (LongCat-Flash)
  bool bias = false;
  /// LLaMA-MoE's: a second square matrix, and a noise projection as wide as the first.
  bool mlp = false;
  bool noise = false;

  friend bool operator==(const Router&, const Router&) = default;
};

/// `count` layers that are alike.
struct LayerShape {
  std::int64_t count = 1;
  std::vector<Attention> mixers;
  int norms = 2;  ///< on the layer's own stream, `hidden` wide
  FeedForward dense;
  int dense_parts = 1;
  int experts = 0;  ///< routed ones; 0: there are none, nor shared ones nor a router
  int top_k = 0;
  FeedForward expert;
  bool sum_bias = false;  ///< on the sum of a token's experts (JetMoE)
  FeedForward shared;
  bool shared_gate = false;  ///< a learned scalar gate on the shared experts (Qwen2-MoE)
  int shared_norms = 0;      ///< Arctic's, on what its dense part reads
  Router router;

  /// Whether they are alike, however many.
  bool like(const LayerShape& other) const;
};

std::int64_t parameters(const Attention& attention, std::int64_t hidden);
std::int64_t parameters(const FeedForward& part, std::int64_t hidden);
std::int64_t parameters(const Router& router, std::int64_t hidden);

/// Parameters by what they are part of.
struct BlockCounts {
  std::int64_t embeddings = 0;  ///< the input's
  std::int64_t attention = 0;   ///< and what stands in for it, with the norms inside
  std::int64_t dense = 0;       ///< feed-forward parts that are not routed
  std::int64_t experts = 0;     ///< routed
  std::int64_t shared = 0;
  std::int64_t router = 0;
  std::int64_t norms = 0;  ///< of the layers, and the final one
  std::int64_t head = 0;   ///< 0 when it is the input embedding again

  std::int64_t total() const;
};

struct ModelCounts {
  BlockCounts total;
  BlockCounts active;  ///< with top_k experts in place of all: what one token passes through
  /// FLOPs of one token's forward pass that grow with the tokens before it, for each of them:
  /// scores and weighted sums of softmax attention and of its index, half of them masked.
  std::int64_t attention_flops_per_token = 0;
};

struct StackShape {
  std::int64_t hidden = 1;
  std::int64_t vocab = 1;
  std::vector<LayerShape> layers;
  int final_norms = 1;
  bool norm_bias = false;  ///< LayerNorm with a shift, in place of RMSNorm
  bool tied_embeddings = false;
  bool head_bias = false;
};

/// O(runs of layers).
ModelCounts count(const StackShape& stack);

}  // namespace mixnet
