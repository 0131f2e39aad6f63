// Any text is refused with an Error, or read as a workload whose groups cover each rank once and
// whose ranks all have the same collectives.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "base/error.h"
#include "interop/aicb_workload.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace mixnet;
  AicbWorkload workload;
  try {
    workload = parse_aicb_workload({reinterpret_cast<const char*>(data), size}, "fuzz");
  } catch (const Error&) {
    return 0;
  }
  for (const std::uint32_t rank : {0U, workload.ranks / 2, workload.ranks - 1}) {
    for (const AicbGroup group :
         {AicbGroup::kTp, AicbGroup::kDp, AicbGroup::kEp, AicbGroup::kDpEp}) {
      const auto members = workload.members(group, rank);
      if (!std::ranges::is_sorted(members) || members.back() >= workload.ranks) std::abort();
      if (!std::ranges::binary_search(members, rank)) std::abort();
      if (workload.members(group, members.front()) != members) std::abort();
    }
    const ChakraTrace trace = aicb_rank(workload, rank);
    if (trace.nodes.size() > workload.layers.size() * 7) std::abort();
    for (std::size_t i = 0; i < trace.nodes.size(); ++i) {
      for (const std::uint64_t dep : trace.nodes[i].data_deps) {
        if (dep >= i) std::abort();
      }
    }
  }
  return 0;
}
