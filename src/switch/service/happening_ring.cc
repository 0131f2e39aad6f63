#include "service/happening_ring.h"

#include <algorithm>
#include <utility>

namespace mixnet {

void HappeningRing::put(v1::Happening happening) {
  auto shared = std::make_shared<const v1::Happening>(std::move(happening));
  const std::lock_guard lock(mutex_);
  kept_.push_back(std::move(shared));
  if (kept_.size() <= most_) return;
  kept_.pop_front();
  ++first_;
}

std::uint64_t HappeningRing::end() const {
  const std::lock_guard lock(mutex_);
  return first_ + kept_.size();
}

bool HappeningRing::take(std::uint64_t& place, v1::Happening& happening) const {
  std::shared_ptr<const v1::Happening> found;
  std::uint64_t lost = 0;
  {
    const std::lock_guard lock(mutex_);
    const std::uint64_t at = std::max(place, first_);
    if (at >= first_ + kept_.size()) return false;
    found = kept_[at - first_];
    lost = at - place;
    place = at + 1;
  }
  happening = *found;
  happening.set_lost(lost);
  return true;
}

}  // namespace mixnet
