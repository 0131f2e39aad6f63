// The latest happenings, for readers that each have a place in them: what slow readers miss is
// counted, and costs nobody anything. Thread-safe.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>

#include "region.pb.h"

namespace mixnet {

class HappeningRing {
 public:
  explicit HappeningRing(std::size_t most = 1'024) : most_(most) {}

  void put(v1::Happening happening);
  /// The place of a reader that begins now.
  std::uint64_t end() const;
  /// The next from `place` on, into `happening`, with `lost`; moves `place`. False: there is none.
  bool take(std::uint64_t& place, v1::Happening& happening) const;

 private:
  const std::size_t most_;
  mutable std::mutex mutex_;
  std::uint64_t first_ = 0;  // number of the oldest that is kept
  std::deque<std::shared_ptr<const v1::Happening>> kept_;
};

}  // namespace mixnet
