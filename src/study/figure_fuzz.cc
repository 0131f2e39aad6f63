// Any text is refused with an Error, or read as figures that are written and read again the same.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "base/error.h"
#include "study/figure.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace mixnet;
  try {
    const auto figures = parse_figures({reinterpret_cast<const char*>(data), size}, "fuzz");
    if (parse_figures(to_json(figures), "again") != figures) std::abort();
    for (const Figure& figure : figures) (void)to_csv(figure);
    (void)verdicts_csv(figures);
  } catch (const Error&) {
  }
  return 0;
}
