// SIGTERM and SIGINT as a call: the first asks to stop, the second ends the process at once, with
// status 1. To be made before any other thread is, for threads inherit what is blocked.
#pragma once

#include <atomic>
#include <functional>
#include <memory>

namespace mixnet::daemon {

class StopSignals {
 public:
  StopSignals();
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;
  ~StopSignals();

  /// `stop` is called on a thread of ours, once at most, at once where a signal came before.
  void on_first(std::function<void()> stop);

 private:
  struct Watcher;
  std::unique_ptr<Watcher> watcher_;
};

}  // namespace mixnet::daemon
