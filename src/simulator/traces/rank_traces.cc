#include "traces/rank_traces.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <tuple>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/progress.h"
#include "base/text_fields.h"
#include "graphs/task_exchange.h"
#include "interop/chakra_trace.h"
#include "traces/chakra_dependencies.h"
#include "traces/chakra_names.h"
#include "traces/shared_order.h"

namespace mixnet {
namespace {

constexpr std::uint32_t kNone = UINT32_MAX;
constexpr std::size_t kMaxSplits = 4096;  // ranks of an uneven all-to-all, whose matrix must fit

using List = std::vector<std::uint32_t>;

/// A task before it has its place.
struct Draft {
  GraphTask task;
  List from, to;
  std::uint32_t demand = TaskGraph::kNoDemand;
};

/// The n-th collective of a process group.
struct Joined {
  std::uint32_t draft = kNone;
  ChakraCollective collective = ChakraCollective::kBarrier;
  std::uint64_t bytes = 0;
  std::string where;                               ///< of the first rank that named it
  std::vector<std::vector<std::uint64_t>> splits;  ///< by member; empty where even
  bool has_place = false;                          ///< layer and micro-batch from its name
};

struct Group {
  List members;  ///< ascending
  std::vector<Joined> joined;
  std::vector<std::size_t> next;  ///< by member: how many it has named
};

struct Half {
  std::uint32_t node = 0;
  std::uint64_t bytes = 0;
};

class Importer {
 public:
  explicit Importer(const ChakraImport& options) : options_(options) {
    graph_.gpus_per_node = options.gpus_per_node;
    graph_.nodes = 1;
    graph_.gpu_bandwidth = {static_cast<float>(options.gpu.scale_up_bytes_per_second * 1e-3)};
    graph_.memory_bandwidth = {static_cast<float>(options.gpu.memory_bytes_per_second * 1e-3)};
    graph_.dp = graph_.tp = graph_.pp = graph_.ep = 1;
    graph_.names.emplace_back();
  }

  TaskGraph read(std::size_t ranks, const RankTraces& trace_of) {
    if (options_.gpus_per_node < 1 || options_.gpus_per_node > kMaxGpusPerNode) {
      throw Error("--gpus-per-server", fmt::format("{} is out of range", options_.gpus_per_node),
                  fmt::format("give 1 to {}", kMaxGpusPerNode));
    }
    if (ranks < 1 || ranks > kMaxChakraRanks) {
      throw Error(options_.prefix, fmt::format("has {} ranks", ranks),
                  fmt::format("give 1 to {}", kMaxChakraRanks));
    }
    graph_.nodes =
        static_cast<std::uint32_t>((ranks + options_.gpus_per_node - 1) / options_.gpus_per_node);
    ProgressBar progress("reading traces", ranks);
    for (std::size_t rank = 0; rank < ranks; ++rank) {
      read_rank(static_cast<std::uint32_t>(rank), trace_of(rank));
      progress.advance();
    }
    close_groups();
    match_messages();
    rank_begin_.push_back(static_cast<std::uint32_t>(draft_of_.size()));
    link_tasks(shared_order(draft_of_, rank_begin_, drafts_.size()));
    check_task_graph(graph_, options_.prefix);
    return std::move(graph_);
  }

  ImportNotes notes() const {
    ImportNotes notes;
    if (passed_over_ > 0) {
      notes.push_back(
          fmt::format("{} dependencies name no other node of the trace and are passed "
                      "over",
                      passed_over_));
    }
    if (call_stacks_ > 0) {
      notes.push_back(
          fmt::format("control dependencies of {} rank{} contradict data dependencies, "
                      "as call stacks do, and are passed over",
                      call_stacks_, call_stacks_ == 1 ? "" : "s"));
    }
    if (launches_ > 0) {
      notes.push_back(
          fmt::format("{} collectives without a comm_type are work of the CPU, which launches them",
                      launches_));
    }
    return notes;
  }

 private:
  [[noreturn]] void fail(const ChakraNode& node, std::string_view problem,
                         std::string_view remedy) const {
    throw Error(where(node), problem, remedy);
  }
  std::string where(const ChakraNode& node) const {
    return fmt::format("{}: node {} '{}'", files_.back(), node.id, shown(node.name));
  }

  std::uint32_t name(const std::string& text) {
    if (text.empty()) return 0;
    const auto [place, is_new] =
        names_.try_emplace(text, static_cast<std::uint32_t>(graph_.names.size()));
    if (is_new) graph_.names.push_back(text);
    return place->second;
  }

  void read_rank(std::uint32_t rank, const RankTrace& from) {
    const ChakraTrace& trace = from.trace;
    files_.push_back(from.file);
    rank_ = rank;
    rank_begin_.push_back(static_cast<std::uint32_t>(draft_of_.size()));
    if (draft_of_.size() + trace.nodes.size() > kMaxGraphTasks) {
      throw Error(from.file, fmt::format("makes it over {} nodes", kMaxGraphTasks),
                  "give traces of one iteration");
    }
    const NodeDependencies deps = dependencies_of(trace);
    passed_over_ += deps.passed_over;
    if (deps.is_call_stack) ++call_stacks_;
    for (std::size_t i = 0; i < trace.nodes.size(); ++i) {
      add_node(trace.nodes[i]);
      for (const std::uint32_t before : deps.of[i]) deps_.add(rank_begin_.back() + before);
      deps_.end_list();
    }
  }

  /// What the node stands for.
  void add_node(const ChakraNode& node) {
    switch (node.kind) {
      case ChakraKind::kCompute:
        return add_work(node, node.is_cpu_op.value_or(false) ? DeviceKind::kCpu : DeviceKind::kGpu,
                        compute_seconds(node));
      case ChakraKind::kMemoryLoad:
      case ChakraKind::kMemoryStore:
        return add_work(node, DeviceKind::kGpuMemory, memory_seconds(node));
      case ChakraKind::kSend:
      case ChakraKind::kReceive:
        return add_message(node);
      case ChakraKind::kCollective:
        return add_collective(node);
      default:
        if (node.duration_us > 0) {
          return add_work(node, DeviceKind::kGpuMemory,
                          static_cast<double>(node.duration_us) * 1e-6);
        }
        add_mark(node);
    }
  }

  double memory_seconds(const ChakraNode& node) const {
    if (node.duration_us > 0) return static_cast<double>(node.duration_us) * 1e-6;
    return static_cast<double>(node.tensor_size.value_or(0)) /
           (options_.gpu.memory_bytes_per_second * options_.memory_efficiency);
  }
  double compute_seconds(const ChakraNode& node) const {
    if (node.duration_us > 0 || node.num_ops.value_or(0) == 0) {
      return static_cast<double>(node.duration_us) * 1e-6;
    }
    return std::max(memory_seconds(node),
                    static_cast<double>(*node.num_ops) /
                        (options_.gpu.peak_bf16_flops * options_.compute_efficiency));
  }

  Draft& new_draft(const ChakraNode& node, TaskKind kind) {
    const ChakraName parsed = parse_chakra_name(node.name);
    draft_of_.push_back(static_cast<std::uint32_t>(drafts_.size()));
    Draft& draft = drafts_.emplace_back();
    draft.task.kind = kind;
    draft.task.layer = parsed.layer.value_or(0);
    draft.task.micro_batch = parsed.micro_batch.value_or(0);
    (kind == TaskKind::kAllToAll ? draft.task.info : draft.task.name) = name(parsed.name);
    return draft;
  }

  std::uint32_t device(DeviceKind kind) {
    const auto [place, is_new] =
        devices_.try_emplace({rank_, kind}, static_cast<std::uint32_t>(graph_.devices.size()));
    if (is_new) {
      graph_.devices.push_back(
          {kind, graph_.devices.size(), rank_ / options_.gpus_per_node, rank_, 0});
    }
    return place->second;
  }

  void add_work(const ChakraNode& node, DeviceKind on, double seconds) {
    if (!(seconds * 1e3 <= static_cast<double>(kMaxTaskMs))) {
      fail(node, fmt::format("runs for {:.0f} s", seconds), "give at most an hour");
    }
    const auto kind = parse_chakra_name(node.name).kind;
    Draft& draft = new_draft(node, kind && is_work(*kind) ? *kind : TaskKind::kForward);
    draft.task.device = device(on);
    draft.task.runtime = {static_cast<float>(seconds * 1e3)};
    if (on == DeviceKind::kGpuMemory) {
      draft.task.bytes = {static_cast<std::int64_t>(
          std::min<std::uint64_t>(node.tensor_size.value_or(0), kMaxTaskBytes.count))};
    }
  }

  /// A node that takes no time and nobody's.
  Draft& add_mark(const ChakraNode& node) {
    Draft& draft = new_draft(node, TaskKind::kP2p);
    draft.from = draft.to = {rank_};
    return draft;
  }

  std::uint64_t size_of(const ChakraNode& node) const {
    const std::uint64_t bytes = node.comm_size.value_or(0);
    if (bytes > static_cast<std::uint64_t>(kMaxTaskBytes.count)) {
      fail(node, fmt::format("has {} bytes", bytes), "give at most 2^48");
    }
    return bytes;
  }

  void add_message(const ChakraNode& node) {
    const bool sends = node.kind == ChakraKind::kSend;
    const std::uint32_t from = node.source.value_or(rank_);
    const std::uint32_t to = node.destination.value_or(rank_);
    if ((sends ? from : to) != rank_) {
      fail(node, fmt::format("is of rank {}, in the file of rank {}", sends ? from : to, rank_),
           sends ? "give the sender's own rank as comm_src" : "give the receiver's as comm_dst");
    }
    auto& halves = messages_[{from, to, node.tag.value_or(0)}];
    (sends ? halves.first : halves.second)
        .push_back({static_cast<std::uint32_t>(draft_of_.size()), size_of(node)});
    Draft& draft = add_mark(node);
    draft.task.bytes = {static_cast<std::int64_t>(size_of(node))};
    if (sends) draft.to = {to};
    if (!sends) draft.task.bytes = {};
  }

  static bool is_barrier(const ChakraNode& node) {
    return node.collective == ChakraCollective::kBarrier ||
           (node.collective == ChakraCollective::kAllReduce &&
            parse_chakra_name(node.name).kind == TaskKind::kBarrier);
  }

  static TaskKind kind_of(ChakraCollective collective, std::optional<TaskKind> named) {
    switch (collective) {
      case ChakraCollective::kAllToAll:
        return TaskKind::kAllToAll;
      case ChakraCollective::kAllGather:
      case ChakraCollective::kBroadcast:
        return TaskKind::kAllGather;
      case ChakraCollective::kReduceScatter:
      case ChakraCollective::kReduceScatterBlock:
      case ChakraCollective::kReduce:
        return TaskKind::kReduceScatter;
      default:
        break;
    }
    const bool is_all_reduce = named == TaskKind::kSubAllReduce ||
                               named == TaskKind::kDpAllReduce || named == TaskKind::kTpAllReduce;
    return is_all_reduce ? *named : TaskKind::kAllReduce;
  }

  /// A rank's part of a collective, whose first part makes the task.
  void add_collective(const ChakraNode& node) {
    if (!node.collective) {
      // What the CPU does to launch one, whose kernel is a node of its own.
      if (node.is_cpu_op.value_or(true)) {
        ++launches_;
        return add_work(node, DeviceKind::kCpu, static_cast<double>(node.duration_us) * 1e-6);
      }
      fail(node, "has no comm_type", "give one as the Chakra schema has it");
    }
    const ChakraCollective collective = *node.collective;
    if (collective == ChakraCollective::kGather || collective == ChakraCollective::kScatter) {
      fail(node, fmt::format("is a {}, of which nobody knows the root", to_string(collective)),
           "give COMM_SEND and COMM_RECV");
    }
    Group& group = groups_[node.process_group == "0" ? "" : node.process_group];
    if (group.members.empty() || group.members.back() != rank_) {
      group.members.push_back(rank_);
      group.next.push_back(0);
    }
    const std::size_t number = group.next.back()++;
    const std::uint64_t bytes = is_barrier(node) ? 0 : size_of(node);
    if (number == group.joined.size()) {
      const ChakraName parsed = parse_chakra_name(node.name);
      const auto draft = static_cast<std::uint32_t>(drafts_.size());
      new_draft(node, kind_of(collective, parsed.kind));
      draft_of_.pop_back();
      group.joined.push_back({draft, collective, bytes, where(node), {}, parsed.layer.has_value()});
    }
    Joined& joined = group.joined[number];
    const bool is_uneven = collective == ChakraCollective::kAllToAll && !node.splits.empty();
    if (joined.collective != collective ||
        (joined.bytes != bytes && !is_uneven && joined.splits.empty())) {
      fail(node,
           fmt::format("is number {} of process group '{}', a {} of {} bytes, and there a {} of {}",
                       number, shown(node.process_group), to_string(collective), bytes,
                       to_string(joined.collective), joined.bytes),
           fmt::format("make it agree with {}", joined.where));
    }
    if (is_uneven != !joined.splits.empty() && group.members.size() > 1 &&
        collective == ChakraCollective::kAllToAll) {
      fail(node, "and its peers do not all have comm_splits", "give them to all or to none");
    }
    if (is_uneven) joined.splits.push_back(node.splits);
    draft_of_.push_back(joined.draft);
  }

  void close_groups() {
    for (auto& [pg_name, group] : groups_) {
      check_chakra_group(options_.groups, pg_name, group.members, rank_begin_.size(),
                         group.joined.front().where);
      for (std::size_t member = 0; member < group.members.size(); ++member) {
        if (group.next[member] == group.joined.size()) continue;
        throw Error(files_[group.members[member]],
                    fmt::format("names process group '{}' {} times, and another rank {} times",
                                shown(pg_name), group.next[member], group.joined.size()),
                    "give all ranks of a group the same collectives");
      }
      for (std::size_t number = 0; number < group.joined.size(); ++number) {
        close_collective(group, number);
      }
    }
  }

  void close_collective(const Group& group, std::size_t number) {
    const Joined& joined = group.joined[number];
    Draft& draft = drafts_[joined.draft];
    const std::uint64_t members = group.members.size();
    draft.to = group.members;
    std::uint64_t bytes = joined.bytes;
    if (joined.collective == ChakraCollective::kAllGather) bytes *= members;
    if (draft.task.kind == TaskKind::kAllToAll) {
      draft.from = group.members;
      make_demand(draft, joined, members);
      if (!joined.has_place) {
        draft.task.layer = static_cast<std::int32_t>(number);
        draft.task.info = name("GROUP_BY forward all2all");
      }
      bytes = (bytes + members - 1) / members;  // FlexFlow's: of the mean pair
    }
    if (bytes > static_cast<std::uint64_t>(kMaxTaskBytes.count)) {
      throw Error(joined.where, fmt::format("has {} bytes in all", bytes), "give at most 2^48");
    }
    draft.task.bytes = {static_cast<std::int64_t>(bytes)};
  }

  void make_demand(Draft& draft, const Joined& joined, std::uint64_t members) {
    if (members > kMaxSplits) {
      throw Error(joined.where, fmt::format("joins {} ranks", members),
                  fmt::format("give at most {}", kMaxSplits));
    }
    // FlexFlow's graphs have one EP degree for all.
    graph_.ep = !has_all_to_all_ || graph_.ep == members ? static_cast<std::uint32_t>(members) : 0;
    has_all_to_all_ = true;
    const auto next = static_cast<std::uint32_t>(graph_.demands.size());
    draft.demand = next;
    if (joined.splits.empty()) {
      const auto bytes = static_cast<std::int64_t>(joined.bytes / members);
      draft.demand = even_demands_.try_emplace({members, bytes}, next).first->second;
      if (draft.demand == next) graph_.demands.emplace_back(members, members, bytes);
      return;
    }
    GraphDemand& demand = graph_.demands.emplace_back(members, members);
    const bool is_back = is_return(graph_.names[draft.task.info]);
    for (std::size_t s = 0; s < members; ++s) {
      if (joined.splits[s].size() != members) {
        throw Error(joined.where,
                    fmt::format("or a peer has {} comm_splits, and {} ranks take part",
                                joined.splits[s].size(), members),
                    "give one for each rank");
      }
      for (std::size_t d = 0; d < members; ++d) {
        const std::uint64_t bytes = joined.splits[s][d];
        if (bytes > static_cast<std::uint64_t>(kMaxTaskBytes.count)) {
          throw Error(joined.where, fmt::format("or a peer sends {} bytes", bytes),
                      "give at most 2^48");
        }
        (is_back ? demand(d, s) : demand(s, d)) = static_cast<std::int64_t>(bytes);
      }
    }
  }

  /// A receive becomes the transfer itself, or where it waits for something, the end of both.
  void match_messages() {
    for (const auto& [key, halves] : messages_) {
      const auto& [from, to, tag] = key;
      const auto& [sends, receives] = halves;
      if (sends.size() != receives.size()) {
        throw Error(options_.prefix,
                    fmt::format("sends {} messages from rank {} to {} with tag {}, and receives {}",
                                sends.size(), from, to, tag, receives.size()),
                    "give a COMM_RECV for every COMM_SEND");
      }
      for (std::size_t i = 0; i < sends.size(); ++i) {
        if (sends[i].bytes != receives[i].bytes) {
          throw Error(options_.prefix,
                      fmt::format("sends {} bytes from rank {} to {} with tag {}, and receives {}",
                                  sends[i].bytes, from, to, tag, receives[i].bytes),
                      "make them agree");
        }
        const std::uint32_t transfer = draft_of_[sends[i].node];
        const std::uint32_t receive = receives[i].node;
        if (deps_[receive].empty()) {
          draft_of_[receive] = transfer;
        } else {
          after_transfer_.emplace(receive, transfer);
        }
      }
    }
  }

  /// `order`: drafts.
  void link_tasks(const List& order) {
    List place_of(drafts_.size(), kNone);  // in that, by draft
    for (std::uint32_t place = 0; place < order.size(); ++place) place_of[order[place]] = place;
    // Predecessors by draft.
    std::vector<List> before(drafts_.size());
    for (std::uint32_t node = 0; node < draft_of_.size(); ++node) {
      List& list = before[draft_of_[node]];
      for (const std::uint32_t dep : deps_[node]) list.push_back(place_of[draft_of_[dep]]);
      if (const auto found = after_transfer_.find(node); found != after_transfer_.end()) {
        list.push_back(place_of[found->second]);
      }
    }
    std::vector<List> next(order.size());
    for (std::uint32_t place = 0; place < order.size(); ++place) {
      Draft& draft = drafts_[order[place]];
      List& list = before[order[place]];
      std::ranges::sort(list);
      list.erase(std::unique(list.begin(), list.end()), list.end());
      for (const std::uint32_t one : list) next[one].push_back(place);
      draft.task.id = place;
      draft.task.counter = static_cast<std::int32_t>(list.size());
      list = {};
      graph_.tasks.push_back(draft.task);
      graph_.from.append(draft.from);
      graph_.to.append(draft.to);
      graph_.demand_of.push_back(draft.demand);
      draft.from = draft.to = {};
    }
    for (const List& list : next) graph_.next.append(list);
  }

  const ChakraImport& options_;
  TaskGraph graph_;
  std::map<std::string, std::uint32_t> names_;
  std::map<std::pair<std::uint32_t, DeviceKind>, std::uint32_t> devices_;
  std::size_t passed_over_ = 0, call_stacks_ = 0, launches_ = 0;  ///< for notes()
  std::vector<std::string> files_;                                ///< by rank, to that under way
  std::uint32_t rank_ = 0;

  std::vector<Draft> drafts_;
  List rank_begin_;  ///< first node, by rank
  List draft_of_;    ///< by node, of all ranks
  TaskLists deps_;   ///< nodes, by node
  std::map<std::string, Group> groups_;
  bool has_all_to_all_ = false;
  /// Index in the graph's, by ranks and bytes of a pair.
  std::map<std::pair<std::uint64_t, std::int64_t>, std::uint32_t> even_demands_;
  std::map<std::tuple<std::uint32_t, std::uint32_t, std::uint32_t>,
           std::pair<std::vector<Half>, std::vector<Half>>>
      messages_;                                                     ///< by sender, receiver, tag
  std::unordered_map<std::uint32_t, std::uint32_t> after_transfer_;  ///< draft, by receiving node
  List nodes_begin_, ranks_;                                         ///< of each draft
  List place_of_;                                                    ///< in order_, by draft
  List order_;                                                       ///< drafts
};

}  // namespace

TaskGraph join_rank_traces(std::size_t ranks, const RankTraces& trace_of,
                           const ChakraImport& options, ImportNotes* notes) {
  Importer importer(options);
  TaskGraph graph = importer.read(ranks, trace_of);
  if (notes != nullptr) *notes = importer.notes();
  return graph;
}

}  // namespace mixnet
