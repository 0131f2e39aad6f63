// Communication on MixNet: per region an optical switch with `degree` NICs a server, and a fat-tree
// for the other NICs of all servers (section 4 of the paper).
//
// All-to-alls: an allocator (Algorithm 1 by default) gives the region's circuits to the demand; it
// counts both directions of a pair, so dispatch and combine use the same circuits. Bytes reach the
// NICs of delegates over the scale-up switch, so a server's circuits to one destination act as one
// link. What goes where is `EpSplit`:
//   kCircuitsFirst  a pair with circuits uses only these; the other pairs go by EPS (the paper's).
//   kBalanced       a pair with circuits also puts on the EPS what its circuits would not carry in
//                   time: the least T such that the circuits carry rate * T each and the rest fits
//                   through every server's EPS NICs within T. Fair sharing on the EPS may then take
//                   longer than T; where even longer than circuits first, it is circuits first.
// Everything else goes over the EPS NICs.
//
// With optical I/O of its own (optical_io.h), a GPU has lanes where MixNet has OCS NICs: `degree`
// is then the lanes of a whole server, circuits have the rate of a lane, and every GPU has an EPS
// NIC.
#pragma once

#include <map>
#include <optional>
#include <set>

#include "circuits/circuit_planner.h"
#include "training/iteration_options.h"
#include "training/optical_io.h"
#include "training/tree_communication.h"

namespace mixnet {

/// What of a region's optical switch works, where that is not all; by server.
struct OcsPlaces {
  std::map<int, int> optical_nics;
  std::map<int, int> eps_nics;  ///< NICs of its own: without any, its bytes go by neighbours
  std::set<int> dark_regions;   ///< by first server
};

class MixNetCommunication final : public CommunicationModel {
 public:
  /// `eps`: the electrical fat-tree, over all servers, with the EPS NICs alone (at least one each).
  /// `optical_io`: where circuits end at GPUs and not at NICs.
  MixNetCommunication(PacketFabric eps, int degree, EpSplit split, HashedPaths hashed,
                      int gpus_per_server, AllocatorKind allocator = AllocatorKind::kGreedy,
                      std::optional<OpticalIo> optical_io = std::nullopt);

  /// From now on servers have what is given. Of a server without EPS NICs of its own, `eps` says
  /// through which ones of others it sends what is no all-to-all.
  void use_places(ServerPlaces eps, OcsPlaces ocs);

  /// From now on phases run in packets (TreeCommunication::use_packets() of the EPS). A pair's
  /// bytes are dealt evenly to its circuits, one flow each. While ports move, those that stay lit
  /// start at once and the others when they light up, with as much less.
  void use_packets(PacketFabric eps_graph, const FidelityOptions& fidelity,
                   std::shared_ptr<PhaseCache> cache);

  /// The circuits that a region gets for a demand between its servers. Valid until the next call.
  const CircuitCounts& circuits_for(int first_server, const Matrix<std::int64_t>& demand);

  /// TreeCommunication::run_plain(), of the electrical part.
  void run_plain() { eps_.run_plain(); }

  ExchangeTimes exchange(int first_server, const RegionDemand& demand) override;
  ExchangeTimes exchange_switched(int first_server, const RegionDemand& demand,
                                  const SwitchState& state) override;
  Time over_circuits_for(int first_server, const Matrix<std::int64_t>& guessed,
                         const Matrix<std::int64_t>& bytes) override;
  PhaseTime send(int from, int to, int count, Bytes bytes_per_gpu) override {
    return eps_.send(from, to, count, bytes_per_gpu);
  }
  PhaseTime send_each(std::span<const GpuSend> sends) override { return eps_.send_each(sends); }
  PhaseTime all_reduce(std::span<const std::vector<int>> groups, Bytes bytes_per_server) override {
    return eps_.all_reduce(groups, bytes_per_server);
  }
  bool uniform() const override {
    return eps_.uniform() && ocs_.optical_nics.empty() && ocs_.dark_regions.empty();
  }
  std::optional<std::uint64_t> kind_of_region(int first_server, int servers) const override {
    return is_whole(first_server, servers) ? eps_.kind_of_region(first_server, servers)
                                           : std::nullopt;
  }
  std::int64_t scale_up_bytes(int first_server, const RegionDemand& demand) override;
  int ring_nics() const override { return eps_nics_; }
  PhaseTotals packet_totals() const override;
  void set_most_hops(std::int64_t hops) override {
    eps_.set_most_hops(hops);
    if (packets_ && packets_->phase) packets_->phase->set_most_hops(hops);
  }

 private:
  void look_at(int first_server, int servers);
  bool is_whole(int first_server, int servers) const;
  const Matrix<std::int64_t>& hop_by_hop(const Matrix<std::int64_t>& bytes,
                                         const CircuitCounts& circuits);
  bool all_have_eps() const;
  struct Way {
    PhaseTime phase;
    Time eps_busy;  ///< how long the EPS NICs take part
  };
  Way one_way(int first_server, const Matrix<std::int64_t>& bytes, const CircuitCounts& circuits);
  /// Circuits first or balanced, what is shorter.
  Way best_way(int first_server, const Matrix<std::int64_t>& demand, const CircuitCounts& circuits);
  PhaseTime while_moving(int first_server, const Matrix<std::int64_t>& bytes,
                         const CircuitCounts& present, const CircuitCounts& wanted,
                         const SwitchState& state);
  /// Circuits carry for `longest` at most, in units of (bytes / circuit rate); the rest goes by
  /// EPS.
  Way split_at(double longest, int first_server, const Matrix<std::int64_t>& bytes,
               const CircuitCounts& circuits);
  /// What circuits leave of `bytes` when they carry capacity(s, t): into by_circuit_ and by_eps_.
  template <typename Capacity>
  bool split(const Matrix<std::int64_t>& bytes, Capacity&& capacity);

  struct CircuitPackets {
    FidelityOptions fidelity;
    std::shared_ptr<PhaseCache> cache;
    std::unique_ptr<PacketPhase> phase;  // made when the size of a region is known
    int servers = 0;
    Matrix<std::uint32_t> first_port;  // of the circuits from server to server
  };
  /// Circuits for `demand`; valid until the next call.
  const CircuitCounts& plan(const Matrix<std::int64_t>& demand);
  /// A time in units of (bytes / circuit rate).
  Time reference_time(double units) const;
  Time reference_expected_time(const Matrix<std::int64_t>& bytes, const CircuitCounts& circuits);
  /// Circuits that are dark until `lit_at`, and what one carries of what a lit one does.
  struct LateCircuits {
    CircuitCounts counts;
    Time lit_at;
    double share = 0;
  };
  /// Runs by_circuit_ over the circuits.
  PhaseTime circuit_phase(const CircuitCounts& circuits);
  PhaseTime circuit_packets(const CircuitCounts& lit, const LateCircuits& late);

  int eps_nics_;
  std::optional<OpticalIo> optical_io_;
  double circuit_rate_;  ///< in NIC rates
  TreeCommunication eps_;
  int degree_;
  EpSplit split_;
  CircuitPlanner planner_;
  std::unique_ptr<CircuitPackets> packets_;
  OcsPlaces ocs_;
  // Of the region at hand, by server (look_at()).
  bool region_is_whole_ = false;
  RegionNics nics_;                   ///< EPS NICs in circuits' rates, rounded to whole ones
  std::vector<double> eps_circuits_;  ///< the same, not rounded
  Matrix<std::int64_t> hops_;
  Matrix<std::int64_t> by_eps_;
  Matrix<std::int64_t> by_circuit_;
  Matrix<std::int64_t> transposed_;
};

}  // namespace mixnet
