// When a connection that cannot be had is tried again: after 100 ms, then twice as long each time,
// 10 s at most. Pure.
#pragma once

#include <algorithm>
#include <chrono>

#include "base/env.h"

namespace mixnet {

class BackOff {
 public:
  static constexpr std::chrono::milliseconds kFirst{100};
  static constexpr std::chrono::milliseconds kLast{10'000};

  bool is_over(MonotonicTime now) const { return now >= over_; }
  void failed(MonotonicTime now) {
    over_ = now + next_;
    next_ = std::min(2 * next_, kLast);
  }
  void succeeded() { next_ = kFirst; }

 private:
  std::chrono::milliseconds next_ = kFirst;
  MonotonicTime over_ = MonotonicTime::min();
};

}  // namespace mixnet
