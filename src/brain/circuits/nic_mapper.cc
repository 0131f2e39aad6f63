#include "circuits/nic_mapper.h"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

#include "base/error.h"

namespace mixnet {

const std::vector<Circuit>& NicMapper::map(const CircuitCounts& counts,
                                           std::span<const int> numa_of_nic) {
  check(counts);
  number_nodes(numa_of_nic);
  const int servers = static_cast<int>(counts.rows());
  for (int server = 0; server < servers; ++server) deal(counts, server, nullptr);
  join(counts.rows());
  return circuits_;
}

const std::vector<Circuit>& NicMapper::map(const CircuitCounts& counts,
                                           std::span<const int> numa_of_nic,
                                           const Matrix<std::uint8_t>& usable) {
  check(counts);
  if (usable.rows() != counts.rows() || usable.columns() != numa_of_nic.size()) {
    throw Error("usable NICs",
                fmt::format("is {} x {} for {} servers of {} NICs", usable.rows(), usable.columns(),
                            counts.rows(), numa_of_nic.size()),
                "give one entry for each NIC of each server");
  }
  number_nodes(numa_of_nic);
  const int servers = static_cast<int>(counts.rows());
  for (int server = 0; server < servers; ++server) deal(counts, server, &usable);
  join(counts.rows());
  return circuits_;
}

void NicMapper::check(const CircuitCounts& counts) const {
  const std::size_t n = counts.rows();
  bool good = counts.columns() == n;
  for (std::size_t a = 0; good && a < n; ++a) {
    good = counts(a, a) == 0;
    for (std::size_t b = 0; good && b < a; ++b) {
      good = counts(a, b) >= 0 && counts(a, b) == counts(b, a);
    }
  }
  if (!good) {
    throw Error("circuit counts", "are not symmetric with a zero diagonal",
                "give the same number in both directions of a pair");
  }
}

void NicMapper::number_nodes(std::span<const int> numa_of_nic) {
  node_numbers_.assign(numa_of_nic.begin(), numa_of_nic.end());
  std::ranges::sort(node_numbers_);
  node_numbers_.erase(std::unique(node_numbers_.begin(), node_numbers_.end()), node_numbers_.end());
  node_of_nic_.clear();
  for (const int node : numa_of_nic) {
    const auto at = std::ranges::lower_bound(node_numbers_, node);
    node_of_nic_.push_back(static_cast<int>(at - node_numbers_.begin()));
  }
  if (free_nics_.size() < node_numbers_.size()) free_nics_.resize(node_numbers_.size());
  slots_.clear();
  first_slot_.assign(1, 0);
}

/// Gives a NIC to every circuit of one server.
void NicMapper::deal(const CircuitCounts& counts, int server, const Matrix<std::uint8_t>* usable) {
  for (std::vector<int>& nics : free_nics_) nics.clear();
  std::int64_t nics = 0;
  for (std::size_t nic = node_of_nic_.size(); nic-- > 0;) {
    if (usable != nullptr && (*usable)(static_cast<std::size_t>(server), nic) == 0) continue;
    free_nics_[static_cast<std::size_t>(node_of_nic_[nic])].push_back(static_cast<int>(nic));
    ++nics;
  }

  peers_.clear();
  std::int64_t circuits = 0;
  const auto row = counts.row(static_cast<std::size_t>(server));
  for (std::size_t peer = 0; peer < row.size(); ++peer) {
    if (row[peer] == 0) continue;
    peers_.push_back({static_cast<int>(peer), row[peer]});
    circuits += row[peer];
  }
  if (circuits > nics) {
    throw Error("circuit counts",
                fmt::format("server {} has {} circuits for {} NICs", server, circuits, nics),
                "give at most one circuit for each NIC");
  }
  std::ranges::sort(peers_, [](const Peer& x, const Peer& y) {
    return std::tie(y.left, x.server) < std::tie(x.left, y.server);
  });

  for (bool more = circuits > 0; more;) {
    more = false;
    for (Peer& peer : peers_) {
      take_turn(peer);
      more = more || peer.left > 0;
    }
  }
  const auto begin = slots_.begin() + static_cast<std::ptrdiff_t>(first_slot_.back());
  std::sort(begin, slots_.end(), [](const Slot& x, const Slot& y) {
    return std::tie(x.peer, x.nic) < std::tie(y.peer, y.nic);
  });
  first_slot_.push_back(slots_.size());
}

/// One more circuit of this peer on every node that has a free NIC, as long as it has circuits. (A
/// node with free NICs now had some in every turn before: the peer has equally many circuits on all
/// of them, so only the room that is left decides.)
void NicMapper::take_turn(Peer& peer) {
  if (peer.left == 0) return;
  nodes_.clear();
  for (std::size_t node = 0; node < node_numbers_.size(); ++node) {
    if (!free_nics_[node].empty()) nodes_.push_back(node);
  }
  std::ranges::sort(nodes_, [&](std::size_t x, std::size_t y) {
    const std::size_t room_x = free_nics_[x].size();
    const std::size_t room_y = free_nics_[y].size();
    return room_x != room_y ? room_x > room_y : x < y;
  });
  for (const std::size_t node : nodes_) {
    if (peer.left == 0) return;
    slots_.push_back({peer.server, free_nics_[node].back()});
    free_nics_[node].pop_back();
    --peer.left;
  }
}

/// Brings the two ends of every circuit together. Pairs are visited by (a, b), and each server's
/// slots are sorted by peer: so the slots of a server are used up from first to last, whether it is
/// the lower or the higher end.
void NicMapper::join(std::size_t servers) {
  circuits_.clear();
  next_slot_.assign(first_slot_.begin(), first_slot_.end() - 1);
  for (std::size_t a = 0; a < servers; ++a) {
    for (std::size_t at = next_slot_[a]; at < first_slot_[a + 1]; ++at) {
      const Slot& slot = slots_[at];
      const Slot& other = slots_[next_slot_[static_cast<std::size_t>(slot.peer)]++];
      circuits_.push_back({static_cast<int>(a), slot.nic, slot.peer, other.nic});
    }
  }
}

std::vector<Circuit> map_to_nics(const CircuitCounts& counts, std::span<const int> numa_of_nic) {
  NicMapper mapper;
  return mapper.map(counts, numa_of_nic);
}

}  // namespace mixnet
