// Any text as a region file: a site, or an Error.
#include <cstddef>
#include <cstdint>
#include <string>

#include "base/error.h"
#include "site/region_site.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  try {
    mixnet::parse_region_site(text, "region.yaml");
  } catch (const mixnet::Error&) {
  }
  try {
    mixnet::parse_positions(text, "ports", mixnet::kMostPositions);
  } catch (const mixnet::Error&) {
  }
  return 0;
}
