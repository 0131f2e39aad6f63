// One order of collectives for all ranks of a job, for simulators that have one send or collective
// of a rank under way (ASTRA-sim): there, ranks that take two collectives in different orders wait
// for each other for ever.
//
// The order is that in which an ideal execution starts them (ideal_times.h), and topological among
// those that start together, so that what a collective waits for never comes after it. In a rank's
// trace, each collective gets control dependencies on the collective before it and on the sends
// since then: a collective that were under way before one of these would wait for a rank that waits
// for that send. Sends end by themselves and receives wait beside them, so they get none.
//
// One is made for each rank. O(n log n) in its collectives and sends.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "interop/chakra_trace.h"
#include "traces/ideal_times.h"

namespace mixnet {

class CollectiveOrder {
 public:
  /// Both must outlive it. `place_of`: in a topological order, by task.
  CollectiveOrder(const IdealTimes& times, std::span<const std::uint32_t> place_of)
      : times_(times), place_of_(place_of) {}

  /// A node of the task, its place in the trace being its id.
  void add(const ChakraNode& node, std::uint32_t task);
  /// A send that follows the task's end.
  void add_after(std::uint64_t id, std::uint32_t task);

  /// Sets the control dependencies of the trace.
  void apply(ChakraTrace& trace);

 private:
  struct Entry {
    double time = 0;
    std::uint32_t place = 0;
    std::uint64_t id = 0;
    auto operator<=>(const Entry&) const = default;
  };
  const IdealTimes& times_;
  std::span<const std::uint32_t> place_of_;
  std::vector<Entry> entries_;
};

}  // namespace mixnet
