// The way of calls into the loop, so that no peer's calls wait behind all of another's.
//
// The loop takes events one after the other. Of each peer at most kAtOnce are in its queue; the
// rest waits here, in order. So an event waits for at most kAtOnce events of each other peer,
// however many a hostile one has sent. How many may wait here is bounded by PeerTable's calls at a
// time.
//
// Thread-safe. A job runs on the thread of submit(), or on that of the done() before it, without a
// lock held; it must lead to done() in the end, now or later.
#pragma once

#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <unordered_map>

namespace mixnet {

class FairQueue {
 public:
  static constexpr int kAtOnce = 2;
  using Job = std::function<void()>;

  void submit(const std::string& peer, Job job);
  /// One of this peer's jobs has come back: the next goes.
  void done(const std::string& peer);
  std::size_t waiting() const;

 private:
  struct Line {
    int under_way = 0;
    std::deque<Job> jobs;
  };
  mutable std::mutex mutex_;
  std::unordered_map<std::string, Line> lines_;  // of those with jobs under way
};

}  // namespace mixnet
