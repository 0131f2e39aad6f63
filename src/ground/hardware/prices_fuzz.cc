// Any bytes as a price list: a list whose prices are sane, or an Error.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "base/error.h"
#include "hardware/prices.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  try {
    const mixnet::PriceList prices = mixnet::PriceList::parse(text, "fuzz.csv");
    if (prices.rows().empty()) std::abort();
    for (const mixnet::PriceRow& row : prices.rows()) {
      if (&prices.at(row.bandwidth) != &row) std::abort();
      if (!(row.nic >= 0 && row.transceiver >= 0 && row.bandwidth.bits_per_second > 0)) {
        std::abort();
      }
    }
  } catch (const mixnet::Error&) {
  }
  return 0;
}
