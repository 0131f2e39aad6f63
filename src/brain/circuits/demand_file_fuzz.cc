#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "base/error.h"
#include "circuits/demand_file.h"

// Any text is either refused with an Error or read as a square matrix of values >= 0.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  try {
    const mixnet::ServerDemand demand = mixnet::parse_server_demand(text, "fuzz");
    if (demand.rows() == 0 || demand.rows() != demand.columns()) std::abort();
    for (const std::int64_t bytes : demand.cells()) {
      if (bytes < 0) std::abort();
    }
  } catch (const mixnet::Error&) {
  }
  return 0;
}
