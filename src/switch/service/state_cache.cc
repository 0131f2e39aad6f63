#include "service/state_cache.h"

#include <optional>

namespace mixnet {

std::shared_ptr<const StateCache::Copy> StateCache::get() {
  const std::lock_guard lock(mutex_);
  const std::uint64_t version = version_;
  if (copy_ && made_version_ == version && env_.monotonic_now() - made_ < kFresh) return copy_;
  copy_.reset();
  std::optional<RegionState> state;
  if (!loop_.is_healthy()) return {};
  if (!loop_.inspect([&](const RegionState& now) { state = now; }) || !state) return {};
  copy_ = std::make_shared<const Copy>(
      Copy{*std::move(state), {env_.wall_now().time_since_epoch().count()}});
  made_ = env_.monotonic_now();
  made_version_ = version;
  return copy_;
}

}  // namespace mixnet
