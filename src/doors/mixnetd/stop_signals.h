// SIGTERM and SIGINT as a call: the first asks to stop, the second ends the process at once, with
// status 1.
#pragma once

#include <atomic>
#include <functional>
#include <thread>

namespace mixnet::daemon {

/// Until somebody waits for them. To be called before any other thread is made, for threads inherit
/// what is blocked. A pipe that nobody reads any more is an error of the write from here on.
void block_stop_signals();

class StopSignals {
 public:
  /// `stop` is called on a thread of ours, once at most, at once where a signal came before. What
  /// it calls outlives this.
  explicit StopSignals(std::function<void()> stop);
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;
  ~StopSignals();

 private:
  void wait();

  const std::function<void()> stop_;
  std::atomic<bool> ends_{false};
  std::thread thread_;  // the last: it uses the others
};

}  // namespace mixnet::daemon
