#include "moe/demand.h"

#include <algorithm>

namespace mixnet {

DemandMaker::DemandMaker(const ParallelPlan& plan, int hidden, std::span<const int> moved)
    : ep_(plan.ep),
      etp_(plan.expert_tp()),
      gpus_per_server_(plan.gpus_per_server),
      token_bytes_(std::int64_t{hidden} * kBytesPerNumber) {
  demand_.servers = plan.region_servers();
  demand_.region_gpus = ep_ * etp_;
  for (int rank = 0; rank < ep_; ++rank) {
    demand_.server_of_rank.push_back(rank * etp_ / gpus_per_server_);
  }
  for (const int rank : moved) demand_.server_of_rank[rank] = demand_.servers;
  if (!moved.empty()) ++demand_.servers;
  const auto servers = static_cast<std::size_t>(demand_.servers);
  const auto ranks = static_cast<std::size_t>(ep_);
  demand_.rail_classes = std::max(1, gpus_per_server_ / etp_);
  demand_.rail_width = gpus_per_server_ / demand_.rail_classes;
  demand_.server_bytes = Matrix<std::int64_t>(servers, servers);
  demand_.rank_bytes = Matrix<std::int64_t>(ranks, ranks);
  demand_.out.assign(demand_.rail_classes, Matrix<std::int64_t>(servers, servers));
}

const RegionDemand& DemandMaker::make(const TokenCounts& counts) {
  const std::size_t local_experts = counts.columns() / static_cast<std::size_t>(ep_);
  std::int64_t busiest = 0;
  std::int64_t total = 0;
  for (int to = 0; to < ep_; ++to) {
    std::int64_t received = 0;
    for (int from = 0; from < ep_; ++from) {
      const std::int32_t* cell = counts.row(from).data() + to * local_experts;
      std::int64_t tokens = 0;
      for (std::size_t e = 0; e < local_experts; ++e) tokens += cell[e];
      received += tokens;
      demand_.rank_bytes(from, to) = tokens * token_bytes_;
    }
    busiest = std::max(busiest, received);
    total += received;
  }
  demand_.busiest_rank_tokens = busiest;
  demand_.mean_rank_tokens = static_cast<double>(total) / ep_;
  spread_over_servers();
  find_scale_up_loads();
  return demand_;
}

void DemandMaker::spread_over_servers() {
  auto& d = demand_;
  std::ranges::fill(d.server_bytes.cells(), 0);
  for (auto& rail : d.out) std::ranges::fill(rail.cells(), 0);
  // TP rank t of `from` sends to TP rank t of `to`. With etp <= gpus_per_server all t share servers
  // and rail class; with a larger etp, t also picks the server within the rank's own ones, and one
  // rail class stands for all.
  const int servers_of_rank = std::max(1, etp_ / gpus_per_server_);
  for (int from = 0; from < ep_; ++from) {
    for (int to = 0; to < ep_; ++to) {
      const std::int64_t bytes = d.rank_bytes(from, to);
      for (int part = 0; part < servers_of_rank; ++part) {
        const int s = first_server(from) + part;
        const int t = first_server(to) + part;
        d.server_bytes(s, t) += bytes / servers_of_rank;
        if (s != t) d.out[from % d.rail_classes](s, t) += bytes / etp_;
      }
    }
  }
}

void DemandMaker::find_scale_up_loads() {
  auto& d = demand_;
  d.scale_up_direct = 0;
  d.scale_up_inside = 0;
  d.scale_up_delegated = 0;
  // One GPU stands for the etp of its EP rank: to and from GPUs of its own server (inside), and
  // those of others (outside).
  for (int rank = 0; rank < ep_; ++rank) {
    const int server = first_server(rank);
    const int rail = rank % d.rail_classes;
    std::int64_t sent_inside = 0, received_inside = 0, sent_outside = 0, received_outside = 0;
    std::int64_t received_on_rail = 0;
    for (int other = 0; other < ep_; ++other) {
      if (other == rank) continue;
      const std::int64_t sent = d.rank_bytes(rank, other) / etp_;
      const std::int64_t received = d.rank_bytes(other, rank) / etp_;
      if (first_server(other) == server) {
        sent_inside += sent;
        received_inside += received;
      } else {
        sent_outside += sent;
        received_outside += received;
        if (other % d.rail_classes == rail) received_on_rail += received;
      }
    }
    std::int64_t rail_in = 0, server_out = 0, server_in = 0;
    for (int peer = 0; peer < d.servers; ++peer) {
      if (peer == server) continue;
      rail_in += d.out[rail](peer, server);
      server_out += d.server_bytes(server, peer);
      server_in += d.server_bytes(peer, server);
    }
    d.scale_up_inside = std::max({d.scale_up_inside, sent_inside, received_inside});
    const std::int64_t forwarded = rail_in - received_on_rail;
    d.scale_up_direct = std::max({d.scale_up_direct, sent_inside + forwarded,
                                  received_inside + received_outside - received_on_rail});
    // A GPU is its own delegate for one byte in gpus_per_server: that byte does not move.
    const auto others = [&](std::int64_t bytes) { return bytes - bytes / gpus_per_server_; };
    const std::int64_t gathered = (server_out - sent_outside) / gpus_per_server_;
    const std::int64_t scattered = (server_in - received_outside) / gpus_per_server_;
    d.scale_up_delegated =
        std::max({d.scale_up_delegated, sent_inside + others(sent_outside) + scattered,
                  received_inside + others(received_outside) + gathered});
  }
}

}  // namespace mixnet
