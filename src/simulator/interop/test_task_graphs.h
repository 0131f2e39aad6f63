// Small task graphs that the tests of several rooms share.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

#include "interop/task_graph.h"

namespace mixnet {

/// Adds tasks in order, their edges at the end: lists of a TaskGraph are filled task by task.
class TestGraph {
 public:
  using List = std::vector<std::uint32_t>;

  explicit TestGraph(GraphEra era = GraphEra::kMixNet, std::uint32_t gpus_per_node = 1,
                     std::uint32_t nodes = 8) {
    graph_.era = era;
    graph_.gpus_per_node = gpus_per_node;
    graph_.nodes = nodes;
    graph_.gpu_bandwidth = {1e6F};  // 8 Gb/s: a byte a ns
    graph_.memory_bandwidth = {1e6F};
    graph_.network_bandwidth = {12.5e6F};
    graph_.names.emplace_back();
    if (era == GraphEra::kMixNet) graph_.dp = graph_.tp = graph_.pp = graph_.ep = 1;
  }

  std::uint32_t device(DeviceKind kind = DeviceKind::kGpu, std::uint64_t property = 0) {
    const auto index = static_cast<std::uint32_t>(graph_.devices.size());
    graph_.devices.push_back({kind, 500 + index, 0, property, 0});
    return index;
  }

  std::uint32_t work(std::uint32_t device, float ms, TaskKind kind = TaskKind::kForward) {
    GraphTask task;
    task.device = device;
    task.runtime = {ms};
    return add(kind, task, {}, {});
  }

  /// Communication among endpoints.
  std::uint32_t send(TaskKind kind, std::int64_t bytes, const List& from, const List& to,
                     const std::string& info = "") {
    GraphTask task;
    task.bytes = {bytes};
    if (!info.empty()) {
      task.info = static_cast<std::uint32_t>(graph_.names.size());
      graph_.names.push_back(info);
    }
    return add(kind, task, from, to);
  }

  /// Communication over a network device.
  std::uint32_t send_over(std::uint32_t device, std::int64_t bytes,
                          TaskKind kind = TaskKind::kNominalComm) {
    GraphTask task;
    task.bytes = {bytes};
    task.device = device;
    return add(kind, task, {}, {});
  }

  void edge(std::uint32_t before, std::uint32_t after) { edges_[before].push_back(after); }

  /// To change what the functions above do not say.
  TaskGraph& raw() { return graph_; }
  GraphTask& task(std::uint32_t index) { return graph_.tasks[index]; }

  /// Once.
  TaskGraph graph() {
    for (GraphTask& task : graph_.tasks) task.counter = 0;
    for (const List& list : edges_) {
      graph_.next.append(list);
      if (graph_.era == GraphEra::kTopoOpt) continue;
      for (const std::uint32_t next : list) ++graph_.tasks[next].counter;
    }
    return std::move(graph_);
  }

 private:
  std::uint32_t add(TaskKind kind, GraphTask task, const List& from, const List& to) {
    const auto index = static_cast<std::uint32_t>(graph_.tasks.size());
    task.kind = kind;
    task.id = 1000 + 10 * index;
    graph_.tasks.push_back(task);
    graph_.from.append(from);
    graph_.to.append(to);
    edges_.emplace_back();
    return index;
  }

  TaskGraph graph_;
  std::vector<List> edges_;
};

/// Everything that a graph of TopoOpt's era can hold: 3 nodes around a switch.
inline TaskGraph topoopt_test_graph() {
  TestGraph test(GraphEra::kTopoOpt, 1, 3);
  TaskGraph& raw = test.raw();
  raw.switches = 1;
  raw.names.emplace_back("Dense_1");
  raw.operators = {{77, 5, 1}, {78, 5, 1}, {79, 23, 0}};
  const std::uint32_t gpu = test.device();
  const std::uint32_t link = test.device(DeviceKind::kNetworkNominal, 0 * 4 + 2);
  const std::uint32_t forward = test.work(gpu, 0.25F);
  const std::uint32_t backward = test.work(gpu, 0.5F, TaskKind::kBackward);
  const std::uint32_t activations = test.send_over(link, 4096);
  const std::uint32_t gradients = test.send(TaskKind::kAllReduce, 1 << 20, {}, {0, 1, 2});
  test.edge(forward, activations);
  test.edge(activations, backward);
  test.edge(backward, gradients);
  raw.connections = {{3, 0, 1}, {3, 1, 1}, {3, 2, 2}};
  for (const std::uint32_t from : {0, 1, 2}) {
    for (const std::uint32_t to : {0, 1, 2}) {
      GraphRoute route{from, to, {}};
      if (from != to) route.paths = {{{from, 3, to}, 1.0F}};
      raw.routes.push_back(route);
    }
  }
  raw.rings = {{3, {{1, 1, 1}, {2}}}};
  return test.graph();
}

/// Everything that a graph of MixNet's era can hold: 2 nodes of 2 GPUs, EP 2, TP 2.
inline TaskGraph mixnet_test_graph() {
  TestGraph test(GraphEra::kMixNet, 2, 8192);
  TaskGraph& raw = test.raw();
  raw.ep = raw.tp = 2;
  for (int gpu = 0; gpu < 4; ++gpu) test.device();
  const std::vector<std::uint32_t> all = {0, 1, 2, 3};
  const auto dispatch =
      test.send(TaskKind::kAllToAll, 1 << 20, all, all, "GROUP_BY forward all2all");
  const auto combine =
      test.send(TaskKind::kAllToAll, 1 << 20, all, all, "AGGREGATE forward all2all");
  const auto reduce = test.send(TaskKind::kDpAllReduce, 4096, {}, {1, 3});
  for (const std::uint32_t gpu : all) {
    const std::uint32_t attention = test.work(gpu, 5);
    const std::uint32_t experts = test.work(gpu, 2.5F);
    test.task(experts).layer = 3;
    test.task(experts).micro_batch = 1;
    test.task(experts).target_micro_batch = -1;
    test.task(experts).target_layer = 4;
    test.edge(attention, dispatch);
    test.edge(dispatch, experts);
    test.edge(experts, combine);
  }
  test.edge(combine, reduce);
  raw.operators = {{9, 74, 0}};
  return test.graph();
}

// Twins of the graphs that the authors ship, which a stranger may lack: made up, of the same form.
// tests/data/ has them as files.

/// 64 GPUs, TP 8, EP 8, one layer: 8 pieces of work a GPU and micro-batch, 4 all-to-alls between.
inline TaskGraph moe_test_graph(int micro_batches) {
  TestGraph test(GraphEra::kMixNet, 8, 8192);
  TaskGraph& raw = test.raw();
  raw.tp = raw.ep = 8;
  raw.gpu_bandwidth = {450e6F};
  TestGraph::List all(64);
  for (std::uint32_t gpu = 0; gpu < all.size(); ++gpu) {
    all[gpu] = gpu;
    test.device();
    raw.devices.back().id = 500'000 + gpu;
    raw.devices.back().node = gpu / 8;
    raw.devices.back().property = gpu;
  }
  for (int m = 0; m < micro_batches; ++m) {
    std::vector<TestGraph::List> before;
    TestGraph::List work(all.size());
    const auto add_work = [&](float ms, TaskKind kind) {
      for (const std::uint32_t gpu : all) {
        const std::uint32_t next = test.work(gpu, ms, kind);
        test.task(next).micro_batch = m;
        if (!before.empty()) {
          const TestGraph::List& last = before.back();
          test.edge(last.size() == 1 ? last[0] : last[gpu], next);
        }
        work[gpu] = next;
      }
      before.push_back(work);
    };
    const auto exchange = [&](const std::string& info) {
      const auto next = test.send(TaskKind::kAllToAll, 2'000'000, all, all, info + " all2all");
      test.task(next).micro_batch = m;
      for (const std::uint32_t one : before.back()) test.edge(one, next);
      before.push_back({next});
    };
    add_work(1.5F, TaskKind::kForward);
    add_work(0.25F, TaskKind::kForward);
    exchange("GROUP_BY forward");
    add_work(2, TaskKind::kForward);
    exchange("AGGREGATE forward");
    add_work(0.25F, TaskKind::kForward);
    add_work(0.5F, TaskKind::kBackward);
    exchange("AGGREGATE backward");
    add_work(4, TaskKind::kBackward);
    exchange("GROUP_BY backward");
    add_work(0.5F, TaskKind::kBackward);
    add_work(3, TaskKind::kBackward);
  }
  return test.graph();
}

/// 16 nodes around a switch: all send all, compute, and sum 8 MB. The network is TopoOpt's.
inline TaskGraph dlrm_test_graph() {
  constexpr std::uint32_t kNodes = 16;
  TestGraph test(GraphEra::kTopoOpt, 1, kNodes);
  TaskGraph& raw = test.raw();
  raw.switches = 1;
  TestGraph::List all(kNodes), forward(kNodes), backward(kNodes);
  for (std::uint32_t node = 0; node < kNodes; ++node) {
    all[node] = node;
    test.device();
    raw.devices.back().node = node;
    raw.connections.push_back({kNodes, node, 1});
  }
  for (const std::uint32_t node : all) {
    backward[node] = test.work(node, 2, TaskKind::kBackward);
  }
  for (const std::uint32_t from : all) {
    forward[from] = test.work(from, 1);
    for (const std::uint32_t to : all) {
      GraphRoute route{from, to, {}};
      if (from != to) {
        route.paths = {{{from, kNodes, to}, 1.0F}};
        const auto link = test.device(DeviceKind::kNetworkNominal, from * (kNodes + 1) + to);
        const auto sent = test.send_over(link, 100'000);
        test.edge(forward[from], sent);
        test.edge(sent, backward[to]);
      }
      raw.routes.push_back(route);
    }
  }
  const auto gradients = test.send(TaskKind::kAllReduce, 8'000'000, {}, all);
  for (const std::uint32_t one : backward) test.edge(one, gradients);
  return test.graph();
}

/// 32 nodes, four layers forward and backward: an all-reduce of 4 MB behind each, beside the next.
inline TaskGraph transformer_test_graph() {
  constexpr std::uint32_t kNodes = 32;
  TestGraph test(GraphEra::kTopoOpt, 1, kNodes);
  TestGraph::List all(kNodes);
  for (std::uint32_t node = 0; node < kNodes; ++node) {
    all[node] = node;
    test.device();
    test.raw().devices.back().node = node;
  }
  TestGraph::List before;
  for (int layer = 0; layer < 8; ++layer) {
    TestGraph::List work;
    for (const std::uint32_t node : all) {
      work.push_back(test.work(node, 1, layer < 4 ? TaskKind::kForward : TaskKind::kBackward));
      if (layer > 0) test.edge(before[node], work.back());
    }
    const auto reduce = test.send(TaskKind::kAllReduce, 4'000'000, {}, all);
    for (const std::uint32_t one : work) test.edge(one, reduce);
    before = work;
  }
  return test.graph();
}

}  // namespace mixnet
