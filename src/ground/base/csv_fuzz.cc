// Any bytes as a CSV table: a rectangular table that can be read through, or an Error.
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "base/csv.h"
#include "base/error.h"

namespace {

void read_through(const mixnet::CsvTable& table) {
  if (table.rows() == 0 || table.columns() == 0) std::abort();
  for (std::size_t r = 0; r < table.rows(); ++r) {
    for (std::size_t c = 0; c < table.columns(); ++c) {
      if (table.text(r, c).find_first_of(",\n") != std::string::npos) std::abort();
      try {
        if (!std::isfinite(table.number(r, c, -1e300))) std::abort();
        table.integer(r, c, INT64_MIN);
      } catch (const mixnet::Error&) {
      }
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  for (const bool has_header : {true, false}) {
    try {
      read_through(mixnet::CsvTable::parse(text, "fuzz.csv", has_header));
    } catch (const mixnet::Error&) {
    }
  }
  return 0;
}
