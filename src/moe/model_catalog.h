// The models that come with the program (data/models/NAME.json) and those of the user.
//
// Thread-safe. Cost: reads the data folder or the one file each time.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "moe/model.h"

namespace mixnet {

/// Names of the presets, in alphabetical order.
std::vector<std::string> model_names();

/// The preset of that name (case does not matter); else the model that a path leads to: a
/// config.json or a folder holding one. Throws Error, with a did-you-mean, when it is neither.
Model find_model(std::string_view name_or_path);

}  // namespace mixnet
