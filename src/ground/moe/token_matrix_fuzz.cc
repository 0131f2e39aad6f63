// A token matrix from anyone: an Error or counts with exact sums.
#include <cstdlib>

#include "base/error.h"
#include "moe/token_matrix.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace mixnet;
  try {
    const Matrix<double> weights =
        parse_token_matrix({reinterpret_cast<const char*>(data), size}, "fuzz.csv");
    if (weights.rows() > 256) return 0;
    const RoutingShape shape{.ep = static_cast<int>(weights.rows()),
                             .experts = static_cast<int>(weights.rows()) * 2,
                             .top_k = 1,
                             .layers = 1,
                             .tokens = 1000};
    const TokenCounts counts = tile_token_matrix(weights, shape, false, "fuzz.csv");
    for (std::size_t row = 0; row < counts.rows(); ++row) {
      std::int64_t sum = 0;
      for (const std::int32_t count : counts.row(row)) {
        if (count < 0) std::abort();
        sum += count;
      }
      if (sum != shape.row_total()) std::abort();
    }
  } catch (const Error&) {
  }
  return 0;
}
