// Any bytes are refused with an Error, or read as a trace that is written and read again the same,
// and whose second writing is the first, to the byte.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "base/error.h"
#include "interop/chakra_trace.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace mixnet;
  try {
    const ChakraTrace trace =
        parse_chakra_trace({reinterpret_cast<const char*>(data), size}, "fuzz");
    const std::string once = to_chakra_trace(trace);
    const ChakraTrace again = parse_chakra_trace(once, "again");
    if (again != trace || to_chakra_trace(again) != once) std::abort();
  } catch (const Error&) {
  }
  return 0;
}
