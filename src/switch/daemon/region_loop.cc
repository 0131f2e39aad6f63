#include "daemon/region_loop.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <exception>
#include <limits>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "daemon/loop_work.h"

namespace mixnet {
namespace {

constexpr std::chrono::seconds kHealthyWithin{2};
constexpr auto kNotTurning = std::numeric_limits<MonotonicTime::rep>::min();

}  // namespace

/// Work for the loop's thread, or what to do in its place when the daemon stops.
struct Errand {
  std::function<void()> run;
  std::function<void()> refuse;
};

struct RegionLoop::Impl {
  Impl(const DaemonSettings& what, RegionStore& store, OpticalSwitch& switch_, Env& with)
      : settings(what), device(switch_), env(with), work(settings, store, hub, with) {}

  ~Impl() { end(); }

  // From any thread.

  /// False: it is refused.
  bool put(Errand&& errand, bool from_device) {
    {
      const std::lock_guard lock(mutex);
      if (!from_device && (is_stopping || queue.size() >= kMostWaiting)) return false;
      (from_device ? device_queue : queue).push_back(std::move(errand));
    }
    news.notify_one();
    return true;
  }

  /// Runs `look` on the loop's thread and waits for it. What it throws, the caller gets.
  bool run_there(const std::function<void()>& look) {
    if (std::this_thread::get_id() == runs_on) {  // a listener: to wait would be for ever
      look();
      return true;
    }
    struct Answer {
      std::mutex mutex;
      std::condition_variable news;
      std::optional<bool> was_run;
      std::exception_ptr failure;
    };
    const auto answer = std::make_shared<Answer>();
    const auto tell = [answer](bool was_run, std::exception_ptr failure = nullptr) {
      {
        const std::lock_guard lock(answer->mutex);
        answer->was_run = was_run;
        answer->failure = std::move(failure);
      }
      answer->news.notify_one();
    };
    // `look` lives until the answer is there.
    const auto run = [&look, tell] {
      try {
        look();
        tell(true);
      } catch (...) {
        tell(false, std::current_exception());
      }
    };
    if (!put({run, [tell] { tell(false); }}, false)) return false;
    std::unique_lock lock(answer->mutex);
    answer->news.wait(lock, [&] { return answer->was_run.has_value(); });
    if (answer->failure) std::rethrow_exception(answer->failure);
    return *answer->was_run;
  }

  void stop() {
    {
      const std::lock_guard lock(mutex);
      is_stopping = true;
    }
    news.notify_one();
  }

  // On the loop's thread.

  void run() {
    runs_on = std::this_thread::get_id();
    try {
      DeviceWorker worker(device, sink(), env);
      work.set_worker(&worker);
      work.start();
      while (step()) {
      }
      work.milestone(Milestone::kStopping);
      refuse_all();
      work.set_worker(nullptr);
      worker.stop();
      drain();
      work.finish();
      work.milestone(Milestone::kStopped);
    } catch (...) {
      work.set_worker(nullptr);
      end();
      throw;
    }
    end();
  }

  /// False: it is to stop.
  bool step() {
    last_turn = env.monotonic_now().time_since_epoch().count();
    const MonotonicTime next = work.run_timers();
    std::optional<Errand> errand;
    {
      std::unique_lock lock(mutex);
      const auto wait = next - env.monotonic_now();
      news.wait_for(lock, std::max(wait, MonotonicTime::duration::zero()),
                    [this] { return is_stopping || !device_queue.empty() || !queue.empty(); });
      if (is_stopping) return false;
      std::deque<Errand>& from = device_queue.empty() ? queue : device_queue;
      if (from.empty()) return true;
      errand = std::move(from.front());
      from.pop_front();
    }
    try {
      errand->run();
    } catch (...) {
      if (errand->refuse) errand->refuse();
      throw;
    }
    return true;
  }

  /// What the switch had begun is taken, with its NICs.
  void drain() {
    while (true) {
      std::deque<Errand> left;
      {
        const std::lock_guard lock(mutex);
        left.swap(device_queue);
      }
      for (const Errand& errand : left) errand.run();
      const MonotonicTime next = work.run_timers();
      if (!work.is_waiting()) return;
      env.sleep_until(next);
    }
  }

  void refuse_all() {
    std::deque<Errand> left;
    {
      const std::lock_guard lock(mutex);
      is_stopping = true;
      left.swap(queue);
    }
    for (const Errand& errand : left) {
      if (errand.refuse) errand.refuse();
    }
  }

  void end() {
    is_ready = false;
    last_turn = kNotTurning;
    runs_on = std::thread::id();
    refuse_all();
  }

  DeviceWorker::Sink sink() {
    const auto put_device = [this](std::function<void()> run) {
      put({std::move(run), nullptr}, true);
    };
    return {.result =
                [this, put_device](DeviceResult&& result) {
                  put_device([this, result = std::move(result)]() mutable {
                    work.take(std::move(result));
                    is_ready = work.was_read() && reaches;
                  });
                },
            .spoke =
                [this, put_device](std::vector<SwitchEvent>&& events) {
                  put_device([this, events = std::move(events)]() mutable {
                    work.spoke(std::move(events));
                  });
                },
            .ports =
                [this, put_device](std::vector<PortReading>&& ports) {
                  put_device([this, ports = std::move(ports)] { hub.tell(PortsRead{ports}); });
                },
            .reach =
                [this, put_device](const std::string& why) {
                  put_device([this, why] {
                    reaches = why.empty();
                    is_ready = work.was_read() && reaches;
                    work.reached(why);
                  });
                }};
  }

  const DaemonSettings& settings;
  OpticalSwitch& device;
  Env& env;
  HappeningHub hub;
  LoopWork work;

  std::mutex mutex;
  std::condition_variable news;
  std::deque<Errand> queue;         ///< of others; at most kMostWaiting
  std::deque<Errand> device_queue;  ///< goes first, so that a flood of posts times nothing out
  bool is_stopping = false;
  std::atomic<std::thread::id> runs_on;  ///< none: it does not run

  bool reaches = true;
  std::atomic<bool> is_ready{false};
  std::atomic<MonotonicTime::rep> last_turn{kNotTurning};
};

RegionLoop::RegionLoop(const DaemonSettings& settings, RegionStore& store, OpticalSwitch& device,
                       Env& env)
    : impl_(std::make_unique<Impl>(settings, store, device, env)) {}
RegionLoop::~RegionLoop() = default;

void RegionLoop::run() { impl_->run(); }
void RegionLoop::stop() { impl_->stop(); }

void RegionLoop::post(Event event, std::string who, std::string what, Done done) {
  auto heard =
      std::make_shared<HeardEvent>(HeardEvent{std::move(event), impl_->env.monotonic_now(),
                                              std::move(who), std::move(what), std::move(done)});
  const auto refuse = [heard] {
    if (heard->done) heard->done({});
  };
  const auto run = [this, heard] { impl_->work.hear(std::move(*heard)); };
  if (!can_be_recorded(heard->event) || !impl_->put({run, refuse}, false)) refuse();
}

void RegionLoop::audit(std::string who, std::string what, bool refused) {
  const auto run = [this, who = std::move(who), what = std::move(what), refused] {
    impl_->work.audit(who, what, refused);
  };
  impl_->put({run, nullptr}, false);
}

bool RegionLoop::report_activation(int port, Duration took) {
  if (!NicActivation::makes_sense(impl_->settings, port, took)) return false;
  return impl_->put({[this, port, took] { impl_->work.report_activation(port, took); }, nullptr},
                    false);
}

bool RegionLoop::inspect(const std::function<void(const RegionState& state)>& look) {
  return impl_->run_there([&] { look(impl_->work.state()); });
}

std::vector<AuditEntry> RegionLoop::audit_trail(int most) {
  std::vector<AuditEntry> trail;
  impl_->run_there([&] { trail = impl_->work.audit_trail(most); });
  return trail;
}

std::vector<std::pair<Instant, Alarm>> RegionLoop::alarms(int most) const {
  return impl_->work.alarms(most);
}

RegionLoop::Subscription RegionLoop::listen(HappeningListener listener) {
  return impl_->hub.listen(std::move(listener));
}

const DaemonSettings& RegionLoop::settings() const { return impl_->settings; }
bool RegionLoop::is_ready() const { return impl_->is_ready; }

bool RegionLoop::is_healthy() const {
  const MonotonicTime::rep turned = impl_->last_turn;
  if (turned == kNotTurning) return false;
  const MonotonicTime last{MonotonicTime::duration(turned)};
  return impl_->env.monotonic_now() - last < kHealthyWithin;
}

std::int64_t RegionLoop::run_id() const { return impl_->work.run_id(); }

}  // namespace mixnet
