// A thread that works off jobs in order, so that gRPC's threads and the loop's do not. How many may
// wait is bounded. Thread-safe.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

namespace mixnet {

class Desk {
 public:
  explicit Desk(std::size_t most_waiting);
  Desk(const Desk&) = delete;
  Desk& operator=(const Desk&) = delete;
  ~Desk();

  /// False: too many wait, or it is closed. The job is dropped then.
  bool put(std::function<void()> job);
  /// Those that wait are dropped; the one at work is waited for.
  void close();

 private:
  void run();

  const std::size_t most_waiting_;
  std::mutex mutex_;
  std::condition_variable news_;
  std::deque<std::function<void()>> jobs_;
  bool is_closed_ = false;
  std::thread thread_;
};

}  // namespace mixnet
