// Any bytes as measured times of operations: rows that are sane, or an Error of one line. Models
// are not looked up: they would be files.
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "base/error.h"
#include "compute/measured_operations.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace mixnet;
  try {
    MeasuredOperations measured =
        parse_measured_operations({reinterpret_cast<const char*>(data), size}, "fuzz.csv");
    if (measured.rows.empty()) std::abort();
    for (MeasuredOperation& row : measured.rows) {
      if (row.cells.size() != measured.columns.size()) std::abort();
      if (row.work.tp < 1 || row.work.ep < 1 || !(row.work.tokens >= 1)) std::abort();
      if (row.forward_ms && !(*row.forward_ms > 0 && std::isfinite(*row.forward_ms))) std::abort();
      row.model = "-";
      row.work.operation = LayerOperation::kOptimizer;
    }
    const Gpu gpu = {.name = "g", .peak_bf16_flops = 1e15, .memory_bytes_per_second = 1e12};
    const auto predicted = predict_operations(measured, compute_rates(gpu, Precision::kBf16));
    for (const PredictedOperation& row : predicted) {
      if (!row.time.forward.is_finite() || row.time.forward <= Time::zero()) std::abort();
    }
    if (operations_to_json(measured, predicted, gpu, Precision::kBf16).empty()) std::abort();
  } catch (const Error& error) {
    if (std::string_view(error.what()).find('\n') != std::string_view::npos) std::abort();
  }
  return 0;
}
