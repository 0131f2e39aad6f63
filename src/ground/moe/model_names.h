// Names of models, as people and folders write them.
//
// Names are compared by their letters and digits alone. What the hub appends to a name says how a
// model was trained or stored, not of what shape it is, and is passed over: "-Instruct", "-v0.1",
// "-FP8", a date.
//
// Pure, linear in the name.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace mixnet {

/// "Mixtral_8x7B" -> "mixtral8x7b".
std::string letters_and_digits(std::string_view text);

/// Whether `given`, which may be "ORG/NAME", is the model `name`, or a variant of its shape:
/// "mistralai/Mixtral-8x7B-Instruct-v0.1" of "mixtral-8x7b", but not "DeepSeek-V3.2" of
/// "deepseek-v3".
bool is_variant_of(std::string_view given, std::string_view name);

/// What a file of a model is called after: its stem; or, of a file that has the same name for all
/// models (config.json, params.json), the folder that it is in, above "original", or what the hub's
/// cache keeps ("models--ORG--NAME/snapshots/HASH"): NAME. Empty when the path says none of it.
std::string name_of_file(const std::filesystem::path& file);

/// Whether the name of that file says nothing of the model.
bool is_nameless(const std::filesystem::path& file);

}  // namespace mixnet
