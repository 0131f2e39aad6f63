// A routing trace from anyone: an Error or a trace whose replay keeps its promises.
#include <cstdlib>
#include <string_view>

#include "base/error.h"
#include "moe/routing_trace.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace mixnet;
  try {
    const RoutingTrace trace =
        RoutingTrace::parse({reinterpret_cast<const char*>(data), size}, "fuzz.csv");
    const RoutingShape shape{.ep = 2,
                             .experts = trace.experts(),
                             .top_k = trace.top_k(),
                             .layers = trace.layers() + 1,
                             .tokens = 1000};
    TokenCounts counts(2, static_cast<std::size_t>(shape.experts));
    trace.replay({.iteration = 5, .layer = trace.layers()}, shape, 1, counts);
    for (std::size_t row = 0; row < 2; ++row) {
      std::int64_t sum = 0;
      for (const std::int32_t count : counts.row(row)) {
        if (count < 0 || count > shape.tokens) std::abort();
        sum += count;
      }
      if (sum != shape.row_total()) std::abort();
    }
  } catch (const Error&) {
  }
  return 0;
}
