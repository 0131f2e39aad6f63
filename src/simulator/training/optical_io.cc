#include "training/optical_io.h"

#include <algorithm>
#include <cmath>

namespace mixnet {
namespace {

/// One GPU's port, in bytes.
struct PortLoad {
  double out = 0;
  double in = 0;
};

}  // namespace

std::int64_t optical_io_scale_up_bytes(const RegionDemand& demand, const CircuitCounts& circuits) {
  const int gpus = demand.rail_classes * demand.rail_width;
  const int ranks = static_cast<int>(demand.rank_bytes.rows());
  const int tp = demand.region_gpus / ranks;
  const auto server_of = [&](int rank) { return demand.server_of_rank[rank]; };
  double busiest = 0;
  for (int rank = 0; rank < ranks; ++rank) {
    const int server = server_of(rank);
    PortLoad port;
    double received_outside = 0;
    for (int other = 0; other < ranks; ++other) {
      if (other == rank) continue;
      const double received = static_cast<double>(demand.rank_bytes(other, rank)) / tp;
      if (server_of(other) == server) {
        port.out += static_cast<double>(demand.rank_bytes(rank, other)) / tp;
        port.in += received;
      } else {
        received_outside += received;
      }
    }
    for (int peer = 0; peer < demand.servers; ++peer) {
      if (peer == server) continue;
      const int lanes = circuits(server, peer);
      const double delegates = lanes > 0 ? std::min(lanes, gpus) : gpus;
      const double is_delegate = delegates / gpus;
      const auto own = static_cast<double>(demand.out[rank % demand.rail_classes](server, peer));
      const double share = static_cast<double>(demand.server_bytes(server, peer)) / delegates;
      port.out += (1 - is_delegate) * own + is_delegate * std::max(0.0, own - share);
      port.in += is_delegate * std::max(0.0, share - own);
    }
    port.out += (static_cast<double>(demand.copies_in[server]) - received_outside) / gpus;
    port.in += received_outside - received_outside / gpus;
    busiest = std::max({busiest, port.out, port.in});
  }
  return std::llround(busiest);
}

}  // namespace mixnet
