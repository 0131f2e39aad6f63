// Which layer of a config.json is of which sort: what mixes its tokens, and whether it has experts.
//
// Families say it in a dozen ways (lists, intervals, a number of first layers, a string of
// letters); all are understood for all families, and those that a file gives must hold together.
#pragma once

#include <vector>

#include "moe/config_fields.h"

namespace mixnet {

struct LayerSort {
  bool has_mixer = true;
  bool is_main = true;  ///< the family's `attention`, not its `other`
  bool has_feed_forward = true;
  bool is_moe = true;
};

/// One for each of `layers`. Throws Error on a list that is not as long, or when no layer is left
/// with experts.
std::vector<LayerSort> layer_pattern(const ConfigFields& fields, int layers);

}  // namespace mixnet
