// A static direct-connect topology found from expected traffic, as TopoOpt does (Wang et al., NSDI
// 2023): every NIC goes to a flat patch panel, circuits join servers two by two before training
// starts and stay; where two servers have no circuit, servers in between forward.
//
// find() follows the idea of TopoOpt's TopologyFinder and splits the degree by traffic:
//   1. rings for the all-reduce groups, two NICs a server each; as many rings as their share of the
//      traffic calls for, at least one;
//   2. one circuit for each pair that must be neighbours (pipeline stages, which have no other way);
//   3. matchings for the rest: round after round, pairs by decreasing demand / (circuits + 1) get a
//      circuit where both have a NIC free in that round, until no NIC is left; pairs that no chain
//      of circuits joins yet come first.
// A matching here is greedy (within a factor of two of the best weight), where TopoOpt uses
// Blossom's; on the near-uniform demands inside a region both give perfect matchings.
//
// Circuits are full duplex at one NIC's rate; the k circuits of a pair are one directed link of rate
// k each way. Routes are fixed: shortest in hops, and among those the least loaded by the demand
// routed so far, heaviest pairs first.
//
// Invariants (tested): no server has more circuits than NICs; circuits are symmetric; links(a, b)
// exist in both directions or not at all. Deterministic. Thread-safe once built, except route(),
// which remembers what it found. Memory: O(servers * NICs).
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <utility>
#include <vector>

namespace mixnet {

struct ExpectedTraffic {
  /// Servers of each all-reduce group, in ring order; groups may be of one server (no ring).
  std::vector<std::vector<int>> rings;
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
  static DirectConnect find(int servers, int nics_per_server, const ExpectedTraffic& traffic);

  int circuits(int a, int b) const;
  int degree(int server) const;  ///< NICs of the server in use

  /// Rate of each directed link, in NIC rates.
  const std::vector<double>& link_rates() const { return link_rates_; }

  /// Directed links from server `a` to `b` in order; empty when a == b or when there is no way.
  const std::vector<std::uint32_t>& route(int a, int b);
  bool connected(int a, int b) { return a == b || !route(a, b).empty(); }

  int rings_per_group() const { return rings_per_group_; }

 private:
  struct Edge {
    int to;
    int circuits;
    std::uint32_t link;
  };

  bool join(int a, int b);
  std::vector<int> islands() const;
  void make_links();
  std::vector<std::uint32_t> shortest(int a, int b) const;

  int nics_per_server_ = 0;
  int rings_per_group_ = 0;
  std::vector<int> free_;
  std::vector<std::vector<Edge>> edges_;
  std::vector<double> link_rates_;
  std::vector<double> link_load_;
  std::map<std::pair<int, int>, std::vector<std::uint32_t>> routes_;
};

}  // namespace mixnet
