// test_torch_fuzz.h says what is held.
#include "interop/kineto_trace.h"
#include "interop/test_torch_fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return mixnet::fuzz_torch(mixnet::parse_kineto_trace, data, size);
}
