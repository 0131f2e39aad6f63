// test_torch_fuzz.h says what is held.
#include "interop/test_torch_fuzz.h"
#include "interop/torch_trace.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return mixnet::fuzz_torch(mixnet::parse_torch_trace, data, size);
}
