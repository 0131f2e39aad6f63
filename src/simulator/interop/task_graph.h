// A task graph: what an iteration of training computes and sends, and what waits for what. It is
// what graph files are read into and written from, and what a simulation executes
// (graphs/task_run.h).
//
// Tasks are numbered by their place in the file. A task runs when all its predecessors have ended.
// Work runs on a device; communication joins endpoints, numbered from 0: nodes in TopoOpt's era,
// GPUs (node * gpus_per_node + GPU) in MixNet's. docs/task-graphs.md says what each kind does.
//
// Invariants, which whoever fills a graph keeps and check_task_graph() checks: every index points
// at something; numbers lie within the limits below, so that no sum or clock of a simulation can
// overflow. That no task waits for itself, and that counters are right, is checked when a graph is
// executed: a file that is wrong in this can still be looked at.
//
// Plain values in flat arrays: 64 bytes a task and 4 bytes an edge or endpoint. Names, of which
// there are few, are kept once.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/matrix.h"
#include "base/names.h"
#include "base/units.h"

namespace mixnet {

inline constexpr std::size_t kMaxGraphTasks = 50'000'000;
inline constexpr std::uint32_t kMaxGraphEndpoints = 1'048'576;
inline constexpr std::uint32_t kMaxGpusPerNode = 1024;
inline constexpr std::size_t kMaxGraphName = 1000;  ///< bytes of one name
/// Of one task; a sum over 2^53 bytes is refused when the graph is executed.
inline constexpr Bytes kMaxTaskBytes{std::int64_t{1} << 48};
inline constexpr float kMaxTaskMs = 3.6e6F;  ///< an hour

enum class GraphEra : std::uint8_t { kTopoOpt, kMixNet };

enum class TaskKind : std::uint8_t {
  kForward,
  kBackward,
  kComm,  ///< over the device, a link, that it names
  kUpdate,
  kBarrier,
  kNominalComm,  ///< from node to node, as the device says
  kP2p,          ///< all that follow: among endpoints that the task lists
  kSubAllReduce,
  kDpAllReduce,
  kTpAllReduce,
  kAllReduce,
  kReduceScatter,
  kAllGather,
  kAllToAll
};
inline constexpr std::size_t kTaskKinds = 14;

template <>
struct Names<GraphEra> {
  static constexpr std::string_view kWhat = "era of FlexFlow";
  static constexpr NamedValue<GraphEra> kTable[] = {{"topoopt", GraphEra::kTopoOpt},
                                                    {"mixnet", GraphEra::kMixNet}};
};

/// As FlexFlow spells them.
template <>
struct Names<TaskKind> {
  static constexpr std::string_view kWhat = "kind of task";
  static constexpr NamedValue<TaskKind> kTable[] = {{"FORWARD", TaskKind::kForward},
                                                    {"BACKWARD", TaskKind::kBackward},
                                                    {"COMM", TaskKind::kComm},
                                                    {"UPDATE", TaskKind::kUpdate},
                                                    {"BARRIER", TaskKind::kBarrier},
                                                    {"NOMINAL_COMM", TaskKind::kNominalComm},
                                                    {"P2P", TaskKind::kP2p},
                                                    {"SUB_ALLREDUCE", TaskKind::kSubAllReduce},
                                                    {"DP_ALLREDUCE", TaskKind::kDpAllReduce},
                                                    {"TP_ALLREDUCE", TaskKind::kTpAllReduce},
                                                    {"ALLREDUCE", TaskKind::kAllReduce},
                                                    {"REDUCESCATTER", TaskKind::kReduceScatter},
                                                    {"ALLGATHER", TaskKind::kAllGather},
                                                    {"ALLTOALL", TaskKind::kAllToAll}};
};
static_assert(std::size(Names<TaskKind>::kTable) == kTaskKinds);

/// Whether the task is work on a device; else it is communication.
constexpr bool is_work(TaskKind kind) {
  return kind == TaskKind::kForward || kind == TaskKind::kBackward || kind == TaskKind::kUpdate ||
         kind == TaskKind::kBarrier;
}

enum class DeviceKind : std::uint8_t {
  kGpu,
  kCpu,
  kSystemMemory,
  kZeroCopyMemory,
  kGpuMemory,
  kMemoryBus,
  kUpiIn,
  kUpiOut,
  kNicIn,
  kNicOut,
  kPciToHost,
  kPciToDevice,
  kNvlink,
  kNetwork,        ///< NW_COMM: a link
  kNetworkNominal  ///< NW_NOMINAL: a pair of nodes
};
inline constexpr std::size_t kDeviceKinds = 15;

/// Files have times and speeds as floats, and get them back to the bit.
struct Milliseconds {
  float count = 0;
  Time time() const;
  auto operator<=>(const Milliseconds&) const = default;
};
struct BytesPerMs {
  float count = 0;
  Bandwidth bandwidth() const;
  auto operator<=>(const BytesPerMs&) const = default;
};

struct GraphDevice {
  DeviceKind kind = DeviceKind::kGpu;
  std::uint64_t id = 0;  ///< no two the same
  std::uint64_t node = 0;
  std::uint64_t property = 0;   ///< of a network device: from * (nodes + switches) + to
  std::uint64_t bandwidth = 0;  ///< as FlexFlow writes it, bytes a ms; often 0
  bool operator==(const GraphDevice&) const = default;
};

struct GraphOperator {
  std::uint64_t id = 0;
  std::uint64_t type = 0;
  std::uint32_t name = 0;  ///< index in names
  bool operator==(const GraphOperator&) const = default;
};

struct GraphTask {
  static constexpr std::uint32_t kNoDevice = UINT32_MAX;

  std::uint64_t id = 0;  ///< no two the same
  Bytes bytes;
  Milliseconds runtime;
  std::uint32_t device = kNoDevice;  ///< index in devices; work has one
  std::uint32_t name = 0;            ///< index in names; TopoOpt's have none
  std::uint32_t info = 0;            ///< likewise: which all-to-all it is
  std::int32_t counter = 0;          ///< predecessors as the file counts them (MixNet's)
  std::int32_t micro_batch = 0, layer = 0, target_micro_batch = 0, target_layer = 0;
  TaskKind kind = TaskKind::kForward;
  bool operator==(const GraphTask&) const = default;
};
static_assert(sizeof(GraphTask) == 64 - 8);

/// A list of numbers for each task, in one array.
class TaskLists {
 public:
  std::span<const std::uint32_t> operator[](std::size_t task) const {
    return {items_.data() + ends_[task], ends_[task + 1] - ends_[task]};
  }
  std::size_t size() const { return ends_.size() - 1; }
  std::size_t items() const { return items_.size(); }
  void reserve(std::size_t tasks) { ends_.reserve(tasks + 1); }
  /// The list of the next task grows; end_list() ends it.
  void add(std::uint32_t item) { items_.push_back(item); }
  void end_list() { ends_.push_back(static_cast<std::uint32_t>(items_.size())); }
  void append(std::span<const std::uint32_t> list) {
    items_.insert(items_.end(), list.begin(), list.end());
    end_list();
  }
  bool operator==(const TaskLists&) const = default;

 private:
  std::vector<std::uint32_t> ends_ = {0};
  std::vector<std::uint32_t> items_;
};

/// Links of the network that TopoOpt found: `count` from a node or switch to another.
struct GraphConnection {
  std::uint32_t from = 0, to = 0, count = 0;
  bool operator==(const GraphConnection&) const = default;
};
struct GraphPath {
  std::vector<std::uint32_t> hops;  ///< nodes and switches, both ends included
  float chance = 0;
  bool operator==(const GraphPath&) const = default;
};
struct GraphRoute {
  std::uint32_t from = 0, to = 0;
  std::vector<GraphPath> paths;
  bool operator==(const GraphRoute&) const = default;
};
struct GraphRings {
  std::uint64_t size = 0;
  std::vector<std::vector<std::int32_t>> jumps;
  bool operator==(const GraphRings&) const = default;
};

/// Bytes from row to column. The group of an all-to-all, in its order, falls into as many rows of
/// equally many GPUs; GPU t of row s sends GPU t of row d the cell (s, d). These are a dispatch's:
/// an all-to-all that brings back (AGGREGATE forward, GROUP_BY backward) takes the transpose.
using GraphDemand = Matrix<std::int64_t>;

struct TaskGraph {
  static constexpr std::uint32_t kNoDemand = UINT32_MAX;

  GraphEra era = GraphEra::kMixNet;
  std::uint32_t gpus_per_node = 1;
  std::uint32_t nodes = 1;     ///< MixNet's say 8192 whatever they are
  std::uint32_t switches = 0;  ///< TopoOpt's, as all with connections, routes and rings
  BytesPerMs gpu_bandwidth;    ///< between GPUs of a node
  BytesPerMs memory_bandwidth;
  BytesPerMs network_bandwidth;
  std::uint32_t dp = 0, tp = 0, pp = 0, ep = 0;  ///< MixNet's

  std::vector<std::string> names;  ///< the first is empty
  std::vector<GraphOperator> operators;
  std::vector<GraphDevice> devices;
  std::vector<GraphTask> tasks;
  TaskLists next;  ///< successors
  /// Endpoints: senders, and receivers or, of an all-reduce, the group.
  TaskLists from, to;
  /// What all-to-alls send where it is known, as no FlexFlow file has it; else the routing of the
  /// execution says.
  std::vector<GraphDemand> demands;
  std::vector<std::uint32_t> demand_of;  ///< by task, index in demands; empty where none is known

  std::vector<GraphConnection> connections;
  std::vector<GraphRoute> routes;
  std::vector<GraphRings> rings;

  std::string_view name_of(const GraphTask& task) const { return names[task.name]; }
  std::string_view info_of(const GraphTask& task) const { return names[task.info]; }
  /// Null where it is left to the routing.
  const GraphDemand* demand(std::size_t task) const {
    return demand_of.empty() || demand_of[task] == kNoDemand ? nullptr : &demands[demand_of[task]];
  }
  bool operator==(const TaskGraph&) const = default;
};

/// Throws Error naming `input` when an invariant above does not hold.
void check_task_graph(const TaskGraph& graph, std::string_view input);

/// "task 17 (id 1000016, AGGREGATE forward all2all)": for errors.
std::string describe(const TaskGraph& graph, std::size_t task);

}  // namespace mixnet
