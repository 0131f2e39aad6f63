// A copy of the region's state for those who look: made on the loop's thread, at most every 50 ms,
// so that many viewers cost the loop no more than one does. What an operator has changed is in the
// next copy at once; what traffic changes, after those 50 ms.
//
// Thread-safe; get() may wait for the loop, so not on gRPC's threads nor on the loop's.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>

#include "daemon/region_loop.h"

namespace mixnet {

class StateCache {
 public:
  static constexpr std::chrono::milliseconds kFresh{50};

  StateCache(RegionLoop& loop, Env& env) : loop_(loop), env_(env) {}

  struct Copy {
    RegionState state;
    Instant at;
  };
  /// Null: the loop does not turn.
  std::shared_ptr<const Copy> get();
  /// What is older than now does not serve any more.
  void expire() { ++version_; }

 private:
  RegionLoop& loop_;
  Env& env_;
  std::mutex mutex_;  // one at a time asks
  std::shared_ptr<const Copy> copy_;
  MonotonicTime made_;
  std::uint64_t made_version_ = 0;
  std::atomic<std::uint64_t> version_ = 0;
};

}  // namespace mixnet
