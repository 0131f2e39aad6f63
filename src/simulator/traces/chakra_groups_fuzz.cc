// Any bytes as PREFIX.comm_groups.json: groups or an Error, and ranks that may be asked for.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "base/error.h"
#include "traces/chakra_groups.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace mixnet;
  try {
    const ChakraGroups groups =
        parse_chakra_groups({reinterpret_cast<const char*>(data), size}, "fuzz.json");
    for (const auto& [name, ranks] : groups) {
      for (std::size_t i = 1; i < ranks.size(); ++i) {
        if (ranks[i - 1] >= ranks[i]) std::abort();
      }
      if (ranks.size() > 1) check_chakra_group(groups, name, ranks, 1, "fuzz");
    }
  } catch (const Error&) {
  }
  return 0;
}
