// Any text is refused with an Error, or read as a square matrix that holds flows and whose sum is
// within the limit.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "base/alltoallv_matrix.h"
#include "base/error.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace mixnet;
  try {
    const Matrix<std::int64_t> matrix =
        parse_alltoallv_matrix({reinterpret_cast<const char*>(data), size}, "fuzz",
                               size % 3 == 0 ? 0.37 : 1 + static_cast<double>(size % 3) * 1e6);
    if (matrix.rows() != matrix.columns() || matrix.rows() > kMaxAlltoallvRanks) std::abort();
    Bytes total;
    bool has_flows = false;
    for (std::size_t from = 0; from < matrix.rows(); ++from) {
      for (std::size_t to = 0; to < matrix.columns(); ++to) {
        const Bytes bytes{matrix(from, to)};
        if (bytes.count < 0 || bytes.count % kAlltoallvAlignment != 0 || bytes > kMaxAlltoallvBytes)
          std::abort();
        total += bytes;
        if (total > kMaxAlltoallvBytes) std::abort();
        if (bytes.count > 0 && from != to) has_flows = true;
      }
    }
    if (!has_flows) std::abort();
  } catch (const Error&) {
  }
  return 0;
}
