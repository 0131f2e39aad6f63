// Communication over a tree of packet switches (fat-trees and rails; of MixNet the electrical
// part), at NIC level. TopoOpt's graph of circuits is topoopt_communication.h.
//
// An EP token leaves by the NIC of the GPU that holds it. Where it enters the destination server is
// an option, since the field differs:
//   kRail  at the NIC of the same place, and the scale-up switch forwards it to its expert's GPU;
//          it comes back the same way (DeepEP does so). A server's NICs share the load of a hot
//          expert, and rails never cross.
//   kOwn   at the NIC of the expert's own GPU: a hot expert makes a hot NIC.
//
// Hashed paths (PathPolicy::kEcmp): every two GPUs have a connection each way, which is a flow of
// its own and hashed alone, also where several share their NICs; all-to-alls, activations and what
// delegates send for their servers go by these. A ring has one connection from NIC to NIC. The
// fluid time of an all-to-all of over 512 of them is that of its busiest link, which fair sharing
// does not exceed by more than 0.5 % (tested).
//
// Where oversubscribed ToR links rule a large all-to-all (over 256 flows, and a bound over twice
// that of the NICs), the NICs' own links are left out, and flows of one pair of ToRs fold into one
// class. NICs could bind only in the tail: up to 0.2 % of the time on the demands of the presets.
//
// NICs under one ToR whose GPUs send the same bytes (tensor-parallel ranks) do the same at every
// moment, so one of them, as wide as all, stands for them: exact, and as much cheaper as it is
// wide.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "fabric/packet_fabric.h"
#include "fabric/server_places.h"
#include "training/communication.h"
#include "training/iteration_options.h"
#include "training/phase_network.h"

namespace mixnet {

class TreeCommunication final : public CommunicationModel {
 public:
  TreeCommunication(PacketFabric fabric, EpNics ep_nics, HashedPaths hashed, int gpus_per_server);

  /// From now on servers are where `places` says. Throws Error from phases in which a server
  /// without any NIC takes part.
  void use_places(ServerPlaces places) {
    servers_ = PlacedServers(fabric_.nics_per_server(), std::move(places));
  }

  /// From now on the fluid runs every flow of every phase, by the one solver for all sizes: slow,
  /// and what the shortcuts above are held against.
  void run_plain();

  /// From now on phases run in packets. `graph`: the same fabric with PathPolicy::kEcmp. Packets go
  /// where append_packet_paths() says; hashed ones take the path that the fluid takes.
  void use_packets(PacketFabric graph, const FidelityOptions& fidelity,
                   std::shared_ptr<PhaseCache> cache);

  ExchangeTimes exchange(int first_server, const RegionDemand& demand) override;
  PhaseTime send(int from, int to, int count, Bytes bytes_per_gpu) override;
  PhaseTime send_each(std::span<const GpuSend> sends) override;
  PhaseTime all_reduce(std::span<const std::vector<int>> groups, Bytes bytes_per_server) override;
  bool uniform() const override { return fabric_.uniform() && servers_.are_usual(); }
  std::optional<std::uint64_t> kind_of_region(int first_server, int servers) const override;
  std::int64_t scale_up_bytes(int /*first_server*/, const RegionDemand& demand) override {
    return ep_nics_ == EpNics::kOwn ? demand.scale_up_inside : demand.scale_up_direct;
  }
  int ring_nics() const override { return fabric_.nics_per_server(); }
  PhaseTotals packet_totals() const override { return network_.totals(); }
  void set_most_hops(std::int64_t hops) override { network_.set_most_hops(hops); }

  /// Server-to-server bytes (the diagonal is ignored), each pair's spread evenly over the servers'
  /// NICs, from first_server on.
  PhaseTime server_exchange(int first_server, const Matrix<std::int64_t>& bytes);

  const PlacedServers& servers() const { return servers_; }

 private:
  /// From a NIC of a server to one of another, around what failed.
  void add_server_flow(int from, int from_nic, int to, int to_nic, Bytes bytes,
                       std::uint64_t connection = 0);
  /// The same between NICs of one place, by the connections of the GPUs that share them.
  void add_gpu_flows(int from, int to, int nic, Bytes bytes);
  void add_packet_flow(int from_nic, int to_nic, std::uint64_t connection, Bytes bytes);
  void add_flow(int from_nic, int to_nic, Bytes bytes, std::uint64_t connection);
  std::uint64_t hash_of(int from_nic, int to_nic, std::uint64_t connection) const;
  bool is_hashed() const { return fabric_.path_policy() == PathPolicy::kEcmp; }
  void count_links(std::span<const LinkId> path, Bytes bytes);
  Time take_busiest_link();
  PhaseTime hashed_exchange(int first_server, const RegionDemand& demand, bool transposed);
  PhaseTime rail_exchange(int first_server, const RegionDemand& demand, bool transposed);
  PhaseTime own_nic_exchange(int first_server, const RegionDemand& demand, bool transposed);
  /// Whether nothing is out of the ordinary about a region: uniform(), were all like it.
  bool is_uniform_region(int first_server, int servers) const;
  /// Whether flows of different NICs of a server never meet, so that each rail runs alone.
  bool rails_are_apart(int first_server, int servers) const;
  bool mirrors(int first_server, int servers) const;
  bool tors_rule(int first_server, const RegionDemand& demand);
  /// How many NICs in a row are alike in a rail exchange, and stand under one ToR.
  int alike_nics(int first_server, const RegionDemand& demand) const;
  /// The network where NIC 0, n, 2n, ... is as wide as n.
  PhaseNetwork& folded_network(int n);

  PacketFabric fabric_;
  EpNics ep_nics_;
  HashedPaths hashed_;
  int gpus_per_server_;
  PhaseNetwork network_;
  bool is_plain_ = false;
  int fold_ = 1;                        ///< of a rail exchange: alike_nics()
  std::optional<PhaseNetwork> folded_;  ///< of the last fold_ above 1
  int folded_by_ = 1;
  PlacedServers servers_;
  std::optional<PacketFabric> packet_graph_;             ///< in packets: with all its paths
  std::vector<std::uint32_t> forward_path_, back_path_;  ///< work space
  std::vector<LinkId> path_;
  Matrix<std::int64_t> nic_bytes_;  ///< of the region's NICs
  bool nics_are_idle_ = false;      ///< leave the NICs' own links out of the network
  bool only_links_count_ = false;   ///< flows go to count_links() in place of the network
  std::vector<double> link_time_;   ///< work space: by link, zero between calls
  std::vector<LinkId> touched_;
};

}  // namespace mixnet
