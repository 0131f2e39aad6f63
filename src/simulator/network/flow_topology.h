// The network that `mixnet flows` plays flows on: a fabric's links as ports, and the ways of a flow
// through them. Hosts are NICs, host = server * nics_per_server + nic.
//
//   fat-tree, oversub-fat-tree,   PacketFabric: hashed or sprayed paths between any two hosts
//   rail-optimized
//   ideal                         one switch that never blocks: a port out and a port in per host
//   mixnet                        the first `degree` NICs of a server are on the optical switch,
//                                 the others (EPS) on a fat-tree. Circuits come from the flows' own
//                                 bytes between servers (circuits/greedy_allocator.h), one region
//                                 for all servers
//   topoopt                       circuits from the same bytes (fabric/direct_connect.h); those of
//                                 a pair are one link as fast as all of them; servers forward
//
// On mixnet and topoopt a flow goes from server to server, whatever NIC it names: on mixnet over
// the pair's circuits in turn, or, where it has none, over EPS NICs of the same place in turn. A
// link of a switch has the propagation delay `latency`, a circuit twice that (two fibres).
//
// Not thread-safe. Memory: O(links), and O(servers^2) for mixnet and topoopt.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/units.h"
#include "circuits/circuits.h"
#include "fabric/packet_fabric.h"
#include "network/packet_network.h"

namespace mixnet {

inline constexpr int kMostJoinedServers = 4096;  ///< by circuits: a matrix of them must fit

struct FlowNetworkOptions {
  FabricKind fabric = FabricKind::kFatTree;
  int hosts = 0;  ///< zero: as many as the flows name, in whole servers
  int nics_per_server = 8;
  std::optional<int> optical_degree;  ///< of MixNet; default: 3 NICs of 4
  double oversubscription = 3;        ///< of oversub-fat-tree
  PathPolicy paths = PathPolicy::kEcmp;
  Bandwidth bandwidth = Bandwidth::gbps(100);
  Time latency = Time::microseconds(1);

  int servers() const { return (hosts + nics_per_server - 1) / nics_per_server; }
  int degree() const { return optical_degree.value_or(nics_per_server * 3 / 4); }
  /// Whether the fabric joins servers, not NICs, so that it is made for a demand between servers.
  bool by_servers() const {
    return fabric == FabricKind::kMixNet || fabric == FabricKind::kTopoOpt;
  }
};

/// Throws Error, naming the flag, when an option is out of range or the hosts do not fit the
/// fabric. `hosts` must be set.
void check_flow_network_options(const FlowNetworkOptions& options);

/// All paths that the packets of a flow take, one after another, `hops` ports each.
struct FlowPaths {
  std::vector<std::uint32_t> forward, back;
  int hops = 0, back_hops = 0;
  Time delay;  ///< propagation, one way
};

class FlowTopology {
 public:
  virtual ~FlowTopology() = default;
  FlowTopology(const FlowTopology&) = delete;
  FlowTopology& operator=(const FlowTopology&) = delete;

  const std::vector<PortSpec>& ports() const { return ports_; }
  const std::vector<LinkTier>& tiers() const { return tiers_; }
  std::optional<int> circuits() const { return circuits_; }

  /// The longest way of a flow: links, and their propagation delay.
  int longest_path() const { return longest_path_; }
  /// Whether routes lead through hosts, and so may wait for each other in a circle.
  virtual bool hosts_forward() const { return false; }
  Time longest_delay() const { return longest_delay_; }

  /// How many flows the bytes from server to server are dealt to, so that all its ways are used.
  virtual int ways(int from_server, int to_server) const = 0;

  /// The NICs that the next flow from host to host uses: flows of a pair take its ways in turn.
  /// Throws Error when there is no way.
  virtual std::pair<int, int> next_way(int from_host, int to_host) = 0;

  /// Which of their hashed paths a connection between two NICs takes; zero where there is one way
  /// only, or all are taken. Connections are drawn independently of each other.
  virtual std::uint32_t path_choice(int /*from_nic*/, int /*to_nic*/,
                                    std::uint64_t /*connection*/) const {
    return 0;
  }

  /// Between NICs that next_way() gave, of a connection that path_choice() has drawn for. Replaces
  /// `paths`.
  virtual void find_paths(int from_nic, int to_nic, std::uint32_t choice, FlowPaths& paths) = 0;

 protected:
  FlowTopology() = default;

  /// Paths along links that are ports of those numbers, on a fabric where who sends is a hop as
  /// well: link `l` has the port `injected` + l for what enters the network by it.
  void follow(std::span<const std::uint32_t> there, std::span<const std::uint32_t> back,
              std::uint32_t injected, FlowPaths& paths) const;

  std::vector<PortSpec> ports_;
  std::vector<LinkTier> tiers_;
  std::optional<int> circuits_;
  int longest_path_ = 0;
  Time longest_delay_;
};

/// `demand`: bytes between servers, for mixnet and topoopt. `fluid`: for the fluid network, to
/// which a sprayed fabric is one path through pools of links (PathPolicy::kSpray). `input` names
/// the flows in errors. The options must have been checked.
std::unique_ptr<FlowTopology> make_flow_topology(const FlowNetworkOptions& options,
                                                 const ServerDemand& demand, bool fluid,
                                                 std::string input);

/// Throws Error, naming the flag, when queues or the time-out do not suit the ports and distances.
void check_packets_on(const FlowTopology& topology, const PacketOptions& options);

/// The options as the topology can take them: where hosts forward, nobody pauses anybody.
PacketOptions packets_on(const FlowTopology& topology, PacketOptions options);

}  // namespace mixnet
