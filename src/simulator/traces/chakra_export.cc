#include "traces/chakra_export.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <functional>
#include <map>
#include <queue>
#include <span>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/env.h"
#include "base/error.h"
#include "base/progress.h"
#include "base/text_file.h"
#include "graphs/task_exchange.h"
#include "interop/chakra_trace.h"
#include "traces/chakra_names.h"
#include "traces/collective_order.h"
#include "traces/ideal_times.h"

namespace mixnet {
namespace {

constexpr std::string_view kSchemaVersion = "0.0.4";
// ASTRA-sim knows no barrier, never ends a collective of no bytes, and cuts bytes to whole ones of
// each member.
constexpr std::uint64_t kBarrierBytes = 4;  // of each member

using List = std::vector<std::uint32_t>;

bool is_transfer(const TaskGraph& graph, std::size_t task) {
  const TaskKind kind = graph.tasks[task].kind;
  return !runs_on_device(graph, graph.tasks[task]) &&
         (kind == TaskKind::kP2p || kind == TaskKind::kComm || kind == TaskKind::kNominalComm);
}

bool is_even(const GraphDemand& demand) {
  return std::ranges::all_of(demand.cells(),
                             [&](std::int64_t cell) { return cell == demand(0, 0); });
}

/// The rank that a device belongs to.
std::uint32_t rank_of(const TaskGraph& graph, const GraphDevice& device, std::string_view input) {
  const std::uint64_t gpus = graph.era == GraphEra::kMixNet ? graph.gpus_per_node : 1;
  const std::uint64_t gpu = gpus > 1 ? device.property % gpus : 0;
  if (device.node >= kMaxGraphEndpoints || device.node * gpus + gpu >= kMaxGraphEndpoints) {
    throw Error(input, fmt::format("has a device {} of node {}", device.id, device.node),
                fmt::format("give nodes of up to {} GPUs", kMaxGraphEndpoints));
  }
  return static_cast<std::uint32_t>(device.node * gpus + gpu);
}

/// A message from a rank to another.
struct Message {
  std::uint32_t from = 0, to = 0;
  std::uint32_t tag = 0;
  Bytes bytes;
};

using MessagesByTask = std::unordered_map<std::uint32_t, std::vector<Message>>;

class Exporter {
 public:
  Exporter(const TaskGraph& graph, const ChakraExport& options)
      : graph_(graph),
        options_(options),
        exchanges_(graph, options.routing, options.seed, options.input),
        times_(ideal_times(graph, exchanges_)) {
    list_before();
    sort_tasks();
    for (std::size_t task = 0; task < graph.tasks.size(); ++task) list_ranks(task);
    for (const std::uint32_t task : order_) list_messages(task);
    list_tasks();
    number_groups();
  }

  ChakraTotals write() {
    const auto beyond = chakra_path(options_.prefix, ranks_);
    if (options_.env->kind(beyond) != Env::FileKind::kNone) {
      throw Error(beyond.string(), fmt::format("exists, and the graph has {} ranks", ranks_),
                  "remove the old traces, or give another --output");
    }
    ChakraTotals totals;
    totals.ranks = ranks_;
    totals.groups = groups_.size();
    ProgressBar progress("writing traces", ranks_, *options_.env);
    std::uint32_t rank = 0;
    try {
      for (; rank < ranks_; ++rank) {
        const std::string bytes = to_chakra_trace(trace_of(rank));
        write_text_file(chakra_path(options_.prefix, rank), bytes, *options_.env);
        totals.nodes += next_id_;
        totals.bytes += static_cast<std::int64_t>(bytes.size());
        progress.advance();
      }
      write_text_file(options_.prefix + ".comm_groups.json", groups_json(), *options_.env);
    } catch (const Error&) {
      while (rank > 0) (void)options_.env->remove(chakra_path(options_.prefix, --rank));
      throw;
    }
    return totals;
  }

 private:
  /// Predecessors.
  void list_before() {
    std::vector<std::uint32_t> counts(graph_.tasks.size());
    for (std::size_t task = 0; task < counts.size(); ++task) {
      for (const std::uint32_t next : graph_.next[task]) ++counts[next];
    }
    before_begin_.resize(counts.size() + 1);
    for (std::size_t task = 0; task < counts.size(); ++task) {
      before_begin_[task + 1] = before_begin_[task] + counts[task];
    }
    before_.resize(before_begin_.back());
    std::vector<std::size_t> place(before_begin_.begin(), before_begin_.end() - 1);
    for (std::uint32_t task = 0; task < counts.size(); ++task) {
      for (const std::uint32_t next : graph_.next[task]) before_[place[next]++] = task;
    }
  }
  std::span<const std::uint32_t> before(std::size_t task) const {
    return std::span(before_).subspan(before_begin_[task],
                                      before_begin_[task + 1] - before_begin_[task]);
  }

  /// The order of the graph where that has tasks behind those that they wait for, as far as it has.
  void sort_tasks() {
    std::vector<std::size_t> waits(graph_.tasks.size());
    std::priority_queue<std::uint32_t, List, std::greater<>> ready;
    for (std::uint32_t task = 0; task < waits.size(); ++task) {
      waits[task] = before(task).size();
      if (waits[task] == 0) ready.push(task);
    }
    place_.resize(waits.size());
    while (!ready.empty()) {
      const std::uint32_t task = ready.top();
      ready.pop();
      place_[task] = static_cast<std::uint32_t>(order_.size());
      order_.push_back(task);
      for (const std::uint32_t next : graph_.next[task]) {
        if (--waits[next] == 0) ready.push(next);
      }
    }
    if (order_.size() == waits.size()) return;
    const auto stuck = std::ranges::find_if(waits, [](std::size_t wait) { return wait > 0; });
    throw Error(options_.input,
                fmt::format("{} never gets ready: tasks before it wait for each other",
                            describe(graph_, static_cast<std::size_t>(stuck - waits.begin()))),
                "give tasks without a circle of successors");
  }

  /// Who takes part in a task, in ascending order.
  void list_ranks(std::size_t task) {
    List ranks;
    if (runs_on_device(graph_, graph_.tasks[task])) {
      ranks = {rank_of(graph_, graph_.devices[graph_.tasks[task].device], options_.input)};
    } else if (is_transfer(graph_, task)) {
      for (const auto& [from, to] : exchanges_.pairs(task)) {
        ranks.push_back(from);
        ranks.push_back(to);
      }
      std::ranges::sort(ranks);
      ranks.erase(std::unique(ranks.begin(), ranks.end()), ranks.end());
    } else {
      const auto group = exchanges_.group(task);
      ranks.assign(group.begin(), group.end());
      std::ranges::sort(ranks);
      if (ranks.empty() || std::ranges::adjacent_find(ranks) != ranks.end()) {
        throw Error(options_.input,
                    fmt::format("{} joins {}", describe(graph_, task),
                                ranks.empty() ? "nobody" : "a GPU twice"),
                    "list every GPU of its group once");
      }
    }
    ranks_ = std::max<std::size_t>(ranks_, ranks.back() + std::size_t{1});
    ranks_of_.append(ranks);
  }

  Message new_message(std::uint32_t from, std::uint32_t to, Bytes bytes) {
    return {from, to, tags_[std::uint64_t{from} << 32 | to]++, bytes};
  }

  /// What a task sends, and messages of a byte from those that it waits for and shares no rank
  /// with.
  void list_messages(std::uint32_t task) {
    const auto here = ranks_of_[task];
    for (const std::uint32_t one : before(task)) {
      const auto there = ranks_of_[one];
      if (std::ranges::find_first_of(here, there) != here.end()) continue;
      const Message signal = new_message(there.front(), here.front(), {1});
      signals_after_[one].push_back(signal);
      signals_before_[task].push_back(signal);
    }
    if (is_all_to_all_of_messages(task)) return list_all_to_all(task);
    if (!is_transfer(graph_, task)) return;
    const Bytes bytes = std::max(graph_.tasks[task].bytes, Bytes{1});
    for (const auto& [from, to] : exchanges_.pairs(task)) {
      if (from == to) continue;
      messages_[task].push_back(new_message(from, to, bytes));
    }
  }

  bool is_all_to_all_of_messages(std::uint32_t task) {
    return options_.all_to_alls == ChakraAllToAlls::kMessages &&
           graph_.tasks[task].kind == TaskKind::kAllToAll && !is_even(exchanges_.demand(task));
  }

  /// Everybody begins with another: one who sends one message after another sends the first to the
  /// next in the group.
  void list_all_to_all(std::uint32_t task) {
    const auto group = exchanges_.group(task);
    const GraphDemand& demand = exchanges_.demand(task);
    const bool is_back = is_return(graph_.info_of(graph_.tasks[task]));
    const std::size_t rows = demand.rows();
    const std::size_t tp = group.size() / rows;
    std::vector<Message>& messages = messages_[task];
    for (std::size_t step = 1; step < rows; ++step) {
      for (std::size_t s = 0; s < rows; ++s) {
        const std::size_t d = (s + step) % rows;
        const Bytes bytes{is_back ? demand(d, s) : demand(s, d)};
        if (bytes.count == 0) continue;
        for (std::size_t t = 0; t < tp; ++t) {
          messages.push_back(new_message(group[s * tp + t], group[d * tp + t], bytes));
        }
      }
    }
  }

  void list_tasks() {
    std::vector<std::size_t> counts(ranks_ + 1);
    for (std::size_t task = 0; task < graph_.tasks.size(); ++task) {
      for (const std::uint32_t rank : ranks_of_[task]) ++counts[rank + 1];
    }
    for (std::size_t rank = 0; rank < ranks_; ++rank) counts[rank + 1] += counts[rank];
    tasks_begin_ = counts;
    tasks_.resize(counts.back());
    for (const std::uint32_t task : order_) {
      for (const std::uint32_t rank : ranks_of_[task]) tasks_[counts[rank]++] = task;
    }
  }

  /// The ranks that one rank's part of a collective joins, ascending.
  List members(std::uint32_t task, std::uint32_t rank) {
    const auto all = ranks_of_[task];
    if (graph_.tasks[task].kind != TaskKind::kAllToAll) return {all.begin(), all.end()};
    const auto group = exchanges_.group(task);
    const std::size_t rows = exchanges_.rows(task);
    const std::size_t tp = group.size() / rows;
    const auto place = static_cast<std::size_t>(std::ranges::find(group, rank) - group.begin());
    List list(rows);
    for (std::size_t row = 0; row < rows; ++row) list[row] = group[row * tp + place % tp];
    std::ranges::sort(list);
    return list;
  }

  /// Not of one alone, who has nobody to send to, and not what was cut into messages.
  bool is_collective(std::uint32_t task) const {
    if (runs_on_device(graph_, graph_.tasks[task]) || is_transfer(graph_, task)) return false;
    if (messages_.contains(task)) return false;
    return (graph_.tasks[task].kind == TaskKind::kAllToAll ? exchanges_.rows(task)
                                                           : ranks_of_[task].size()) > 1;
  }

  /// In the order of their members, so that it does not depend on that of the tasks.
  void number_groups() {
    for (std::uint32_t task = 0; task < graph_.tasks.size(); ++task) {
      if (!is_collective(task)) continue;
      const std::size_t joined = graph_.tasks[task].kind == TaskKind::kAllToAll
                                     ? exchanges_.group(task).size() / exchanges_.rows(task)
                                     : 1;
      for (std::size_t i = 0; i < joined; ++i) {
        groups_.try_emplace(members(task, exchanges_.group(task)[i]), 0);
      }
    }
    std::uint32_t number = 0;
    for (auto& [list, id] : groups_) id = ++number;  // ASTRA-sim's 0 is everybody
  }

  std::string groups_json() const {
    std::string json = "{";
    for (const auto& [list, id] : groups_) {
      json += fmt::format("{}\n  \"{}\": [{}]", id == 1 ? "" : ",", id, fmt::join(list, ", "));
    }
    return json + "\n}\n";
  }

  ChakraNode& add_node(ChakraTrace& trace, ChakraKind kind, std::string name,
                       const std::vector<std::uint64_t>& deps) {
    ChakraNode& node = trace.nodes.emplace_back();
    node.id = next_id_++;
    node.kind = kind;
    node.name = std::move(name);
    node.data_deps = deps;
    node.is_cpu_op = false;
    return node;
  }

  void add_message_node(ChakraTrace& trace, std::uint32_t rank, const Message& message,
                        const std::string& name, const std::vector<std::uint64_t>& deps) {
    const bool sends = message.from == rank;
    ChakraNode& node =
        add_node(trace, sends ? ChakraKind::kSend : ChakraKind::kReceive, name, deps);
    node.comm_size = static_cast<std::uint64_t>(message.bytes.count);
    node.source = message.from;
    node.destination = message.to;
    node.tag = message.tag;
  }

  void fill_all_to_all(ChakraNode& node, std::uint32_t task, std::uint32_t rank,
                       const List& joined) {
    const auto group = exchanges_.group(task);
    const GraphDemand& demand = exchanges_.demand(task);
    const bool is_back = is_return(graph_.info_of(graph_.tasks[task]));
    const std::size_t tp = group.size() / demand.rows();
    const auto row_of = [&](std::uint32_t one) {
      return static_cast<std::size_t>(std::ranges::find(group, one) - group.begin()) / tp;
    };
    const std::size_t own = row_of(rank);
    std::int64_t all = 0;
    for (const std::int64_t cell : demand.cells()) all += cell;
    const auto rows = static_cast<std::int64_t>(demand.rows());
    node.collective = ChakraCollective::kAllToAll;
    node.comm_size = static_cast<std::uint64_t>(std::max((all + rows - 1) / rows, rows));
    if (is_even(demand)) return;
    for (const std::uint32_t peer : joined) {
      const std::size_t other = row_of(peer);
      node.splits.push_back(
          static_cast<std::uint64_t>(is_back ? demand(other, own) : demand(own, other)));
    }
  }

  void fill_collective(ChakraNode& node, std::uint32_t task, std::uint32_t rank) {
    const GraphTask& one = graph_.tasks[task];
    const List joined = members(task, rank);
    node.process_group = std::to_string(groups_.at(joined));
    const std::uint64_t members = joined.size();
    const auto bytes = std::max(static_cast<std::uint64_t>(one.bytes.count), members);
    node.comm_size = bytes;
    switch (one.kind) {
      case TaskKind::kAllToAll:
        return fill_all_to_all(node, task, rank, joined);
      case TaskKind::kReduceScatter:
        node.collective = ChakraCollective::kReduceScatter;
        return;
      case TaskKind::kAllGather:
        node.collective = ChakraCollective::kAllGather;
        node.comm_size = (bytes + members - 1) / members;
        return;
      default:
        node.collective = ChakraCollective::kAllReduce;
        if (one.bytes.count == 0) node.comm_size = kBarrierBytes * members;
    }
  }

  /// The nodes of one task on a rank.
  void add_task(ChakraTrace& trace, std::uint32_t task, std::uint32_t rank,
                const std::vector<std::uint64_t>& deps) {
    const GraphTask& one = graph_.tasks[task];
    std::string name = to_chakra_name(graph_, one);
    if (runs_on_device(graph_, one)) {
      const DeviceKind on = graph_.devices[one.device].kind;
      ChakraNode& node = add_node(
          trace, on == DeviceKind::kGpuMemory ? ChakraKind::kMemoryLoad : ChakraKind::kCompute,
          std::move(name), deps);
      node.duration_us =
          static_cast<std::uint64_t>(std::llround(static_cast<double>(one.runtime.count) * 1e3));
      node.is_cpu_op = on == DeviceKind::kCpu;
      if (on == DeviceKind::kGpuMemory) node.tensor_size = memory_bytes(one);
      return;
    }
    if (is_collective(task)) {
      fill_collective(add_node(trace, ChakraKind::kCollective, std::move(name), deps), task, rank);
      return;
    }
    const auto found = messages_.find(task);
    if (found == messages_.end()) return;
    if (one.kind == TaskKind::kAllToAll) name = message_name(graph_, one);
    for (const Message& message : found->second) {
      if (message.from != rank && message.to != rank) continue;
      add_message_node(trace, rank, message, name, deps);
    }
  }

  /// What a memory moves in the time of the task, where the graph does not say it.
  std::uint64_t memory_bytes(const GraphTask& task) const {
    if (task.bytes.count > 0) return static_cast<std::uint64_t>(task.bytes.count);
    const double bytes = static_cast<double>(task.runtime.count) *
                         static_cast<double>(graph_.memory_bandwidth.count);
    return bytes >= 1 && bytes < 0x1p48 ? static_cast<std::uint64_t>(bytes) : 1;
  }

  ChakraTrace trace_of(std::uint32_t rank) {
    const auto tasks =
        std::span(tasks_).subspan(tasks_begin_[rank], tasks_begin_[rank + 1] - tasks_begin_[rank]);
    ChakraTrace trace;
    trace.version = kSchemaVersion;
    next_id_ = 0;
    CollectiveOrder order(times_, place_);
    std::vector<std::vector<std::uint64_t>> ends(tasks.size());  // nodes that a task ends with
    std::vector<std::uint64_t> deps;
    for (std::size_t place = 0; place < tasks.size(); ++place) {
      const std::uint32_t task = tasks[place];
      deps.clear();
      for (const std::uint32_t one : before(task)) {
        const auto found = std::ranges::lower_bound(
            tasks, place_[one], {}, [&](std::uint32_t other) { return place_[other]; });
        if (found == tasks.end() || *found != one) continue;  // not on this rank
        const auto& nodes = ends[static_cast<std::size_t>(found - tasks.begin())];
        deps.insert(deps.end(), nodes.begin(), nodes.end());
      }
      add_signals(trace, signals_before_, task, rank, &Message::to, {}, &deps);
      std::ranges::sort(deps);
      deps.erase(std::unique(deps.begin(), deps.end()), deps.end());
      const std::uint64_t begin = next_id_;
      add_task(trace, task, rank, deps);
      // A task without nodes hands on what it waits for.
      if (next_id_ == begin) ends[place] = deps;
      for (std::uint64_t id = begin; id < next_id_; ++id) {
        ends[place].push_back(id);
        order.add(trace.nodes[id], task);
      }
      const std::uint64_t first_signal = next_id_;
      add_signals(trace, signals_after_, task, rank, &Message::from, ends[place], nullptr);
      for (std::uint64_t id = first_signal; id < next_id_; ++id) order.add_after(id, task);
    }
    order.apply(trace);
    return trace;
  }

  /// Those whose `side` is the rank. Their ids are appended to `ids`.
  void add_signals(ChakraTrace& trace, const MessagesByTask& signals, std::uint32_t task,
                   std::uint32_t rank, std::uint32_t Message::*side,
                   const std::vector<std::uint64_t>& deps, std::vector<std::uint64_t>* ids) {
    const auto found = signals.find(task);
    if (found == signals.end()) return;
    for (const Message& signal : found->second) {
      if (signal.*side != rank) continue;
      add_message_node(trace, rank, signal, signal_name(), deps);
      if (ids != nullptr) ids->push_back(next_id_ - 1);
    }
  }

  const TaskGraph& graph_;
  const ChakraExport& options_;
  TaskExchanges exchanges_;
  IdealTimes times_;
  std::size_t ranks_ = 0;
  std::vector<std::size_t> before_begin_;
  List before_;
  List order_;  ///< tasks
  List place_;  ///< in that, by task
  TaskLists ranks_of_;
  std::vector<std::size_t> tasks_begin_;  ///< by rank, in tasks_
  List tasks_;
  std::map<List, std::uint32_t> groups_;
  std::unordered_map<std::uint64_t, std::uint32_t> tags_;  ///< used, by sender and receiver
  MessagesByTask messages_, signals_before_, signals_after_;
  std::uint64_t next_id_ = 0;
};

}  // namespace

ChakraTotals write_chakra_graph(const TaskGraph& graph, const ChakraExport& options) {
  return Exporter(graph, options).write();
}

}  // namespace mixnet
