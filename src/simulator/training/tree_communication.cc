#include "training/tree_communication.h"

#include <algorithm>
#include <utility>

#include "base/random.h"
#include "network/packet_paths.h"

namespace mixnet {
namespace {

PhaseTime longer(PhaseTime a, PhaseTime b) {
  return {std::max(a.transfer, b.transfer), std::max(a.delay, b.delay),
          a.packet_hops + b.packet_hops};
}

}  // namespace

TreeCommunication::TreeCommunication(PacketFabric fabric, EpNics ep_nics, int flows_per_pair,
                                     int gpus_per_server)
    : fabric_(std::move(fabric)),
      ep_nics_(ep_nics),
      flows_per_pair_(fabric_.path_policy() == PathPolicy::kEcmp ? flows_per_pair : 1),
      gpus_per_server_(gpus_per_server),
      network_(fabric_.link_rates()),
      servers_(fabric_.nics_per_server()) {}

void TreeCommunication::use_packets(PacketFabric graph, const FidelityOptions& fidelity,
                                    std::shared_ptr<PhaseCache> cache) {
  std::vector<PhasePort> ports;
  for (const double rate : graph.link_rates()) ports.push_back({rate, 1});
  network_.use_packets(ports, fidelity, std::move(cache));
  packet_graph_ = std::move(graph);
}

void TreeCommunication::add_packet_flow(int from_nic, int to_nic, int part, Bytes bytes) {
  const int hops = packet_graph_->hops(from_nic, to_nic);
  forward_path_.clear();
  back_path_.clear();
  append_packet_paths(*packet_graph_, fabric_.path_policy(), from_nic, to_nic, part, forward_path_);
  append_packet_paths(*packet_graph_, fabric_.path_policy(), to_nic, from_nic, part, back_path_);
  network_.add_packet_flow(forward_path_, hops, back_path_, hops, bytes);
}

void TreeCommunication::add_flow(int from_nic, int to_nic, Bytes bytes) {
  if (bytes.count <= 0) return;
  network_.add_delay(kLinkDelay * fabric_.hops(from_nic, to_nic));
  for (int part = 0; part < flows_per_pair_; ++part) {
    const std::int64_t share =
        bytes.count / flows_per_pair_ + (part < bytes.count % flows_per_pair_ ? 1 : 0);
    if (network_.in_packets()) {
      add_packet_flow(from_nic, to_nic, part, {share});
      continue;
    }
    path_.clear();
    fabric_.append_path(from_nic, to_nic, derive_seed(from_nic, to_nic, part), path_);
    std::span<const LinkId> path = path_;
    if (nics_are_idle_ && path.size() > 2) path = path.subspan(1, path.size() - 2);
    network_.add_flow(path, {share});
  }
}

void TreeCommunication::add_server_flow(int from, int from_nic, int to, int to_nic, Bytes bytes) {
  for (const NicFlow& flow : servers_.deal(from, from_nic, to, to_nic, bytes)) {
    add_flow(flow.from, flow.to, flow.bytes);
  }
}

/// Whether the links above the ToRs bound the region's all-to-all at twice what its NICs do, so
/// that leaving out the NICs' own links changes but the tail of it.
bool TreeCommunication::tors_rule(int first_server, const RegionDemand& demand) {
  if (network_.in_packets() || !uniform() || rails_are_apart() ||
      fabric_.nics_per_server() != gpus_per_server_) {
    return false;
  }
  // Small networks are cheap to run whole, and a tail is more of them.
  constexpr int kManyFlows = 256;
  if (gpus_per_server_ * demand.servers * (demand.servers - 1) <= kManyFlows) return false;
  const std::vector<double>& rates = fabric_.link_rates();
  link_time_.resize(rates.size());
  touched_.clear();
  double nics = 0;
  double tors = 0;
  for (int gpu = 0; gpu < gpus_per_server_; ++gpu) {
    const Matrix<std::int64_t>& out = demand.out[gpu / demand.rail_width];
    for (int s = 0; s < demand.servers; ++s) {
      for (int t = 0; t < demand.servers; ++t) {
        if (s == t || out(s, t) == 0) continue;
        path_.clear();
        fabric_.append_path((first_server + s) * gpus_per_server_ + gpu,
                            (first_server + t) * gpus_per_server_ + gpu, 0, path_);
        for (std::size_t hop = 0; hop < path_.size(); ++hop) {
          const LinkId link = path_[hop];
          if (link_time_[link] == 0) touched_.push_back(link);
          link_time_[link] += static_cast<double>(out(s, t)) / rates[link];
          double& longest = hop == 0 || hop + 1 == path_.size() ? nics : tors;
          longest = std::max(longest, link_time_[link]);
        }
      }
    }
  }
  for (const LinkId link : touched_) link_time_[link] = 0;
  return tors > 2 * nics;
}

bool TreeCommunication::rails_are_apart() const {
  // Sprayed and 1:1, the fabric's only links are the NICs' own.
  return !network_.in_packets() && fabric_.uniform() &&
         fabric_.link_rates().size() == 2 * static_cast<std::size_t>(fabric_.nics());
}

ExchangeTimes TreeCommunication::exchange(int first_server, const RegionDemand& demand) {
  if (demand.servers < 2) return {};
  const auto one_way = [&](bool transposed) {
    return ep_nics_ == EpNics::kOwn ? own_nic_exchange(first_server, demand, transposed)
                                    : rail_exchange(first_server, demand, transposed);
  };
  const PhaseTime dispatch = one_way(false);
  // Sprayed paths are the same links both ways round, so combine is dispatch in the mirror.
  const bool mirrors = fabric_.uniform() && !network_.in_packets() &&
                       servers_.is_whole(first_server, demand.servers);
  const PhaseTime combine = mirrors ? dispatch : one_way(true);
  return {dispatch, combine, dispatch.transfer + combine.transfer};
}

PhaseTime TreeCommunication::rail_exchange(int first_server, const RegionDemand& demand,
                                           bool transposed) {
  const int nics = fabric_.nics_per_server();
  const int gpus_per_nic = gpus_per_server_ / nics;
  const bool apart = rails_are_apart() && servers_.is_whole(first_server, demand.servers);
  nics_are_idle_ = tors_rule(first_server, demand);
  const auto rail_of = [&](int gpu) { return gpu / demand.rail_width; };
  PhaseTime slowest;
  int told = -1;  // the rail class of the last NIC, when all its GPUs are of one class
  for (int nic = 0; nic < nics; ++nic) {
    const int first_gpu = nic * gpus_per_nic;
    const int first_rail = rail_of(first_gpu);
    const bool one_rail = first_rail == rail_of(first_gpu + gpus_per_nic - 1);
    if (apart && one_rail && first_rail == told) continue;
    told = one_rail ? first_rail : -1;
    for (int s = 0; s < demand.servers; ++s) {
      for (int t = 0; t < demand.servers; ++t) {
        if (s == t) continue;
        std::int64_t bytes = 0;
        for (int gpu = first_gpu; gpu < first_gpu + gpus_per_nic; ++gpu) {
          const auto& out = demand.out[rail_of(gpu)];
          bytes += transposed ? out(t, s) : out(s, t);
        }
        add_server_flow(servers_.member(first_server, s), nic, servers_.member(first_server, t),
                        nic, {bytes});
      }
    }
    if (apart) slowest = longer(slowest, network_.finish());
  }
  nics_are_idle_ = false;
  return apart ? slowest : network_.finish();
}

PhaseTime TreeCommunication::own_nic_exchange(int first_server, const RegionDemand& demand,
                                              bool transposed) {
  const int nics = fabric_.nics_per_server();
  const int ranks = static_cast<int>(demand.rank_bytes.rows());
  const int tp = demand.region_gpus / ranks;
  const auto nic_of = [&](int rank, int t) {  // of the region
    const int gpu = rank * tp + t;
    const int server = demand.server_of_rank[rank] + t / gpus_per_server_;
    return server * nics + gpu % gpus_per_server_ * nics / gpus_per_server_;
  };
  const int region_nics = demand.servers * nics;
  if (static_cast<int>(nic_bytes_.rows()) != region_nics) {
    nic_bytes_ = Matrix<std::int64_t>(region_nics, region_nics);
  }
  std::ranges::fill(nic_bytes_.cells(), 0);
  for (int from = 0; from < ranks; ++from) {
    for (int to = 0; to < ranks; ++to) {
      const std::int64_t bytes =
          (transposed ? demand.rank_bytes(to, from) : demand.rank_bytes(from, to)) / tp;
      for (int t = 0; t < tp; ++t) {
        nic_bytes_(nic_of(from, t), nic_of(to, t)) += bytes;
      }
    }
  }
  for (int from = 0; from < region_nics; ++from) {
    for (int to = 0; to < region_nics; ++to) {
      if (from / nics == to / nics) continue;
      add_server_flow(servers_.member(first_server, from / nics), from % nics,
                      servers_.member(first_server, to / nics), to % nics, {nic_bytes_(from, to)});
    }
  }
  return network_.finish();
}

PhaseTime TreeCommunication::server_exchange(int first_server, const Matrix<std::int64_t>& bytes) {
  const int nics = fabric_.nics_per_server();
  const int servers = static_cast<int>(bytes.rows());
  const int told = rails_are_apart() && servers_.is_whole(first_server, servers) ? 1 : nics;
  for (int nic = 0; nic < told; ++nic) {
    for (int s = 0; s < servers; ++s) {
      for (int t = 0; t < servers; ++t) {
        if (s == t) continue;
        add_server_flow(servers_.member(first_server, s), nic, servers_.member(first_server, t),
                        nic, {(bytes(s, t) + nics - 1) / nics});
      }
    }
  }
  return network_.finish();
}

PhaseTime TreeCommunication::send(int from, int to, int count, Bytes bytes_per_gpu) {
  const int nics = fabric_.nics_per_server();
  const Bytes bytes_per_nic = {bytes_per_gpu.count * gpus_per_server_ / nics};
  for (int server = 0; server < count; ++server) {
    for (int nic = 0; nic < nics; ++nic) {
      add_server_flow(from + server, nic, to + server, nic, bytes_per_nic);
    }
  }
  return network_.finish();
}

PhaseTime TreeCommunication::all_reduce(std::span<const std::vector<int>> groups,
                                        Bytes bytes_per_server) {
  const int nics = fabric_.nics_per_server();
  for (const std::vector<int>& group : groups) {
    const auto n = static_cast<std::int64_t>(group.size());
    if (n < 2) continue;
    const Bytes each = {bytes_per_server.count / nics * 2 * (n - 1) / n};
    for (std::size_t i = 0; i < group.size(); ++i) {
      for (int nic = 0; nic < nics; ++nic) {
        add_server_flow(group[i], nic, group[(i + 1) % group.size()], nic, each);
      }
    }
  }
  return network_.finish_rings(groups);
}

}  // namespace mixnet
