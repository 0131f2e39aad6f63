#include "moe/demand.h"

#include <algorithm>
#include <cmath>

namespace mixnet {

DemandMaker::DemandMaker(const ParallelPlan& plan, const TokenTraffic& traffic,
                         std::span<const int> moved)
    : traffic_(traffic),
      ep_(plan.ep),
      etp_(plan.expert_tp()),
      gpus_per_server_(plan.gpus_per_server),
      token_bytes_(std::int64_t{traffic.hidden} * kBytesPerNumber) {
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
  demand_.copies_in.resize(servers);
  loads_.resize(ranks);
  to_server_.resize(servers);
  rail_copies_ = Matrix<std::int64_t>(servers, demand_.out.size());
  if (traffic.mode != DispatchMode::kDeduplicated) return;
  const double local = static_cast<double>(traffic.experts) / ep_;
  at_rank_.emplace(traffic, local);
  at_server_.emplace(traffic, local * std::max(1, gpus_per_server_ / etp_));
  demand_.rank_to_server = Matrix<std::int64_t>(ranks, servers);
}

const RegionDemand& DemandMaker::make(const TokenCounts& counts) {
  make_server_bytes(counts);
  find_scale_up_loads();
  return demand_;
}

const Matrix<std::int64_t>& DemandMaker::make_server_bytes(const TokenCounts& counts) {
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
  if (at_rank_) deduplicate(counts);
  spread_over_servers();
  return demand_.server_bytes;
}

/// Of a rank that sends `row_total` copies, `copies` of them to the place. What is dropped beyond a
/// capacity leaves as many tokens, with fewer copies each.
std::int64_t DemandMaker::distinct_bytes(const DistinctTokens& place, std::int64_t copies,
                                         std::int64_t row_total) const {
  const double tokens =
      traffic_.tokens > 0 ? traffic_.tokens : static_cast<double>(row_total) / traffic_.top_k;
  if (tokens <= 0) return 0;
  const double distinct = tokens * place.share(static_cast<double>(copies) / tokens);
  return static_cast<std::int64_t>(distinct + 0.5) * token_bytes_;
}

/// Turns the copies of rank_bytes into distinct tokens, and counts those of servers.
void DemandMaker::deduplicate(const TokenCounts& counts) {
  auto& d = demand_;
  for (int from = 0; from < ep_; ++from) {
    std::int64_t row_total = 0;
    for (const std::int32_t cell : counts.row(from)) row_total += cell;
    std::ranges::fill(to_server_, 0);
    for (int to = 0; to < ep_; ++to) {
      const std::int64_t copies = d.rank_bytes(from, to) / token_bytes_;
      to_server_[first_server(to)] += copies;
      d.rank_bytes(from, to) = distinct_bytes(*at_rank_, copies, row_total);
    }
    for (std::size_t server = 0; server < to_server_.size(); ++server) {
      d.rank_to_server(from, server) = distinct_bytes(*at_server_, to_server_[server], row_total);
    }
  }
}

/// From GPUs of `from` to those of the same place of `to`, of which `part` is the server.
void DemandMaker::add_to_server(int from, int to, int part, std::int64_t bytes) {
  auto& d = demand_;
  const int s = first_server(from) + part;
  const int t = to + part;
  d.server_bytes(s, t) += bytes / std::max(1, etp_ / gpus_per_server_);
  if (s != t) d.out[from % d.rail_classes](s, t) += bytes / etp_;
}

void DemandMaker::spread_over_servers() {
  auto& d = demand_;
  std::ranges::fill(d.server_bytes.cells(), 0);
  for (auto& rail : d.out) std::ranges::fill(rail.cells(), 0);
  std::ranges::fill(d.copies_in, 0);
  // TP rank t of `from` sends to TP rank t of `to`. With etp <= gpus_per_server all t share servers
  // and rail class; with a larger etp, t also picks the server within the rank's own ones, and one
  // rail class stands for all.
  const int servers_of_rank = std::max(1, etp_ / gpus_per_server_);
  for (int from = 0; from < ep_; ++from) {
    for (int to = 0; to < ep_; ++to) {
      const std::int64_t bytes = d.rank_bytes(from, to);
      for (int part = 0; part < servers_of_rank; ++part) {
        const int t = first_server(to) + part;
        if (first_server(from) + part != t) d.copies_in[t] += bytes / servers_of_rank;
        if (!at_rank_) add_to_server(from, first_server(to), part, bytes);
      }
    }
    if (!at_rank_) continue;
    for (int to = 0; to < d.servers; to += servers_of_rank) {
      for (int part = 0; part < servers_of_rank; ++part) {
        add_to_server(from, to, part, d.rank_to_server(from, to));
      }
    }
  }
}

/// What the GPUs of each rank send and get, all TP ranks together, and what comes in on each rail.
void DemandMaker::find_rank_loads() {
  auto& d = demand_;
  std::ranges::fill(loads_, RankLoad{});
  std::ranges::fill(rail_copies_.cells(), 0);
  for (int from = 0; from < ep_; ++from) {
    const int server = first_server(from);
    const int rail = from % d.rail_classes;
    const auto row = d.rank_bytes.row(from);
    RankLoad& sender = loads_[from];
    for (int to = 0; to < ep_; ++to) {
      const std::int64_t bytes = row[to];
      RankLoad& receiver = loads_[to];
      if (first_server(to) == server) {
        if (to == from) continue;
        sender.sent_inside += bytes;
        receiver.received_inside += bytes;
        continue;
      }
      sender.sent_outside += bytes;
      receiver.received_outside += bytes;
      receiver.received_on_rail += to % d.rail_classes == rail ? bytes : 0;
      rail_copies_(first_server(to), rail) += bytes;
    }
    if (!at_rank_) continue;
    sender.sent_outside = 0;
    for (int peer = 0; peer < d.servers; ++peer) {
      if (peer != server) sender.sent_outside += d.rank_to_server(from, peer);
    }
  }
}

void DemandMaker::find_scale_up_loads() {
  auto& d = demand_;
  d.scale_up_direct = 0;
  d.scale_up_inside = 0;
  d.scale_up_delegated = 0;
  find_rank_loads();
  // One GPU stands for the etp of its EP rank.
  for (int rank = 0; rank < ep_; ++rank) {
    const int server = first_server(rank);
    const RankLoad all = loads_[rank];
    const std::int64_t sent_inside = all.sent_inside / etp_;
    const std::int64_t received_inside = all.received_inside / etp_;
    const std::int64_t sent_outside = all.sent_outside / etp_;
    const std::int64_t received_outside = all.received_outside / etp_;
    const std::int64_t received_on_rail = all.received_on_rail / etp_;
    std::int64_t server_out = 0;
    for (int peer = 0; peer < d.servers; ++peer) {
      if (peer != server) server_out += d.server_bytes(server, peer);
    }
    d.scale_up_inside = std::max({d.scale_up_inside, sent_inside, received_inside});
    const std::int64_t forwarded =
        rail_copies_(server, rank % d.rail_classes) / etp_ - received_on_rail;
    d.scale_up_direct = std::max({d.scale_up_direct, sent_inside + forwarded,
                                  received_inside + received_outside - received_on_rail});
    // A GPU is its own delegate for one byte in gpus_per_server: that byte does not move.
    const auto others = [&](std::int64_t bytes) { return bytes - bytes / gpus_per_server_; };
    const std::int64_t gathered = (server_out - sent_outside) / gpus_per_server_;
    const std::int64_t scattered = (d.copies_in[server] - received_outside) / gpus_per_server_;
    d.scale_up_delegated =
        std::max({d.scale_up_delegated, sent_inside + others(sent_outside) + scattered,
                  received_inside + others(received_outside) + gathered});
  }
}

}  // namespace mixnet
