// Reading a model from HuggingFace's config.json.
//
// Families are rows of model_families.h, found by "model_type" (or, where that is absent, by
// "architectures"); of models that see or hear, by those of the text model within. Read are also
// Mistral's params.json and gpt-oss's original/config.json, which name no family, and whatever
// encoding and words Python and editors leave in such files (config_text.h). Keys that do not bear
// on shapes are ignored; a key that does and is missing without a default, of the wrong type or out
// of all proportion is an Error that names it. Which key means what: docs/models.md.
//
// What cannot be simulated is still counted: Model::counted_only says why.
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
/// when all files are called so (config.json), the folder it is in (model_names.h).
Model parse_model_config(std::string_view json, std::string_view input);

}  // namespace mixnet
