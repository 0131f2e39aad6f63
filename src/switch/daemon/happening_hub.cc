#include "daemon/happening_hub.h"

#include <mutex>
#include <utility>
#include <vector>

namespace mixnet {

struct HappeningHub::Listener {
  explicit Listener(HappeningListener listener) : call(std::move(listener)) {}

  HappeningListener call;
  std::recursive_mutex mutex;
  bool is_live = true;
};

struct HappeningHub::List {
  std::mutex mutex;
  std::vector<std::shared_ptr<Listener>> listeners;
};

HappeningHub::HappeningHub() : list_(std::make_shared<List>()) {}

std::shared_ptr<const void> HappeningHub::listen(HappeningListener listener) {
  auto added = std::make_shared<Listener>(std::move(listener));
  {
    const std::lock_guard lock(list_->mutex);
    list_->listeners.push_back(added);
  }
  const auto end = [added, list = list_](const void*) {
    {
      const std::lock_guard lock(list->mutex);
      std::erase(list->listeners, added);
    }
    const std::lock_guard lock(added->mutex);
    added->is_live = false;
  };
  return {added.get(), end};
}

void HappeningHub::tell(const Happening& happening) {
  std::vector<std::shared_ptr<Listener>> listeners;
  {
    const std::lock_guard lock(list_->mutex);
    listeners = list_->listeners;
  }
  for (const auto& listener : listeners) {
    const std::lock_guard lock(listener->mutex);
    if (listener->is_live) listener->call(happening);
  }
}

}  // namespace mixnet
