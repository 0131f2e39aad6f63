// Whatever the bytes, parse_model_config() gives back a Model that keeps its invariants or throws
// Error: no crash, no hang, no overflow.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "base/error.h"
#include "moe/model_config.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  try {
    const mixnet::Model model = mixnet::parse_model_config(text, "fuzz/config.json");
    const bool sound = model.is_moe.size() == static_cast<std::size_t>(model.layers) &&
                       mixnet::moe_layers(model) > 0 && model.top_k >= 1 &&
                       model.top_k <= model.experts && model.top_k <= model.placed_experts &&
                       mixnet::active_parameters(model) > 0 &&
                       mixnet::active_parameters(model) <= mixnet::total_parameters(model);
    if (!sound) std::abort();
  } catch (const mixnet::Error&) {
    return 0;
  }
  return 0;
}
