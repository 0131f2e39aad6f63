#include "moe/demand.h"

#include <algorithm>

namespace mixnet {

DemandMaker::DemandMaker(const ParallelPlan& plan, int hidden)
    : ep_(plan.ep),
      tp_(plan.tp),
      gpus_per_server_(plan.gpus_per_server),
      token_bytes_(std::int64_t{hidden} * 2) {
  const auto servers = static_cast<std::size_t>(plan.region_servers());
  const auto ranks = static_cast<std::size_t>(ep_);
  demand_.servers = plan.region_servers();
  demand_.rail_classes = std::max(1, gpus_per_server_ / tp_);
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
  // TP rank t of `from` sends to TP rank t of `to`. With tp <= gpus_per_server all t share servers
  // and rail class; with a larger tp, t also picks the server within the rank's own ones, and one
  // rail class stands for all.
  const int servers_of_rank = std::max(1, tp_ / gpus_per_server_);
  for (int from = 0; from < ep_; ++from) {
    for (int to = 0; to < ep_; ++to) {
      const std::int64_t bytes = d.rank_bytes(from, to);
      const std::int64_t share = bytes / tp_;
      for (int part = 0; part < servers_of_rank; ++part) {
        const int s = from * tp_ / gpus_per_server_ + part;
        const int t = to * tp_ / gpus_per_server_ + part;
        d.server_bytes(s, t) += bytes / servers_of_rank;
        if (s == t) continue;
        d.out[from % d.rail_classes](s, t) += share;
      }
    }
  }
}

void DemandMaker::find_scale_up_loads() {
  auto& d = demand_;
  // Per EP rank and TP rank: what stays in the server, leaves it, and enters it.
  const int ranks_of_server = std::max(1, gpus_per_server_ / tp_);
  const auto server_of = [&](int rank) { return rank / ranks_of_server; };
  const bool one_server = d.servers == 1;
  std::int64_t direct = 0;
  std::int64_t delegated = 0;
  for (int rank = 0; rank < ep_; ++rank) {
    std::int64_t sent_inside = 0, received_inside = 0, sent_out = 0, received_in = 0;
    std::int64_t own_rail_in = 0;
    for (int other = 0; other < ep_; ++other) {
      if (other == rank) continue;
      const std::int64_t sent = d.rank_bytes(rank, other) / tp_;
      const std::int64_t received = d.rank_bytes(other, rank) / tp_;
      if (one_server || server_of(other) == server_of(rank)) {
        sent_inside += sent;
        received_inside += received;
      } else {
        sent_out += sent;
        received_in += received;
        if (other % ranks_of_server == rank % ranks_of_server) own_rail_in += received;
      }
    }
    const int rail = rank % d.rail_classes;
    const int server = one_server ? 0 : server_of(rank);
    std::int64_t rail_arrivals = 0;
    std::int64_t server_arrivals = 0;
    if (!one_server && tp_ <= gpus_per_server_) {
      for (int from = 0; from < d.servers; ++from) {
        if (from == server) continue;
        rail_arrivals += d.out[rail](from, server);
        server_arrivals += d.server_bytes(from, server);
      }
    }
    const std::int64_t forwarded = std::max<std::int64_t>(0, rail_arrivals - own_rail_in);
    direct = std::max({direct, sent_inside + forwarded,
                       received_inside + received_in - own_rail_in});
    const std::int64_t scattered = server_arrivals / gpus_per_server_;
    delegated = std::max({delegated, sent_inside + sent_out + scattered,
                          received_inside + received_in + sent_out});
  }
  d.scale_up_direct = direct;
  d.scale_up_delegated = delegated;
}

}  // namespace mixnet
