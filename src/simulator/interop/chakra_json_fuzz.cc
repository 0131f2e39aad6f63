#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/error.h"
#include "interop/chakra_json.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  try {
    (void)mixnet::is_chakra_json(text);
    (void)mixnet::to_chakra_trace(mixnet::parse_chakra_json(text, "input"));
  } catch (const mixnet::Error&) {
  }
  return 0;
}
