// From demand to circuits: the one way that every body goes. The simulator, the planner on the
// command line and the controller of a region all ask a CircuitPlanner, so that what one says of a
// demand holds for the others.
//
// plan() lets the chosen allocator (allocator.h) give circuits to the demand. Where no server has
// EPS NICs, that is Algorithm 1 whatever was chosen but `exact`: by the refined allocator's measure
// nothing ends then but a full mesh. NICs that the allocator has no use for go to pairs with
// demand, by Algorithm 1. And nobody is cut off:
//   * Servers with EPS NICs reach each other; a server without needs circuits to one that has some,
//     itself or through others. Where the allocator's circuits do not join all live servers,
//     circuits are set aside first: the groups of servers that are joined already are taken by
//     falling number of free NICs and tied to the first, one circuit each. If any wiring of the
//     NICs joins all groups, this does: a tree exists exactly when every group has a free NIC and
//     all together at least 2 * (groups - 1), and taking the groups with most NICs first keeps a
//     NIC open as long as that is so. Of the possible ties, a circuit that is there comes first,
//     then one to a server with EPS, then the larger demand.
// plan_around() is for when traffic is under way: circuits that are there stay and only free NICs
// get new ones, unless servers would be cut off that could be joined otherwise.
//
// Fixed circuits (RegionNics::fixed: those that an operator has pinned) are on NICs that the plan
// does not have. They join servers like others. The allocator is asked for what they leave of the
// demand: in the least time that the whole demand can take (the busiest server over all its NICs),
// a pair's fixed circuits carry so many bytes each way; those are taken off before.
//
// With a tolerance of zero, the default, circuits depend on the demand and on what works, and on
// nothing else: a simulation, a daemon that was restarted and its neighbour agree. A tolerance
// above it trades time for fewer moves (RefinedAllocator::allocate_near()): then what is there
// counts, too.
//
// Deterministic. A workspace; not thread-safe, one per thread. Cost: the allocator's, and O(n^2).
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "circuits/allocator.h"
#include "circuits/circuits.h"
#include "circuits/refined_allocator.h"

namespace mixnet {

/// What the servers of a region have that works, by server.
struct RegionNics {
  std::vector<int> optical;     ///< OCS NICs
  std::vector<int> electrical;  ///< EPS NICs
  std::vector<char> dark;       ///< servers that are down; empty: none
  CircuitCounts fixed = {};     ///< circuits that stay, on NICs not counted here; empty: none

  static RegionNics alike(std::size_t servers, int optical, int electrical);
  bool is_live(std::size_t server) const { return dark.empty() || dark[server] == 0; }
  bool is_fixed(std::size_t a, std::size_t b) const { return fixed.rows() > 0 && fixed(a, b) > 0; }
  bool operator==(const RegionNics&) const = default;
};

struct PlannerOptions {
  AllocatorKind allocator = AllocatorKind::kGreedy;
  std::int64_t budget = RefinedAllocator::kDefaultBudget;  ///< moves that `refined` looks at
  double tolerance = 0;  ///< of time, for moving fewer ports (refined)
  bool operator==(const PlannerOptions&) const = default;
};

class CircuitPlanner {
 public:
  explicit CircuitPlanner(const PlannerOptions& options = {});
  /// A copy is as new: there is nothing to a workspace but its options.
  CircuitPlanner(const CircuitPlanner& other) : CircuitPlanner(other.options_) {}
  CircuitPlanner& operator=(const CircuitPlanner& other) {
    return *this = CircuitPlanner(other.options_);
  }
  CircuitPlanner(CircuitPlanner&&) = default;
  CircuitPlanner& operator=(CircuitPlanner&&) = default;
  ~CircuitPlanner() = default;

  /// Circuits for `demand` besides the fixed ones; `present` are those that are there. Valid until
  /// the next call. Throws Error as the allocator does.
  const CircuitCounts& plan(const ServerDemand& demand, const RegionNics& nics,
                            const CircuitCounts& present);
  /// The same where none are there, or where they do not matter (a tolerance of zero).
  const CircuitCounts& plan(const ServerDemand& demand, const RegionNics& nics);
  /// The same while traffic is on `present`.
  const CircuitCounts& plan_around(const ServerDemand& demand, const RegionNics& nics,
                                   const CircuitCounts& present);

 private:
  void begin(const ServerDemand& demand, const RegionNics& nics, const CircuitCounts& present);
  bool goes_by_algorithm_1() const;
  const CircuitCounts& allocated(std::span<const int> free);
  const CircuitCounts& filled(const CircuitCounts& counts);
  void find_free(const CircuitCounts& counts);
  int find_groups(const CircuitCounts& counts);
  int tie_groups(CircuitCounts& counts, std::vector<int>& free);
  std::vector<int> groups_in_order(std::span<const int> open) const;
  /// From a server of the tree to one of the group.
  std::pair<int, int> best_tie(std::span<const int> free, std::span<const int> tree_of, int tree,
                               int group) const;

  PlannerOptions options_;
  std::unique_ptr<CircuitAllocator> allocator_;
  GreedyAllocator greedy_;
  RefinedAllocator near_;
  // Of the call under way.
  const ServerDemand* demand_ = nullptr;
  const RegionNics* nics_ = nullptr;
  const CircuitCounts* present_ = nullptr;  // null: none
  ServerDemand rest_;                       // of the demand, where circuits are fixed
  CircuitCounts counts_, none_;
  std::vector<int> free_;
  std::vector<int> group_of_;  // by server: which are joined, by circuit or EPS; -1: down
};

}  // namespace mixnet
