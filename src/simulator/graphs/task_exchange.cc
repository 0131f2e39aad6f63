#include "graphs/task_exchange.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "base/error.h"

namespace mixnet {
namespace {

constexpr double kMostBytes = 0x1p53;
constexpr double kMostTransfers = 2e9;
constexpr std::uint32_t kMostEpRanks = 4096;  // whose matrix must fit
constexpr std::int64_t kTokens = 1 << 20;     // of a rank: the resolution of its shares

bool is_on_network(DeviceKind kind) {
  return kind == DeviceKind::kNetwork || kind == DeviceKind::kNetworkNominal;
}

bool is_ring(TaskKind kind) {
  switch (kind) {
    case TaskKind::kSubAllReduce:
    case TaskKind::kDpAllReduce:
    case TaskKind::kTpAllReduce:
    case TaskKind::kAllReduce:
    case TaskKind::kReduceScatter:
    case TaskKind::kAllGather:
      return true;
    default:
      return false;
  }
}

}  // namespace

bool runs_on_device(const TaskGraph& graph, const GraphTask& task) {
  if (task.kind != TaskKind::kComm) return is_work(task.kind);
  return task.device != GraphTask::kNoDevice && !is_on_network(graph.devices[task.device].kind);
}

bool is_dispatch(const TaskGraph& graph, const GraphTask& task) {
  const std::string_view info = graph.info_of(task);
  return task.kind == TaskKind::kAllToAll && info.starts_with("GROUP_BY") &&
         info.find("backward") == std::string_view::npos;
}

bool is_return(std::string_view info) {
  const bool is_backward = info.find("backward") != std::string_view::npos;
  return info.starts_with("AGGREGATE") != is_backward;
}

TaskExchanges::TaskExchanges(const TaskGraph& graph, const std::string& routing, std::uint64_t seed,
                             std::string input)
    : graph_(graph), input_(std::move(input)) {
  int layers = 1;
  for (const GraphTask& task : graph.tasks) layers = std::max(layers, task.layer + 1);
  bool needs_routing = false;
  for (std::size_t task = 0; task < graph.tasks.size() && !needs_routing; ++task) {
    needs_routing = graph.tasks[task].kind == TaskKind::kAllToAll && graph.demand(task) == nullptr;
  }
  if (needs_routing) {
    if (graph.ep < 1 || graph.ep > kMostEpRanks) {
      throw Error(input_, fmt::format("has all-to-alls and an EP degree of {}", graph.ep),
                  fmt::format("give 1 to {}", kMostEpRanks));
    }
    routing_ =
        RoutingSource::make_for_ranks(routing, static_cast<int>(graph.ep), layers, kTokens, seed);
  }
  if (graph.era == GraphEra::kTopoOpt) endpoints_ = graph.nodes;
  for (std::size_t task = 0; task < graph.tasks.size(); ++task) check(task);
  if (bytes_ > kMostBytes || transfers_ > kMostTransfers) {
    throw Error(input_,
                bytes_ > kMostBytes ? "sends over 2^53 bytes (9 PB)"
                                    : fmt::format("makes over {:.0f} transfers", kMostTransfers),
                "give one iteration of a cluster that exists");
  }
  endpoints_ = std::max(endpoints_, 1U);
}

void TaskExchanges::fail(std::size_t task, std::string_view problem,
                         std::string_view remedy) const {
  throw Error(input_, fmt::format("{} {}", describe(graph_, task), problem), remedy);
}

void TaskExchanges::check(std::size_t index) {
  const GraphTask& task = graph_.tasks[index];
  if (runs_on_device(graph_, task)) return;
  check_endpoints(index);
  const auto bytes = static_cast<double>(task.bytes.count);
  const auto members = static_cast<double>(group(index).size());
  const bool is_collective = is_ring(task.kind) || task.kind == TaskKind::kAllToAll;
  if (is_collective && members == 1 && bytes > 0) ++alone_;
  if (is_ring(task.kind)) {
    const double rounds = static_cast<double>(ring(index)->rounds);
    bytes_ += rounds * bytes;
    transfers_ += rounds * members;
    return;
  }
  switch (task.kind) {
    case TaskKind::kComm:
    case TaskKind::kNominalComm:
      return check_link(index);
    case TaskKind::kP2p: {
      const std::size_t senders = graph_.from[index].size();
      if (senders == 0 || senders != graph_.to[index].size()) {
        fail(index,
             fmt::format("has {} senders and {} receivers", senders, graph_.to[index].size()),
             "give as many of both, and at least one");
      }
      bytes_ += bytes * static_cast<double>(senders);
      transfers_ += static_cast<double>(senders);
      return;
    }
    case TaskKind::kAllToAll:
      return check_all_to_all(index);
    default:
      return;
  }
}

void TaskExchanges::check_endpoints(std::size_t index) {
  for (const TaskLists* lists : {&graph_.from, &graph_.to}) {
    for (const std::uint32_t endpoint : (*lists)[index]) {
      if (graph_.era == GraphEra::kTopoOpt && endpoint >= graph_.nodes) {
        fail(index, fmt::format("joins node {}", endpoint),
             fmt::format("give 0 to {}", graph_.nodes - 1));
      }
      endpoints_ = std::max(endpoints_, endpoint + 1);
    }
  }
}

void TaskExchanges::check_link(std::size_t index) {
  const GraphTask& task = graph_.tasks[index];
  if (task.device == GraphTask::kNoDevice || !is_on_network(graph_.devices[task.device].kind)) {
    fail(index, "names no network device", "give the id of an NW_COMM or NW_NOMINAL device");
  }
  const auto [from, to] = ends(index);
  if (std::max(from, to) >= graph_.nodes) {
    fail(index, fmt::format("goes from {} to {}, of which one is no node", from, to),
         "give devices between nodes; links through switches are not executed one by one");
  }
  endpoints_ = std::max({endpoints_, from + 1, to + 1});
  bytes_ += static_cast<double>(task.bytes.count);
  transfers_ += 1;
}

void TaskExchanges::check_all_to_all(std::size_t index) {
  const std::size_t gpus = group(index).size();
  if (gpus == 0 || gpus % rows(index) != 0) {
    fail(index, fmt::format("joins {} GPUs, no multiple of the EP degree {}", gpus, rows(index)),
         "list the GPUs of its EP ranks");
  }
  const auto members = static_cast<double>(gpus);
  if (const GraphDemand* known = graph_.demand(index)) {
    const std::size_t tp = gpus / rows(index);
    for (const std::int64_t cell : known->cells()) {
      bytes_ += static_cast<double>(cell) * static_cast<double>(tp);
    }
  } else {
    bytes_ += static_cast<double>(graph_.tasks[index].bytes.count) * graph_.ep * members;
  }
  transfers_ += members * static_cast<double>(rows(index));
}

/// The list of all who take part, which graphs keep as the receivers.
std::span<const std::uint32_t> TaskExchanges::group(std::size_t task) const {
  return graph_.to[task].empty() ? graph_.from[task] : graph_.to[task];
}

std::pair<std::uint32_t, std::uint32_t> TaskExchanges::ends(std::size_t task) const {
  const std::uint64_t vertices = std::uint64_t{graph_.nodes} + graph_.switches;
  const std::uint64_t property = graph_.devices[graph_.tasks[task].device].property;
  // Numbers beyond are cut to what no graph has.
  const std::uint64_t from = std::min<std::uint64_t>(property / vertices, UINT32_MAX);
  return {static_cast<std::uint32_t>(from), static_cast<std::uint32_t>(property % vertices)};
}

std::optional<TaskRing> TaskExchanges::ring(std::size_t index) const {
  const GraphTask& task = graph_.tasks[index];
  if (!is_ring(task.kind)) return std::nullopt;
  TaskRing ring;
  ring.members = group(index);
  const auto members = static_cast<std::int64_t>(ring.members.size());
  if (members < 2 || task.bytes.count == 0) return ring;
  const bool is_half = task.kind == TaskKind::kReduceScatter || task.kind == TaskKind::kAllGather;
  ring.rounds = static_cast<int>((is_half ? 1 : 2) * (members - 1));
  ring.part = {(task.bytes.count + members - 1) / members};
  return ring;
}

void TaskExchanges::transfers(std::size_t index, std::vector<TaskTransfer>& transfers) {
  transfers.clear();
  const GraphTask& task = graph_.tasks[index];
  if (task.kind == TaskKind::kAllToAll) return all_to_all(index, transfers);
  if (task.bytes.count == 0) return;
  for (const auto& [from, to] : pairs(index)) {
    if (from != to) transfers.push_back({from, to, task.bytes});
  }
}

std::vector<std::pair<std::uint32_t, std::uint32_t>> TaskExchanges::pairs(std::size_t index) const {
  if (graph_.tasks[index].kind != TaskKind::kP2p) return {ends(index)};
  std::vector<std::pair<std::uint32_t, std::uint32_t>> pairs;
  const auto from = graph_.from[index];
  const auto to = graph_.to[index];
  for (std::size_t i = 0; i < from.size(); ++i) pairs.emplace_back(from[i], to[i]);
  return pairs;
}

std::size_t TaskExchanges::rows(std::size_t index) const {
  const GraphDemand* known = graph_.demand(index);
  return known != nullptr ? known->rows() : graph_.ep;
}

const GraphDemand& TaskExchanges::demand(std::size_t index) {
  if (const GraphDemand* known = graph_.demand(index)) return *known;
  const GraphTask& task = graph_.tasks[index];
  const auto gpus = group(index);
  const std::size_t ep = graph_.ep;
  const std::uint32_t replica = gpus.front() / static_cast<std::uint32_t>(gpus.size());
  routing_->counts({.layer = std::max(0, task.layer),
                    .micro_batch = std::max(0, task.micro_batch),
                    .replica = static_cast<int>(replica)},
                   counts_);
  demand_ = GraphDemand(ep, ep);
  const std::size_t experts = counts_.columns() / ep;  // of a rank
  for (std::size_t s = 0; s < ep; ++s) {
    const std::span<const std::int32_t> row = counts_.row(s);
    const auto sum = [](std::span<const std::int32_t> counts) {
      return std::accumulate(counts.begin(), counts.end(), std::int64_t{0});
    };
    const std::int64_t total = sum(row);
    for (std::size_t d = 0; d < ep; ++d) {
      const double share =
          static_cast<double>(sum(row.subspan(d * experts, experts))) / static_cast<double>(total);
      demand_(s, d) =
          std::llround(static_cast<double>(task.bytes.count) * static_cast<double>(ep) * share);
    }
  }
  return demand_;
}

void TaskExchanges::all_to_all(std::size_t index, std::vector<TaskTransfer>& transfers) {
  const auto gpus = group(index);
  const GraphDemand& bytes = demand(index);
  const std::size_t ep = bytes.rows();
  const std::size_t tp = gpus.size() / ep;
  const bool is_back = is_return(graph_.info_of(graph_.tasks[index]));
  for (std::size_t s = 0; s < ep; ++s) {
    for (std::size_t d = 0; d < ep; ++d) {
      if (s == d || bytes(s, d) == 0) continue;
      for (std::size_t t = 0; t < tp; ++t) {
        const std::uint32_t there = gpus[s * tp + t];
        const std::uint32_t here = gpus[d * tp + t];
        if (there == here) continue;
        const auto [from, to] = is_back ? std::pair(here, there) : std::pair(there, here);
        transfers.push_back({from, to, {bytes(s, d)}});
      }
    }
  }
}

}  // namespace mixnet
