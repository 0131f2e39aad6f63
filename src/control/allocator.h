// The allocators behind one interface: who decides which circuits a region gets.
//
//   greedy    Algorithm 1 of the paper (greedy.h): microseconds, blind to the EPS
//   refined   local search on the completion time with EPS (refined.h): a millisecond, the default
//   of
//             those who want the best at run time
//   exact     the optimum, proved (exact.h): a reference for small regions
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "control/circuits.h"
#include "control/refined.h"

namespace mixnet {

enum class AllocatorKind { kGreedy, kRefined, kExact };

/// Throws Error, naming `input`, with a did-you-mean.
AllocatorKind parse_allocator(std::string_view name, std::string_view input);
std::string_view to_string(AllocatorKind kind);

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
