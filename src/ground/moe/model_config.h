// Reading a model from HuggingFace's config.json.
//
// Families, by "model_type" (or, where that is absent, by "architectures"): mixtral, qwen2_moe,
// qwen3_moe, deepseek_v2, deepseek_v3, kimi_k2 (DeepSeek-V3's architecture), llama_moe, gpt_oss,
// olmoe. Keys that do not bear on shapes are ignored; a key that does and is missing, of the wrong
// type or out of all proportion is an Error that names it. Which key means what: docs/models.md.
//
// One object of ours may be added, "mixnet", with what config.json has no place for: title, source,
// published_parameters, published_active_parameters, published_active_without_embedding,
// placed_experts and defaults {tp, pp, ep, micro_batch_size, seq_length, global_batch_size}.
//
// Thread-safe. Cost: that of parsing the text.
#pragma once

#include <string_view>

#include "moe/model.h"

namespace mixnet {

/// `input` is where the text came from, for messages and for the model's name: the file's stem, or,
/// when the file is called config.json, the folder it is in.
Model parse_model_config(std::string_view json, std::string_view input);

}  // namespace mixnet
