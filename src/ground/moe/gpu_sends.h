// Sends from single GPUs to single GPUs of other servers: what goes between some of a server's.
#pragma once

#include <vector>

#include "base/units.h"
#include "moe/plan.h"

namespace mixnet {

/// By the NIC that each has.
struct GpuSend {
  int from_server = 0, from_gpu = 0;  ///< the latter: of the server
  int to_server = 0, to_gpu = 0;
  Bytes bytes;
};

/// Of `bytes` from one rank to another.
GpuSend send_between(const ParallelPlan& plan, std::int64_t from, std::int64_t to, Bytes bytes);

/// Every GPU of stage `from` sends `bytes` to that of the same place in stage `to`; in the order of
/// ranks, those inside a server included.
std::vector<GpuSend> stage_sends(const ParallelPlan& plan, int from, int to, Bytes bytes);

}  // namespace mixnet
