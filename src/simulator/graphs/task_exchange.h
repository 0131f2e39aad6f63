// What the communication tasks of a graph send: rings for all that reduce or gather, lists of
// transfers for the rest. No time here, no network.
//
// The rules are docs/task-graphs.md's. In short: a ring follows the order of its group's list, with
// parts of bytes / n, for 2 (n - 1) rounds of an all-reduce or n - 1 of a half. P2P sends its bytes
// from each sender to the receiver of the same place. An all-to-all joins EP ranks of
// tp = group / ep GPUs each, neighbours in the list; GPU t of rank s sends GPU t of rank d
// bytes * ep * W(s, d) / (sum of row s), transposed for AGGREGATE forward and GROUP_BY backward;
// or, where the graph has a demand for it, what that says.
//
// The constructor checks all tasks, so that an execution cannot fail half-way. Immutable after
// that; make functions are pure. Memory: nothing per task.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "interop/task_graph.h"
#include "moe/routing.h"

namespace mixnet {

struct TaskTransfer {
  std::uint32_t from = 0, to = 0;  ///< endpoints
  Bytes bytes;
};

struct TaskRing {
  std::span<const std::uint32_t> members;
  int rounds = 0;  ///< 0: nothing to do
  Bytes part;      ///< that a member sends in a round
};

/// Whether the task runs on a device: work, and COMM on a bus.
bool runs_on_device(const TaskGraph& graph, const GraphTask& task);

/// Whether the all-to-all is the first of its layer, for which circuits are allocated.
bool is_dispatch(const TaskGraph& graph, const GraphTask& task);

/// Whether an all-to-all of that info brings back what a dispatch sent: AGGREGATE forward and
/// GROUP_BY backward.
bool is_return(std::string_view info);

class TaskExchanges {
 public:
  /// `routing`, `seed`: of all-to-alls (routing.h). The graph must outlive it. Throws Error naming
  /// `input` when a task's endpoints do not suit its kind, or bytes or transfers are too many.
  TaskExchanges(const TaskGraph& graph, const std::string& routing, std::uint64_t seed,
                std::string input);

  /// One more than the largest endpoint that a task joins or a device belongs to.
  std::uint32_t endpoints() const { return endpoints_; }
  /// Whether the routing decides what some all-to-all sends.
  bool uses_routing() const { return routing_.has_value(); }
  /// What is odd about that routing; empty: nothing.
  std::string routing_note() const { return routing_ ? routing_->note() : std::string(); }

  /// How many collectives that have bytes have one member.
  std::size_t alone() const { return alone_; }

  /// All who take part, in the order of the task's list.
  std::span<const std::uint32_t> group(std::size_t task) const;

  /// The ring of a reducing or gathering task, else nothing.
  std::optional<TaskRing> ring(std::size_t task) const;

  /// Sender and receiver of each transfer of P2P and COMM, those included that are one and the
  /// same.
  std::vector<std::pair<std::uint32_t, std::uint32_t>> pairs(std::size_t task) const;

  /// What the others send, all at once; without what stays on an endpoint. Replaces `transfers`.
  void transfers(std::size_t task, std::vector<TaskTransfer>& transfers);

  /// EP ranks that an all-to-all joins.
  std::size_t rows(std::size_t task) const;

  /// Of an all-to-all: what its ranks send, and keep, as a dispatch (GraphDemand). Lives until the
  /// next call.
  const GraphDemand& demand(std::size_t task);

 private:
  void check(std::size_t task);
  [[noreturn]] void fail(std::size_t task, std::string_view problem, std::string_view remedy) const;
  void check_endpoints(std::size_t task);
  void check_link(std::size_t task);
  void check_all_to_all(std::size_t task);
  std::pair<std::uint32_t, std::uint32_t> ends(std::size_t task) const;
  void all_to_all(std::size_t task, std::vector<TaskTransfer>& transfers);
  const TaskGraph& graph_;
  std::string input_;
  std::uint32_t endpoints_ = 0;
  std::size_t alone_ = 0;
  std::optional<RoutingSource> routing_;
  TokenCounts counts_;
  GraphDemand demand_;
  double bytes_ = 0;
  double transfers_ = 0;
};

}  // namespace mixnet
