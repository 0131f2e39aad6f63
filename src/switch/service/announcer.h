// Tells those who watch: what the loop decides and what happens, by a thread of its own.
//
// The loop's thread only leaves word: of a tenant the latest announcement, of happenings the
// message, and nothing at all where nobody watches. Announcements come to a watcher in order of
// their epochs; a slow one gets the latest, and always the one that closes. Thread-safe.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <unordered_map>
#include <utility>
#include <vector>

#include "daemon/region_loop.h"
#include "service/happening_ring.h"
#include "service/watch_stream.h"

namespace mixnet {

/// Of one tenant.
class TopologyStream final : public WatchStream<v1::Topology> {
 public:
  using WatchStream::WatchStream;
  /// What is older than the last that was offered is passed over.
  void offer(std::shared_ptr<const v1::Topology> topology);

 protected:
  bool next(v1::Topology& message, bool& is_last) override;

 private:
  std::shared_ptr<const v1::Topology> latest_;
  std::uint64_t offered_ = 0;
  bool closes_ = false;
};

class HappeningStream final : public WatchStream<v1::Happening> {
 public:
  HappeningStream(const HappeningRing& ring, std::function<void()> done)
      : WatchStream(std::move(done)), ring_(ring), place_(ring.end()) {}

 protected:
  bool next(v1::Happening& message, bool& is_last) override;

 private:
  const HappeningRing& ring_;
  std::uint64_t place_;
};

class Announcer {
 public:
  Announcer(RegionLoop& loop, Env& env);
  Announcer(const Announcer&) = delete;
  Announcer& operator=(const Announcer&) = delete;
  /// Ends the streams.
  ~Announcer();

  /// Streams that begin and end by themselves; `left` when gRPC is done with one. Null: closed.
  std::shared_ptr<TopologyStream> watch_topology(int tenant, std::function<void()> left);
  std::shared_ptr<HappeningStream> watch_happenings(std::function<void()> left);
  void close(const grpc::Status& status);

  /// Of the last event that was stored.
  std::uint64_t records() const { return records_; }

 private:
  struct Watcher {
    std::shared_ptr<LiveStream> stream;
    std::shared_ptr<TopologyStream> topology;  ///< or
    std::shared_ptr<HappeningStream> happenings;
    int tenant = 0;
  };
  void hear(const Happening& happening);
  bool keep(Watcher watcher);
  void forget(const LiveStream* stream);
  void run();
  void leave_word(const TopologyAnnouncement& said);
  void tell(const TopologyAnnouncement& said);

  RegionLoop& loop_;
  Env& env_;
  HappeningRing ring_;
  std::atomic<std::uint64_t> records_ = 0;
  std::atomic<int> topology_watchers_ = 0, happening_watchers_ = 0;

  std::mutex mutex_;
  std::condition_variable news_;
  std::vector<TopologyAnnouncement> said_;  // not told yet: of a tenant the latest
  bool has_happened_ = false;
  bool is_closed_ = false;
  std::unordered_map<const LiveStream*, Watcher> watchers_;

  RegionLoop::Subscription subscription_;
  std::thread thread_;
};

}  // namespace mixnet
