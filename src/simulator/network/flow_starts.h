// When the flows of a list start, as far as that depends on flows that end: triggers, and messages
// of one connection, which follow one another. Whoever plays the list asks; no time and no network
// in here.
//
// A flow is due when its own start comes, which the player knows, or when its trigger fires. It
// starts then, or, where it is the next message of a connection, when the one before has ended, if
// that is later.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "network/flow_list.h"

namespace mixnet {

class FlowStarts {
 public:
  /// Starts of flows that a trigger starts are Time::max() until it fires. `flows`, which play()
  /// and end() write to, and `list` must outlive it.
  FlowStarts(std::vector<FlowRecord>& flows, const std::vector<FlowTrigger>& triggers,
             const std::vector<int>& behind);

  /// Flows that start by themselves, in the order of their starts.
  const std::vector<std::uint32_t>& by_start() const { return by_start_; }

  /// Flow `flow` is due. False: another has to end first, and end() will name it then.
  bool due(std::size_t flow);

  /// Flow `flow` has ended at `at`: into `starting`, those that start by that, now or at their own
  /// starts if those are later.
  void end(std::size_t flow, Time at, std::vector<std::size_t>& starting);

 private:
  void fire(std::size_t trigger, Time at, std::vector<std::size_t>& starting);

  std::vector<FlowRecord>& flows_;
  const std::vector<FlowTrigger>& triggers_;
  const std::vector<int>& behind_;
  std::vector<std::uint32_t> by_start_;
  std::vector<std::int64_t> activations_;
  std::vector<std::size_t> first_waiting_;  ///< by trigger
  std::vector<std::size_t> next_waiting_;   ///< by flow
  std::vector<std::size_t> next_message_;   ///< by flow
  std::vector<bool> ended_, is_due_;        ///< by flow, where there are messages
};

}  // namespace mixnet
