// Communication on TopoOpt's direct-connect topology, patched once for the whole job: pairs of
// servers with circuits use them, the others are forwarded by the hosts in between. At the level of
// circuits. A pair that no chain of circuits joins is an Error. Rings run both ways round at once,
// half of the bytes each.
#pragma once

#include <algorithm>
#include <memory>
#include <vector>

#include "fabric/direct_connect.h"
#include "training/communication.h"
#include "training/phase_network.h"

namespace mixnet {

class TopoOptCommunication final : public CommunicationModel {
 public:
  TopoOptCommunication(DirectConnect topology, int gpus_per_server);

  /// From now on phases run in packets. The circuits of a pair are one port of their rates
  /// together; what a host sends meets what it forwards in that port's queue.
  void use_packets(const FidelityOptions& fidelity, std::shared_ptr<PhaseCache> cache);

  /// From now on the fluid runs by the one solver for all sizes.
  void run_plain() { network_ = PhaseNetwork(topology_.link_rates(), FluidSolver::kLarge); }

  ExchangeTimes exchange(int first_server, const RegionDemand& demand) override;
  PhaseTime send(int from, int to, int count, Bytes bytes_per_gpu) override;
  PhaseTime send_each(std::span<const GpuSend> sends) override;
  PhaseTime all_reduce(std::span<const std::vector<int>> groups, Bytes bytes_per_server) override;
  bool uniform() const override { return false; }
  std::int64_t scale_up_bytes(int /*first_server*/, const RegionDemand& demand) override {
    return demand.scale_up_delegated;
  }
  int ring_nics() const override { return std::max(1, topology_.ring_nics()); }
  PhaseTotals packet_totals() const override { return network_.totals(); }
  void set_most_hops(std::int64_t hops) override { network_.set_most_hops(hops); }

 private:
  void add_flow(int from, int to, Bytes bytes);

  DirectConnect topology_;
  int gpus_per_server_;
  PhaseNetwork network_;
  std::vector<std::uint32_t> packet_path_;  // work space
};

}  // namespace mixnet
