#include "graphs/task_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "base/progress.h"
#include "graphs/task_agenda.h"
#include "graphs/task_communication.h"
#include "graphs/task_exchange.h"

namespace mixnet {
namespace {

constexpr std::uint32_t kNone = UINT32_MAX;
constexpr std::string_view kDefaultRouting = "measured";
constexpr Time kLongestRun = Time::seconds(2'592'000);  // 30 days

/// Predecessors by task. Throws Error when the graph counts them otherwise.
std::vector<std::uint32_t> count_predecessors(const TaskGraph& graph, std::string_view input) {
  std::vector<std::uint32_t> counts(graph.tasks.size());
  for (std::size_t task = 0; task < counts.size(); ++task) {
    for (const std::uint32_t next : graph.next[task]) ++counts[next];
  }
  if (graph.era == GraphEra::kTopoOpt) return counts;  // whose files have no counter
  for (std::size_t task = 0; task < counts.size(); ++task) {
    const std::int32_t counter = graph.tasks[task].counter;
    if (counter == static_cast<std::int64_t>(counts[task])) continue;
    throw Error(input,
                fmt::format("{} counts {} predecessors, and {} name it", describe(graph, task),
                            counter, counts[task]),
                "make them agree");
  }
  return counts;
}

/// No task may wait for itself, and all work must fit into the longest run.
void check_order(const TaskGraph& graph, std::vector<std::uint32_t> waits, std::string_view input) {
  std::vector<std::uint32_t> ready;
  double milliseconds = 0;
  for (std::uint32_t task = 0; task < waits.size(); ++task) {
    if (waits[task] == 0) ready.push_back(task);
    milliseconds += static_cast<double>(graph.tasks[task].runtime.count);
  }
  std::size_t reached = 0;
  while (!ready.empty()) {
    const std::uint32_t task = ready.back();
    ready.pop_back();
    ++reached;
    for (const std::uint32_t next : graph.next[task]) {
      if (--waits[next] == 0) ready.push_back(next);
    }
  }
  if (reached < waits.size()) {
    const auto stuck = std::ranges::find_if(waits, [](std::uint32_t wait) { return wait > 0; });
    throw Error(input,
                fmt::format("{} never gets ready: tasks before it wait for each other",
                            describe(graph, static_cast<std::size_t>(stuck - waits.begin()))),
                "give tasks without a circle of successors");
  }
  if (milliseconds * 1e-3 > kLongestRun.to_seconds()) {
    throw Error(input, "has tasks that run for over 30 days together",
                "give one iteration, with times in ms");
  }
}

TaskNetworkOptions network_options(const TaskGraph& graph, const TaskRunRequest& request,
                                   std::uint32_t endpoints) {
  TaskNetworkOptions options;
  options.network = request.network;
  options.fidelity = request.fidelity;
  options.packets = request.packets;
  options.input = request.input;
  options.endpoints_per_server =
      graph.era == GraphEra::kMixNet ? static_cast<int>(graph.gpus_per_node) : 1;
  FlowNetworkOptions& network = options.network;
  network.nics_per_server = request.nics_per_server.value_or(options.endpoints_per_server);
  if (network.fabric == FabricKind::kTopoOpt) {
    if (request.nics_per_server.value_or(1) != 1) {
      throw Error("--nics-per-server", "does not go with topoopt, the graph's own connections",
                  "leave it out");
    }
    if (network.hosts != 0) {
      throw Error("--hosts", "does not go with topoopt, the graph's own connections",
                  "leave it out");
    }
    network.nics_per_server = 1;
  }
  const std::int64_t servers =
      (std::int64_t{endpoints} + options.endpoints_per_server - 1) / options.endpoints_per_server;
  if (network.by_servers() && servers > kMostJoinedServers) {
    throw Error(request.input,
                fmt::format("joins {} GPUs on {} servers, more than circuits are sought for",
                            endpoints, servers),
                fmt::format("give {} up to {} servers, or another --fabric",
                            to_string(network.fabric), kMostJoinedServers));
  }
  const std::int64_t least = servers * std::clamp(network.nics_per_server, 1, 1024);
  if (network.hosts == 0) {
    // A network has two hosts at least, even where nobody sends.
    const std::int64_t alone = servers == 1 && least == 1 ? 1 : 0;
    network.hosts = static_cast<int>(std::min<std::int64_t>(least + alone, INT32_MAX));
  } else if (network.hosts < least) {
    throw Error("--hosts", fmt::format("{} are too few: the graph joins {}", network.hosts, least),
                "leave it out, or give more");
  }
  return options;
}

class Execution {
 public:
  Execution(const TaskGraph& graph, const TaskRunRequest& request)
      : graph_(graph),
        input_(request.input),
        waits_(count_predecessors(graph, request.input)),
        next_waiting_(graph.tasks.size(), kNone),
        devices_(graph.devices.size()),
        exchanges_(graph, request.routing.value_or(std::string(kDefaultRouting)), request.seed,
                   request.input),
        options_(network_options(graph, request, exchanges_.endpoints())),
        network_(graph, options_, [this](std::uint64_t tag, Time at) { on_flow(tag, at); }),
        communications_(graph, exchanges_, network_, agenda_,
                        {request.reconfiguration, request.seed, request.input},
                        [this](std::uint32_t task) {
                          --communicating_;
                          finish(task);
                        }),
        progress_("executing tasks", graph.tasks.size()) {
    check_order(graph, waits_, input_);
    report_.tasks.resize(graph.tasks.size());
    report_.endpoints = static_cast<int>(exchanges_.endpoints());
    report_.seed = request.seed;
    if (exchanges_.uses_routing()) {
      report_.routing = request.routing.value_or(std::string(kDefaultRouting));
      if (!request.routing) {
        report_.notes.push_back(fmt::format(
            "the graph does not say what its all-to-alls send: routing {} taken (--routing)",
            kDefaultRouting));
      }
    }
    if (std::string note = exchanges_.routing_note(); !note.empty()) {
      report_.notes.push_back(std::move(note));
    }
    if (const std::size_t alone = exchanges_.alone(); alone > 0) {
      report_.notes.push_back(fmt::format(
          "{} collective{} one member alone, send{} nothing and take{} no time", alone,
          alone == 1 ? " has" : "s have", alone == 1 ? "s" : "", alone == 1 ? "s" : ""));
    }
    report_.network = options_.network;
    report_.fidelity = request.fidelity;
    report_.packet_options = request.packets;
    report_.reconfiguration = request.reconfiguration;
  }

  TaskRunReport run() {
    std::vector<std::uint32_t> first;
    for (std::uint32_t task = 0; task < waits_.size(); ++task) {
      if (waits_[task] == 0) first.push_back(task);
    }
    for (const std::uint32_t task : first) make_ready(task);
    while (done_ < waits_.size()) step();
    sum_up();
    return std::move(report_);
  }

 private:
  struct Device {
    std::uint32_t running = kNone;
    std::uint32_t first = kNone, last = kNone;  ///< that wait
    bool is_used = false;
    Time busy;
  };

  /// The network up to the next event, then the event; or, where a flow has brought an earlier
  /// event, up to that flow.
  void step() {
    reach_ = std::min(agenda_.next(), kLongestRun);
    const bool is_stuck = agenda_.next() == Time::max() && network_.running_flows() == 0;
    if (!is_stuck) network_.run_until(reach_);
    if (agenda_.next() < reach_ || done_ == waits_.size()) return;
    if (is_stuck || reach_ == kLongestRun) {
      throw Error(input_,
                  fmt::format("has {} of {} tasks done after {}, and the others never end", done_,
                              waits_.size(), to_string(now_)),
                  "give a faster network, or fewer bytes");
    }
    const TaskAgenda::Event event = agenda_.pop();
    advance(event.time, network_.running_flows() > 0);
    if (event.what != TaskAgenda::What::kWorkDone) return communications_.on_event(event);
    Device& device = devices_[graph_.tasks[event.subject].device];
    device.running = kNone;
    --working_;
    finish(event.subject);
    run_next(device);
  }

  void on_flow(std::uint64_t tag, Time at) {
    advance(at, true);
    communications_.on_flow(tag, at);
    if (agenda_.next() < reach_) network_.stop();
  }

  /// `is_sending`: whether a flow was under way since the last call.
  void advance(Time time, bool is_sending) {
    const Time passed = time - now_;
    if (is_sending) network_time_ += passed;
    if (communicating_ > 0 && working_ == 0) exposed_time_ += passed;
    now_ = time;
  }

  void make_ready(std::uint32_t task) {
    if (!runs_on_device(graph_, graph_.tasks[task])) {
      report_.tasks[task].start = now_;
      ++communicating_;
      communications_.start(task, now_);
      return;
    }
    Device& device = devices_[graph_.tasks[task].device];
    (device.first == kNone ? device.first : next_waiting_[device.last]) = task;
    device.last = task;
    device.is_used = true;
    run_next(device);
  }

  void run_next(Device& device) {
    if (device.running != kNone || device.first == kNone) return;
    const std::uint32_t task = device.first;
    device.first = next_waiting_[task];
    device.running = task;
    ++working_;
    const Time runtime = graph_.tasks[task].runtime.time();
    device.busy += runtime;
    report_.tasks[task].start = now_;
    agenda_.push(now_ + runtime, TaskAgenda::What::kWorkDone, task);
  }

  void finish(std::uint32_t task) {
    report_.tasks[task].end = now_;
    ++done_;
    progress_.advance();
    for (const std::uint32_t next : graph_.next[task]) {
      if (--waits_[next] == 0) make_ready(next);
    }
  }

  void sum_up() {
    report_.iteration = now_;
    for (std::size_t task = 0; task < graph_.tasks.size(); ++task) {
      KindReport& kind = report_.kinds[static_cast<std::size_t>(graph_.tasks[task].kind)];
      ++kind.tasks;
      kind.seconds += (report_.tasks[task].end - report_.tasks[task].start).to_seconds();
    }
    for (std::size_t kind = 0; kind < kTaskKinds; ++kind) {
      report_.kinds[kind].bytes = communications_.bytes_of(static_cast<TaskKind>(kind));
    }
    const double whole = std::max(now_.to_seconds(), 1e-12);
    double least = 1;
    for (const Device& device : devices_) {
      if (!device.is_used) continue;
      const double busy = device.busy.to_seconds() / whole;
      ++report_.devices;
      report_.mean_busy += busy;
      report_.most_busy = std::max(report_.most_busy, busy);
      least = std::min(least, busy);
    }
    if (report_.devices > 0) {
      report_.mean_busy /= static_cast<double>(report_.devices);
      report_.least_busy = least;
    }
    report_.network_share = network_time_.to_seconds() / whole;
    report_.exposed_share = exposed_time_.to_seconds() / whole;
    report_.communication = communications_.totals();
    report_.switch_moves = std::move(communications_.moves());
    report_.tiers = network_.tier_use();
    report_.packets = network_.packet_totals();
  }

  const TaskGraph& graph_;
  std::string input_;
  std::vector<std::uint32_t> waits_;         ///< for so many predecessors, by task
  std::vector<std::uint32_t> next_waiting_;  ///< for the same device, by task
  std::vector<Device> devices_;
  TaskExchanges exchanges_;
  TaskAgenda agenda_;
  TaskNetworkOptions options_;
  TaskNetwork network_;
  TaskCommunications communications_;
  ProgressBar progress_;

  Time now_;
  Time reach_;  ///< what the network runs to now
  std::size_t done_ = 0;
  int working_ = 0, communicating_ = 0;  ///< devices, tasks
  Time network_time_, exposed_time_;
  TaskRunReport report_;
};

}  // namespace

double utilisation(const TaskNetwork::TierUse& tier, Time iteration) {
  const double most = tier.bytes_per_second * iteration.to_seconds();
  return most > 0 ? std::min(1.0, tier.bytes / most) : 0;
}

TaskRunReport run_task_graph(const TaskGraph& graph, const TaskRunRequest& request) {
  return Execution(graph, request).run();
}

}  // namespace mixnet
