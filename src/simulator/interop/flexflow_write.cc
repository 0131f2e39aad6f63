#include <flatbuffers/flatbuffers.h>
#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/error.h"
#include "interop/flexflow_eras.h"
#include "interop/flexflow_graph.h"

namespace mixnet {
namespace {

namespace fb = flatbuffers;
using namespace flexflow;

/// Refuses what would not come back when it is read.
void check_era(const TaskGraph& graph, std::string_view input) {
  const std::span<const TaskKind> kinds = kinds_of(graph.era);
  const bool is_topoopt = graph.era == GraphEra::kTopoOpt;
  for (std::size_t i = 0; i < graph.tasks.size(); ++i) {
    const TaskKind kind = graph.tasks[i].kind;
    const bool is_group = kind == TaskKind::kAllReduce;
    if (std::ranges::find(kinds, kind) == kinds.end() ||
        (is_topoopt &&
         (!graph.from[i].empty() || (is_group ? !graph.next[i].empty() : !graph.to[i].empty())))) {
      throw Error(input,
                  fmt::format("{} cannot be said in a graph of TopoOpt's era", describe(graph, i)),
                  "write it in MixNet's");
    }
  }
  if (is_topoopt && !(graph.network_bandwidth.count >= kLeastTopoOptSpeed)) {
    throw Error(input, "has a network of less than 2 bytes a ms", "give more");
  }
  if (!is_topoopt && !(graph.connections.empty() && graph.routes.empty() && graph.rings.empty())) {
    throw Error(input, "has connections, routes or rings, of which MixNet's era knows nothing",
                "write it in TopoOpt's");
  }
  // A generous estimate: FlatBuffers cannot stop half-way.
  std::size_t bytes = 4096 + 40 * graph.operators.size() + 56 * graph.devices.size() +
                      120 * graph.tasks.size() + 16 * graph.connections.size();
  for (const TaskLists* lists : {&graph.next, &graph.from, &graph.to}) {
    bytes += 8 * lists->items() + 12 * lists->size();
  }
  for (const std::string& name : graph.names) bytes += name.size() + 12;
  for (const GraphRoute& route : graph.routes) {
    bytes += 32;
    for (const GraphPath& path : route.paths) bytes += 32 + 4 * path.hops.size();
  }
  for (const GraphRings& rings : graph.rings) {
    bytes += 32;
    for (const auto& jumps : rings.jumps) bytes += 24 + 4 * jumps.size();
  }
  if (bytes > kMostBytes) {
    throw Error(
        input,
        fmt::format("makes a file of {}", to_string(Bytes{static_cast<std::int64_t>(bytes)})),
        "write a graph of at most 1 GiB");
  }
}

class GraphWriter {
 public:
  explicit GraphWriter(const TaskGraph& graph) : graph_(graph) {}

  std::string write() {
    no_numbers_ = builder_.CreateVector(std::vector<std::uint64_t>{});
    graph_.era == GraphEra::kTopoOpt ? write_topoopt() : write_mixnet();
    return {reinterpret_cast<const char*>(builder_.GetBufferPointer()), builder_.GetSize()};
  }

 private:
  using Numbers = fb::Offset<fb::Vector<std::uint64_t>>;

  template <typename Table>
  using Tables = fb::Offset<fb::Vector<fb::Offset<Table>>>;

  std::uint64_t task_id(std::uint32_t task) const { return graph_.tasks[task].id; }
  std::uint64_t device_id(const GraphTask& task) const {
    return task.device == GraphTask::kNoDevice ? kNoDeviceId : graph_.devices[task.device].id;
  }

  Numbers numbers(std::span<const std::uint32_t> list, bool are_tasks) {
    if (list.empty()) return no_numbers_;
    std::uint64_t* out = nullptr;
    const auto offset = builder_.CreateUninitializedVector<std::uint64_t>(list.size(), &out);
    for (std::size_t i = 0; i < list.size(); ++i) {
      const std::uint64_t number =
          fb::EndianScalar<std::uint64_t>(are_tasks ? task_id(list[i]) : list[i]);
      std::memcpy(out + i, &number, sizeof number);
    }
    return {offset};
  }

  /// Strings in the order of their first use, so that names nobody uses leave no trace.
  fb::Offset<fb::String> name(std::uint32_t index) {
    const auto [entry, is_new] = names_.try_emplace(graph_.names[index]);
    if (is_new) entry->second = builder_.CreateString(graph_.names[index]);
    return entry->second;
  }

  /// `create` makes a task of its number and itself.
  template <typename Task, typename Create>
  Tables<Task> tasks(const Create& create) {
    std::vector<fb::Offset<Task>> offsets;
    offsets.reserve(graph_.tasks.size());
    for (std::size_t i = 0; i < graph_.tasks.size(); ++i) {
      offsets.push_back(create(i, graph_.tasks[i]));
    }
    return builder_.CreateVector(offsets);
  }

  template <typename Operator, typename Create>
  Tables<Operator> operators(const Create& create) {
    std::vector<fb::Offset<Operator>> offsets;
    offsets.reserve(graph_.operators.size());
    for (const GraphOperator& one : graph_.operators) {
      offsets.push_back(create(builder_, one.id, one.type, name(one.name)));
    }
    return builder_.CreateVector(offsets);
  }

  template <typename Device, typename Type, typename Create>
  Tables<Device> devices(const Create& create) {
    std::vector<fb::Offset<Device>> offsets;
    offsets.reserve(graph_.devices.size());
    for (const GraphDevice& one : graph_.devices) {
      offsets.push_back(create(builder_, static_cast<Type>(one.kind), one.id, one.node,
                               one.property, one.bandwidth));
    }
    return builder_.CreateVector(offsets);
  }

  void write_topoopt() {
    using namespace topoopt_era;
    const auto task_offsets = tasks<Task>([&](std::size_t i, const GraphTask& task) {
      const bool is_group = task.kind == TaskKind::kAllReduce;
      const Numbers next = numbers(is_group ? graph_.to[i] : graph_.next[i], !is_group);
      return CreateTask(builder_,
                        is_group ? SimTaskType::ALLREDUCE : static_cast<SimTaskType>(task.kind),
                        task.id, device_id(task), task.runtime.count,
                        static_cast<std::uint64_t>(task.bytes.count), next);
    });
    const auto operator_offsets = operators<Operator>(CreateOperator);
    const auto device_offsets = devices<Device, DeviceType>(CreateDevice);
    std::vector<fb::Offset<Connection>> connections;
    for (const GraphConnection& one : graph_.connections) {
      connections.push_back(CreateConnection(builder_, one.from, one.to, one.count));
    }
    std::vector<fb::Offset<Route>> routes;
    for (const GraphRoute& one : graph_.routes) {
      std::vector<fb::Offset<Path>> paths;
      for (const GraphPath& path : one.paths) {
        paths.push_back(CreatePath(builder_, builder_.CreateVector(path.hops), path.chance));
      }
      routes.push_back(CreateRoute(builder_, one.from, one.to, builder_.CreateVector(paths)));
    }
    std::vector<fb::Offset<Rings>> rings;
    for (const GraphRings& one : graph_.rings) {
      std::vector<fb::Offset<RingDescriptor>> jumps;
      for (const auto& ring : one.jumps) {
        jumps.push_back(CreateRingDescriptor(builder_, builder_.CreateVector(ring)));
      }
      rings.push_back(CreateRings(builder_, one.size, builder_.CreateVector(jumps)));
    }
    const auto connection_offsets = builder_.CreateVector(connections);
    const auto route_offsets = builder_.CreateVector(routes);
    const auto ring_offsets = builder_.CreateVector(rings);
    builder_.Finish(CreateTaskGraph(
        builder_, graph_.gpus_per_node, graph_.nodes, graph_.switches, graph_.gpu_bandwidth.count,
        graph_.memory_bandwidth.count, graph_.network_bandwidth.count, connection_offsets,
        operator_offsets, task_offsets, device_offsets, route_offsets, ring_offsets));
  }

  void write_mixnet() {
    using namespace mixnet_era;
    const auto task_offsets = tasks<Task>([&](std::size_t i, const GraphTask& task) {
      const Numbers next = numbers(graph_.next[i], true);
      const Numbers from = numbers(graph_.from[i], false);
      const Numbers to = numbers(graph_.to[i], false);
      const auto task_name = name(task.name);
      const auto info = name(task.info);
      return CreateTask(builder_, static_cast<SimTaskType>(task.kind), task.id, device_id(task),
                        task.runtime.count, static_cast<std::uint64_t>(task.bytes.count),
                        task.counter, next, from, to, task_name, info, task.micro_batch, task.layer,
                        task.target_micro_batch, task.target_layer);
    });
    const auto operator_offsets = operators<Operator>(CreateOperator);
    const auto device_offsets = devices<Device, DeviceType>(CreateDevice);
    builder_.Finish(CreateTaskGraph(builder_, graph_.gpus_per_node, graph_.nodes,
                                    graph_.gpu_bandwidth.count, graph_.memory_bandwidth.count,
                                    graph_.network_bandwidth.count, operator_offsets, task_offsets,
                                    device_offsets, graph_.dp, graph_.tp, graph_.pp, graph_.ep));
  }

  const TaskGraph& graph_;
  fb::FlatBufferBuilder builder_;
  std::unordered_map<std::string_view, fb::Offset<fb::String>> names_;
  Numbers no_numbers_;
};

}  // namespace

std::string to_flexflow_graph(const TaskGraph& graph, std::string_view input) {
  check_task_graph(graph, input);
  check_era(graph, input);
  return GraphWriter(graph).write();
}

}  // namespace mixnet
