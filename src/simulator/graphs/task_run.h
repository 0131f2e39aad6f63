// A task graph executed on a network: every task's start and end, and what they add up to.
//
// Work. A task is ready when all its predecessors have ended. Work queues for its device in the
// order in which it got ready (equals by number) and runs alone on it for its runtime.
//
// Communication starts when it is ready, beside whatever else runs, and ends when everybody has
// everything:
//   COMM, NOMINAL_COMM   its bytes from node to node, as its network device says; COMM on another
//                        device (a bus) is work
//   P2P                  its bytes from each sender to the receiver of the same place
//   ..._ALLREDUCE,       a ring in the order of the group's list: 2 (n - 1) rounds in which every
//   ALLREDUCE            member sends bytes / n to the next. A member sends a round's part when it
//                        has received that of the round before
//   REDUCESCATTER,       the same, n - 1 rounds
//   ALLGATHER
//   ALLTOALL             between EP ranks of tp GPUs each, tp = group / ep: GPU t of rank s sends
//                        GPU t of rank d  bytes * ep * W(s, d) / (sum of row s), W from the
//                        routing; transposed for AGGREGATE forward and GROUP_BY backward
// GPUs of one node share their ports, out and in, of gpu_bandwidth each (scale_up.h). Hashed paths
// are drawn for each pair of endpoints and task, from the seed.
//
// MixNet's circuits. Regions are the servers that all-to-alls join, directly or through others. A
// region has circuits for one layer and micro-batch at a time; other all-to-alls wait, first come
// first served. GROUP_BY forward allocates them (greedy_allocator.h) to its demand and waits for
// the switch; the others find them, or, where another layer has taken the region meanwhile, have
// them set while work runs, at no time. All of a pair's bytes take its circuits evenly; the pairs
// that have none take the servers' EPS NICs.
//
// Deterministic; reads no clock. Not thread-safe. Memory: 28 bytes a task, 40 a transfer under way,
// 24 a reconfiguration, and the network's.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "graphs/task_communication.h"
#include "graphs/task_network.h"
#include "interop/task_graph.h"

namespace mixnet {

struct TaskRunRequest {
  FlowNetworkOptions network;          ///< hosts 0: as many as the graph joins
  std::optional<int> nics_per_server;  ///< default: as many as a node has GPUs (TopoOpt: 1)
  Fidelity fidelity = Fidelity::kPacket;
  PacketOptions packets;
  std::optional<std::string> routing;  ///< of all-to-alls that the graph leaves open: measured
  std::uint64_t seed = 1;              ///< of the routing, and of hashed paths
  Time reconfiguration = Time::milliseconds(25);
  std::string input;  ///< names the graph in errors
};

struct TaskSpan {
  Time start, end;
};

struct KindReport {
  std::int64_t tasks = 0;
  double seconds = 0;  ///< sum over the tasks
  Bytes bytes;         ///< sent by all, between nodes and within
};

struct TaskRunReport {
  FlowNetworkOptions network;
  Fidelity fidelity = Fidelity::kPacket;
  PacketOptions packet_options;
  int endpoints = 0;         ///< nodes (TopoOpt) or GPUs (MixNet) that the graph joins
  std::int64_t devices = 0;  ///< that work
  std::string routing;       ///< of the all-to-alls; empty where it decides about none
  std::uint64_t seed = 1;
  Time reconfiguration;
  /// What the graph does not say and was taken, or what is odd about it; for the caller to add to.
  std::vector<std::string> notes;

  std::vector<TaskSpan> tasks;           ///< in the order of the graph
  std::vector<SwitchMove> switch_moves;  ///< MixNet, in the order of their begin
  Time iteration;
  std::array<KindReport, kTaskKinds> kinds;
  CommunicationTotals communication;
  // Shares of the iteration.
  double mean_busy = 0, least_busy = 0, most_busy = 0;  ///< of the devices that work
  double network_share = 0;                             ///< a flow is under way
  double exposed_share = 0;  ///< communication, or the switch, and no device works
  std::vector<TaskNetwork::TierUse> tiers;
  std::optional<PacketTotals> packets;
  double wall_seconds = 0;  ///< for the caller to measure
};

/// Throws Error when the graph cannot be executed (tasks that wait for each other, groups that are
/// none), when a flag is out of range, or when it does not end within 30 days.
TaskRunReport run_task_graph(const TaskGraph& graph, const TaskRunRequest& request);

/// Bytes that crossed the tier's ports, of what they could carry in `iteration`.
double utilisation(const TaskNetwork::TierUse& tier, Time iteration);

/// Schema mixnet.simulate/1, docs/task-graphs.md; ends with a line break.
std::string to_json(const TaskGraph& graph, const TaskRunReport& report);

}  // namespace mixnet
