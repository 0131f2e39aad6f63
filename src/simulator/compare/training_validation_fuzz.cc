// Any bytes as a table of published runs: rows in range, or an Error of one line. Their models are
// not looked up: they would be files.
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "base/error.h"
#include "compare/training_validation.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace mixnet;
  try {
    const auto runs = parse_published_runs({reinterpret_cast<const char*>(data), size}, "fuzz.csv");
    if (runs.empty()) std::abort();
    for (const PublishedRun& run : runs) {
      if (!(run.step_seconds > 0) || !std::isfinite(run.step_seconds)) std::abort();
      if (run.nic_rate.bits_per_second < 1 || run.plan.gpus < 1) std::abort();
      if (run.plan.tp.value() < 1 || run.plan.ep.value() < 1) std::abort();
    }
  } catch (const Error& error) {
    if (std::string_view(error.what()).find('\n') != std::string_view::npos) std::abort();
  }
  return 0;
}
