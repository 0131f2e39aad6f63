#include "network/flow_topology.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "base/random.h"
#include "circuits/greedy_allocator.h"
#include "fabric/direct_connect.h"
#include "network/flow_list.h"
#include "network/packet_paths.h"

namespace mixnet {
namespace {

constexpr int kMostNics = 1024;          // of a server
constexpr int kMostPathLinks = 65'535;   // that the packet network takes
constexpr double kFastestLink = 100e12;  // b/s: beyond, a byte takes too few picoseconds
constexpr std::string_view kCircuit = "circuit";

Bandwidth scaled(Bandwidth rate, double factor) {
  return {std::llround(static_cast<double>(rate.bits_per_second) * factor)};
}

/// A switched fabric between NICs, whose links are the first ports of a topology.
class Switches {
 public:
  Switches(PacketFabric graph, const FlowNetworkOptions& options, std::vector<PortSpec>& ports)
      : graph_(std::move(graph)), paths_(options.paths), latency_(options.latency) {
    for (const double rate : graph_.link_rates()) {
      ports.push_back({scaled(options.bandwidth, rate), latency_});
    }
  }

  const PacketFabric& graph() const { return graph_; }
  int longest_path() const {
    // The first and the last NIC share no switch, unless all NICs share one.
    return std::max(2, graph_.hops(0, graph_.nics() - 1));
  }

  std::uint32_t path_choice(int from, int to, std::uint64_t connection) const {
    if (paths_ == PathPolicy::kSpray) return 0;
    const auto choices = static_cast<std::uint32_t>(graph_.path_choices(from, to));
    return static_cast<std::uint32_t>(derive_seed(from, to, connection) % choices);
  }

  void find_paths(int from, int to, std::uint32_t choice, FlowPaths& paths) const {
    paths.forward.clear();
    paths.back.clear();
    paths.delay = latency_ * graph_.hops(from, to);
    paths.hops = graph_.hops(from, to);
    if (graph_.path_policy() == PathPolicy::kSpray) {  // pools: one path, not of all the links
      graph_.append_path(from, to, 0, paths.forward);
      graph_.append_path(to, from, 0, paths.back);
      paths.hops = static_cast<int>(paths.forward.size());
    } else if (paths_ == PathPolicy::kSpray) {
      append_packet_paths(graph_, paths_, from, to, derive_seed(from, to, 0), paths.forward);
      append_packet_paths(graph_, paths_, to, from, derive_seed(to, from, 0), paths.back);
    } else {
      graph_.append_path(from, to, choice, paths.forward);
      graph_.append_path(to, from, back_choice(from, to, choice), paths.back);
    }
    paths.back_hops = paths.hops;
  }

 private:
  /// Drawn as well, and the same for all connections of one choice, so that two NICs have as many
  /// pairs of paths as paths.
  std::uint32_t back_choice(int from, int to, std::uint32_t choice) const {
    const auto choices = static_cast<std::uint32_t>(graph_.path_choices(from, to));
    return (path_choice(to, from, 0) + choice + choices - path_choice(from, to, 0)) % choices;
  }

  PacketFabric graph_;
  PathPolicy paths_;
  Time latency_;
};

PathPolicy graph_policy(const FlowNetworkOptions& options, bool fluid) {
  return fluid ? options.paths : PathPolicy::kEcmp;
}

class SwitchedTopology final : public FlowTopology {
 public:
  SwitchedTopology(const FlowNetworkOptions& options, bool fluid)
      : nics_(options.nics_per_server), switches_(graph(options, fluid), options, ports_) {
    tiers_ = switches_.graph().tiers();
    longest_path_ = switches_.longest_path();
    longest_delay_ = options.latency * longest_path_;
  }

  int ways(int /*from_server*/, int /*to_server*/) const override { return nics_; }
  std::pair<int, int> next_way(int from_host, int to_host) override { return {from_host, to_host}; }
  std::uint32_t path_choice(int from_nic, int to_nic, std::uint64_t connection) const override {
    return switches_.path_choice(from_nic, to_nic, connection);
  }
  void find_paths(int from_nic, int to_nic, std::uint32_t choice, FlowPaths& paths) override {
    switches_.find_paths(from_nic, to_nic, choice, paths);
  }

 private:
  static PacketFabric graph(const FlowNetworkOptions& options, bool fluid) {
    const PathPolicy paths = graph_policy(options, fluid);
    if (options.fabric == FabricKind::kRailOptimized) {
      return {options.fabric, options.servers(), options.nics_per_server, 1, paths};
    }
    // A tree knows nothing of servers, so the last one may be short of NICs.
    return {options.fabric, options.hosts, 1, options.oversubscription, paths};
  }

  int nics_;
  Switches switches_;
};

class IdealTopology final : public FlowTopology {
 public:
  explicit IdealTopology(const FlowNetworkOptions& options)
      : hosts_(static_cast<std::uint32_t>(options.hosts)), nics_(options.nics_per_server) {
    ports_.assign(2 * std::size_t{hosts_}, {options.bandwidth, options.latency});
    tiers_ = {{"nic-up", 0, hosts_}, {"nic-down", hosts_, hosts_}};
    longest_path_ = 2;
    longest_delay_ = options.latency * 2;
  }

  int ways(int /*from_server*/, int /*to_server*/) const override { return nics_; }
  std::pair<int, int> next_way(int from_host, int to_host) override { return {from_host, to_host}; }
  void find_paths(int from_nic, int to_nic, std::uint32_t /*choice*/, FlowPaths& paths) override {
    const auto from = static_cast<std::uint32_t>(from_nic);
    const auto to = static_cast<std::uint32_t>(to_nic);
    paths.forward = {from, hosts_ + to};
    paths.back = {to, hosts_ + from};
    paths.hops = paths.back_hops = 2;
    paths.delay = longest_delay_;
  }

 private:
  std::uint32_t hosts_;
  int nics_;
};

class MixNetTopology final : public FlowTopology {
 public:
  MixNetTopology(const FlowNetworkOptions& options, const ServerDemand& demand, bool fluid,
                 std::string input)
      : input_(std::move(input)),
        nics_(options.nics_per_server),
        degree_(options.degree()),
        switches_(PacketFabric(FabricKind::kMixNet, options.servers(), eps_nics(), 1,
                               graph_policy(options, fluid)),
                  options, ports_) {
    const auto servers = demand.rows();
    const auto first_circuit = static_cast<std::uint32_t>(ports_.size());
    const auto circuit_ports =
        static_cast<std::uint32_t>(servers) * static_cast<std::uint32_t>(degree_);
    circuit_delay_ = options.latency * 2;
    ports_.insert(ports_.end(), circuit_ports, {options.bandwidth, circuit_delay_});
    first_circuit_ = first_circuit;
    counts_ = GreedyAllocator().allocate(demand, degree_);
    first_nic_ = Matrix<std::int32_t>(servers, servers);
    turns_ = Matrix<std::uint32_t>(servers, servers);
    int ends = 0;
    for (std::size_t s = 0; s < servers; ++s) {
      int nic = 0;
      for (std::size_t t = 0; t < servers; ++t) {
        first_nic_(s, t) = nic;
        nic += counts_(s, t);
      }
      ends += nic;
    }
    circuits_ = ends / 2;
    tiers_ = switches_.graph().tiers();
    if (circuit_ports > 0) tiers_.push_back({kCircuit, first_circuit, circuit_ports});
    longest_path_ = switches_.longest_path();
    longest_delay_ = options.latency * longest_path_;
  }

  int ways(int from_server, int to_server) const override {
    const int circuits = counts_(from_server, to_server);
    return circuits > 0 ? circuits : eps_nics();
  }

  std::pair<int, int> next_way(int from_host, int to_host) override {
    const int from = from_host / nics_;
    const int to = to_host / nics_;
    const auto turn = static_cast<int>(turns_(from, to)++ & INT32_MAX);
    if (const int circuits = counts_(from, to); circuits > 0) {
      const int circuit = turn % circuits;
      return {from * nics_ + first_nic_(from, to) + circuit,
              to * nics_ + first_nic_(to, from) + circuit};
    }
    const int eps = turn % eps_nics();
    // Within a server the same NIC is no way.
    const int far = from == to ? (eps + 1) % eps_nics() : eps;
    if (from == to && far == eps) {
      throw Error(input_,
                  fmt::format("hosts {} and {} are in one server, which has one EPS NIC", from_host,
                              to_host),
                  "leave out flows within a server, or give it two EPS NICs (--degree)");
    }
    return {from * nics_ + degree_ + eps, to * nics_ + degree_ + far};
  }

  std::uint32_t path_choice(int from_nic, int to_nic, std::uint64_t connection) const override {
    if (from_nic % nics_ < degree_) return 0;  // a circuit is one way
    return switches_.path_choice(eps_nic(from_nic), eps_nic(to_nic), connection);
  }

  void find_paths(int from_nic, int to_nic, std::uint32_t choice, FlowPaths& paths) override {
    if (from_nic % nics_ >= degree_) {
      return switches_.find_paths(eps_nic(from_nic), eps_nic(to_nic), choice, paths);
    }
    paths.forward = {circuit_port(from_nic)};
    paths.back = {circuit_port(to_nic)};
    paths.hops = paths.back_hops = 1;
    paths.delay = circuit_delay_;
  }

 private:
  int eps_nics() const { return nics_ - degree_; }
  int eps_nic(int nic) const { return nic / nics_ * eps_nics() + nic % nics_ - degree_; }
  std::uint32_t circuit_port(int nic) const {
    return first_circuit_ + static_cast<std::uint32_t>(nic / nics_ * degree_ + nic % nics_);
  }

  std::string input_;
  int nics_;
  int degree_;
  Switches switches_;
  std::uint32_t first_circuit_ = 0;
  Time circuit_delay_;
  CircuitCounts counts_;
  Matrix<std::int32_t> first_nic_;  ///< of a server's circuits to another
  Matrix<std::uint32_t> turns_;     ///< flows so far
};

/// Port l is directed link l; port links + l is the server's way into it, as fast and of no length,
/// so that its own packets queue behind those that it forwards.
class TopoOptTopology final : public FlowTopology {
 public:
  bool hosts_forward() const override { return true; }

  TopoOptTopology(const FlowNetworkOptions& options, const ServerDemand& demand, std::string input)
      : input_(std::move(input)), nics_(options.nics_per_server) {
    const auto servers = static_cast<int>(demand.rows());
    ExpectedTraffic traffic;
    for (int a = 0; a < servers; ++a) {
      for (int b = a + 1; b < servers; ++b) {
        const std::int64_t bytes = demand(a, b) + demand(b, a);
        if (bytes > 0) traffic.pairs.push_back({a, b, static_cast<double>(bytes)});
      }
    }
    graph_ = DirectConnect::find(servers, nics_, traffic);
    double ends = 0;
    for (const Time delay : {options.latency * 2, Time::zero()}) {
      for (const double circuits : graph_.link_rates()) {
        ports_.push_back({scaled(options.bandwidth, circuits), delay});
        ends += circuits;
      }
    }
    circuits_ = static_cast<int>(ends / 4);  // two directions, twice
    const auto links = static_cast<std::uint32_t>(graph_.link_rates().size());
    tiers_ = {{"inject", links, links}, {kCircuit, 0, links}};
    for (const ExpectedTraffic::Pair& pair : traffic.pairs) {
      const auto there = static_cast<int>(graph_.route(pair.a, pair.b).size());
      const auto back = static_cast<int>(graph_.route(pair.b, pair.a).size());
      if (there == 0 || std::max(there, back) >= kMostPathLinks) {
        throw Error(
            "--nics-per-server",
            fmt::format("{} NICs {} servers {} and {} on topoopt", nics_,
                        there == 0 ? "cannot join" : "make too long a way between", pair.a, pair.b),
            "give servers more NICs");
      }
      longest_path_ = std::max({longest_path_, there + 1, back + 1});
    }
    longest_delay_ = options.latency * 2 * std::max(0, longest_path_ - 1);
  }

  int ways(int /*from_server*/, int /*to_server*/) const override { return 1; }

  std::pair<int, int> next_way(int from_host, int to_host) override {
    const int from = from_host / nics_;
    const int to = to_host / nics_;
    if (from == to) {
      throw Error(input_, fmt::format("hosts {} and {} are in one server", from_host, to_host),
                  "leave out flows within a server: topoopt's circuits join servers");
    }
    return {from * nics_, to * nics_};
  }

  void find_paths(int from_nic, int to_nic, std::uint32_t /*choice*/, FlowPaths& paths) override {
    const std::vector<std::uint32_t>& there = graph_.route(from_nic / nics_, to_nic / nics_);
    follow(there, graph_.route(to_nic / nics_, from_nic / nics_),
           static_cast<std::uint32_t>(graph_.link_rates().size()), paths);
  }

 private:
  std::string input_;
  int nics_;
  DirectConnect graph_;
};

}  // namespace

void FlowTopology::follow(std::span<const std::uint32_t> there, std::span<const std::uint32_t> back,
                          std::uint32_t injected, FlowPaths& paths) const {
  const auto fill = [&](std::span<const std::uint32_t> links, std::vector<std::uint32_t>& path) {
    path = {injected + links.front()};
    path.insert(path.end(), links.begin(), links.end());
    return static_cast<int>(path.size());
  };
  paths.hops = fill(there, paths.forward);
  paths.back_hops = fill(back, paths.back);
  paths.delay = Time::zero();
  for (const std::uint32_t port : paths.forward) paths.delay += ports_[port].delay;
}

void check_flow_network_options(const FlowNetworkOptions& options) {
  const int nics = options.nics_per_server;
  if (divides_gpu_bandwidth(options.fabric)) {
    throw Error("--fabric",
                fmt::format("'{}' is more than its NICs, and flows are between NICs",
                            to_string(options.fabric)),
                "give fat-tree for its Ethernet; mixnet compare knows all of it");
  }
  if (nics < 1 || nics > kMostNics) {
    throw Error("--nics-per-server", fmt::format("{} is out of range", nics),
                fmt::format("give 1 to {}", kMostNics));
  }
  if (options.hosts < 2 || options.hosts > kMaxFlowHosts) {
    throw Error("--hosts", fmt::format("{} is out of range", options.hosts),
                fmt::format("give 2 to {} hosts (NICs)", kMaxFlowHosts));
  }
  const bool needs_servers = options.by_servers() || options.fabric == FabricKind::kRailOptimized;
  if (needs_servers && options.hosts % nics != 0) {
    throw Error("--hosts",
                fmt::format("{} hosts are no whole servers of {} NICs, which {} needs",
                            options.hosts, nics, to_string(options.fabric)),
                "give a multiple, or --nics-per-server");
  }
  if (options.by_servers() && options.servers() > kMostJoinedServers) {
    throw Error(
        "--servers",
        fmt::format("{} servers are more than circuits are sought for", options.servers()),
        fmt::format("give {} up to {} servers", to_string(options.fabric), kMostJoinedServers));
  }
  if (options.fabric == FabricKind::kMixNet && (options.degree() < 0 || options.degree() >= nics)) {
    throw Error(
        "--degree",
        fmt::format("{} of a server's {} NICs cannot be optical", options.degree(), nics),
        fmt::format("give 0 to {}: pairs without a circuit need an electrical NIC", nics - 1));
  }
  if (!(options.oversubscription >= 1 && options.oversubscription <= 1000)) {
    throw Error("--oversubscription", fmt::format("{} is out of range", options.oversubscription),
                "give a ratio from 1 to 1000");
  }
  if (options.bandwidth < Bandwidth{1'000'000} || options.bandwidth > Bandwidth::gbps(10'000)) {
    const bool is_zero = options.bandwidth.bits_per_second == 0;
    throw Error("--bandwidth",
                fmt::format("{} is out of range", is_zero ? "0 b/s" : to_string(options.bandwidth)),
                "give 1Mbps to 10Tbps");
  }
  if (options.fabric == FabricKind::kTopoOpt &&
      static_cast<double>(options.bandwidth.bits_per_second) * nics > kFastestLink) {
    throw Error(
        "--bandwidth",
        fmt::format("{} circuits of {} make too fast a link", nics, to_string(options.bandwidth)),
        "give less, or fewer --nics-per-server: 100 Tb/s together at most");
  }
  if (options.latency > Time::seconds(1)) {
    throw Error("--latency", fmt::format("{} is out of range", to_string(options.latency)),
                "give 0us to 1s a link");
  }
}

std::unique_ptr<FlowTopology> make_flow_topology(const FlowNetworkOptions& options,
                                                 const ServerDemand& demand, bool fluid,
                                                 std::string input) {
  switch (options.fabric) {
    case FabricKind::kMixNet:
      return std::make_unique<MixNetTopology>(options, demand, fluid, std::move(input));
    case FabricKind::kTopoOpt:
      return std::make_unique<TopoOptTopology>(options, demand, std::move(input));
    case FabricKind::kIdeal:
      return std::make_unique<IdealTopology>(options);
    case FabricKind::kFatTree:
    case FabricKind::kOversubFatTree:
    case FabricKind::kRailOptimized:
    case FabricKind::kNvl72:            // refused by
    case FabricKind::kMixNetOpticalIo:  // check_flow_network_options()
      break;
  }
  return std::make_unique<SwitchedTopology>(options, fluid);
}

PacketOptions packets_on(const FlowTopology& topology, PacketOptions options) {
  options.pfc = options.pfc && !topology.hosts_forward();
  return options;
}

void check_packets_on(const FlowTopology& topology, const PacketOptions& options) {
  const auto slowest = std::ranges::min(topology.ports(), {}, &PortSpec::rate).rate;
  if (options.queue_limit / slowest > Time::seconds(3600) ||
      options.ecn_threshold / slowest > Time::seconds(3600)) {
    throw Error(options.queue_limit / slowest > Time::seconds(3600) ? "--queue" : "--ecn-threshold",
                fmt::format("is over an hour's worth of a link of {}", to_string(slowest)),
                "give fewer bytes");
  }
  const Time round_trip =
      topology.longest_delay() * 2 +
      (Bytes{options.mtu + options.ack_bytes} / slowest) * topology.longest_path();
  if (options.time_out != Time::zero() && options.time_out <= round_trip) {
    throw Error("--time-out",
                fmt::format("{} is no more than a round trip of {}", to_string(options.time_out),
                            to_string(round_trip)),
                "give a multiple of that, or leave it out");
  }
}

}  // namespace mixnet
