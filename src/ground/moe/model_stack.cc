#include "moe/model_stack.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "base/error.h"
#include "moe/layer_pattern.h"

namespace mixnet {
namespace {

using enum AttentionKind;

constexpr std::int64_t kMaxParameters = 10'000'000'000'000'000;

void read_heads(const ConfigFields& fields, int hidden, Attention& attention) {
  if (attention.kind == kExpertHeads && !fields.size(Field::kHeads)) {
    // JetMoE's own file: as many for each expert as there are keys.
    attention.heads = fields.required(Field::kKvHeads) * fields.required(Field::kTopK);
  } else {
    attention.heads = fields.required(Field::kHeads);
  }
  attention.kv_heads = fields.size_or(Field::kKvHeads, attention.heads);
  if (attention.kind == kGroupedQuery && attention.heads % attention.kv_heads != 0) {
    throw Error(fields.place(Field::kKvHeads),
                fmt::format("{} does not divide the {} attention heads", attention.kv_heads,
                            attention.heads),
                fmt::format("give {}, one of the divisors", fields.key(Field::kKvHeads)));
  }
  const std::optional<int> head_dim = fields.size(Field::kHeadDim);
  if (!head_dim && hidden % attention.heads != 0) {
    throw Error(fields.place(Field::kHeads),
                fmt::format("{} does not divide {} {}", attention.heads, fields.key(Field::kHidden),
                            hidden),
                fmt::format("give head_dim, or a number of heads that divides {}",
                            fields.key(Field::kHidden)));
  }
  attention.head_dim = head_dim.value_or(hidden / attention.heads);
  const Family& family = fields.family();
  if (family.head_norm == HeadNorm::kNone || !fields.flag(family.head_norm_if)) return;
  const bool all = family.head_norm == HeadNorm::kAllHeads;
  attention.query_norm_width = attention.head_dim * (all ? attention.heads : 1);
  attention.key_norm_width = attention.head_dim * (all ? attention.kv_heads : 1);
}

/// DeepSeek's: biases, where there are any, are on the down-projections and on the output.
void read_latents(const ConfigFields& fields, Attention& attention) {
  attention.heads = fields.required(Field::kHeads);
  attention.kv_heads = attention.heads;
  attention.q_lora_rank = fields.required_or_null(Field::kQueryRank).value_or(0);
  attention.kv_lora_rank = fields.required(Field::kKeyValueRank);
  attention.qk_nope_head_dim = fields.required(Field::kNopeDim);
  attention.qk_rope_head_dim = fields.required(Field::kRopeDim);
  attention.v_head_dim = fields.required(Field::kValueDim);
  attention.head_dim = attention.qk_nope_head_dim + attention.qk_rope_head_dim;
  if (fields.is_known("index_n_heads"))
    attention.index_heads = fields.size_or(Field::kIndexHeads, 0);
  attention.index_dim = attention.index_heads > 0 ? fields.required(Field::kIndexDim) : 0;
}

void read_delta(const ConfigFields& fields, Attention& attention) {
  attention.convolution = fields.required(Field::kConvolution);
  attention.heads = attention.kind == kGatedDelta
                        ? fields.required(Field::kLinearHeads)
                        : fields.size_or(Field::kLinearHeads, fields.required(Field::kHeads));
  attention.head_dim = fields.required(Field::kLinearDim);
  if (attention.kind == kKimiDelta) {
    // Ling's gates are full matrices, Kimi's go through one head's width.
    attention.rank = fields.family().gate == OutputGate::kHeads ? 0 : attention.head_dim;
    return;
  }
  attention.value_heads = fields.required(Field::kLinearValueHeads);
  attention.v_head_dim = fields.required(Field::kLinearValueDim);
}

void read_state_space(const ConfigFields& fields, int hidden, Attention& attention) {
  attention.state = fields.required(Field::kState);
  attention.convolution = fields.required(Field::kConvolution);
  attention.convolution_bias = fields.flag("mamba_conv_bias") || fields.flag("use_conv_bias");
  attention.inner_bias = fields.flag("mamba_proj_bias");
  if (attention.kind == kStateSpace) {
    attention.inner = hidden * fields.required(Field::kExpand);
    attention.rank = fields.size_or(Field::kTimeRank, (hidden + 15) / 16);
    return;
  }
  attention.heads = fields.required(Field::kMambaHeads);
  const int inner = hidden * fields.size_or(Field::kExpand, 1);
  attention.inner = attention.heads * fields.size_or(Field::kMambaDim, inner / attention.heads);
  attention.groups = fields.size_or(Field::kGroups, 1);
}

Attention read_mixer(const ConfigFields& fields, AttentionKind kind, int hidden) {
  const Family& family = fields.family();
  Attention attention;
  attention.kind = kind;
  switch (kind) {
    case kGatedDelta:
    case kKimiDelta:
      read_delta(fields, attention);
      return attention;
    case kStateSpace:
    case kStateSpace2:
      read_state_space(fields, hidden, attention);
      return attention;
    case kShortConvolution:
      attention.convolution = fields.required(Field::kConvolution);
      attention.convolution_bias = fields.flag("conv_bias");
      return attention;
    case kMultiHeadLatent:
      read_latents(fields, attention);
      break;
    case kExpertHeads:
      attention.experts = fields.required(Field::kExperts);
      [[fallthrough]];
    case kGroupedQuery:
    case kLightning:
      read_heads(fields, hidden, attention);
  }
  attention.qkv_bias = fields.flag(family.qkv_bias);
  attention.output_bias = fields.flag(family.output_bias);
  attention.sinks = fields.flag(family.sinks);
  if (family.gate == OutputGate::kHeads) attention.gate_width = attention.heads;
  if (family.gate == OutputGate::kQueries)
    attention.gate_width = attention.heads * attention.head_dim;
  return attention;
}

FeedForward read_shared(const ConfigFields& fields, int hidden, int expert_width) {
  const Family& family = fields.family();
  FeedForward shared{0, family.gated, fields.flag(family.dense_bias)};
  switch (family.shared) {
    case SharedExperts::kNone:
      return {};
    case SharedExperts::kOne:
      shared.width = expert_width;
      return shared;
    case SharedExperts::kHidden:
      shared.width = hidden;
      return shared;
    case SharedExperts::kWidth:
      shared.width = fields.required_or_null(Field::kSharedWidth).value_or(0);
      return shared;
    case SharedExperts::kCount:
      break;
  }
  const std::int64_t count = fields.size_or(Field::kSharedExperts, 0);
  if (count * expert_width > kMaxIntermediate) {
    throw Error(fields.place(Field::kSharedExperts),
                fmt::format("{} shared experts are {} wide together", count, count * expert_width),
                fmt::format("up to {} are possible", kMaxIntermediate));
  }
  shared.width = static_cast<int>(count) * expert_width;
  return shared;
}

int read_expert_width(const ConfigFields& fields, int experts) {
  const Family& family = fields.family();
  const bool is_named = fields.find(family.expert_width) || !fields.find("ffn_hidden_size");
  const int width =
      fields.required(is_named ? family.expert_width : "ffn_hidden_size", kMaxIntermediate);
  if (!family.experts_cut || !is_named) return width;
  if (width % experts != 0) {
    throw Error(fields.find(family.expert_width)->place(),
                fmt::format("{} cannot be cut into {} equal experts", width, experts));
  }
  const auto layers = fields.find("size_experts");
  for (std::size_t layer = 0; layers && layer < layers->size(); ++layer) {
    const JsonReader widths = layers->at(layer);
    for (std::size_t expert = 0; expert < widths.size(); ++expert) {
      const JsonReader cell = widths.at(expert);
      if (cell.integer(1, kMaxIntermediate) == width / experts) continue;
      throw Error(cell.place(), "experts of different widths cannot be modelled",
                  fmt::format("all must be intermediate_size / num_experts = {}", width / experts));
    }
  }
  return width / experts;
}

Router read_router(const ConfigFields& fields, int experts) {
  Router router;
  router.outputs = experts;
  if (fields.is_known("zero_expert_num")) router.outputs += fields.size_or(Field::kIdleExperts, 0);
  const auto method = fields.find("topk_method");
  router.bias =
      fields.flag(fields.family().router_bias) && (!method || method->string() == "noaux_tc");
  if (const auto gate = fields.find("gate_network"); gate && fields.is_known("gate_network")) {
    const std::string name = gate->string();
    if (name != "mlp" && name != "linear") {
      throw Error(gate->place(), fmt::format("'{}' is unknown", name), "give mlp or linear");
    }
    router.mlp = name == "mlp";
    router.noise = fields.flag("gate_add_noise");
  }
  return router;
}

/// The part of a layer with experts that follows its mixer.
LayerShape read_experts(const ConfigFields& fields, int hidden) {
  const Family& family = fields.family();
  LayerShape layer;
  layer.experts = fields.required(Field::kExperts);
  layer.top_k = fields.required(Field::kTopK);
  if (layer.top_k > layer.experts) {
    throw Error(fields.place(Field::kTopK),
                fmt::format("{} experts a token are more than the {} of '{}'", layer.top_k,
                            layer.experts, fields.key(Field::kExperts)));
  }
  const int width = read_expert_width(fields, layer.experts);
  layer.expert = {width, family.gated, fields.flag(family.expert_bias)};
  layer.sum_bias = family.sum_bias;
  layer.shared = read_shared(fields, hidden, width);
  layer.shared_gate = family.shared_gate;
  layer.shared_norms = family.shared == SharedExperts::kHidden ? 1 : 0;
  layer.router = read_router(fields, layer.experts);
  return layer;
}

void append(LayerShape layer, std::vector<LayerShape>& layers) {
  if (!layers.empty() && layers.back().like(layer)) {
    layers.back().count += layer.count;
  } else {
    layers.push_back(std::move(layer));
  }
}

/// Whichever layers the sorts name; each is made once.
class LayerMaker {
 public:
  LayerMaker(const ConfigFields& fields, int hidden)
      : fields_(fields), family_(fields.family()), experts_(read_experts(fields, hidden)) {
    const auto latent = fields.find("use_mla");  // DeepSeek-VL2's smaller ones say no
    const bool is_grouped = family_.attention == kMultiHeadLatent && latent && !latent->boolean();
    main_ = read_mixer(fields, is_grouped ? kGroupedQuery : family_.attention, hidden);
    if (!fields.flag(family_.heads_share_if)) return;
    share_ = fields.size(family_.heads_share, 1, kMaxLayers).value_or(1);
  }

  LayerShape make(const LayerSort& sort, int index, int hidden) {
    LayerShape layer;
    if (sort.is_moe) layer = experts_;
    layer.norms = family_.norms;
    if (sort.has_mixer) add_mixers(sort, index, hidden, layer);
    if (sort.has_feed_forward && (!sort.is_moe || family_.dense_beside)) {
      layer.dense = {fields_.required(family_.dense_width, kMaxIntermediate), family_.gated,
                     fields_.flag(family_.dense_bias)};
      if (family_.dense_beside) layer.dense_parts = family_.mixers;
    }
    return layer;
  }

 private:
  void add_mixers(const LayerSort& sort, int index, int hidden, LayerShape& layer) {
    if (!sort.is_main && !other_) {
      if (family_.other == kGroupedQuery) {
        throw Error(fields_.config().place(),
                    fmt::format("names linear attention, of which {} has none", family_.name),
                    "check layer_types and model_type");
      }
      other_ = read_mixer(fields_, family_.other, hidden);
    }
    layer.mixers.assign(static_cast<std::size_t>(family_.mixers), sort.is_main ? main_ : *other_);
    if (index % share_ != 0) layer.mixers.front().kv_heads = 0;
  }

  const ConfigFields& fields_;
  const Family& family_;
  LayerShape experts_;
  Attention main_;
  std::optional<Attention> other_;
  int share_ = 1;
};

/// An encoder's layers and a decoder's, which attend to the encoder's as well.
std::vector<LayerShape> read_encoder_decoder(const ConfigFields& fields, int hidden) {
  const Family& family = fields.family();
  const LayerShape experts = read_experts(fields, hidden);
  std::vector<LayerShape> layers;
  for (const bool is_decoder : {false, true}) {
    Attention attention = read_mixer(fields, family.attention, hidden);
    const int count = is_decoder
                          ? fields.size_or(Field::kDecoderLayers, fields.required(Field::kLayers))
                          : fields.required(Field::kLayers);
    const char* key = is_decoder ? "decoder_sparse_step" : "encoder_sparse_step";
    const int step = fields.size(key, 0, kMaxLayers).value_or(0);
    const int first = fields.size("first_sparse_layer", 0, 1).value_or(step - 1);
    const FeedForward dense{fields.required(family.dense_width, kMaxIntermediate), family.gated,
                            fields.flag(family.dense_bias)};
    for (int i = 0; i < count; ++i) {
      const bool is_moe = step > 0 && i % step == first % step;
      LayerShape layer = is_moe ? experts : LayerShape{};
      if (!is_moe) layer.dense = dense;
      layer.mixers.assign(is_decoder ? 2 : 1, attention);
      layer.norms = is_decoder ? 3 : 2;
      if (i == 0) layer.mixers[0].position_buckets = fields.size_or(Field::kPositionBuckets, 0);
      append(std::move(layer), layers);
    }
  }
  if (std::ranges::none_of(layers, [](const LayerShape& one) { return one.experts > 0; })) {
    throw Error(fields.config().place(), "leaves no layer with experts",
                "check encoder_sparse_step and decoder_sparse_step");
  }
  return layers;
}

std::string why_counted_only(const Family& family, const std::vector<LayerShape>& layers) {
  if (family.encoder_decoder) return "it is an encoder and a decoder";
  if (family.one_part) return "its layers mix tokens or pass them on, not both";
  if (family.mixers > 1) return "a layer has two attentions and dense parts beside its experts";
  if (family.attention == kExpertHeads) return "its attention heads are routed experts, too";
  for (const LayerShape& layer : layers) {
    for (const Attention& mixer : layer.mixers) {
      if (mixer == layers.front().mixers.front()) continue;
      return mixer.kv_heads == 0 ? "some layers use the keys and values of others"
                                 : "its layers differ in how they mix tokens";
    }
  }
  const AttentionKind kind = layers.front().mixers.front().kind;
  if (kind != kGroupedQuery && kind != kMultiHeadLatent) return "it has no softmax attention";
  return {};
}

/// Before anything is summed: each layer fits into 64 bits, all of them may not.
void check_total(const ConfigFields& fields, const StackShape& shape) {
  double total = 2.0 * static_cast<double>(shape.vocab) * static_cast<double>(shape.hidden);
  for (const LayerShape& layer : shape.layers) {
    StackShape one = shape;
    one.layers = {layer};
    one.layers.front().count = 1;
    total += static_cast<double>(count(one).total.total()) * static_cast<double>(layer.count);
  }
  if (total <= static_cast<double>(kMaxParameters)) return;
  throw Error(fields.config().place(), "the sizes make over 1e16 parameters",
              "check num_hidden_layers, hidden_size, the number of experts and their width");
}

/// Nemotron-H's file may list its layers and not count them.
int number_of_layers(const ConfigFields& fields) {
  const auto list = fields.find("layers_block_type");
  if (!fields.family().one_part || !list || fields.size(Field::kLayers)) {
    return fields.required(Field::kLayers);
  }
  const std::size_t layers = list->size();
  if (layers >= 1 && layers <= kMaxLayers) return static_cast<int>(layers);
  throw Error(list->place(), fmt::format("names {} layers", layers),
              fmt::format("1 to {} are possible", kMaxLayers));
}

}  // namespace

ModelStack read_stack(const ConfigFields& fields) {
  const Family& family = fields.family();
  ModelStack stack;
  StackShape& shape = stack.shape;
  const int layers = number_of_layers(fields);
  const int hidden = fields.required(Field::kHidden);
  shape.hidden = hidden;
  shape.vocab = fields.required(Field::kVocab);
  shape.norm_bias = family.norm_bias;
  shape.final_norms = family.encoder_decoder ? 2 : 1;
  shape.head_bias = fields.flag(family.head_bias);
  shape.tied_embeddings = fields.flag("tie_word_embeddings");
  if (family.encoder_decoder) {
    shape.layers = read_encoder_decoder(fields, hidden);
  } else {
    const std::vector<LayerSort> sorts = layer_pattern(fields, layers);
    LayerMaker maker(fields, hidden);
    for (int i = 0; i < layers; ++i) {
      append(maker.make(sorts[static_cast<std::size_t>(i)], i, hidden), shape.layers);
    }
  }
  stack.counted_only = why_counted_only(family, shape.layers);
  check_total(fields, shape);
  return stack;
}

}  // namespace mixnet
