// Any bytes as a compute profile: an Error, or times that are not negative.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "base/error.h"
#include "compute/compute_profile.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  try {
    for (const auto& time : mixnet::parse_compute_profile(text, "fuzz.json").measured) {
      if (time && (time->forward < mixnet::Time::zero() || time->backward < mixnet::Time::zero())) {
        std::abort();
      }
    }
  } catch (const mixnet::Error&) {
  }
  return 0;
}
