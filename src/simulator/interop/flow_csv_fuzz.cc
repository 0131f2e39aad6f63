// Any text is refused with an Error, or read as flows within the limits, without triggers, on as
// many hosts as the highest index says.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "base/error.h"
#include "interop/flow_csv.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace mixnet;
  try {
    const FlowList list = parse_flow_csv({reinterpret_cast<const char*>(data), size}, "fuzz");
    if (list.flows.empty() || !list.triggers.empty()) std::abort();
    int highest = 0;
    Bytes total;
    for (const FlowRecord& flow : list.flows) {
      if (flow.from < 0 || flow.to < 0 || flow.from == flow.to) std::abort();
      if (flow.bytes.count < 1 || flow.bytes > kMaxFlowBytes) std::abort();
      if (flow.start < Time::zero() || flow.start > kMaxFlowStart) std::abort();
      if (flow.after != -1 || flow.fires != -1) std::abort();
      highest = std::max({highest, flow.from, flow.to});
      total += flow.bytes;
      if (total > kMaxFlowBytes) std::abort();
    }
    if (list.hosts != highest + 1 || list.hosts > kMaxFlowHosts) std::abort();
  } catch (const Error&) {
  }
  return 0;
}
