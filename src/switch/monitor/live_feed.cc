#include "live_feed.h"

#include <utility>

namespace mixnet {

void LiveFeed::publish(std::string text) {
  auto shared = std::make_shared<const std::string>(std::move(text));
  {
    const std::lock_guard lock(mutex_);
    latest_ = {latest_.number + 1, std::move(shared)};
  }
  changed_.notify_all();
}

LiveFeed::Document LiveFeed::latest() const {
  const std::lock_guard lock(mutex_);
  return latest_;
}

LiveFeed::Document LiveFeed::wait_newer(std::uint64_t number,
                                        std::chrono::milliseconds most) const {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, most, [&] { return ended_ || latest_.number > number; });
  return latest_;
}

void LiveFeed::end() {
  {
    const std::lock_guard lock(mutex_);
    ended_ = true;
  }
  changed_.notify_all();
}

bool LiveFeed::has_ended() const {
  const std::lock_guard lock(mutex_);
  return ended_;
}

}  // namespace mixnet
