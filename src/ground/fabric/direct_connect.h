// A static direct-connect topology found from expected traffic, as TopoOpt does (Wang et al., NSDI
// 2023): every NIC goes to a flat patch panel, circuits join servers two by two before training
// starts and stay; where two servers have no circuit, servers in between forward.
//
// find() follows the idea of TopoOpt's TopologyFinder and splits the degree by traffic:
//   1. rings for the all-reduce groups, two NICs a server each (one in groups of two servers); as
//      many rings as their share of the traffic calls for, but leaving a NIC for each neighbour and
//      two for the pairs, and at least one;
//   2. one circuit for each pair that must be neighbours (pipeline stages have no other way);
//   3. matchings for the rest: round after round, the pairs of a matching of maximum weight get a
//      circuit, where a pair weighs demand / (circuits + 1), until no NIC is left (matching.h);
//      pairs that no chain of circuits joined before the round come first. Should that leave some
//      pair apart, it is done again with rounds of nothing but joining first, which two NICs a
//      server suffice for. And where NICs are too few for these steps to join all that
//      must reach each other, with one ring through each of the larger groups instead, or as the
//      last resort (two NICs a server suffice) one through all servers, which forward all else.
//
// Circuits are full duplex at one NIC's rate; the k circuits of a pair are one directed link of
// rate k each way. Routes are fixed: shortest in hops, and among those the least loaded by the
// demand routed so far, heaviest pairs first.
//
// Invariants (tested): no server has more circuits than NICs; circuits and links are symmetric;
// every pair with demand has a route where each server has the NICs that 1 to 3 want.
// Deterministic. Thread-safe once built, except route(), which remembers what it found. Memory:
// O(servers * NICs), and the routes: those of all pairs with demand, and those asked for.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <span>
#include <utility>
#include <vector>

namespace mixnet {

struct ExpectedTraffic {
  /// Servers of each all-reduce group, in ring order; groups may be of one server (no ring).
  std::vector<std::vector<int>> rings;
  /// Larger groups, whose rings join what the pairs would, in place of `rings` where NICs are too
  /// few for both; may be empty.
  std::vector<std::vector<int>> joining_rings;
  double ring_bytes = 0;  ///< bytes an iteration that one server sends along its ring
  /// Pairs that need a circuit of their own whatever the traffic.
  std::vector<std::pair<int, int>> neighbours;
  struct Pair {
    int a;
    int b;
    double bytes;  ///< an iteration, both directions together
  };
  std::vector<Pair> pairs;
};

class DirectConnect {
 public:
  /// `dead` (server, NIC): NICs that failed since. NIC k of a server carries its k-th circuit,
  /// counted by peers; that one is dark, and hosts forward around it.
  static DirectConnect find(int servers, int nics_per_server, const ExpectedTraffic& traffic,
                            const std::set<std::pair<int, int>>& dead = {});

  int circuits(int a, int b) const;
  int degree(int server) const;  ///< NICs of the server in use

  /// Rate of each directed link, in NIC rates.
  const std::vector<double>& link_rates() const { return link_rates_; }

  /// Directed links from server `a` to `b` in order; empty when a == b or when there is no way.
  /// The reference stays good.
  const std::vector<std::uint32_t>& route(int a, int b);
  /// NICs of a server that step 1 gave to all-reduce rings.
  int ring_nics() const { return ring_nics_; }

 private:
  struct Edge {
    int to;
    int circuits;
    std::uint32_t link;
  };

  bool join(int a, int b);
  static DirectConnect with_rings(int servers, int nics_per_server, const ExpectedTraffic& traffic,
                                  const std::vector<std::vector<int>>& rings);
  void add_rings(const ExpectedTraffic& traffic, const std::vector<std::vector<int>>& rings);
  void add_matchings(std::span<const ExpectedTraffic::Pair> pairs);
  void join_islands(std::span<const ExpectedTraffic::Pair> pairs);
  bool serves(const ExpectedTraffic& traffic) const;
  bool joins_all(std::span<const ExpectedTraffic::Pair> pairs) const;
  std::vector<int> islands() const;
  void darken(const std::set<std::pair<int, int>>& dead);
  void make_links();
  void make_routes(std::vector<ExpectedTraffic::Pair> pairs);
  std::vector<std::uint32_t> shortest(int a, int b) const;

  int nics_per_server_ = 0;
  int ring_nics_ = 0;
  std::vector<int> free_;
  std::vector<std::vector<Edge>> edges_;
  std::vector<double> link_rates_;
  std::vector<double> link_load_;
  std::map<std::pair<int, int>, std::vector<std::uint32_t>> routes_;
};

}  // namespace mixnet
