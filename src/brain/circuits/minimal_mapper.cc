#include "circuits/minimal_mapper.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

#include "base/error.h"

namespace mixnet {
namespace {

auto order(const Circuit& c) { return std::tuple(c.server_a, c.server_b, c.nic_a, c.nic_b); }

void check(const CircuitCounts& wanted, const Matrix<std::uint8_t>& usable, std::size_t nics) {
  const std::size_t n = wanted.rows();
  bool good = wanted.columns() == n && usable.rows() == n && usable.columns() == nics;
  for (std::size_t s = 0; good && s < n; ++s) {
    std::int64_t circuits = 0;
    std::int64_t free = 0;
    for (std::size_t t = 0; t < n; ++t) {
      good = good && wanted(s, t) >= 0 && wanted(s, t) == wanted(t, s) &&
             (s != t || wanted(s, t) == 0);
      circuits += wanted(s, t);
    }
    for (std::size_t nic = 0; nic < nics; ++nic) free += usable(s, nic) != 0 ? 1 : 0;
    if (good && circuits > free) {
      throw Error("circuits", fmt::format("server {} has {} for {} NICs", s, circuits, free),
                  "give no server more circuits than usable OCS NICs");
    }
  }
  if (!good) {
    throw Error("circuits", "are not square and symmetric with a zero diagonal",
                "give as many circuits from b to a as from a to b, for the servers of the region");
  }
}

/// The circuits that are there and may stay, by their pairs and NICs.
std::vector<Circuit> usable_circuits(std::span<const Circuit> present,
                                     const Matrix<std::uint8_t>& usable) {
  const auto servers = static_cast<int>(usable.rows());
  const auto nics = static_cast<int>(usable.columns());
  Matrix<std::uint8_t> busy(usable.rows(), usable.columns());
  std::vector<Circuit> have;
  for (Circuit circuit : present) {
    if (circuit.server_a > circuit.server_b) {
      std::swap(circuit.server_a, circuit.server_b);
      std::swap(circuit.nic_a, circuit.nic_b);
    }
    const auto& [a, nic_a, b, nic_b] = circuit;
    if (a < 0 || a >= b || b >= servers || nic_a < 0 || nic_a >= nics || nic_b < 0 ||
        nic_b >= nics) {
      throw Error("present circuits", fmt::format("{}.{}-{}.{} is none", a, nic_a, b, nic_b),
                  "give circuits between NICs of two servers of the region");
    }
    if (busy(a, nic_a) != 0 || busy(b, nic_b) != 0) {
      throw Error("present circuits", fmt::format("{}.{}-{}.{} meets another", a, nic_a, b, nic_b),
                  "give every NIC to one circuit");
    }
    busy(a, nic_a) = busy(b, nic_b) = 1;
    if (usable(a, nic_a) != 0 && usable(b, nic_b) != 0) have.push_back(circuit);
  }
  std::ranges::sort(have, {}, order);
  return have;
}

/// Takes NICs for circuits, spread over NUMA nodes.
class Dealer {
 public:
  Dealer(std::span<const int> numa_of_nic, const Matrix<std::uint8_t>& usable,
         std::vector<Circuit>& circuits)
      : usable_(usable), peer_(usable.rows(), usable.columns(), -1), circuits_(circuits) {
    std::vector<int> nodes(numa_of_nic.begin(), numa_of_nic.end());
    std::ranges::sort(nodes);
    for (const int node : numa_of_nic) {
      node_of_nic_.push_back(
          static_cast<int>(std::ranges::lower_bound(nodes, node) - nodes.begin()));
    }
    on_node_a_.resize(nodes.size());
    on_node_b_.resize(nodes.size());
  }

  /// Of a pair's circuits, the one on nodes that its others use least; it is taken out of the list.
  void keep_one(std::vector<Circuit>& lit) {
    count_ends(lit[0].server_a, lit[0].server_b, on_node_a_);
    count_ends(lit[0].server_b, lit[0].server_a, on_node_b_);
    const auto best = std::ranges::min_element(lit, {}, [&](const Circuit& c) {
      return on_node_a_[node_of_nic_[c.nic_a]] + on_node_b_[node_of_nic_[c.nic_b]];
    });
    take(*best);
    lit.erase(best);
  }
  void add(int a, int b) { take({a, choose(a, b), b, choose(b, a)}); }

 private:
  /// That a pair has on the NUMA nodes of a server.
  void count_ends(int server, int peer, std::vector<int>& on_node) const {
    std::ranges::fill(on_node, 0);
    for (std::size_t nic = 0; nic < node_of_nic_.size(); ++nic) {
      if (peer_(server, nic) == peer) ++on_node[node_of_nic_[nic]];
    }
  }
  int choose(int server, int peer) {
    count_ends(server, peer, on_node_a_);
    int best = -1;
    for (int nic = 0; nic < static_cast<int>(node_of_nic_.size()); ++nic) {
      if (peer_(server, nic) >= 0 || usable_(server, nic) == 0) continue;
      if (best < 0 || on_node_a_[node_of_nic_[nic]] < on_node_a_[node_of_nic_[best]]) best = nic;
    }
    return best;
  }
  void take(const Circuit& c) {
    circuits_.push_back(c);
    peer_(c.server_a, c.nic_a) = c.server_b;
    peer_(c.server_b, c.nic_b) = c.server_a;
  }

  const Matrix<std::uint8_t>& usable_;
  Matrix<int> peer_;  // by server and NIC: where its circuit goes; -1: nowhere
  std::vector<Circuit>& circuits_;
  std::vector<int> node_of_nic_;  // numbered from 0, with gaps
  std::vector<int> on_node_a_, on_node_b_;
};

/// Circuits that a pair wants and does not have.
struct Missing {
  int a, b, circuits;
};

}  // namespace

const std::vector<Circuit>& MinimalMapper::map(std::span<const Circuit> present,
                                               const CircuitCounts& wanted,
                                               std::span<const int> numa_of_nic,
                                               const Matrix<std::uint8_t>& usable) {
  const auto servers = static_cast<int>(wanted.rows());
  check(wanted, usable, numa_of_nic.size());
  const std::vector<Circuit> have = usable_circuits(present, usable);

  circuits_.clear();
  Dealer dealer(numa_of_nic, usable, circuits_);
  std::vector<Missing> missing;
  std::vector<Circuit> lit;
  auto next = have.begin();
  for (int a = 0; a < servers; ++a) {
    for (int b = a + 1; b < servers; ++b) {
      lit.clear();
      for (; next != have.end() && next->server_a == a && next->server_b == b; ++next) {
        lit.push_back(*next);
      }
      int circuits = wanted(a, b);
      for (; circuits > 0 && !lit.empty(); --circuits) dealer.keep_one(lit);
      if (circuits > 0) missing.push_back({a, b, circuits});
    }
  }
  // New circuits, round by round, so that no pair takes all the good NICs.
  while (!missing.empty()) {
    for (Missing& pair : missing) {
      dealer.add(pair.a, pair.b);
      --pair.circuits;
    }
    std::erase_if(missing, [](const Missing& pair) { return pair.circuits == 0; });
  }
  std::ranges::sort(circuits_, {}, order);
  return circuits_;
}

int moved_ports(std::span<const Circuit> before, std::span<const Circuit> after) {
  using Port = std::pair<int, int>;
  std::map<Port, Port> was;
  for (const Circuit& c : before) {
    was[{c.server_a, c.nic_a}] = {c.server_b, c.nic_b};
    was[{c.server_b, c.nic_b}] = {c.server_a, c.nic_a};
  }
  int moved = 0;
  const auto look = [&](const Port& port, const Port& peer) {
    const auto entry = was.find(port);
    if (entry == was.end() || entry->second != peer) ++moved;
    if (entry != was.end()) was.erase(entry);
  };
  for (const Circuit& c : after) {
    look({c.server_a, c.nic_a}, {c.server_b, c.nic_b});
    look({c.server_b, c.nic_b}, {c.server_a, c.nic_a});
  }
  return moved + static_cast<int>(was.size());
}

}  // namespace mixnet
