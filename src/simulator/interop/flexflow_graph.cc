#include "interop/flexflow_graph.h"

#include <flatbuffers/flatbuffers.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/text_fields.h"
#include "base/text_file.h"
#include "interop/flexflow_eras.h"

namespace mixnet {
namespace {

namespace fb = flatbuffers;
using namespace flexflow;

/// Elements of a vector, also where a hostile file has put it at an odd place.
template <typename T>
T element(const fb::Vector<T>& vector, fb::uoffset_t index) {
  T value;
  std::memcpy(&value, vector.Data() + std::size_t{index} * sizeof(T), sizeof(T));
  return fb::EndianScalar(value);
}

/// Calls `visit` with every element; nothing when the vector is absent.
template <typename Vector, typename Visit>
void for_each_table(const Vector* vector, const Visit& visit) {
  if (vector == nullptr) return;
  for (fb::uoffset_t i = 0; i < vector->size(); ++i) visit(*vector->Get(i));
}

/// Task indices by id.
class IdIndex {
 public:
  void reserve(std::size_t size) { entries_.reserve(size); }
  void add(std::uint64_t id) {
    entries_.emplace_back(id, static_cast<std::uint32_t>(entries_.size()));
  }
  void sort() { std::ranges::sort(entries_); }

  std::optional<std::uint32_t> find(std::uint64_t id) {
    // Neighbours are mostly asked for one after another.
    if (++last_ < entries_.size() && entries_[last_].first == id) return entries_[last_].second;
    const auto found = std::ranges::lower_bound(entries_, id, {}, &Entry::first);
    if (found == entries_.end() || found->first != id) return std::nullopt;
    last_ = static_cast<std::size_t>(found - entries_.begin());
    return found->second;
  }

 private:
  using Entry = std::pair<std::uint64_t, std::uint32_t>;
  std::vector<Entry> entries_;
  std::size_t last_ = 0;
};

class GraphReader {
 public:
  GraphReader(std::string_view bytes, std::string_view input)
      : input_(input), most_items_(bytes.size()) {
    graph_.names.emplace_back();
    name_indices_.emplace(std::string_view{}, 0);
  }

  TaskGraph read(const topoopt_era::TaskGraph& root) {
    graph_.era = GraphEra::kTopoOpt;
    read_common(root);
    graph_.switches = root.nswitch();
    if (!(graph_.network_bandwidth.count >= kLeastTopoOptSpeed)) {
      throw Error(input_, fmt::format("has a network of {} bytes a ms", root.netbw()),
                  "give at least 2, or files of the two eras could not be told apart");
    }
    for_each_table(root.tasks(), [&](const topoopt_era::Task& task) { read_task(task); });
    for_each_table(root.tasks(), [&](const topoopt_era::Task& task) {
      const bool is_group = kind_of(task) == TaskKind::kAllReduce;
      is_group ? graph_.next.end_list() : read_successors(task.nexttasks());
      graph_.from.end_list();
      is_group ? read_endpoints(task.nexttasks(), graph_.to) : graph_.to.end_list();
    });
    for_each_table(root.conn(), [&](const topoopt_era::Connection& one) {
      graph_.connections.push_back({one.fromnode(), one.tonode(), one.nconn()});
    });
    for_each_table(root.routes(), [&](const topoopt_era::Route& one) {
      GraphRoute& route = graph_.routes.emplace_back();
      route.from = one.fromnode();
      route.to = one.tonode();
      for_each_table(one.paths(), [&](const topoopt_era::Path& path) {
        route.paths.push_back({numbers<std::uint32_t>(path.hopnode()), path.chance()});
      });
    });
    for_each_table(root.rings(), [&](const topoopt_era::Rings& one) {
      GraphRings& rings = graph_.rings.emplace_back();
      rings.size = one.ringsz();
      for_each_table(one.ringpaths(), [&](const topoopt_era::RingDescriptor& ring) {
        rings.jumps.push_back(numbers<std::int32_t>(ring.jumps()));
      });
    });
    return std::move(graph_);
  }

  TaskGraph read(const mixnet_era::TaskGraph& root) {
    graph_.era = GraphEra::kMixNet;
    read_common(root);
    graph_.dp = root.dp_degree();
    graph_.tp = root.tp_degree();
    graph_.pp = root.pp_degree();
    graph_.ep = root.ep_degree();
    for_each_table(root.tasks(), [&](const mixnet_era::Task& task) {
      GraphTask& read = read_task(task);
      read.counter = task.counter();
      read.name = name_index(task.name());
      read.info = name_index(task.info());
      read.micro_batch = task.micro_batch_id();
      read.layer = task.layer_id();
      read.target_micro_batch = task.target_micro_batch_id();
      read.target_layer = task.target_layer_id();
    });
    for_each_table(root.tasks(), [&](const mixnet_era::Task& task) {
      read_successors(task.nexttasks());
      read_endpoints(task.from_node_ids(), graph_.from);
      read_endpoints(task.to_node_ids(), graph_.to);
    });
    return std::move(graph_);
  }

 private:
  /// All but the tasks, whose number is known then.
  template <typename Root>
  void read_common(const Root& root) {
    graph_.gpus_per_node = root.ngpupernode();
    graph_.nodes = root.nnode();
    graph_.gpu_bandwidth = {root.intergpubw()};
    graph_.memory_bandwidth = {root.drambw()};
    graph_.network_bandwidth = {root.netbw()};
    for_each_table(root.ops(), [&](const auto& one) {
      graph_.operators.push_back({one.opid(), one.type(), name_index(one.name())});
    });
    for_each_table(root.devices(), [&](const auto& one) {
      const auto kind = static_cast<std::int64_t>(one.type());
      if (kind < 0 || kind >= static_cast<std::int64_t>(kDeviceKinds)) {
        throw Error(input_, fmt::format("device {} is of type {}", graph_.devices.size(), kind),
                    fmt::format("give 0 to {}", kDeviceKinds - 1));
      }
      graph_.devices.push_back({static_cast<DeviceKind>(kind), one.deviceid(), one.nodeid(),
                                one.deviceproperty(), one.bandwidth()});
      devices_.add(one.deviceid());
    });
    devices_.sort();
    const std::size_t tasks = root.tasks()->size();
    if (tasks > kMaxGraphTasks) {
      throw Error(input_, fmt::format("has {} tasks", tasks),
                  fmt::format("give 1 to {}", kMaxGraphTasks));
    }
    graph_.tasks.reserve(tasks);
    tasks_.reserve(tasks);
    for_each_table(root.tasks(), [&](const auto& one) { tasks_.add(one.taskid()); });
    tasks_.sort();
    for (TaskLists* lists : {&graph_.next, &graph_.from, &graph_.to}) lists->reserve(tasks);
  }

  template <typename Task>
  TaskKind kind_of(const Task& task) const {
    const std::span<const TaskKind> kinds = kinds_of(graph_.era);
    const auto kind = static_cast<std::int64_t>(task.type());
    if (kind < 0 || kind >= static_cast<std::int64_t>(kinds.size())) {
      throw Error(input_, fmt::format("task {} is of type {}", graph_.tasks.size(), kind),
                  fmt::format("give 0 to {}", kinds.size() - 1));
    }
    return kinds[static_cast<std::size_t>(kind)];
  }

  template <typename Task>
  GraphTask& read_task(const Task& task) {
    GraphTask& read = graph_.tasks.emplace_back();
    read.kind = kind_of(task);
    read.id = task.taskid();
    read.runtime = {task.runtime()};
    // What does not fit is negative then, which check_task_graph() refuses.
    read.bytes = {static_cast<std::int64_t>(task.xfersize())};
    read.device = devices_.find(task.deviceid()).value_or(GraphTask::kNoDevice);
    return read;
  }

  void count_items(std::size_t items) {
    if (items > most_items_) {
      throw Error(input_, "has lists that share their place and unfold to more than the file",
                  "give lists of their own");
    }
    most_items_ -= items;
  }

  void read_successors(const fb::Vector<std::uint64_t>* list) {
    const fb::uoffset_t size = list == nullptr ? 0 : list->size();
    count_items(size);
    for (fb::uoffset_t i = 0; i < size; ++i) {
      const std::uint64_t id = element(*list, i);
      const auto task = tasks_.find(id);
      if (!task) {
        throw Error(
            input_,
            fmt::format("{} names the successor {}", describe(graph_, graph_.next.size()), id),
            "give the id of a task of the graph");
      }
      graph_.next.add(*task);
    }
    graph_.next.end_list();
  }

  void read_endpoints(const fb::Vector<std::uint64_t>* list, TaskLists& lists) {
    const fb::uoffset_t size = list == nullptr ? 0 : list->size();
    count_items(size);
    for (fb::uoffset_t i = 0; i < size; ++i) {
      // Larger ones are cut to what check_task_graph() refuses.
      lists.add(static_cast<std::uint32_t>(
          std::min<std::uint64_t>(element(*list, i), std::numeric_limits<std::uint32_t>::max())));
    }
    lists.end_list();
  }

  template <typename T>
  std::vector<T> numbers(const fb::Vector<T>* vector) {
    std::vector<T> values;
    if (vector == nullptr) return values;
    count_items(vector->size());
    values.reserve(vector->size());
    for (fb::uoffset_t i = 0; i < vector->size(); ++i) values.push_back(element(*vector, i));
    return values;
  }

  std::uint32_t name_index(const fb::String* name) {
    if (name == nullptr) return 0;
    const std::string_view text(name->c_str(), name->size());
    if (text.size() > kMaxGraphName) {
      throw Error(input_, fmt::format("has a name of {} bytes, '{}'", text.size(), shown(text)),
                  fmt::format("give at most {}", kMaxGraphName));
    }
    const auto [entry, is_new] =
        name_indices_.try_emplace(text, static_cast<std::uint32_t>(graph_.names.size()));
    if (is_new) graph_.names.emplace_back(text);
    return entry->second;
  }

  std::string_view input_;
  std::size_t most_items_;  ///< of lists, that may yet come
  TaskGraph graph_;
  IdIndex tasks_, devices_;
  std::unordered_map<std::string_view, std::uint32_t> name_indices_;  ///< views into the file
};

/// How many endpoints a graph has. MixNet's say that they have kAnyNodes nodes whatever they are;
/// then it is as many as there are GPUs among the devices.
std::uint64_t endpoints_of(const TaskGraph& graph) {
  constexpr std::uint32_t kAnyNodes = 8192;
  if (graph.era == GraphEra::kTopoOpt) return graph.nodes;
  const auto gpus = static_cast<std::uint64_t>(std::ranges::count_if(
      graph.devices, [](const GraphDevice& one) { return one.kind == DeviceKind::kGpu; }));
  if (graph.nodes == kAnyNodes && gpus > 0) return gpus;
  return std::uint64_t{graph.nodes} * graph.gpus_per_node;
}

/// A number beyond what the graph has is a damaged one.
void check_endpoints(const TaskGraph& graph, std::string_view input) {
  const std::uint64_t endpoints = endpoints_of(graph);
  const bool is_mixnet = graph.era == GraphEra::kMixNet;
  const std::uint64_t nodes =
      is_mixnet ? (endpoints + graph.gpus_per_node - 1) / graph.gpus_per_node : endpoints;
  const auto fail = [&](std::size_t task, std::string_view what, std::uint64_t number,
                        std::uint64_t there_are) {
    throw Error(input,
                fmt::format("{} {} {}, and the graph has {}", describe(graph, task), what, number,
                            there_are),
                fmt::format("give 0 to {}", there_are - 1));
  };
  for (std::size_t task = 0; task < graph.tasks.size(); ++task) {
    for (const TaskLists* lists : {&graph.from, &graph.to}) {
      for (const std::uint32_t endpoint : (*lists)[task]) {
        if (endpoint >= endpoints)
          fail(task, is_mixnet ? "joins GPU" : "joins node", endpoint, endpoints);
      }
    }
    if (!is_work(graph.tasks[task].kind)) continue;
    const std::uint64_t node = graph.devices[graph.tasks[task].device].node;
    if (node >= nodes) fail(task, "runs on node", node, nodes);
  }
}

/// The root, when the bytes hold such tables and at least one task.
template <typename Root>
const Root* root_of(std::string_view bytes) {
  // As many tables as could have a place of their own in a vector.
  const auto most_tables = static_cast<fb::uoffset_t>(bytes.size() / sizeof(fb::uoffset_t));
  constexpr fb::uoffset_t kDepth = 8;
  const auto* data = reinterpret_cast<const std::uint8_t*>(bytes.data());
  fb::Verifier verifier(data, bytes.size(), kDepth, most_tables);
  if (!verifier.VerifyBuffer<Root>(nullptr)) return nullptr;
  const auto* root = fb::GetRoot<Root>(data);
  return root->tasks() == nullptr || root->tasks()->size() == 0 ? nullptr : root;
}

}  // namespace

TaskGraph parse_flexflow_graph(std::string_view bytes, std::string_view input) {
  if (bytes.size() > kMostBytes) throw Error(input, "is larger than 1 GiB");
  std::vector<std::uint64_t> aligned;  // a copy, where the bytes lie askew
  if (reinterpret_cast<std::uintptr_t>(bytes.data()) % kAlignment != 0) {
    aligned.resize(bytes.size() / kAlignment + 1);
    std::memcpy(aligned.data(), bytes.data(), bytes.size());
    bytes = {reinterpret_cast<const char*>(aligned.data()), bytes.size()};
  }
  TaskGraph graph;
  if (const auto* mixnet_root = root_of<mixnet_era::TaskGraph>(bytes)) {
    graph = GraphReader(bytes, input).read(*mixnet_root);
  } else if (const auto* topoopt_root = root_of<topoopt_era::TaskGraph>(bytes)) {
    graph = GraphReader(bytes, input).read(*topoopt_root);
  } else {
    throw Error(input, "is no FlexFlow task graph, or a damaged one",
                "give a FlatBuffers file as TopoOpt or MixNet's FlexFlow writes it");
  }
  check_task_graph(graph, input);
  check_endpoints(graph, input);
  return graph;
}

TaskGraph read_flexflow_graph(const std::filesystem::path& path) {
  return parse_flexflow_graph(read_text_file(path), path.string());
}

}  // namespace mixnet
