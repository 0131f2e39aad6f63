#include "graphs/collective_traffic.h"

#include <algorithm>

namespace mixnet {
namespace {

/// Of those that are.
Matrix<double> traffic_of_nics(Collective collective, int servers, int nics, double each) {
  const int hosts = servers * nics;
  Matrix<double> traffic(hosts, hosts);
  for (int s = 0; s < servers; ++s) {
    const int next = (s + 1) % servers;
    if (collective == Collective::kSendReceive && next != s) {
      traffic(s * nics + nics - 1, next * nics) = 1;  // of its last GPU, to a first
    }
    for (int host = s * nics; s > 0 && host < (s + 1) * nics; ++host) {
      if (collective == Collective::kGather) traffic(host, 0) = each;
      if (collective == Collective::kScatter) traffic(0, host) = each;
    }
  }
  return traffic;
}

}  // namespace

// Servers but 0 stand at the places 1 .. m of a binary search tree whose leaves are the odd places
// and where a place's height is that of its lowest bit; the second tree stands one place further.
std::vector<TreeEdge> broadcast_tree(int servers, bool second) {
  const int places = servers - 1;
  const auto server_at = [&](int place) {
    return second ? (place + places - 2) % places + 1 : place;
  };
  std::vector<TreeEdge> edges;
  for (int place = 1; place <= places; ++place) {
    const int bit = place & -place;
    const int above = place - bit;
    const int beside = above | (2 * bit);
    const int parent = beside <= places ? beside : above;
    edges.push_back({parent == 0 ? 0 : server_at(parent), server_at(place)});
  }
  return edges;
}

int depth_of(const std::vector<TreeEdge>& tree, int servers) {
  std::vector<int> parents(servers, -1);
  for (const TreeEdge& edge : tree) parents[edge.child] = edge.parent;
  int depth = 0;
  for (int server = 1; server < servers; ++server) {
    int edges = 0;
    for (int at = server; at != 0; at = parents[at]) ++edges;
    depth = std::max(depth, edges);
  }
  return depth;
}

CollectiveShape shape_of(Collective collective) {
  switch (collective) {
    case Collective::kAllReduce:
    case Collective::kAllGather:
    case Collective::kReduceScatter:
      return CollectiveShape::kRing;
    case Collective::kBroadcast:
    case Collective::kReduce:
      return CollectiveShape::kTree;
    default:
      return CollectiveShape::kDirect;
  }
}

bool is_of_nics(Collective collective) {
  return collective == Collective::kGather || collective == Collective::kScatter ||
         collective == Collective::kSendReceive;
}

std::int64_t steps_of(Collective collective, int gpus) {
  if (shape_of(collective) != CollectiveShape::kRing) return 1;
  return std::int64_t{collective == Collective::kAllReduce ? 2 : 1} * (gpus - 1);
}

Matrix<double> traffic_of(Collective collective, int gpus, int gpus_per_server,
                          int nics_per_server) {
  const int servers = gpus / gpus_per_server;
  const double part = 1.0 / gpus;
  if (is_of_nics(collective)) {
    return traffic_of_nics(collective, servers, nics_per_server,
                           part * gpus_per_server / nics_per_server);
  }
  Matrix<double> traffic(servers, servers);
  for (int s = 0; s < servers; ++s) {
    if (shape_of(collective) == CollectiveShape::kRing) {
      traffic(s, (s + 1) % servers) = part;
    } else if (collective == Collective::kAllToAll) {
      for (int t = 0; t < servers; ++t) {
        if (s != t) traffic(s, t) = part * gpus_per_server * gpus_per_server;
      }
    }
  }
  if (shape_of(collective) == CollectiveShape::kTree) {
    for (const bool second : {false, true}) {
      for (const TreeEdge& edge : broadcast_tree(servers, second)) {
        const bool down = collective == Collective::kBroadcast;
        (down ? traffic(edge.parent, edge.child) : traffic(edge.child, edge.parent)) += 0.5;
      }
    }
  }
  return traffic;
}

double inside_share(Collective collective, int gpus, int gpus_per_server) {
  const int mates = std::min(gpus, gpus_per_server) - 1;
  if (mates == 0) return 0;
  switch (shape_of(collective)) {
    case CollectiveShape::kRing:
      return 1.0 / gpus;
    case CollectiveShape::kTree:
      return 1;
    case CollectiveShape::kDirect:
      break;
  }
  return collective == Collective::kSendReceive ? 1 : static_cast<double>(mates) / gpus;
}

}  // namespace mixnet
