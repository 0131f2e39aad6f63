// From the fields of a config.json to the shapes of all its layers.
#pragma once

#include <string>

#include "moe/config_fields.h"
#include "moe/layer_shapes.h"

namespace mixnet {

struct ModelStack {
  StackShape shape;          ///< runs of alike layers, from the first on
  std::string counted_only;  ///< why it cannot be simulated; empty when it can
};

/// Throws Error, naming the key, on what is missing, contradicts itself or is out of all
/// proportion.
ModelStack read_stack(const ConfigFields& fields);

}  // namespace mixnet
