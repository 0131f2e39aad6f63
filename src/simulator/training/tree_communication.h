// Communication over packet-switched fabrics, at NIC level, on the fluid network or in packets.
//
// An EP token leaves by the NIC of the GPU that holds it. Where it enters the destination server is
// an option, since the field differs:
//   kRail  at the NIC of the same place, and the scale-up switch forwards it to its expert's GPU;
//          it comes back the same way (DeepEP does so). A server's NICs share the load of a hot
//          expert, and rails never cross.
//   kOwn   at the NIC of the expert's own GPU: a hot expert makes a hot NIC.
//
// Where oversubscribed ToR links rule a large all-to-all (over 256 flows, and a bound over twice
// that of the NICs), the NICs' own links are left out, and flows of one pair of ToRs fold into one
// class. NICs could bind only in the tail: up to 0.2 % of the time on the demands of the presets.
#pragma once

#include <map>

#include "base/names.h"
#include "fabric/packet_fabric.h"
#include "network/fluid_network.h"
#include "network/packet_phase.h"
#include "training/communication.h"

namespace mixnet {

enum class EpNics { kRail, kOwn };

template <>
struct Names<EpNics> {
  static constexpr std::string_view kWhat = "choice";
  static constexpr NamedValue<EpNics> kTable[] = {{"rail", EpNics::kRail}, {"own", EpNics::kOwn}};
};

/// Where servers are in a graph, where that is not as usual: failures (cluster_health.h).
struct ServerPlaces {
  /// NICs of the graph that a server has; -1 in place of one that failed. Others than usual in
  /// number are dealt evenly to the places of the usual ones.
  std::map<int, std::vector<int>> nics;
  /// By first server of a region: the server that belongs to it behind its own.
  std::map<int, int> extra;
  int region_servers = 0;
};

class TreeCommunication final : public CommunicationModel {
 public:
  /// `flows_per_pair`: connections that the bytes between two NICs are dealt to, each hashed onto a
  /// path of its own (PathPolicy::kEcmp only).
  TreeCommunication(PacketFabric fabric, EpNics ep_nics, int flows_per_pair, int gpus_per_server);

  /// From now on servers are where `places` says. Flows of a NIC that failed are dealt evenly to
  /// the NICs that work at both ends (else to all that work). Throws Error from phases in which a
  /// server without any NIC takes part.
  void use_places(ServerPlaces places);

  /// From now on phases run in packets. `graph`: the same fabric with PathPolicy::kEcmp. Packets go
  /// where append_packet_paths() says; hashed ones take the path that the fluid takes.
  void use_packets(PacketFabric graph, const PacketFidelity& fidelity,
                   std::shared_ptr<PhaseCache> cache);

  ExchangeTimes exchange(int first_server, const RegionDemand& demand) override;
  PhaseTime send(int from, int to, int count, Bytes bytes_per_gpu) override;
  PhaseTime all_reduce(std::span<const std::vector<int>> groups, Bytes bytes_per_server) override;
  bool uniform() const override { return fabric_.uniform() && places_.nics.empty(); }
  std::int64_t scale_up_bytes(const RegionDemand& demand) override {
    return ep_nics_ == EpNics::kOwn ? demand.scale_up_inside : demand.scale_up_direct;
  }
  int ring_nics() const override { return fabric_.nics_per_server(); }
  PhaseTotals packet_totals() const override {
    return packets_ ? packets_->phase.totals() : PhaseTotals{};
  }
  void set_most_hops(std::int64_t hops) override {
    if (packets_) packets_->phase.set_most_hops(hops);
  }

  /// Server-to-server bytes (the diagonal is ignored), each pair's spread evenly over the servers'
  /// NICs, from first_server on.
  PhaseTime server_exchange(int first_server, const Matrix<std::int64_t>& bytes);

  /// Whether a region of `servers` is as usual.
  bool is_whole(int first_server, int servers) const;
  /// Member `s` of the region.
  int member(int first_server, int s) const;
  /// NICs of a server that work.
  int working_nics(int server) const;

 private:
  struct Share {
    int nic;
    std::int64_t parts;
  };
  void serving(int server, int nic, std::vector<Share>& shares) const;
  /// From a NIC of a server to one of another, around what failed.
  void add_server_flow(int from, int from_nic, int to, int to_nic, Bytes bytes);
  struct Packets {
    PacketFabric graph;
    PacketPhase phase;
    std::vector<std::uint32_t> forward, back;  // work space
  };
  void add_packet_flow(int from_nic, int to_nic, int part, Bytes bytes);
  void add_flow(int from_nic, int to_nic, Bytes bytes);
  PhaseTime finish();
  PhaseTime rail_exchange(int first_server, const RegionDemand& demand, bool transposed);
  PhaseTime own_nic_exchange(int first_server, const RegionDemand& demand, bool transposed);
  /// Whether flows of different NICs of a server never meet, so that each rail runs alone.
  bool rails_are_apart() const;
  bool tors_rule(int first_server, const RegionDemand& demand);

  PacketFabric fabric_;
  EpNics ep_nics_;
  int flows_per_pair_;
  int gpus_per_server_;
  FluidNetwork network_;
  ServerPlaces places_;
  std::vector<Share> from_shares_, to_shares_;  ///< work space
  std::unique_ptr<Packets> packets_;
  std::vector<LinkId> path_;
  Matrix<std::int64_t> nic_bytes_;  ///< of the region's NICs
  bool nics_are_idle_ = false;      ///< leave the NICs' own links out of the network
  std::vector<double> link_time_;   ///< work space of tors_rule(): by link, zero between calls
  std::vector<LinkId> touched_;
  int longest_path_ = 0;
};

}  // namespace mixnet
