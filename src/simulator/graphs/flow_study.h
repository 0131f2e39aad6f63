// Flows on a network, and nothing else: a connection matrix, an all-to-all-v matrix or a list of
// flows played on a fabric, in packets or as a fluid; out come completion times, queues, losses and
// how busy the links were. docs/flows.md is the manual.
//
//   * Packets: every flow is one flow of the packet network. kAuto also jumps over the steady
//   state.
//   * Fluid (kFluid): max-min fair rates on the same links, plus the propagation of the path. A
//     sprayed fabric is pools of links there. Over 16,384 flows that start together are solved at a
//     resolution of 0.01 (fluid_network.h); others exactly, and so are lists with
//     triggers or messages, whose flows start when others end.
//
// A matrix has a rank for each host, or one for each server; then the bytes of a pair of servers
// are dealt evenly to flows between their NICs of the same place. On mixnet and topoopt it is
// summed to servers in any case, and dealt to the pair's ways (flow_topology.h). Bytes between
// ranks of one server take no NIC on any fabric: they are counted and left out. (A list of flows is
// between NICs, whoever they belong to.)
//
// Hashed, every flow is a connection of its own: flows of one pair are drawn one by one.
//
// Deterministic; reads no clock. Not thread-safe. Memory: O(flows + links + paths): a pair of NICs
// that has flows keeps its paths, 48 bytes hashed and up to 3 kB sprayed. Flows are handed to the
// network as their starts come up, so those that start late or have ended take about 50 bytes each.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/matrix.h"
#include "network/fidelity.h"
#include "network/flow_list.h"
#include "network/flow_topology.h"
#include "network/packet_network.h"

namespace mixnet {

struct FlowStudyRequest {
  FlowNetworkOptions network;
  Fidelity fidelity = Fidelity::kPacket;
  PacketOptions packets;
  std::uint64_t seed = 1;     ///< of hashed paths
  std::optional<Time> until;  ///< stop then; packets only
  /// Flows between hosts, or bytes from rank to rank (the diagonal is ignored).
  std::variant<FlowList, Matrix<std::int64_t>> traffic;
  std::string input;  ///< names the traffic in errors
};

/// Nearest-rank percentiles: the smallest value that is not below p % of them.
struct FctStats {
  Time max, p50, p99;
  double mean_ps = 0;
};

struct TierReport {
  std::string name;
  std::int64_t ports = 0;
  double mean_utilisation = 0;  ///< bytes / (rate * makespan), at most 1; over all ports
  double max_utilisation = 0;
  Bytes deepest_queue;  ///< packets only
};

struct FlowReport {
  static constexpr Time kNever = Time::max();

  FlowNetworkOptions network;
  Fidelity fidelity = Fidelity::kPacket;
  PacketOptions packet_options;
  std::optional<int> circuits;  ///< mixnet, topoopt

  /// In the order of the file; start is when the flow started, kNever when its trigger never did.
  std::vector<FlowRecord> flows;
  std::vector<Time> completions;  ///< by flow; kNever where it did not end
  std::int64_t completed = 0;
  Bytes bytes;   ///< of all flows, payload
  Bytes inside;  ///< of a matrix, between ranks of one server
  /// Of the last completion; when a flow is left, when the run was stopped.
  Time makespan;
  std::optional<FctStats> fct;  ///< of the flows that completed, if any
  std::vector<TierReport> tiers;
  std::optional<PacketTotals> packets;  ///< unless the fidelity is kFluid
  double wall_seconds = 0;              ///< of run(); for the caller to measure

  /// Share of the data packets that were jumped over.
  double skipped_share() const;
};

class FlowStudy {
 public:
  /// Builds the network. Throws Error when a flag is out of range, the traffic does not fit the
  /// network, or a flow has no way or is too large.
  explicit FlowStudy(FlowStudyRequest request);
  ~FlowStudy();

  /// Once. Draws a progress bar on a terminal.
  FlowReport run();

 private:
  void place_list(FlowList list);
  void place_matrix(const Matrix<std::int64_t>& matrix);
  void draw_paths();
  void check_packets() const;
  void run_packets();
  void run_fluid();
  void run_live_fluid();
  void report_tiers(const std::vector<double>& port_bytes);

  FlowStudyRequest request_;
  bool ranks_are_servers_ = false;
  std::unique_ptr<FlowTopology> topology_;
  std::vector<std::pair<int, int>> ways_;  ///< NICs by flow, where they are not the flow's hosts
  std::vector<std::uint32_t> choices_;     ///< of hashed paths, by flow; empty: none
  std::vector<FlowTrigger> triggers_;
  std::vector<int> behind_;  ///< as FlowList's
  FlowReport report_;
};

/// Schema mixnet.flows/1, docs/flows.md; ends with a line break.
std::string to_json(const FlowReport& report);
/// src,dst,bytes,start_us,fct_us: a line a flow.
std::string to_fct_csv(const FlowReport& report);

FctStats fct_stats(std::vector<Time> fcts);  ///< of one or more

}  // namespace mixnet
