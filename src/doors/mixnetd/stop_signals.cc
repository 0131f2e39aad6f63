#include "stop_signals.h"

#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <thread>
#include <utility>

namespace mixnet::daemon {

struct StopSignals::Watcher {
  explicit Watcher(std::function<void()> call)
      : stop(std::move(call)), thread([this] { wait(); }) {}
  ~Watcher() {
    ends = true;
    ::pthread_kill(thread.native_handle(), SIGTERM);  // which it waits for
    thread.join();
  }

  void wait() {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    bool was_asked = false;
    while (true) {
      int signal = 0;
      if (::sigwait(&set, &signal) != 0) continue;
      if (ends) return;
      if (was_asked) ::_exit(1);
      was_asked = true;
      stop();
    }
  }

  std::function<void()> stop;
  std::atomic<bool> ends{false};
  std::thread thread;
};

StopSignals::StopSignals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
  // Who reads what we say may end before us: that must not end the controller.
  ::signal(SIGPIPE, SIG_IGN);
}

StopSignals::~StopSignals() = default;

void StopSignals::on_first(std::function<void()> stop) {
  watcher_ = std::make_unique<Watcher>(std::move(stop));
}

}  // namespace mixnet::daemon
