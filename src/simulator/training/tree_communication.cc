#include "training/tree_communication.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "base/random.h"
#include "network/packet_paths.h"

namespace mixnet {
namespace {

// Flows of distinct sizes cost the fluid network the square of their number.
constexpr int kManyHashedFlows = 512;

PhaseTime longer(PhaseTime a, PhaseTime b) {
  return {std::max(a.transfer, b.transfer), std::max(a.delay, b.delay),
          a.packet_hops + b.packet_hops};
}

}  // namespace

TreeCommunication::TreeCommunication(PacketFabric fabric, EpNics ep_nics, HashedPaths hashed,
                                     int gpus_per_server)
    : fabric_(std::move(fabric)),
      ep_nics_(ep_nics),
      hashed_(hashed),
      gpus_per_server_(gpus_per_server),
      network_(fabric_.link_rates()),
      servers_(fabric_.nics_per_server()) {}

void TreeCommunication::run_plain() {
  is_plain_ = true;
  network_ = PhaseNetwork(fabric_.link_rates(), FluidSolver::kLarge);
}

void TreeCommunication::use_packets(PacketFabric graph, const FidelityOptions& fidelity,
                                    std::shared_ptr<PhaseCache> cache) {
  std::vector<PhasePort> ports;
  for (const double rate : graph.link_rates()) ports.push_back({rate, 1});
  network_.use_packets(ports, fidelity, std::move(cache));
  packet_graph_ = std::move(graph);
}

std::uint64_t TreeCommunication::hash_of(int from_nic, int to_nic, std::uint64_t connection) const {
  return is_hashed() ? connection_hash(hashed_.seed, from_nic, to_nic, connection)
                     : derive_seed(from_nic, to_nic, 0);
}

void TreeCommunication::add_packet_flow(int from_nic, int to_nic, std::uint64_t connection,
                                        Bytes bytes) {
  const int hops = packet_graph_->hops(from_nic, to_nic);
  const PathPolicy policy = fabric_.path_policy();
  forward_path_.clear();
  back_path_.clear();
  append_packet_paths(*packet_graph_, policy, from_nic, to_nic,
                      hash_of(from_nic, to_nic, connection), forward_path_);
  append_packet_paths(*packet_graph_, policy, to_nic, from_nic,
                      hash_of(to_nic, from_nic, connection), back_path_);
  network_.add_packet_flow(forward_path_, hops, back_path_, hops, bytes);
}

void TreeCommunication::add_flow(int from_nic, int to_nic, Bytes bytes, std::uint64_t connection) {
  // A server without electrical NICs goes by its neighbour's, and is there already when it sends to
  // it.
  if (bytes.count <= 0 || from_nic == to_nic) return;
  PhaseNetwork& network = fold_ > 1 ? folded_network(fold_) : network_;
  network.add_delay(kLinkDelay * fabric_.hops(from_nic, to_nic));
  const int parts = is_hashed() ? hashed_.flows_per_pair : 1;
  for (int part = 0; part < parts; ++part) {
    const std::int64_t share = bytes.count / parts + (part < bytes.count % parts ? 1 : 0);
    const std::uint64_t flow = connection * parts + part;
    if (network_.in_packets()) {
      add_packet_flow(from_nic, to_nic, flow, {share});
      continue;
    }
    path_.clear();
    fabric_.append_path(from_nic, to_nic, hash_of(from_nic, to_nic, flow), path_);
    std::span<const LinkId> path = path_;
    if (nics_are_idle_ && path.size() > 2) path = path.subspan(1, path.size() - 2);
    only_links_count_ ? count_links(path, {share}) : network.add_flow(path, {share}, fold_);
  }
}

void TreeCommunication::count_links(std::span<const LinkId> path, Bytes bytes) {
  for (const LinkId link : path) {
    if (link_time_[link] == 0) touched_.push_back(link);
    link_time_[link] += static_cast<double>(bytes.count) / fabric_.link_rates()[link];
  }
}

void TreeCommunication::add_server_flow(int from, int from_nic, int to, int to_nic, Bytes bytes,
                                        std::uint64_t connection) {
  for (const NicFlow& flow : servers_.deal(from, from_nic, to, to_nic, bytes)) {
    add_flow(flow.from, flow.to, flow.bytes, connection);
  }
}

void TreeCommunication::add_gpu_flows(int from, int to, int nic, Bytes bytes) {
  const int gpus = is_hashed() ? std::max(1, gpus_per_server_ / fabric_.nics_per_server()) : 1;
  for (int gpu = 0; gpu < gpus; ++gpu) {
    const std::int64_t share = bytes.count / gpus + (gpu < bytes.count % gpus ? 1 : 0);
    add_server_flow(from, nic, to, nic, {share}, gpu);
  }
}

/// Whether the links above the ToRs bound the region's all-to-all at twice what its NICs do, so
/// that leaving out the NICs' own links changes but the tail of it.
bool TreeCommunication::tors_rule(int first_server, const RegionDemand& demand) {
  if (is_plain_ || network_.in_packets() || !is_uniform_region(first_server, demand.servers) ||
      rails_are_apart(first_server, demand.servers) ||
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

int TreeCommunication::alike_nics(int first_server, const RegionDemand& demand) const {
  const int gpus_per_nic = gpus_per_server_ / fabric_.nics_per_server();
  if (is_plain_ || network_.in_packets() || !is_uniform_region(first_server, demand.servers) ||
      demand.rail_width % gpus_per_nic != 0) {
    return 1;
  }
  return std::gcd(demand.rail_width / gpus_per_nic,
                  std::gcd(fabric_.nics_per_server(), PacketFabric::kNicsPerTor));
}

PhaseNetwork& TreeCommunication::folded_network(int n) {
  if (n != folded_by_) {
    std::vector<double> rates = fabric_.link_rates();
    for (const LinkTier& tier : fabric_.tiers()) {
      if (tier.name != "nic-up" && tier.name != "nic-down") continue;
      for (std::uint32_t i = 0; i < tier.count; i += n) rates[tier.first + i] *= n;
    }
    folded_.emplace(rates);
    folded_by_ = n;
  }
  return *folded_;
}

bool TreeCommunication::is_uniform_region(int first_server, int servers) const {
  if (!servers_.is_whole(first_server, servers)) return false;
  if (fabric_.uniform()) return true;
  const int nics = fabric_.nics_per_server();
  for (int nic = first_server * nics; nic < (first_server + servers) * nics; ++nic) {
    if (!fabric_.is_uniform_at(nic)) return false;
  }
  return true;
}

/// Whether combine is dispatch in the mirror: sprayed paths are the same links both ways round.
bool TreeCommunication::mirrors(int first_server, int servers) const {
  return !is_plain_ && !network_.in_packets() && is_uniform_region(first_server, servers);
}

bool TreeCommunication::rails_are_apart(int first_server, int servers) const {
  // Sprayed and 1:1, paths have no links but the NICs' own.
  return !is_plain_ && !network_.in_packets() && fabric_.is_one_to_one() &&
         is_uniform_region(first_server, servers);
}

std::optional<std::uint64_t> TreeCommunication::kind_of_region(int first_server,
                                                               int servers) const {
  if (is_plain_ || !is_uniform_region(first_server, servers)) return std::nullopt;
  // How far apart its NICs are is all that is left.
  const int first = first_server * fabric_.nics_per_server();
  const int end = (first_server + servers) * fabric_.nics_per_server();
  std::uint64_t kind = servers;
  for (int from = first; from < end; ++from) {
    for (int to = from % fabric_.nics_per_server() + first; to < from;
         to += fabric_.nics_per_server()) {
      kind = derive_seed(kind, fabric_.hops(from, to));
    }
  }
  return kind;
}

ExchangeTimes TreeCommunication::exchange(int first_server, const RegionDemand& demand) {
  if (demand.servers < 2) return {};
  const auto one_way = [&](bool transposed) {
    if (is_hashed()) return hashed_exchange(first_server, demand, transposed);
    return ep_nics_ == EpNics::kOwn ? own_nic_exchange(first_server, demand, transposed)
                                    : rail_exchange(first_server, demand, transposed);
  };
  const PhaseTime dispatch = one_way(false);
  const PhaseTime combine = mirrors(first_server, demand.servers) ? dispatch : one_way(true);
  return {dispatch, combine, dispatch.transfer + combine.transfer};
}

PhaseTime TreeCommunication::hashed_exchange(int first_server, const RegionDemand& demand,
                                             bool transposed) {
  struct Place {
    int server, nic;
  };
  const int ranks = static_cast<int>(demand.rank_bytes.rows());
  const int tp = demand.region_gpus / ranks;
  const auto place_of = [&](int rank, int t) {
    const int gpu = (rank * tp + t) % gpus_per_server_;
    return Place{demand.server_of_rank[rank] + t / gpus_per_server_,
                 gpu * fabric_.nics_per_server() / gpus_per_server_};
  };
  only_links_count_ =
      !is_plain_ && !network_.in_packets() &&
      demand.region_gpus * ranks * (demand.servers - 1) > kManyHashedFlows * demand.servers;
  if (only_links_count_) link_time_.resize(fabric_.link_rates().size());
  const auto connect = [&](Place from, Place to, std::uint64_t sender, std::uint64_t receiver,
                           Bytes bytes) {
    if (from.server == to.server) return;
    if (transposed) {
      std::swap(from, to);
      std::swap(sender, receiver);
    }
    add_server_flow(servers_.member(first_server, from.server), from.nic,
                    servers_.member(first_server, to.server), to.nic, bytes,
                    sender * demand.region_gpus + receiver);
  };
  // Deduplicated on its rail, a GPU has one connection to its like in each server; else one to each
  // of its like in other ranks.
  const bool to_servers = demand.is_deduplicated() && ep_nics_ == EpNics::kRail;
  const int others = to_servers ? demand.servers : ranks;
  const int step = to_servers ? std::max(1, tp / gpus_per_server_) : 1;  // servers of a rank
  for (int rank = 0; rank < ranks; ++rank) {
    for (int other = 0; other < others; other += step) {
      const std::int64_t all =
          to_servers ? demand.rank_to_server(rank, other) : demand.rank_bytes(rank, other);
      for (int t = 0; t < tp; ++t) {
        const Place from = place_of(rank, t);
        Place to = to_servers ? Place{other + t / gpus_per_server_, from.nic} : place_of(other, t);
        if (ep_nics_ == EpNics::kRail) to.nic = from.nic;
        const int receiver = to_servers
                                 ? to.server * gpus_per_server_ + (rank * tp + t) % gpus_per_server_
                                 : other * tp + t;
        connect(from, to, rank * tp + t, receiver, {all / tp});
      }
    }
  }
  PhaseTime time = network_.finish();
  if (std::exchange(only_links_count_, false)) time.transfer = take_busiest_link();
  return time;
}

/// The time of the busiest link, of which all are forgotten.
Time TreeCommunication::take_busiest_link() {
  double busiest = 0;
  for (const LinkId link : touched_) {
    busiest = std::max(busiest, std::exchange(link_time_[link], 0));
  }
  touched_.clear();
  return Time::from_seconds(busiest / kReferenceRate.bytes_per_second());
}

PhaseTime TreeCommunication::rail_exchange(int first_server, const RegionDemand& demand,
                                           bool transposed) {
  const int nics = fabric_.nics_per_server();
  const int gpus_per_nic = gpus_per_server_ / nics;
  const bool apart = rails_are_apart(first_server, demand.servers);
  nics_are_idle_ = tors_rule(first_server, demand);
  fold_ = apart ? 1 : alike_nics(first_server, demand);
  const auto rail_of = [&](int gpu) { return gpu / demand.rail_width; };
  PhaseTime slowest;
  int told = -1;  // the rail class of the last NIC, when all its GPUs are of one class
  for (int nic = 0; nic < nics; nic += fold_) {
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
  if (apart) return slowest;
  const int fold = std::exchange(fold_, 1);
  return fold > 1 ? folded_network(fold).finish() : network_.finish();
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
  const int told = rails_are_apart(first_server, servers) ? 1 : nics;
  for (int nic = 0; nic < told; ++nic) {
    for (int s = 0; s < servers; ++s) {
      for (int t = 0; t < servers; ++t) {
        if (s == t) continue;
        add_gpu_flows(servers_.member(first_server, s), servers_.member(first_server, t), nic,
                      {(bytes(s, t) + nics - 1) / nics});
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
      add_gpu_flows(from + server, to + server, nic, bytes_per_nic);
    }
  }
  return network_.finish();
}

PhaseTime TreeCommunication::send_each(std::span<const GpuSend> sends) {
  const int nics = fabric_.nics_per_server();
  for (const GpuSend& send : sends) {
    add_server_flow(send.from_server, send.from_gpu * nics / gpus_per_server_, send.to_server,
                    send.to_gpu * nics / gpus_per_server_, send.bytes,
                    static_cast<std::uint64_t>(send.from_gpu) * gpus_per_server_ + send.to_gpu);
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
