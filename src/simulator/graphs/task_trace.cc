#include "graphs/task_trace.h"

#include <fmt/format.h>

#include <algorithm>
#include <span>
#include <tuple>
#include <utility>

#include "base/trace_events.h"
#include "graphs/task_exchange.h"
#include "training/time_bins.h"

namespace mixnet {
namespace {

constexpr int kBins = 2000;
constexpr double kPercent = 100;

/// Devices first, then kinds of communication, then the switch.
struct TrackKey {
  enum Group : std::uint8_t { kDevice, kKind, kSwitch } group = kDevice;
  std::uint32_t index = 0;  ///< of the device, or the kind
  bool operator==(const TrackKey&) const = default;
};

struct Placed {
  std::uint64_t node = 0;
  TrackKey track;
  Time start;
  std::uint32_t index = 0;  ///< of the task, or the switch's move
};

bool is_before(const Placed& a, const Placed& b) {
  return std::tuple(a.node, a.track.group, a.track.index, a.start, a.index) <
         std::tuple(b.node, b.track.group, b.track.index, b.start, b.index);
}

class Trace {
 public:
  Trace(const TaskGraph& graph, const TaskRunReport& report, std::string_view title)
      : graph_(graph), report_(report), trace_(title) {}

  TaskTrace write(std::int64_t most_spans, std::optional<int> nodes) {
    place();
    TaskTrace result;
    const std::vector<std::size_t> begins = node_begins();
    result.all_nodes = static_cast<int>(begins.size());
    if (nodes) {
      result.nodes = std::min(*nodes, result.all_nodes);
    } else {
      const auto fits = [&](std::size_t n) {
        const std::size_t end = n < begins.size() ? begins[n] : placed_.size();
        return static_cast<std::int64_t>(end) <= most_spans;
      };
      result.nodes = std::min(1, result.all_nodes);
      while (result.nodes < result.all_nodes && fits(static_cast<std::size_t>(result.nodes) + 1)) {
        ++result.nodes;
      }
    }
    add_counters(result);
    const auto drawn = static_cast<std::size_t>(result.nodes);
    const std::size_t end = drawn < begins.size() ? begins[drawn] : placed_.size();
    add_slices(std::span(placed_).first(end));
    result.text = std::move(trace_).finish();
    return result;
  }

 private:
  /// Where a communication begins: at the first who sends.
  std::uint64_t node_of(std::size_t index) const {
    const GraphTask& task = graph_.tasks[index];
    if (runs_on_device(graph_, task)) return graph_.devices[task.device].node;
    const auto senders = graph_.from[index].empty() ? graph_.to[index] : graph_.from[index];
    const std::uint32_t per_node =
        graph_.era == GraphEra::kMixNet ? std::max(1U, graph_.gpus_per_node) : 1;
    if (!senders.empty()) return senders.front() / per_node;
    if (task.device == GraphTask::kNoDevice) return 0;
    return graph_.devices[task.device].property /
           std::max<std::uint64_t>(1, std::uint64_t{graph_.nodes} + graph_.switches);
  }

  void place() {
    placed_.reserve(graph_.tasks.size() + report_.switch_moves.size());
    for (std::uint32_t i = 0; i < graph_.tasks.size(); ++i) {
      const TaskSpan& span = report_.tasks[i];
      if (span.end == span.start) continue;
      const GraphTask& task = graph_.tasks[i];
      const TrackKey track = runs_on_device(graph_, task)
                                 ? TrackKey{TrackKey::kDevice, task.device}
                                 : TrackKey{TrackKey::kKind, static_cast<std::uint32_t>(task.kind)};
      placed_.push_back({node_of(i), track, span.start, i});
    }
    for (std::uint32_t i = 0; i < report_.switch_moves.size(); ++i) {
      const SwitchMove& move = report_.switch_moves[i];
      placed_.push_back(
          {static_cast<std::uint64_t>(move.server), {TrackKey::kSwitch, 0}, move.begins, i});
    }
    std::ranges::sort(placed_, is_before);
  }

  std::vector<std::size_t> node_begins() const {
    std::vector<std::size_t> begins;
    for (std::size_t i = 0; i < placed_.size(); ++i) {
      if (i == 0 || placed_[i].node != placed_[i - 1].node) begins.push_back(i);
    }
    return begins;
  }

  void add_counters(const TaskTrace& trace) {
    const int process =
        trace_.add_process(fmt::format("{} of {} nodes", trace.nodes, trace.all_nodes));
    if (report_.iteration == Time::zero()) return;
    TimeBins working(report_.iteration, kBins);
    TimeBins communicating = working;
    TimeBins dark = working;
    for (std::size_t i = 0; i < graph_.tasks.size(); ++i) {
      TimeBins& bins = runs_on_device(graph_, graph_.tasks[i]) ? working : communicating;
      bins.add(report_.tasks[i].start, report_.tasks[i].end);
    }
    for (const SwitchMove& move : report_.switch_moves) {
      dark.add(move.begins, std::min(move.lit, report_.iteration));
    }
    const auto devices = static_cast<double>(std::max<std::int64_t>(1, report_.devices));
    add_counter(process, "devices working, %", working, kPercent / devices);
    add_counter(process, "communications", communicating, 1);
    if (!report_.switch_moves.empty()) add_counter(process, "switches dark", dark, 1);
  }

  void add_counter(int process, std::string_view name, const TimeBins& bins, double scale) {
    trace_.add_counters(process, name, bins.means(), scale, report_.iteration);
  }

  std::string track_name(const TrackKey& key) const {
    switch (key.group) {
      case TrackKey::kDevice: {
        const GraphDevice& device = graph_.devices[key.index];
        return fmt::format("{} {}", device.kind == DeviceKind::kGpu ? "GPU" : "device", device.id);
      }
      case TrackKey::kKind:
        return std::string(to_string(static_cast<TaskKind>(key.index)));
      case TrackKey::kSwitch:
        break;
    }
    return "switch";
  }

  void add_slices(std::span<const Placed> placed) {
    int process = 0;
    int track = 0;
    for (std::size_t i = 0; i < placed.size(); ++i) {
      const Placed& one = placed[i];
      const bool is_new_node = i == 0 || one.node != placed[i - 1].node;
      if (is_new_node) process = trace_.add_process(fmt::format("node {}", one.node));
      if (is_new_node || one.track != placed[i - 1].track) {
        track = trace_.add_track(process, track_name(one.track));
      }
      if (one.track.group == TrackKey::kSwitch) {
        const bool is_last = i + 1 == placed.size() || placed[i + 1].track != one.track ||
                             placed[i + 1].node != one.node;
        add_move(track, report_.switch_moves[one.index],
                 is_last ? report_.iteration : placed[i + 1].start);
      } else {
        add_task(track, one.index);
      }
    }
  }

  void add_move(int track, const SwitchMove& move, Time until) {
    const GraphTask& task = graph_.tasks[move.task];
    const Time lit = std::min(move.lit, until);
    trace_.add_slice(track, "dark", move.begins, lit, {{"task", move.task}});
    trace_.add_slice(track, fmt::format("lit for layer {}", task.layer), lit, until,
                     {{"micro_batch", task.micro_batch}, {"layer", task.layer}});
  }

  void add_task(int track, std::uint32_t index) {
    const GraphTask& task = graph_.tasks[index];
    const TaskSpan& span = report_.tasks[index];
    std::string_view name = graph_.info_of(task);
    if (name.empty()) name = graph_.name_of(task);
    if (name.empty()) name = to_string(task.kind);
    if (graph_.era == GraphEra::kTopoOpt) {
      trace_.add_slice(track, name, span.start, span.end,
                       {{"task", index}, {"bytes", task.bytes.count}});
    } else {
      trace_.add_slice(track, name, span.start, span.end,
                       {{"task", index},
                        {"layer", task.layer},
                        {"micro_batch", task.micro_batch},
                        {"bytes", task.bytes.count}});
    }
  }

  const TaskGraph& graph_;
  const TaskRunReport& report_;
  ChromeTrace trace_;
  std::vector<Placed> placed_;
};

}  // namespace

TaskTrace to_chrome_trace(const TaskGraph& graph, const TaskRunReport& report,
                          std::string_view title, std::int64_t most_spans,
                          std::optional<int> nodes) {
  return Trace(graph, report, title).write(most_spans, nodes);
}

}  // namespace mixnet
