#include "stop_signals.h"

#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <utility>

namespace mixnet::daemon {
namespace {

sigset_t both() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  return set;
}

}  // namespace

void block_stop_signals() {
  const sigset_t set = both();
  ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
  // Who reads what we say may end before us: that must not end the controller.
  ::signal(SIGPIPE, SIG_IGN);
}

StopSignals::StopSignals(std::function<void()> stop)
    : stop_(std::move(stop)), thread_([this] { wait(); }) {}

StopSignals::~StopSignals() {
  ends_ = true;
  ::pthread_kill(thread_.native_handle(), SIGTERM);  // which it waits for
  thread_.join();
}

void StopSignals::wait() {
  const sigset_t set = both();
  bool was_asked = false;
  while (true) {
    int signal = 0;
    if (::sigwait(&set, &signal) != 0) continue;
    if (ends_) return;
    if (was_asked) ::_exit(1);
    was_asked = true;
    stop_();
  }
}

}  // namespace mixnet::daemon
