#include "graphs/iteration_graph.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <string>
#include <utility>

#include "base/error.h"
#include "compute/compute_model.h"
#include "memory/rank_parameters.h"
#include "memory/stage_parameters.h"
#include "moe/demand.h"
#include "moe/stage_layers.h"
#include "training/pipeline.h"

namespace mixnet {
namespace {

using List = std::vector<std::uint32_t>;

/// What the all-to-alls of a place send.
struct Gate {
  std::uint32_t demand = 0;          ///< index in the graph's
  std::vector<std::int64_t> tokens;  ///< copies that each EP rank gets
};

class Builder {
 public:
  Builder(const Model& model, const ParallelPlan& plan, const Gpu& gpu,
          const RoutingSource& routing, const IterationOptions& options, double compute_scale)
      : model_(model),
        plan_(plan),
        routing_(routing),
        options_(options),
        compute_scale_(compute_scale),
        compute_(model, plan, gpu, options.compute,
                 static_cast<double>(busiest_rank_parameters(model, plan))),
        maker_(plan, model.hidden),
        last_(static_cast<std::size_t>(plan.world()), kNone),
        extra_(last_.size()) {
    graph_.gpus_per_node = static_cast<std::uint32_t>(plan.gpus_per_server);
    graph_.nodes = static_cast<std::uint32_t>(std::max(1, plan.servers()));
    graph_.gpu_bandwidth = {static_cast<float>(gpu.scale_up_bytes_per_second * 1e-3)};
    graph_.memory_bandwidth = {static_cast<float>(gpu.memory_bytes_per_second * 1e-3)};
    graph_.dp = static_cast<std::uint32_t>(plan.dp);
    graph_.tp = static_cast<std::uint32_t>(plan.tp);
    graph_.pp = static_cast<std::uint32_t>(plan.pp);
    graph_.ep = static_cast<std::uint32_t>(plan.ep);
    graph_.names.emplace_back();
    for (std::uint32_t rank = 0; rank < last_.size(); ++rank) {
      graph_.devices.push_back({DeviceKind::kGpu, rank, rank / graph_.gpus_per_node, rank, 0});
    }
  }

  TaskGraph build() {
    check_size();
    int moe = 0;
    for (int layer = 0; layer < model_.layers; ++layer) {
      moe_index_.push_back(model_.is_moe[static_cast<std::size_t>(layer)] ? moe++ : -1);
    }
    make_gates(moe);
    arrivals_.assign(piece_index(plan_.pp, 0, 0, true), kNone);
    layer_end_.resize(static_cast<std::size_t>(model_.layers));
    // The schedule alone says in which order a stage works; here every piece takes as long.
    const PipelineWork order = {plan_.pp, plan_.micro_batches(),
                                [this](const PipelinePiece& piece, Time start) {
                                  add_piece(piece.stage, piece.micro_batch, piece.forward);
                                  return start + Time{1};
                                },
                                [](int, Time) { return Time::zero(); }};
    run_pipeline(order, options_.schedule);
    add_all_gradients();
    add_optimizer();
    finish();
    return std::move(graph_);
  }

 private:
  static constexpr std::uint32_t kNone = UINT32_MAX;

  void check_size() const {
    if (plan_.is_folded() || plan_.vpp != 1) {
      throw Error(plan_.vpp != 1  ? "--vpp"
                  : plan_.cp != 1 ? "--cp"
                                  : "--etp",
                  "is not in task graphs and traces yet", "leave it out, or use compare");
    }
    const double pieces =
        static_cast<double>(plan_.world()) / plan_.pp * model_.layers * plan_.micro_batches();
    const double tasks = pieces * (8.0 + (plan_.tp > 1 ? 12.0 / plan_.tp : 0.0));
    if (tasks < static_cast<double>(kMaxGraphTasks)) return;
    throw Error("--global-batch-size",
                fmt::format("makes a graph of about {:.0f} million tasks", tasks * 1e-6),
                fmt::format("give fewer micro-batches, GPUs or layers: at most {} million tasks",
                            kMaxGraphTasks / 1'000'000));
  }

  void make_gates(int moe_layers) {
    const int replicas = plan_.replicas();
    const int micro_batches = plan_.micro_batches();
    TokenCounts counts;
    const std::int64_t token_bytes = kBytesPerNumber * model_.hidden;
    const bool varies = routing_.varies();
    for (int replica = 0; replica < replicas; ++replica) {
      for (int i = 0; i < micro_batches; ++i) {
        for (int layer = 0; layer < moe_layers; ++layer) {
          if (!varies && !gates_.empty()) {
            gates_.push_back(gates_.front());
            continue;
          }
          routing_.counts({.layer = layer, .micro_batch = i, .replica = replica}, counts);
          const Matrix<std::int64_t>& bytes = maker_.make(counts).rank_bytes;
          Gate& gate = gates_.emplace_back();
          gate.demand = static_cast<std::uint32_t>(graph_.demands.size());
          gate.tokens.resize(bytes.rows());
          GraphDemand& demand = graph_.demands.emplace_back(bytes.rows(), bytes.rows());
          for (std::size_t s = 0; s < bytes.rows(); ++s) {
            for (std::size_t d = 0; d < bytes.rows(); ++d) {
              gate.tokens[d] += bytes(s, d) / token_bytes;
              demand(s, d) = bytes(s, d) / plan_.tp;
            }
          }
        }
      }
    }
  }

  const Gate& gate(int replica, int micro_batch, int moe_layer) const {
    const auto layers = static_cast<std::size_t>(moe_layers(model_));
    return gates_[(static_cast<std::size_t>(replica) * plan_.micro_batches() + micro_batch) *
                      layers +
                  moe_layer];
  }

  std::uint32_t name(const std::string& text) {
    const auto [place, is_new] =
        names_.try_emplace(text, static_cast<std::uint32_t>(graph_.names.size()));
    if (is_new) graph_.names.push_back(text);
    return place->second;
  }

  /// A task after `before`; where they are several, each counts once.
  std::uint32_t add(GraphTask task, List before, std::span<const std::uint32_t> from = {},
                    std::span<const std::uint32_t> to = {}) {
    const auto index = static_cast<std::uint32_t>(graph_.tasks.size());
    std::ranges::sort(before);
    before.erase(std::unique(before.begin(), before.end()), before.end());
    if (!before.empty() && before.back() == kNone) before.pop_back();
    task.id = index;
    task.counter = static_cast<std::int32_t>(before.size());
    task.layer = layer_;
    task.micro_batch = micro_batch_;
    graph_.tasks.push_back(task);
    graph_.from.append(from);
    graph_.to.append(to);
    graph_.demand_of.push_back(TaskGraph::kNoDemand);
    before_.append(before);
    return index;
  }

  /// What the GPU's next task waits for.
  void take_before(std::uint32_t rank, List& before) {
    before.push_back(last_[rank]);
    before.insert(before.end(), extra_[rank].begin(), extra_[rank].end());
    extra_[rank].clear();
  }

  void add_work(std::uint32_t rank, TaskKind kind, const std::string& what, Time time) {
    GraphTask task;
    task.kind = kind;
    task.device = rank;
    task.name = name(what);
    task.runtime = {static_cast<float>(time.to_seconds() * 1e3 * compute_scale_)};
    List before;
    take_before(rank, before);
    last_[rank] = add(task, std::move(before));
  }

  void add_joint(TaskKind kind, const std::string& what, Bytes bytes, const List& group) {
    GraphTask task;
    task.kind = kind;
    task.name = name(what);
    task.bytes = bytes;
    List before;
    for (const std::uint32_t rank : group) take_before(rank, before);
    const std::uint32_t index = add(task, std::move(before), {}, group);
    for (const std::uint32_t rank : group) last_[rank] = index;
  }

  List group_of(int stage, int replica) const {
    const auto size = static_cast<std::uint32_t>(plan_.ep * plan_.tp);
    const auto first = static_cast<std::uint32_t>(
        (std::int64_t{stage} * plan_.dp + std::int64_t{replica} * plan_.ep) * plan_.tp);
    List group(size);
    for (std::uint32_t i = 0; i < size; ++i) group[i] = first + i;
    return group;
  }

  /// Computation with the tensor parallelism around it. `bytes(e)`, `time(e)`: of EP rank e.
  template <typename BytesOf, typename TimeOf>
  void add_part(const List& group, bool forward, const std::string& what, BytesOf&& bytes,
                TimeOf&& time) {
    const auto tp = static_cast<std::size_t>(plan_.tp);
    const TaskKind kind = forward ? TaskKind::kForward : TaskKind::kBackward;
    for (std::size_t e = 0; e < static_cast<std::size_t>(plan_.ep); ++e) {
      const List ranks(group.begin() + static_cast<std::ptrdiff_t>(e * tp),
                       group.begin() + static_cast<std::ptrdiff_t>((e + 1) * tp));
      const bool is_gathered = tp > 1 && options_.sequence_parallel;
      if (is_gathered) {
        add_joint(TaskKind::kAllGather, what, bytes(e), ranks);
        if (!forward) add_joint(TaskKind::kAllGather, what, bytes(e), ranks);
      }
      const OperationTime duration = time(e);
      for (const std::uint32_t rank : ranks) {
        add_work(rank, kind, what, forward ? duration.forward : duration.backward);
      }
      if (is_gathered) {
        add_joint(TaskKind::kReduceScatter, what, bytes(e), ranks);
      } else if (tp > 1) {
        add_joint(TaskKind::kTpAllReduce, what, bytes(e), ranks);
      }
    }
  }

  void add_operation(const List& group, bool forward, LayerOperation operation) {
    const Bytes bytes = {plan_.tokens_per_micro_batch() * model_.hidden * kBytesPerNumber};
    add_part(
        group, forward, std::string(to_string(operation)), [&](std::size_t) { return bytes; },
        [&](std::size_t) { return compute_.time(operation); });
  }

  void add_plain(const List& group, bool forward, LayerOperation operation) {
    const OperationTime time = compute_.time(operation);
    for (const std::uint32_t rank : group) {
      add_work(rank, forward ? TaskKind::kForward : TaskKind::kBackward,
               std::string(to_string(operation)), forward ? time.forward : time.backward);
    }
  }

  void add_experts(const List& group, bool forward, const Gate& gate) {
    const std::int64_t token_bytes = kBytesPerNumber * model_.hidden;
    add_part(
        group, forward, std::string(to_string(LayerOperation::kExperts)),
        [&](std::size_t e) { return Bytes{gate.tokens[e] * token_bytes}; },
        [&](std::size_t e) { return compute_.experts(gate.tokens[e]); });
  }

  void add_all_to_all(const List& group, const Gate& gate, const std::string& info) {
    if (plan_.ep == 1) return;
    GraphTask task;
    task.kind = TaskKind::kAllToAll;
    task.name = name("TASK_ALLTOALL");
    task.info = name(info);
    const GraphDemand& demand = graph_.demands[gate.demand];
    std::int64_t bytes = 0;
    for (const std::int64_t cell : demand.cells()) bytes += cell;
    const auto pairs = static_cast<std::int64_t>(demand.rows() * demand.rows());
    task.bytes = {bytes / pairs};  // FlexFlow's: of the mean pair
    List before;
    for (const std::uint32_t rank : group) take_before(rank, before);
    const std::uint32_t index = add(task, std::move(before), group, group);
    graph_.demand_of[index] = gate.demand;
    for (const std::uint32_t rank : group) last_[rank] = index;
  }

  void add_layer(int replica, const List& group, bool forward) {
    const int moe = moe_index_[static_cast<std::size_t>(layer_)];
    if (moe < 0) {
      if (forward) add_operation(group, true, LayerOperation::kAttention);
      add_operation(group, forward, LayerOperation::kDenseFfn);
      if (!forward) add_operation(group, false, LayerOperation::kAttention);
      return;
    }
    const Gate& decided = gate(replica, micro_batch_, moe);
    if (forward) {
      add_operation(group, true, LayerOperation::kAttention);
      add_plain(group, true, LayerOperation::kGate);
      add_all_to_all(group, decided, "GROUP_BY forward all2all");
      add_experts(group, true, decided);
      if (model_.shared_intermediate > 0)
        add_operation(group, true, LayerOperation::kSharedExperts);
      add_all_to_all(group, decided, "AGGREGATE forward all2all");
    } else {
      add_all_to_all(group, decided, "AGGREGATE backward all2all");
      if (model_.shared_intermediate > 0)
        add_operation(group, false, LayerOperation::kSharedExperts);
      add_experts(group, false, decided);
      add_all_to_all(group, decided, "GROUP_BY backward all2all");
      add_plain(group, false, LayerOperation::kGate);
      add_operation(group, false, LayerOperation::kAttention);
    }
  }

  /// Where the task that sends a piece of work what it needs is kept.
  std::size_t piece_index(int stage, int replica, int micro_batch, bool forward) const {
    const std::size_t place =
        (static_cast<std::size_t>(stage) * plan_.replicas() + replica) * plan_.micro_batches() +
        micro_batch;
    return 2 * place + (forward ? 0 : 1);
  }

  /// Forward or backward of a micro-batch on a stage, in all replicas.
  void add_piece(int stage, int micro_batch, bool forward) {
    const auto [first, end] = stage_layers(model_, plan_, stage);
    const bool is_last_stage = stage == plan_.pp - 1;
    micro_batch_ = micro_batch;
    for (int replica = 0; replica < plan_.replicas(); ++replica) {
      const List group = group_of(stage, replica);
      const std::uint32_t arrival = arrivals_[piece_index(stage, replica, micro_batch, forward)];
      for (const std::uint32_t rank : group) extra_[rank].push_back(arrival);
      layer_ = forward ? first : end - 1;
      if (is_last_stage && !forward) add_plain(group, false, LayerOperation::kHead);
      for (int i = 0; i < end - first; ++i) {
        layer_ = forward ? first + i : end - 1 - i;
        add_layer(replica, group, forward);
        if (!forward) remember_end(group);
      }
      if (is_last_stage && forward) add_plain(group, true, LayerOperation::kHead);
      const int next = forward ? stage + 1 : stage - 1;
      if (next < 0 || next == plan_.pp) continue;
      arrivals_[piece_index(next, replica, micro_batch, forward)] =
          send(group, group_of(next, replica));
    }
  }

  /// Activations or their gradients, from GPUs whose work goes on meanwhile.
  std::uint32_t send(const List& from, const List& to) {
    GraphTask task;
    task.kind = TaskKind::kP2p;
    task.name = name("activations");
    task.bytes = {plan_.tokens_per_micro_batch() * model_.hidden * kBytesPerNumber / plan_.tp};
    List before;
    for (const std::uint32_t rank : from) before.push_back(last_[rank]);
    return add(task, std::move(before), from, to);
  }

  /// The layer's backward in the last micro-batch so far.
  void remember_end(const List& group) {
    List& ends = layer_end_[static_cast<std::size_t>(layer_)];
    ends.resize(last_.size() / static_cast<std::size_t>(plan_.pp));
    for (const std::uint32_t rank : group) ends[rank % ends.size()] = last_[rank];
  }

  void add_all_gradients() {
    micro_batch_ = plan_.micro_batches() - 1;
    for (int stage = 0; stage < plan_.pp; ++stage) {
      const auto [first, end] = stage_layers(model_, plan_, stage);
      std::int64_t rest = stage_parameters(model_, plan_, stage).dense;
      for (layer_ = end - 1; layer_ >= first; --layer_) {
        const bool is_moe = model_.is_moe[static_cast<std::size_t>(layer_)];
        std::int64_t dense = attention_parameters(model_);
        dense += is_moe ? router_parameters(model_) + shared_expert_parameters(model_)
                        : dense_ffn_parameters(model_);
        rest -= dense;
        add_gradients(stage, plan_.dp, 1, layer_ == first ? dense + rest : dense,
                      "dense gradients");
        if (!is_moe) continue;
        add_gradients(stage, plan_.replicas(), plan_.ep,
                      std::int64_t{model_.placed_experts} / plan_.ep * expert_parameters(model_),
                      "expert gradients");
      }
    }
  }

  /// Of `parameters` (all TP ranks together), of which every `stride`-th EP rank has one of the
  /// `copies`.
  void add_gradients(int stage, int copies, int stride, std::int64_t parameters,
                     const std::string& what) {
    if (copies == 1) return;
    const auto first = static_cast<std::uint32_t>(std::int64_t{stage} * plan_.dp * plan_.tp);
    const auto step = static_cast<std::uint32_t>(stride * plan_.tp);
    const Bytes bytes = {parameters / plan_.tp * options_.gradient_bytes};
    for (std::uint32_t place = 0; place < step; ++place) {
      List group(static_cast<std::size_t>(copies));
      for (std::uint32_t i = 0; i < group.size(); ++i) group[i] = first + place + i * step;
      add_all_reduce(group, bytes, what);
    }
  }

  /// Inside every server, then between servers with a ring for each of a server's GPUs, then inside
  /// again; plainly where the servers do not have equally many of the group's GPUs.
  void add_all_reduce(const List& group, Bytes bytes, const std::string& what) {
    std::map<std::uint32_t, List> by_server;
    for (const std::uint32_t rank : group) by_server[rank / graph_.gpus_per_node].push_back(rank);
    const std::size_t each = by_server.begin()->second.size();
    const bool is_even = std::ranges::all_of(
        by_server, [&](const auto& server) { return server.second.size() == each; });
    if (by_server.size() == 1 || each == 1 || !is_even) {
      add_beside(TaskKind::kDpAllReduce, what, bytes, group, ends_of(group), true);
      return;
    }
    List scattered;
    for (const auto& [server, ranks] : by_server) {
      scattered.push_back(
          add_beside(TaskKind::kReduceScatter, what, bytes, ranks, ends_of(ranks), false));
    }
    List summed;
    for (std::size_t i = 0; i < each; ++i) {
      List ring;
      for (const auto& [server, ranks] : by_server) ring.push_back(ranks[i]);
      const Bytes part = {bytes.count / static_cast<std::int64_t>(each)};
      summed.push_back(add_beside(TaskKind::kDpAllReduce, what, part, ring, scattered, false));
    }
    for (const auto& [server, ranks] : by_server) {
      add_beside(TaskKind::kAllGather, what, bytes, ranks, summed, true);
    }
  }

  List ends_of(const List& ranks) const {
    List ends;
    const List& of_layer = layer_end_[static_cast<std::size_t>(layer_)];
    for (const std::uint32_t rank : ranks) {
      ends.push_back(options_.overlap_dp ? of_layer[rank % of_layer.size()] : last_[rank]);
    }
    return ends;
  }

  /// Beside the GPUs' work, of which the optimizer alone waits for the last.
  std::uint32_t add_beside(TaskKind kind, const std::string& what, Bytes bytes, const List& group,
                           List before, bool is_last) {
    GraphTask task;
    task.kind = kind;
    task.name = name(what);
    task.bytes = bytes;
    const std::uint32_t index = add(task, std::move(before), {}, group);
    if (is_last) {
      for (const std::uint32_t rank : group) extra_[rank].push_back(index);
    }
    return index;
  }

  void add_optimizer() {
    layer_ = 0;
    for (std::uint32_t rank = 0; rank < last_.size(); ++rank) {
      add_work(rank, TaskKind::kUpdate, std::string(to_string(LayerOperation::kOptimizer)),
               compute_.time(LayerOperation::kOptimizer).forward);
    }
  }

  /// Predecessors into successors.
  void finish() {
    std::vector<std::size_t> begin(graph_.tasks.size() + 1);
    for (std::size_t task = 0; task < graph_.tasks.size(); ++task) {
      for (const std::uint32_t one : before_[task]) ++begin[one + 1];
    }
    for (std::size_t task = 0; task < graph_.tasks.size(); ++task) begin[task + 1] += begin[task];
    List next(begin.back());
    std::vector<std::size_t> place(begin.begin(), begin.end() - 1);
    for (std::uint32_t task = 0; task < graph_.tasks.size(); ++task) {
      for (const std::uint32_t one : before_[task]) next[place[one]++] = task;
    }
    graph_.next.reserve(graph_.tasks.size());
    for (std::size_t task = 0; task < graph_.tasks.size(); ++task) {
      graph_.next.append(std::span(next).subspan(begin[task], begin[task + 1] - begin[task]));
    }
  }

  const Model& model_;
  const ParallelPlan& plan_;
  const RoutingSource& routing_;
  const IterationOptions& options_;
  double compute_scale_;
  ComputeModel compute_;
  DemandMaker maker_;
  TaskGraph graph_;
  TaskLists before_;  ///< predecessors
  std::map<std::string, std::uint32_t> names_;
  std::vector<Gate> gates_;  ///< by replica, micro-batch, MoE layer
  std::vector<int> moe_index_;
  List last_;                ///< task, by rank
  std::vector<List> extra_;  ///< that a rank's next task waits for, too
  List arrivals_;            ///< by piece_index()
  std::vector<List>
      layer_end_;  ///< by layer: the task that ends its backward, by rank of the stage
  int layer_ = 0, micro_batch_ = 0;
};

}  // namespace

TaskGraph iteration_graph(const Model& model, const ParallelPlan& plan, const Gpu& gpu,
                          const RoutingSource& routing, const IterationOptions& options,
                          double compute_scale) {
  return Builder(model, plan, gpu, routing, options, compute_scale).build();
}

}  // namespace mixnet
