// What the GPUs that share out a sequence (context parallel) say to each other around attention, by
// CpComm of the plan:
//   p2p         keys and values go round the ring of the cp GPUs, a neighbour at a time (ring
//               attention): once in forward, twice in backward, again and with their gradients
//   all_gather  the same bytes, gathered: between servers every GPU's NIC brings a part of what its
//               server lacks, where the ring goes over the NICs at the ends of servers alone
//   a2a         Ulysses (arXiv:2309.14509): an all-to-all from tokens to heads of queries, keys and
//               values, and one back of the output; as much in backward. Keys and values of fewer
//               heads than tp x cp are sent once for each GPU that needs them.
// Nothing of it is hidden beneath attention.
//
// Pure.
#pragma once

#include <cstdint>
#include <vector>

#include "moe/gpu_sends.h"
#include "moe/model.h"
#include "moe/plan.h"

namespace mixnet {

/// Keys and values of a GPU's own tokens, its TP share of them; with a2a, all that goes into its
/// two all-to-alls, its own part included.
std::int64_t context_bytes(const Model& model, const ParallelPlan& plan);

/// Exchanges in backward; forward has one.
int backward_contexts(const ParallelPlan& plan);

/// Servers of the GPUs that share out one sequence.
int context_servers(const ParallelPlan& plan);

/// Of one exchange, through a GPU's scale-up port: all, and where it spans servers, that of GPUs of
/// the same server, `nics` of each of which bring what comes from others.
std::int64_t context_bytes_inside(const Model& model, const ParallelPlan& plan, int nics);

/// Between servers, of the first sequence's GPUs: one step of the ring (of cp - 1), or all of the
/// all-to-alls. Not of all_gather.
std::vector<GpuSend> context_sends(const Model& model, const ParallelPlan& plan);

}  // namespace mixnet
