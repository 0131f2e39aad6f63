// figures.json: any bytes are taken, or refused with an Error. What is taken can be written, is the
// same when it is read again, and can be drawn.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "base/error.h"
#include "figures/figure.h"
#include "figures/figure_chart.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  try {
    const std::vector<mixnet::Figure> figures = mixnet::parse_figures_json(text, "figures.json");
    const std::string written = mixnet::to_figures_json(figures);
    if (mixnet::parse_figures_json(written, "figures.json") != figures) std::abort();
    for (const mixnet::Figure& figure : figures) {
      if (mixnet::to_svg(figure).empty() || mixnet::to_csv(figure).empty()) std::abort();
    }
  } catch (const mixnet::Error&) {
  }
  return 0;
}
