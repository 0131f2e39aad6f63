#include "traces/ideal_times.h"

#include <algorithm>
#include <cstdint>
#include <functional>
#include <queue>
#include <span>
#include <utility>

namespace mixnet {
namespace {

constexpr double kNicBytesPerMs = 400e9 / 8 * 1e-3;

/// Of all that one endpoint sends, or receives, the most.
double busiest(const GraphDemand& demand) {
  double most = 0;
  std::vector<double> received(demand.rows());
  for (std::size_t s = 0; s < demand.rows(); ++s) {
    double sent = 0;
    for (std::size_t d = 0; d < demand.rows(); ++d) {
      if (s == d) continue;
      sent += static_cast<double>(demand(s, d));
      received[d] += static_cast<double>(demand(s, d));
    }
    most = std::max(most, sent);
  }
  return std::max(most, *std::ranges::max_element(received));
}

class Ideal {
 public:
  Ideal(const TaskGraph& graph, TaskExchanges& exchanges)
      : graph_(graph),
        exchanges_(exchanges),
        waits_(graph.tasks.size()),
        free_at_(graph.devices.size()) {
    times_.start.resize(graph.tasks.size());
    times_.end.resize(graph.tasks.size());
  }

  IdealTimes run() {
    for (std::size_t task = 0; task < waits_.size(); ++task) {
      for (const std::uint32_t next : graph_.next[task]) ++waits_[next];
    }
    for (std::uint32_t task = 0; task < waits_.size(); ++task) {
      if (waits_[task] == 0) ready_.push({0.0, task});
    }
    while (!ready_.empty()) {
      const auto [time, task] = ready_.top();
      ready_.pop();
      start(time, task);
    }
    return std::move(times_);
  }

 private:
  /// In the order in which tasks get ready, which is the order of time.
  void start(double time, std::uint32_t task) {
    const GraphTask& one = graph_.tasks[task];
    double end = time;
    if (runs_on_device(graph_, one)) {
      double& free_at = free_at_[one.device];
      time = std::max(time, free_at);
      end = free_at = time + static_cast<double>(one.runtime.count);
    } else {
      end += communication_ms(task);
    }
    times_.start[task] = time;
    times_.end[task] = end;
    for (const std::uint32_t next : graph_.next[task]) {
      times_.start[next] = std::max(times_.start[next], end);
      if (--waits_[next] == 0) ready_.push({times_.start[next], next});
    }
  }

  double communication_ms(std::uint32_t task) {
    double bytes = 0;
    if (const auto ring = exchanges_.ring(task)) {
      bytes = static_cast<double>(ring->part.count) * ring->rounds;
    } else if (graph_.tasks[task].kind == TaskKind::kAllToAll) {
      bytes = busiest(exchanges_.demand(task));
    } else {
      bytes = static_cast<double>(graph_.tasks[task].bytes.count);
    }
    const auto inside = static_cast<double>(graph_.gpu_bandwidth.count);
    return bytes / (inside > 0 && is_inside_a_node(task) ? inside : kNicBytesPerMs);
  }

  bool is_inside_a_node(std::uint32_t task) const {
    if (graph_.era != GraphEra::kMixNet || graph_.gpus_per_node < 2) return false;
    const auto group = exchanges_.group(task);
    return std::ranges::all_of(group, [&](std::uint32_t gpu) {
      return gpu / graph_.gpus_per_node == group.front() / graph_.gpus_per_node;
    });
  }

  const TaskGraph& graph_;
  TaskExchanges& exchanges_;
  IdealTimes times_;
  std::vector<std::uint32_t> waits_;
  std::vector<double> free_at_;  ///< by device
  using Ready = std::pair<double, std::uint32_t>;
  std::priority_queue<Ready, std::vector<Ready>, std::greater<>> ready_;
};

}  // namespace

IdealTimes ideal_times(const TaskGraph& graph, TaskExchanges& exchanges) {
  return Ideal(graph, exchanges).run();
}

}  // namespace mixnet
