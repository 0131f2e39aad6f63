#include "watched_work.h"

#include <chrono>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "base/caller.h"

namespace mixnet {
namespace {

namespace py = pybind11;

constexpr std::chrono::milliseconds kPeriod{100};

/// The work on its thread.
class Worker {
 public:
  Worker(Caller& caller, const std::function<void()>& work)
      : thread_([this, &caller, &work] { run(caller, work); }) {}
  ~Worker() {
    const py::gil_scoped_release unlocked;
    thread_.join();
  }
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  /// Whether it has ended; waits for that, but not long.
  bool wait() {
    const py::gil_scoped_release unlocked;
    std::unique_lock lock(mutex_);
    return ended_.wait_for(lock, kPeriod, [this] { return is_over_; });
  }

  /// Of what has ended: throws what it threw.
  void check() const {
    if (error_) std::rethrow_exception(error_);
  }

 private:
  void run(Caller& caller, const std::function<void()>& work) {
    const CallerScope scope(&caller);
    std::exception_ptr error;
    try {
      work();
    } catch (const Stopped&) {  // its caller throws why
    } catch (...) {
      error = std::current_exception();
    }
    const std::lock_guard lock(mutex_);
    error_ = error;
    is_over_ = true;
    ended_.notify_one();
  }

  std::mutex mutex_;
  std::condition_variable ended_;
  bool is_over_ = false;
  std::exception_ptr error_;
  std::thread thread_;  // last: it uses the others
};

/// Tells of every step once.
class Teller {
 public:
  Teller(const Caller& caller, const py::object& tell) : caller_(caller), tell_(tell) {}

  void tell() {
    if (tell_.is_none()) return;
    std::optional<Caller::Step> step = caller_.step();
    if (!step || step == told_) return;
    tell_(step->what, step->done, step->total);
    told_ = std::move(step);
  }

 private:
  const Caller& caller_;
  const py::object& tell_;
  std::optional<Caller::Step> told_;
};

Caller::Hears hears(const Told& told) {
  if (!told.tell.is_none()) return Caller::Hears::kSteps;
  return told.draws ? Caller::Hears::kTerminal : Caller::Hears::kNothing;
}

}  // namespace

void run_watched(const Told& told, const std::function<void()>& work) {
  Caller caller(hears(told));
  Worker worker(caller, work);
  try {
    Teller teller(caller, told.tell);
    while (!worker.wait()) {
      if (PyErr_CheckSignals() != 0) throw py::error_already_set();
      teller.tell();
    }
    worker.check();
    teller.tell();
  } catch (...) {
    caller.stop();  // and ~Worker waits for it
    throw;
  }
}

}  // namespace mixnet
