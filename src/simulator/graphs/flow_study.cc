#include "graphs/flow_study.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <unordered_map>
#include <utility>

#include "base/caller.h"
#include "base/error.h"
#include "base/progress.h"
#include "base/random.h"
#include "network/flow_starts.h"
#include "network/fluid_live.h"
#include "network/fluid_network.h"
#include "network/network_invariants.h"

namespace mixnet {
namespace {

constexpr Time kLongestRun = Time::seconds(2'592'000);     // 30 days
constexpr std::uint64_t kMostPathEntries = 4'000'000'000;  // of 32 bits each
constexpr std::size_t kMostExactFlows = 16'384;
constexpr std::size_t kChunk = 65'536;  // flows handed over at a time

int hosts_of(const FlowStudyRequest& request) {
  if (request.network.hosts != 0) return request.network.hosts;
  const int nics = std::clamp(request.network.nics_per_server, 1, 1024);  // checked later
  int named = 0;
  if (const auto* list = std::get_if<FlowList>(&request.traffic)) {
    named = list->hosts;
  } else {
    named = static_cast<int>(std::get<Matrix<std::int64_t>>(request.traffic).rows());
  }
  return (named + nics - 1) / nics * nics;
}

ServerDemand server_demand(const FlowStudyRequest& request, bool ranks_are_servers) {
  const auto servers = static_cast<std::size_t>(request.network.servers());
  const int nics = request.network.nics_per_server;
  ServerDemand demand(servers, servers);
  if (const auto* list = std::get_if<FlowList>(&request.traffic)) {
    for (const FlowRecord& flow : list->flows) {
      demand(flow.from / nics, flow.to / nics) += flow.bytes.count;
    }
    return demand;
  }
  const auto& matrix = std::get<Matrix<std::int64_t>>(request.traffic);
  const std::size_t ranks_a_server = ranks_are_servers ? 1 : static_cast<std::size_t>(nics);
  for (std::size_t r = 0; r < matrix.rows(); ++r) {
    for (std::size_t c = 0; c < matrix.rows(); ++c) {
      if (r != c) demand(r / ranks_a_server, c / ranks_a_server) += matrix(r, c);
    }
  }
  return demand;
}

/// Two NICs, and which of their hashed paths.
struct Way {
  int from = 0, to = 0;
  std::uint32_t choice = 0;
  bool operator==(const Way&) const = default;
};
struct WayHash {
  std::size_t operator()(const Way& way) const { return derive_seed(way.from, way.to, way.choice); }
};

/// The way of each flow.
class Ways {
 public:
  Ways(const std::vector<FlowRecord>& flows, const std::vector<std::pair<int, int>>& nics,
       const std::vector<std::uint32_t>& choices)
      : flows_(flows), nics_(nics), choices_(choices) {}

  Way operator[](std::size_t flow) const {
    const auto [from, to] =
        nics_.empty() ? std::pair{flows_[flow].from, flows_[flow].to} : nics_[flow];
    return {from, to, choices_.empty() ? 0 : choices_[flow]};
  }

 private:
  const std::vector<FlowRecord>& flows_;
  const std::vector<std::pair<int, int>>& nics_;
  const std::vector<std::uint32_t>& choices_;
};

/// Keeps a packet network supplied with flows: those of the list as their starts come up, others
/// when those end that they wait for.
class Player {
 public:
  Player(FlowReport& report, FlowStarts& starts, const Ways& ways, FlowTopology& topology)
      : report_(report),
        starts_(starts),
        ways_(ways),
        topology_(topology),
        network_(topology.ports(), packets_on(topology, report.packet_options)),
        progress_("simulating flows", all_bytes(report.flows)) {
    network_.set_skip(report.fidelity == Fidelity::kAuto);
    network_.on_completion([this](std::uint64_t flow, Time at) { complete(flow, at); });
  }

  void run_until(Time end) {
    const auto start_of = [this](std::uint32_t flow) { return report_.flows[flow].start; };
    const std::vector<std::uint32_t>& order = starts_.by_start();
    for (std::size_t next = 0; next < order.size();) {
      const Time start = start_of(order[next]);
      if (start > end) break;
      // Up to just before: what happens at the start itself comes in the order of one single run.
      if (start > Time::zero()) network_.run_until(start - Time::picoseconds(1));
      const std::size_t stop = std::min(order.size(), next + kChunk);
      for (; next < stop && start_of(order[next]) <= end; ++next) {
        if (starts_.due(order[next])) add(order[next], start_of(order[next]));
      }
    }
    if (report_.fidelity == Fidelity::kPacket) run_in_slices(end);
    network_.run_until(end);
  }

  const PacketNetwork& network() const { return network_; }

 private:
  static std::uint64_t all_bytes(const std::vector<FlowRecord>& flows) {
    std::uint64_t bytes = 0;
    for (const FlowRecord& flow : flows) bytes += static_cast<std::uint64_t>(flow.bytes.count);
    return bytes;
  }

  /// A few flows that take minutes are seen on their way, not at their end alone. What happens is
  /// that of one single run.
  void run_in_slices(Time end) {
    constexpr int kSlices = 1000;
    constexpr std::int64_t kPerFlow = 200;
    Bytes largest;
    Time at;
    for (const FlowRecord& flow : report_.flows) {
      largest = std::max(largest, flow.bytes);
      if (flow.after < 0) at = std::max(at, flow.start);
    }
    Time slice = largest / report_.network.bandwidth / kPerFlow;
    const auto flows = static_cast<std::int64_t>(report_.flows.size());
    for (int i = 1; i <= kSlices && report_.completed < flows && at < end; ++i) {
      at = std::min(end, at + slice);
      network_.run_until(at);
      show(static_cast<std::uint64_t>(network_.totals().delivered_bytes));
      if (i % kPerFlow == 0) slice = slice * 2;  // slower than alone
    }
  }

  /// Of all flows' bytes, so many have arrived.
  void show(std::uint64_t arrived) {
    if (arrived <= shown_) return;
    progress_.advance(arrived - shown_);
    shown_ = arrived;
  }

  void add(std::size_t flow, Time start) {
    stop_point();
    network_.add_flow(path_set(flow), report_.flows[flow].bytes, start, flow);
  }

  PacketNetwork::PathSet path_set(std::size_t flow) {
    const Way way = ways_[flow];
    const auto [entry, is_new] = path_sets_.try_emplace(way);
    if (is_new) {
      topology_.find_paths(way.from, way.to, way.choice, paths_);
      path_entries_ += paths_.forward.size() + paths_.back.size() + 1;
      if (path_entries_ > kMostPathEntries) {
        throw Error("--paths",
                    fmt::format("{} pairs of NICs have too many paths together", path_sets_.size()),
                    "give --paths ecmp, or fewer flows");
      }
      entry->second =
          network_.add_paths(paths_.forward, paths_.hops, paths_.back, paths_.back_hops);
    }
    return entry->second;
  }

  void complete(std::size_t flow, Time at) {
    report_.completions[flow] = at;
    ++report_.completed;
    ended_ += static_cast<std::uint64_t>(report_.flows[flow].bytes.count);
    show(ended_);
    starting_.clear();
    starts_.end(flow, at, starting_);
    for (const std::size_t next : starting_) add(next, std::max(at, report_.flows[next].start));
  }

  FlowReport& report_;
  FlowStarts& starts_;
  const Ways& ways_;
  FlowTopology& topology_;
  PacketNetwork network_;
  ProgressBar progress_;
  std::uint64_t ended_ = 0, shown_ = 0;  ///< bytes, of flows that have ended and in the bar
  std::vector<std::size_t> starting_;
  std::unordered_map<Way, PacketNetwork::PathSet, WayHash> path_sets_;
  std::uint64_t path_entries_ = 0;
  FlowPaths paths_;
};

}  // namespace

double FlowReport::skipped_share() const {
  if (!packets || packets->skipped_packets == 0) return 0;
  return static_cast<double>(packets->skipped_packets) /
         static_cast<double>(packets->skipped_packets + packets->data_packets);
}

FctStats fct_stats(std::vector<Time> fcts) {
  std::ranges::sort(fcts);
  const auto percentile = [&](std::size_t p) { return fcts[(fcts.size() * p + 99) / 100 - 1]; };
  FctStats stats = {fcts.back(), percentile(50), percentile(99)};
  for (const Time fct : fcts) stats.mean_ps += static_cast<double>(fct.ps);
  stats.mean_ps /= static_cast<double>(fcts.size());
  return stats;
}

FlowStudy::FlowStudy(FlowStudyRequest request) : request_(std::move(request)) {
  FlowNetworkOptions& network = request_.network;
  const bool sized_by_flows = network.hosts == 0;
  network.hosts = hosts_of(request_);
  check_flow_network_options(network);
  const bool fluid = request_.fidelity == Fidelity::kFluid;
  if (request_.until) {
    if (fluid) {
      throw Error("--until", "stops packets, not the fluid",
                  "leave it out, or give --fidelity packet");
    }
    if (*request_.until == Time::zero() || *request_.until > kLongestRun) {
      throw Error("--until", fmt::format("{} is out of range", to_string(*request_.until)),
                  "give more than 0us and at most 30 days");
    }
  }
  if (const auto* matrix = std::get_if<Matrix<std::int64_t>>(&request_.traffic)) {
    const auto ranks = static_cast<int>(matrix->rows());
    ranks_are_servers_ = ranks != network.hosts && ranks == network.servers() && !sized_by_flows;
    if (!sized_by_flows && ranks != network.hosts && !ranks_are_servers_) {
      throw Error(request_.input,
                  fmt::format("is for {} ranks, and the network has {} hosts in {} servers", ranks,
                              network.hosts, network.servers()),
                  "give --hosts or --servers as the matrix has ranks");
    }
    if (ranks_are_servers_ && network.hosts % network.nics_per_server != 0) {
      throw Error("--hosts",
                  fmt::format("{} hosts are no whole servers of {} NICs, which a matrix of servers "
                              "needs",
                              network.hosts, network.nics_per_server),
                  "give --servers");
    }
  } else if (const int named = std::get<FlowList>(request_.traffic).hosts; named > network.hosts) {
    throw Error(request_.input,
                fmt::format("is for {} hosts, and the network has {}", named, network.hosts),
                fmt::format("give --hosts {} or more", named));
  }
  ServerDemand demand;
  if (network.by_servers()) demand = server_demand(request_, ranks_are_servers_);
  topology_ = make_flow_topology(network, demand, fluid, request_.input);

  report_.network = network;
  report_.fidelity = request_.fidelity;
  report_.packet_options = request_.packets;
  report_.circuits = topology_->circuits();
  if (auto* list = std::get_if<FlowList>(&request_.traffic)) {
    place_list(std::exchange(*list, {}));
  } else {
    place_matrix(std::exchange(std::get<Matrix<std::int64_t>>(request_.traffic), {}));
  }
  if (network.paths == PathPolicy::kEcmp) draw_paths();
  for (const FlowRecord& flow : report_.flows) report_.bytes += flow.bytes;
  if (!fluid) check_packets();
}

FlowStudy::~FlowStudy() = default;

void FlowStudy::place_list(FlowList list) {
  report_.flows = std::move(list.flows);
  triggers_ = std::move(list.triggers);
  behind_ = std::move(list.behind);
  if (!request_.network.by_servers()) return;
  ways_.reserve(report_.flows.size());
  for (const FlowRecord& flow : report_.flows) {
    ways_.push_back(topology_->next_way(flow.from, flow.to));
  }
}

/// A path for every flow. The first of two NICs is connection 0 with the default seed, the next is
/// connection 1.
void FlowStudy::draw_paths() {
  const Ways ways(report_.flows, ways_, choices_);
  std::unordered_map<Way, std::uint32_t, WayHash> connections;
  std::vector<std::uint32_t> choices(report_.flows.size());
  for (std::size_t f = 0; f < choices.size(); ++f) {
    stop_point();
    const Way way = ways[f];
    const std::uint64_t connection = (request_.seed - 1) << 32 | connections[way]++;
    choices[f] = topology_->path_choice(way.from, way.to, connection);
  }
  choices_ = std::move(choices);
}

void FlowStudy::place_matrix(const Matrix<std::int64_t>& matrix) {
  const auto add = [&](int from, int to, std::int64_t bytes) {
    if (bytes == 0) return;
    if (report_.flows.size() == kMaxFlows) {
      throw Error(request_.input, fmt::format("makes over {} flows", kMaxFlows),
                  "give fewer ranks");
    }
    report_.flows.push_back({.from = from, .to = to, .bytes = {bytes}});
  };
  const bool by_servers = request_.network.by_servers();
  const int nics = request_.network.nics_per_server;
  const auto ranks = static_cast<int>(matrix.rows());
  const int ranks_a_server = ranks_are_servers_ ? 1 : nics;
  const bool by_ranks = !by_servers && !ranks_are_servers_;
  for (int r = 0; r < ranks; ++r) {
    stop_point();
    for (int c = 0; c < ranks; ++c) {
      if (r == c) continue;
      if (r / ranks_a_server == c / ranks_a_server) {
        report_.inside += {matrix(r, c)};
      } else if (by_ranks) {
        add(r, c, matrix(r, c));
      }
    }
  }
  const int servers = by_ranks ? 0 : request_.network.servers();
  const auto bytes_of = [&](int s, int t) {
    std::int64_t bytes = 0;
    for (int r = s * ranks_a_server; r < std::min(ranks, (s + 1) * ranks_a_server); ++r) {
      for (int c = t * ranks_a_server; c < std::min(ranks, (t + 1) * ranks_a_server); ++c) {
        bytes += matrix(r, c);
      }
    }
    return bytes;
  };
  for (int s = 0; s < servers; ++s) {
    stop_point();
    for (int t = 0; t < servers; ++t) {
      const std::int64_t bytes = s == t ? 0 : bytes_of(s, t);
      if (bytes == 0) continue;
      const int ways = topology_->ways(s, t);
      for (int i = 0; i < ways; ++i) {
        const auto [from, to] = topology_->next_way(s * nics + i % nics, t * nics + i % nics);
        add(from, to, bytes / ways + (i < bytes % ways ? 1 : 0));
      }
    }
  }
  if (report_.flows.empty()) {
    throw Error(request_.input,
                fmt::format("has no bytes between servers, of {} ranks each", ranks_a_server),
                "give bytes that ranks send to ranks of other servers, or --nics-per-server 1 "
                "where every rank is a server");
  }
}

void FlowStudy::check_packets() const {
  const PacketOptions& options = request_.packets;
  check_packet_options(options);
  const std::int64_t full = options.mtu - options.header;
  for (const FlowRecord& flow : report_.flows) {
    if (flow.bytes.count / full < kMostFlowPackets) continue;
    throw Error(request_.input,
                fmt::format("the flow of {} from {} to {} is over 2^31 packets",
                            to_string(flow.bytes), flow.from, flow.to),
                "give a smaller one, or --fidelity fluid");
  }
  check_packets_on(*topology_, options);
}

FlowReport FlowStudy::run() {
  report_.completions.assign(report_.flows.size(), FlowReport::kNever);
  request_.fidelity == Fidelity::kFluid ? run_fluid() : run_packets();
  std::vector<Time> fcts;
  fcts.reserve(static_cast<std::size_t>(report_.completed));
  for (std::size_t f = 0; f < report_.flows.size(); ++f) {
    if (report_.completions[f] == FlowReport::kNever) continue;
    fcts.push_back(report_.completions[f] - report_.flows[f].start);
  }
  if (!fcts.empty()) report_.fct = fct_stats(std::move(fcts));
  return std::move(report_);
}

void FlowStudy::run_packets() {
  const Ways ways(report_.flows, ways_, choices_);
  FlowStarts starts(report_.flows, triggers_, behind_);
  Player player(report_, starts, ways, *topology_);
  player.run_until(request_.until.value_or(kLongestRun));
  const PacketNetwork& network = player.network();
  report_.packets = network.totals();
  check_bytes_kept(*report_.packets);
  const bool all = report_.completed == static_cast<std::int64_t>(report_.flows.size());
  report_.makespan =
      all ? std::ranges::max(report_.completions) : request_.until.value_or(network.now());
  std::vector<double> port_bytes(topology_->ports().size());
  for (std::uint32_t port = 0; port < port_bytes.size(); ++port) {
    port_bytes[port] = static_cast<double>(network.port_totals(port).bytes);
  }
  report_tiers(port_bytes);
  for (std::size_t t = 0; t < report_.tiers.size(); ++t) {
    const LinkTier& tier = topology_->tiers()[t];
    for (std::uint32_t port = tier.first; port < tier.first + tier.count; ++port) {
      report_.tiers[t].deepest_queue =
          std::max(report_.tiers[t].deepest_queue, network.port_totals(port).deepest_queue);
    }
  }
}

/// As a fluid, where flows start when others end.
void FlowStudy::run_live_fluid() {
  std::vector<FlowRecord>& flows = report_.flows;
  std::vector<Bandwidth> rates;
  for (const PortSpec& port : topology_->ports()) rates.push_back(port.rate);
  FlowStarts starts(flows, triggers_, behind_);
  LiveFluid network(rates);
  FlowPaths paths;
  const Ways ways(flows, ways_, choices_);
  const auto add = [&](std::size_t flow) {
    const Way way = ways[flow];
    topology_->find_paths(way.from, way.to, way.choice, paths);
    network.add_flow(paths.forward, flows[flow].bytes, paths.delay, flow);
  };
  std::vector<std::size_t> starting;
  network.on_completion([&](std::uint64_t flow, Time at) {
    report_.completions[flow] = at;
    report_.makespan = std::max(report_.makespan, at);
    ++report_.completed;
    starting.clear();
    starts.end(flow, at, starting);
    for (const std::size_t next : starting) add(next);
  });
  for (const std::uint32_t flow : starts.by_start()) {
    network.run_until(flows[flow].start);
    if (starts.due(flow)) add(flow);
  }
  network.run_until(Time::max());
  std::vector<double> port_bytes(rates.size());
  for (std::uint32_t port = 0; port < rates.size(); ++port) {
    port_bytes[port] = network.link_bytes(port);
  }
  report_tiers(port_bytes);
}

void FlowStudy::run_fluid() {
  if (!triggers_.empty() || !behind_.empty()) return run_live_fluid();
  std::vector<FlowRecord>& flows = report_.flows;
  std::vector<Bandwidth> rates;
  for (const PortSpec& port : topology_->ports()) rates.push_back(port.rate);
  FluidNetwork network(rates);
  // Steps grow with the time since the first start: only where all start together.
  const bool together = std::ranges::all_of(
      flows, [&](const FlowRecord& flow) { return flow.start == flows.front().start; });
  if (flows.size() > kMostExactFlows && together) network.set_resolution(0.01);

  std::vector<double> port_bytes(rates.size());
  std::vector<Time> delays;
  delays.reserve(flows.size());
  FlowPaths paths;
  const Ways ways(flows, ways_, choices_);
  for (std::size_t f = 0; f < flows.size(); ++f) {
    stop_point();
    const Way way = ways[f];
    topology_->find_paths(way.from, way.to, way.choice, paths);
    network.add_flow(paths.forward, flows[f].bytes, 1, flows[f].start);
    delays.push_back(paths.delay);
    for (const std::uint32_t port : paths.forward) {
      port_bytes[port] += static_cast<double>(flows[f].bytes.count);
    }
  }
  network.run();
  for (std::size_t f = 0; f < flows.size(); ++f) {
    const Time end = network.completion(f) + delays[f];
    if (end == Time::max()) continue;
    report_.completions[f] = end;
    report_.makespan = std::max(report_.makespan, report_.completions[f]);
    ++report_.completed;
  }
  report_tiers(port_bytes);
}

void FlowStudy::report_tiers(const std::vector<double>& port_bytes) {
  const double seconds = report_.makespan.to_seconds();
  for (const LinkTier& tier : topology_->tiers()) {
    TierReport& report = report_.tiers.emplace_back();
    report.name = tier.name;
    report.ports = tier.count;
    for (std::uint32_t port = tier.first; port < tier.first + tier.count; ++port) {
      if (seconds <= 0) break;
      // A run that was stopped has counted what its ports still held.
      const double used = std::min(
          1.0, port_bytes[port] / (topology_->ports()[port].rate.bytes_per_second() * seconds));
      report.mean_utilisation += used / tier.count;
      report.max_utilisation = std::max(report.max_utilisation, used);
    }
  }
}

}  // namespace mixnet
