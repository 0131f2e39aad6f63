#include "service/announcer.h"

#include <algorithm>
#include <variant>

#include "service/happening_text.h"
#include "service/state_view.h"

namespace mixnet {

void TopologyStream::offer(std::shared_ptr<const v1::Topology> topology) {
  {
    const std::lock_guard lock(mutex());
    // After the end only a job of the same number could follow.
    if (closes_ || (topology->epoch() <= offered_ && offered_ > 0)) return;
    offered_ = topology->epoch();
    closes_ = topology->closed();
    latest_ = std::move(topology);
  }
  poke();
}

bool TopologyStream::next(v1::Topology& message, bool& is_last) {
  if (!latest_) return false;
  message = *latest_;
  is_last = message.closed();
  latest_.reset();
  return true;
}

bool HappeningStream::next(v1::Happening& message, bool& /*is_last*/) {
  return ring_.take(place_, message);
}

Announcer::Announcer(RegionLoop& loop, Env& env) : loop_(loop), env_(env) {
  thread_ = std::thread([this] { run(); });
  subscription_ = loop.listen([this](const Happening& happening) { hear(happening); });
}

Announcer::~Announcer() {
  subscription_.reset();
  close({grpc::StatusCode::UNAVAILABLE, "the daemon stops"});
  thread_.join();
}

std::shared_ptr<TopologyStream> Announcer::watch_topology(int tenant, std::function<void()> left) {
  auto key = std::make_shared<const LiveStream*>(nullptr);
  auto stream = std::make_shared<TopologyStream>([this, key, left = std::move(left)] {
    left();
    forget(*key);
  });
  *key = stream.get();
  return keep({stream, stream, nullptr, tenant}) ? stream : nullptr;
}

std::shared_ptr<HappeningStream> Announcer::watch_happenings(std::function<void()> left) {
  auto key = std::make_shared<const LiveStream*>(nullptr);
  auto stream = std::make_shared<HappeningStream>(ring_, [this, key, left = std::move(left)] {
    left();
    forget(*key);
  });
  *key = stream.get();
  return keep({stream, nullptr, stream, 0}) ? stream : nullptr;
}

bool Announcer::keep(Watcher watcher) {
  const std::lock_guard lock(mutex_);
  if (is_closed_) return false;
  ++(watcher.topology ? topology_watchers_ : happening_watchers_);
  const LiveStream* const key = watcher.stream.get();
  watchers_.emplace(key, std::move(watcher));
  return true;
}

void Announcer::forget(const LiveStream* stream) {
  Watcher gone;  // destroyed without the lock
  const std::lock_guard lock(mutex_);
  auto node = watchers_.extract(stream);
  if (!node) return;
  gone = std::move(node.mapped());
  --(gone.topology ? topology_watchers_ : happening_watchers_);
}

void Announcer::close(const grpc::Status& status) {
  std::vector<std::shared_ptr<LiveStream>> open;
  {
    const std::lock_guard lock(mutex_);
    is_closed_ = true;
    for (const auto& [key, watcher] : watchers_) open.push_back(watcher.stream);
  }
  news_.notify_one();
  for (const auto& stream : open) stream->end(status);
}

/// On the loop's thread.
void Announcer::hear(const Happening& happening) {
  bool has_news = false;
  if (const auto* handled = std::get_if<EventHandled>(&happening)) {
    records_ = handled->record;
    for (const Decision& decision : handled->decisions) {
      const auto* said = std::get_if<TopologyAnnouncement>(&decision);
      if (said == nullptr || topology_watchers_ == 0) continue;
      leave_word(*said);
      has_news = true;
    }
  }
  if (happening_watchers_ > 0) {
    const Instant now{env_.wall_now().time_since_epoch().count()};
    for (v1::Happening& told : to_wire(happening, loop_.settings(), now)) {
      ring_.put(std::move(told));
      const std::lock_guard lock(mutex_);
      has_happened_ = true;
      has_news = true;
    }
  }
  if (has_news) news_.notify_one();
}

void Announcer::leave_word(const TopologyAnnouncement& said) {
  const std::lock_guard lock(mutex_);
  const auto last = std::find_if(said_.rbegin(), said_.rend(),
                                 [&](const auto& before) { return before.tenant == said.tenant; });
  if (last != said_.rend() && !last->closed) {
    *last = said;
  } else {
    said_.push_back(said);
  }
}

void Announcer::run() {
  while (true) {
    std::vector<TopologyAnnouncement> said;
    std::vector<std::shared_ptr<HappeningStream>> readers;
    {
      std::unique_lock lock(mutex_);
      news_.wait(lock, [this] { return is_closed_ || has_happened_ || !said_.empty(); });
      if (is_closed_) return;
      said.swap(said_);
      if (std::exchange(has_happened_, false)) {
        for (const auto& [key, watcher] : watchers_) {
          if (watcher.happenings) readers.push_back(watcher.happenings);
        }
      }
    }
    for (const TopologyAnnouncement& one : said) tell(one);
    for (const auto& reader : readers) reader->poke();
  }
}

void Announcer::tell(const TopologyAnnouncement& said) {
  std::vector<std::shared_ptr<TopologyStream>> watchers;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [key, watcher] : watchers_) {
      if (watcher.topology && watcher.tenant == said.tenant) watchers.push_back(watcher.topology);
    }
  }
  if (watchers.empty()) return;
  const auto message = std::make_shared<const v1::Topology>(
      topology_message(said, loop_.run_id(), loop_.settings().observes));
  for (const auto& watcher : watchers) watcher->offer(message);
}

}  // namespace mixnet
