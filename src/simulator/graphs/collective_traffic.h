// Who sends to whom in a collective between servers, and in how many steps: collective_study.h's
// algorithms as matrices. Pure.
#pragma once

#include <vector>

#include "base/matrix.h"
#include "graphs/collective_study.h"

namespace mixnet {

/// An edge of a tree over servers.
struct TreeEdge {
  int parent = 0, child = 0;
  bool operator==(const TreeEdge&) const = default;
};

/// Two binary trees over `servers` below server 0, whose only child is their top. Each holds every
/// other server once; who has children in one is a leaf of the other.
std::vector<TreeEdge> broadcast_tree(int servers, bool second);
/// Edges from server 0 to the farthest leaf; 0 for one server.
int depth_of(const std::vector<TreeEdge>& tree, int servers);

/// How the time of a collective follows from its flows.
enum class CollectiveShape { kRing, kTree, kDirect };
CollectiveShape shape_of(Collective collective);

/// Whether its bytes are of certain NICs; those of others are of servers, dealt to all their NICs.
bool is_of_nics(Collective collective);

/// Steps of the ring; 1 for others.
std::int64_t steps_of(Collective collective, int gpus);

/// Of the collective's bytes, what flows between servers (or, of gather and scatter, between NICs)
/// have of them: in a step of a ring, or in all. The diagonal is empty.
Matrix<double> traffic_of(Collective collective, int gpus, int gpus_per_server,
                          int nics_per_server);

/// Of the collective's bytes, what the busiest scale-up port of a GPU carries, likewise.
double inside_share(Collective collective, int gpus, int gpus_per_server);

}  // namespace mixnet
