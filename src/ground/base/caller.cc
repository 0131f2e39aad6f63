#include "base/caller.h"

namespace mixnet {

std::optional<Caller::Step> Caller::step() const {
  const std::lock_guard lock(mutex_);
  std::optional<Step> step = step_;
  if (step) step->done = done_.load(std::memory_order_relaxed);
  return step;
}

bool Caller::begin(std::string what, std::uint64_t total) {
  if (hears_ != Hears::kSteps) return false;
  const std::lock_guard lock(mutex_);
  if (std::exchange(is_under_way_, true)) return false;
  step_ = {std::move(what), 0, total};
  advance(0);
  return true;
}

void Caller::end() {
  const std::lock_guard lock(mutex_);
  is_under_way_ = false;
}

}  // namespace mixnet
