// Any text is refused with an Error, or read as flows within the limits that all start, written out
// again and read back the same.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "base/error.h"
#include "interop/connection_matrix.h"

namespace {

void check(const mixnet::FlowList& list) {
  using namespace mixnet;
  if (list.hosts < 2 || list.hosts > kMaxFlowHosts) std::abort();
  if (list.flows.empty() || list.flows.size() > kMaxFlows) std::abort();
  const int triggers = static_cast<int>(list.triggers.size());
  Bytes total;
  for (const FlowRecord& flow : list.flows) {
    if (flow.from < 0 || flow.from >= list.hosts) std::abort();
    if (flow.to < 0 || flow.to >= list.hosts || flow.to == flow.from) std::abort();
    if (flow.bytes.count < 1 || flow.bytes > kMaxFlowBytes) std::abort();
    if (flow.start < Time::zero() || flow.start > kMaxFlowStart) std::abort();
    if (flow.after < -1 || flow.after >= triggers) std::abort();
    if (flow.fires < -1 || flow.fires >= triggers) std::abort();
    if (flow.after >= 0 && flow.start != Time::zero()) std::abort();
    total += flow.bytes;
    if (total > kMaxFlowBytes) std::abort();
  }
  for (const FlowTrigger& trigger : list.triggers) {
    if (trigger.id < 1 || trigger.count < 1) std::abort();
  }
  if (!list.behind.empty() && list.behind.size() != list.flows.size()) std::abort();
  for (std::size_t f = 0; f < list.behind.size(); ++f) {
    if (list.behind[f] >= static_cast<int>(f)) std::abort();
  }
  if (first_flow_that_never_starts(list) != list.flows.size()) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace mixnet;
  FlowList list;
  try {
    list = parse_connection_matrix({reinterpret_cast<const char*>(data), size}, "fuzz");
  } catch (const Error&) {
    return 0;
  }
  check(list);
  return 0;
}
