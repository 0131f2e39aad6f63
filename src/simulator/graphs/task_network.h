// The network under a task graph: endpoints that send while a simulation runs, on any fabric of
// `mixnet flows`, in packets or as a fluid.
//
// Endpoints are nodes (TopoOpt's graphs) or GPUs (MixNet's). A server has nics_per_server NICs,
// which its endpoints share: of fewer NICs than endpoints, endpoint i has NIC i * NICs / endpoints;
// of more, each endpoint has several and spreads what it sends over them evenly.
//
//   fat-tree, oversub-fat-tree,   between the NICs of the endpoints
//   rail-optimized, ideal
//   mixnet      between servers: send() takes the EPS NICs; send_servers() the circuits of the pair
//               when there are any, and only those, else the EPS NICs, where hashed paths are drawn
//               for each pair of GPUs. Circuits are set while it runs, region by region
//               (set_circuits())
//   topoopt     over the connections and routes that a graph of TopoOpt's era carries
//
// Within a server nothing is sent here: that is the caller's.
//
// Deterministic. Not thread-safe. Memory: O(links), the pairs of NICs that were used (48 bytes for
// each hashed path, of which there are up to 64; up to 3 kB sprayed), the flows at one time; mixnet
// O(servers^2).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "circuits/circuits.h"
#include "interop/task_graph.h"
#include "network/fidelity.h"
#include "network/flow_topology.h"
#include "network/fluid_live.h"
#include "network/packet_network.h"

namespace mixnet {

struct TaskNetworkOptions {
  FlowNetworkOptions network;  ///< hosts and nics_per_server are set
  Fidelity fidelity = Fidelity::kPacket;
  PacketOptions packets;
  int endpoints_per_server = 1;
  std::string input;  ///< names the graph in errors
};

class TaskNetwork {
 public:
  /// `tag` is what send() was given; called once for each flow.
  using OnArrival = std::function<void(std::uint64_t tag, Time at)>;

  /// `graph`: whose connections topoopt takes. Throws Error on options out of range, and when the
  /// graph has no connections for topoopt.
  TaskNetwork(const TaskGraph& graph, const TaskNetworkOptions& options, OnArrival on_arrival);
  ~TaskNetwork();
  TaskNetwork(TaskNetwork&&) = delete;

  int server_of(std::uint32_t endpoint) const {
    return static_cast<int>(endpoint) / options_.endpoints_per_server;
  }
  int servers() const { return options_.network.servers(); }
  int degree() const { return options_.network.degree(); }  ///< of MixNet
  int eps_nics() const { return options_.network.nics_per_server - degree(); }
  bool has_circuits() const { return options_.network.fabric == FabricKind::kMixNet; }

  /// `bytes` > 0 from endpoint to endpoint of another server, at `now`, which is not before the
  /// last call's. Hashed paths are drawn for `connection`, which names it among all others; the
  /// same number between the same endpoints takes the same paths. Returns how many flows it takes,
  /// each of which arrives. Throws Error when there is no way, or a flow is too large.
  int send(std::uint32_t from, std::uint32_t to, Bytes bytes, Time now, std::uint64_t tag,
           std::uint64_t connection);

  /// The same from server to server, what `pairs` pairs of GPUs send each other. MixNet only.
  int send_servers(int from, int to, Bytes bytes, int pairs, Time now, std::uint64_t tag,
                   std::uint64_t connection);

  /// From now on `circuits` join these servers of a region, whose circuits carry nothing now.
  /// Row i of `circuits` is servers[i]. MixNet only.
  void set_circuits(std::span<const int> servers, const CircuitCounts& circuits);

  /// Until `end`, or until a callback has called stop().
  void run_until(Time end);
  void stop();
  /// Flows that have not arrived.
  std::size_t running_flows() const;

  std::optional<PacketTotals> packet_totals() const;
  struct TierUse {
    std::string name;
    std::int64_t ports = 0;
    double bytes = 0;             ///< of all ports
    double bytes_per_second = 0;  ///< what all ports together can carry
  };
  std::vector<TierUse> tier_use() const;

 private:
  /// Two NICs, and which of their hashed paths.
  struct Way {
    int from_nic = 0, to_nic = 0;
    std::uint32_t choice = 0;
    bool operator==(const Way&) const = default;
  };
  struct WayHash {
    std::size_t operator()(const Way& way) const;
  };
  void send_flow(int from_nic, int to_nic, Bytes bytes, Time now, std::uint64_t tag,
                 std::uint64_t connection);
  PacketNetwork::PathSet path_set(const Way& way);

  TaskNetworkOptions options_;
  std::unique_ptr<FlowTopology> topology_;
  std::optional<PacketNetwork> packets_;
  std::optional<LiveFluid> fluid_;
  std::unordered_map<Way, PacketNetwork::PathSet, WayHash> path_sets_;
  FlowPaths paths_;

  /// First OCS NIC and number of the circuits from a server to another.
  struct Circuits {
    std::int16_t first = 0, count = 0;
  };
  std::vector<std::unordered_map<int, Circuits>> circuits_;  ///< by server
};

}  // namespace mixnet
