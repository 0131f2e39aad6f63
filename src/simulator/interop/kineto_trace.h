// Profiles of PyTorch, as torch.profiler.profile(...).export_chrome_trace() writes them (Kineto):
// {"schemaVersion", "distributedInfo": {"rank", "world_size", "pg_config": [...]}, "traceEvents":
// [...]}, one file a rank. Times are in microseconds.
//
//   cat "kernel"                 work on the GPU, by stream; but for NCCL's, which are when the
//                                communication took place that has their "External id" (without
//                                such a link the call's own time stands), or, in a profile without
//                                calls, what they say themselves
//   "gpu_memcpy", "gpu_memset"   copies, beside the GPU
//   "cpu_op"                     work only where there are no kernels: an operator's time without
//                                that of the operators that it calls
//   record_param_comms, c10d::*  calls of collectives (torch_comm.h), with what they call; the
//   outer
//                                of two, and the record in place of the operator around it
//   "gloo:all_reduce" and such   when gloo did what was called, and the type of its elements
//   all else                     nothing
// Reads event by event (base/json_items.h): 60 bytes an operator or kernel stay, and the calls.
#pragma once

#include <string_view>

#include "interop/torch_rank.h"

namespace mixnet {

/// Throws Error naming the file and the place when it is no profile, or a call of a collective says
/// too little.
TorchRank parse_kineto_trace(std::string_view text, std::string_view input);

}  // namespace mixnet
