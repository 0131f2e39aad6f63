// The models that come with the program (data/models/NAME.json) and those of the user.
//
// Names are compared by their letters and digits alone: "Mixtral_8x7B" is mixtral-8x7b. A preset's
// title does as well ("Qwen1.5-MoE-A2.7B" is qwen-moe). A preset wins over a file of its name in
// the working folder; write ./NAME for the file. A name of the hub, "ORG/NAME", is the preset that
// it is a variant of (model_names.h), unless there is such a path.
//
// Thread-safe. Cost: reads the data folder or the one file each time.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "moe/model.h"

namespace mixnet {

/// Names of the presets, in alphabetical order.
std::vector<std::string> model_names();

/// The preset of that name or title; else the model that a path leads to: a config.json or
/// Mistral's params.json, a folder holding one, or the hub's cache of a model; else the preset of
/// that name on the hub. Only regular files are read. Throws Error, with a did-you-mean, when it is
/// none of them.
Model find_model(std::string_view name_or_path);

/// The same for a name in a file of `folder`: what is no preset is first looked for there, as
/// NAME.json and models/NAME.json.
Model find_model_beside(const std::string& name, const std::filesystem::path& folder);

}  // namespace mixnet
