// One collective, and nothing else, on a fabric: how long it takes by the bytes in it, and the
// bandwidths that nccl-tests prints of that (its doc/PERFORMANCE.md):
//   algbw  bytes / time
//   busbw  algbw times what a link must carry of the bytes at least: 2 (n - 1) / n for all-reduce,
//          (n - 1) / n for all-gather, reduce-scatter, all-to-all, gather and scatter, 1 for others
// `bytes` are nccl-tests' "size": of the largest buffer of one rank (of all-gather and gather what
// comes together, of reduce-scatter, all-to-all and scatter what is dealt out).
//
// Algorithms, over n GPUs, g to a server:
//   all_reduce       rings: reduce-scatter, then all-gather, 2 (n - 1) steps of bytes / n
//   all_gather,      the same, n - 1 steps
//   reduce_scatter
//   broadcast,       two binary trees over the servers, half of the bytes each; who has children in
//   reduce           one has none in the other (Sanders, Speck, Traff, Parallel Computing 35,
//   2009).
//                    In slices of 128 KiB, so that they fill at once. Within a server, a chain
//   all_to_all       everybody to everybody at once. Bytes for a server go by the NICs of the
//                    places that they are for (as PXN does)
//   gather, scatter  everybody to or from rank 0, at once, by the NIC of rank 0
//   sendrecv         everybody to the next
// A server's NICs share its rings and trees evenly: so many channels.
//
// Time. A step between servers takes what its flows take on the fabric (flow_study.h: fluid or
// packets) and their propagation; one within a server bytes / `gpu_bandwidth` and `gpu_latency`.
// Steps of a ring follow each other as data and links allow: each takes as long as the slowest
// transfer, or as the mean of transfer and propagation around the ring, whichever is longer. Where
// nothing blocks, and each server has one GPU, that is  steps (latency + bytes / n / rate).
// The time that a GPU needs to start, reduce or copy is not in it.
//
// The fluid is solved once for all sizes; packets once for each. Deterministic, not thread-safe.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/names.h"
#include "base/units.h"
#include "network/fidelity.h"
#include "network/flow_topology.h"

namespace mixnet {

enum class Collective {
  kAllReduce,
  kAllGather,
  kReduceScatter,
  kAllToAll,
  kBroadcast,
  kReduce,
  kGather,
  kScatter,
  kSendReceive
};

template <>
struct Names<Collective> {
  static constexpr std::string_view kWhat = "collective";
  static constexpr NamedValue<Collective> kTable[] = {
      {"all_reduce", Collective::kAllReduce},
      {"all_gather", Collective::kAllGather},
      {"all_to_all", Collective::kAllToAll},
      {"reduce_scatter", Collective::kReduceScatter},
      {"broadcast", Collective::kBroadcast},
      {"reduce", Collective::kReduce},
      {"gather", Collective::kGather},
      {"scatter", Collective::kScatter},
      {"sendrecv", Collective::kSendReceive},
      {"allreduce", Collective::kAllReduce},
      {"allgather", Collective::kAllGather},
      {"alltoall", Collective::kAllToAll},
      {"reducescatter", Collective::kReduceScatter}};
};

struct CollectiveRequest {
  Collective collective = Collective::kAllReduce;
  int gpus = 0;             ///< 2 or more; whole servers, or fewer than one
  int gpus_per_server = 8;  ///< a multiple of the network's NICs of a server
  /// Of one GPU's port on its server's scale-up network, one direction, and from GPU to GPU there.
  Bandwidth gpu_bandwidth = Bandwidth::gbps(3600);
  Time gpu_latency = Time::nanoseconds(500);
  FlowNetworkOptions network;  ///< its hosts follow from the GPUs
  Fidelity fidelity = Fidelity::kFluid;
  PacketOptions packets;
  std::uint64_t seed = 1;    ///< of hashed paths
  std::vector<Bytes> sizes;  ///< each 1 B to 1 TiB
};

struct CollectiveRow {
  Bytes bytes;
  Time time;
  double algorithm_bandwidth = 0;  ///< bytes a second
  double bus_bandwidth = 0;
};

struct CollectiveReport {
  CollectiveRequest request;  ///< with the hosts
  std::string algorithm;      ///< in words
  std::vector<CollectiveRow> rows;
};

/// Throws Error naming the flag when something is out of range.
CollectiveReport run_collective(const CollectiveRequest& request);

/// What busbw is of algbw.
double bus_factor(Collective collective, int gpus);

/// Schema mixnet.collective/1, docs/flows.md; ends with a line break.
std::string to_json(const CollectiveReport& report);

}  // namespace mixnet
