#include "interop/task_graph.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "base/text_fields.h"

namespace mixnet {
namespace {

bool is_speed(BytesPerMs speed) { return speed.count >= 0 && speed.count <= 1e15F; }

void check_header(const TaskGraph& graph, std::string_view input) {
  if (graph.gpus_per_node < 1 || graph.gpus_per_node > kMaxGpusPerNode) {
    throw Error(input, fmt::format("has {} GPUs a node", graph.gpus_per_node),
                fmt::format("give 1 to {}", kMaxGpusPerNode));
  }
  if (graph.nodes < 1 || graph.nodes > kMaxGraphEndpoints || graph.switches > kMaxGraphEndpoints) {
    throw Error(input, fmt::format("has {} nodes and {} switches", graph.nodes, graph.switches),
                fmt::format("give 1 to {} nodes", kMaxGraphEndpoints));
  }
  if (!is_speed(graph.gpu_bandwidth) || !is_speed(graph.memory_bandwidth) ||
      !is_speed(graph.network_bandwidth)) {
    throw Error(input, "has a bandwidth out of range", "give 0 to 1e15 bytes a ms");
  }
  for (const std::uint32_t degree : {graph.dp, graph.tp, graph.pp, graph.ep}) {
    if (degree > kMaxGraphEndpoints) {
      throw Error(input, fmt::format("has a degree of parallelism of {}", degree),
                  fmt::format("give at most {}", kMaxGraphEndpoints));
    }
  }
  if (graph.names.empty() || !graph.names.front().empty()) {
    throw Error(input, "has names of which the first is not empty");
  }
  for (const std::string& name : graph.names) {
    if (name.size() > kMaxGraphName) {
      throw Error(input, fmt::format("has a name of {} bytes, '{}'", name.size(), shown(name)),
                  fmt::format("give at most {}", kMaxGraphName));
    }
  }
}

void check_task(const TaskGraph& graph, std::size_t index, std::string_view input) {
  const GraphTask& task = graph.tasks[index];
  const auto fail = [&](std::string_view problem, std::string_view remedy) {
    throw Error(input, fmt::format("{} {}", describe(graph, index), problem), remedy);
  };
  if (!(task.runtime.count >= 0 && task.runtime.count <= kMaxTaskMs)) {
    fail(fmt::format("runs for {} ms", task.runtime.count), "give 0 ms to an hour");
  }
  if (task.bytes < Bytes::zero() || task.bytes > kMaxTaskBytes) {
    fail(fmt::format("sends {} bytes", static_cast<std::uint64_t>(task.bytes.count)),
         "give at most 2^48");
  }
  if (task.device == GraphTask::kNoDevice ? is_work(task.kind)
                                          : task.device >= graph.devices.size()) {
    fail("names no device of the graph", "give the id of one of its devices");
  }
  for (const std::uint32_t next : graph.next[index]) {
    if (next >= graph.tasks.size()) fail("names a successor that is no task", "give its id");
  }
  for (const TaskLists* list : {&graph.from, &graph.to}) {
    for (const std::uint32_t endpoint : (*list)[index]) {
      if (endpoint >= kMaxGraphEndpoints) {
        fail(fmt::format("joins endpoint {}", endpoint),
             fmt::format("give 0 to {}", kMaxGraphEndpoints - 1));
      }
    }
  }
}

void check_demands(const TaskGraph& graph, std::string_view input) {
  if (!graph.demand_of.empty() && graph.demand_of.size() != graph.tasks.size()) {
    throw Error(input, "does not say of every task what it sends");
  }
  for (const std::uint32_t demand : graph.demand_of) {
    if (demand != TaskGraph::kNoDemand && demand >= graph.demands.size()) {
      throw Error(input, "has an all-to-all whose bytes are not listed");
    }
  }
  for (const GraphDemand& demand : graph.demands) {
    const auto is_size = [](std::int64_t bytes) {
      return bytes >= 0 && bytes <= kMaxTaskBytes.count;
    };
    if (demand.rows() < 1 || demand.rows() != demand.columns() ||
        !std::ranges::all_of(demand.cells(), is_size)) {
      throw Error(input, "has an all-to-all of bytes out of range", "give 0 to 2^48 a pair");
    }
  }
}

template <typename Item>
void check_ids(const std::vector<Item>& items, std::string_view what, std::string_view input) {
  std::vector<std::uint64_t> ids;
  ids.reserve(items.size());
  for (const Item& item : items) ids.push_back(item.id);
  std::ranges::sort(ids);
  if (const auto twice = std::ranges::adjacent_find(ids); twice != ids.end()) {
    throw Error(input, fmt::format("has two {}s with the id {}", what, *twice),
                "give each an id of its own");
  }
}

}  // namespace

Time Milliseconds::time() const { return Time::from_seconds(static_cast<double>(count) * 1e-3); }

Bandwidth BytesPerMs::bandwidth() const { return {std::llround(static_cast<double>(count) * 8e3)}; }

void check_task_graph(const TaskGraph& graph, std::string_view input) {
  check_header(graph, input);
  if (graph.tasks.empty() || graph.tasks.size() > kMaxGraphTasks) {
    throw Error(input, fmt::format("has {} tasks", graph.tasks.size()),
                fmt::format("give 1 to {}", kMaxGraphTasks));
  }
  for (const TaskLists* lists : {&graph.next, &graph.from, &graph.to}) {
    if (lists->size() != graph.tasks.size()) {
      throw Error(input, "does not have a list of neighbours for every task");
    }
  }
  const auto name_exists = [&](std::uint32_t name) { return name < graph.names.size(); };
  for (const GraphTask& task : graph.tasks) {
    if (!name_exists(task.name) || !name_exists(task.info)) {
      throw Error(input, "has a task whose name is not listed");
    }
  }
  for (const GraphOperator& one : graph.operators) {
    if (!name_exists(one.name)) throw Error(input, "has an operator whose name is not listed");
  }
  for (std::size_t task = 0; task < graph.tasks.size(); ++task) check_task(graph, task, input);
  for (const GraphRoute& route : graph.routes) {
    for (const GraphPath& path : route.paths) {
      if (path.chance >= 0 && path.chance <= 1) continue;
      throw Error(
          input,
          fmt::format("has a path from {} to {} of chance {}", route.from, route.to, path.chance),
          "give 0 to 1");
    }
  }
  check_demands(graph, input);
  check_ids(graph.tasks, "task", input);
  check_ids(graph.devices, "device", input);
}

std::string describe(const TaskGraph& graph, std::size_t task) {
  const GraphTask& one = graph.tasks[task];
  const std::string_view info = graph.info_of(one);
  const std::string_view name = !info.empty() ? info : graph.name_of(one);
  return fmt::format("task {} (id {}, {}{}{})", task, one.id, to_string(one.kind),
                     name.empty() ? "" : " ", shown(name));
}

}  // namespace mixnet
