// The allocators behind one interface: who decides which circuits a region gets.
//
//   greedy    Algorithm 1 of the paper (greedy_allocator.h): microseconds, blind to the EPS
//   refined   local search on the completion time with EPS (refined_allocator.h): a millisecond,
//   for
//             those who want the best at run time
//   exact     the optimum, proved (exact_allocator.h): a reference for small regions
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "base/names.h"
#include "circuits/circuits.h"
#include "circuits/refined_allocator.h"

namespace mixnet {

enum class AllocatorKind { kGreedy, kRefined, kExact };

template <>
struct Names<AllocatorKind> {
  static constexpr std::string_view kWhat = "allocator";
  static constexpr NamedValue<AllocatorKind> kTable[] = {{"greedy", AllocatorKind::kGreedy},
                                                         {"refined", AllocatorKind::kRefined},
                                                         {"exact", AllocatorKind::kExact}};
};

/// A workspace; not thread-safe.
class CircuitAllocator {
 public:
  virtual ~CircuitAllocator() = default;
  /// Circuits for `demand` with optical[s] OCS and electrical[s] EPS NICs at server s; valid until
  /// the next call. Throws Error on a demand that is not square, or too large for the allocator.
  virtual const CircuitCounts& allocate(const ServerDemand& demand, std::span<const int> optical,
                                        std::span<const int> electrical) = 0;
  /// The same with as many at every server.
  const CircuitCounts& allocate(const ServerDemand& demand, int degree, int eps_nics);

 private:
  std::vector<int> optical_, electrical_;
};

/// `budget`: of the refined one, moves to look at; the others do not need it.
std::unique_ptr<CircuitAllocator> make_allocator(
    AllocatorKind kind, std::int64_t budget = RefinedAllocator::kDefaultBudget);

}  // namespace mixnet
