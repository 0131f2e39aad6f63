// One communication phase after another on the packet network: flows in, the phase's time out.
//
// Identical phases are simulated once, wherever they are: a phase is keyed by what decides its
// outcome (its ports in the order in which flows meet them, their rates and delays, paths, bytes,
// starts, and from which packet-hop on it is given up), so the same demand in another region, or in
// another replica on another thread, finds its result in the PhaseCache. That is exact, and may be
// switched off to prove it. The key is a hash of 128 bits: two different phases of a study of 10^9
// share one with a probability of 10^-21.
//
// PhaseCache is thread-safe: of several threads with the same phase one simulates, the others wait.
// So the counts of what was simulated do not depend on the threads either. PacketPhase is not
// thread-safe; one per thread.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <exception>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <utility>
#include <vector>

#include "network/fidelity.h"
#include "network/packet_network.h"
#include "network/phase_time.h"
#include "network/phase_totals.h"

namespace mixnet {

struct PhasePort {
  double rate = 1;  ///< in NIC rates
  int links = 1;    ///< whose propagation delay it has
};

class PhaseCache {
 public:
  using Key = std::pair<std::uint64_t, std::uint64_t>;
  struct Result {
    Time time;
    PhaseTotals totals;
  };
  /// The result of `key`, made by `simulate` at most once. `is_new`: whether this call made it.
  /// What `simulate` throws, all throw that ask for that key.
  template <typename Simulate>
  Result find_or(const Key& key, bool& is_new, Simulate&& simulate);

 private:
  struct Entry {
    bool done = false;
    Result result;
    std::exception_ptr error;  ///< in place of a result
  };
  std::mutex mutex_;
  std::condition_variable done_;
  std::map<Key, Entry> entries_;
};

class PacketPhase {
 public:
  /// In packets whatever `fidelity` says of the fluid; kAuto may jump over the steady state.
  PacketPhase(std::span<const PhasePort> ports, const FidelityOptions& fidelity,
              std::shared_ptr<PhaseCache> cache);

  /// Paths of `hops` (`back_hops`) ports, one after another. `start`: within the phase. No bytes:
  /// no flow.
  void add_flow(std::span<const std::uint32_t> forward, int hops,
                std::span<const std::uint32_t> back, int back_hops, Bytes bytes,
                Time start = Time::zero());

  /// Runs the flows added, and forgets them. `packet_hops` is what the phase takes without
  /// shortcuts or retransmissions. Time::max() when it was given up.
  PhaseTime run();

  /// Runs from now on are given up soon after so many packet-hops, for a fluid phase to take their
  /// place; zero, as at first: never.
  void set_most_hops(std::int64_t hops) { most_hops_ = hops; }

  /// Of all runs so far.
  const PhaseTotals& totals() const { return totals_; }

 private:
  struct Flow {
    std::uint32_t forward, back;  ///< first index into paths_
    std::uint32_t forward_size, back_size;
    std::int32_t hops, back_hops;
    Bytes bytes;
    Time start;
  };
  void check_time_out() const;
  PhaseCache::Key key();
  PhaseCache::Result simulate();

  FidelityOptions fidelity_;
  std::int64_t most_hops_ = 0;
  std::shared_ptr<PhaseCache> cache_;
  std::vector<PortSpec> ports_;
  std::unique_ptr<PacketNetwork> network_;  // made at the first run: many are never needed
  std::vector<Flow> flows_;
  std::vector<std::uint32_t> paths_;
  std::vector<std::uint32_t> names_;  // of ports, within the phase
  std::vector<std::uint32_t> named_;
  PhaseTotals totals_;
};

template <typename Simulate>
PhaseCache::Result PhaseCache::find_or(const Key& key, bool& is_new, Simulate&& simulate) {
  std::unique_lock lock(mutex_);
  const auto placed = entries_.try_emplace(key);
  Entry& entry = placed.first->second;  // entries stay where they are
  is_new = placed.second;
  if (!is_new) {
    done_.wait(lock, [&entry] { return entry.done; });
    if (entry.error) std::rethrow_exception(entry.error);
    return entry.result;
  }
  lock.unlock();
  Entry made;
  try {
    made.result = simulate();
  } catch (...) {
    made.error = std::current_exception();
  }
  made.done = true;
  lock.lock();
  entry = made;
  done_.notify_all();
  if (made.error) std::rethrow_exception(made.error);
  return made.result;
}

}  // namespace mixnet
