#include "daemon/device_worker.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "ocs/switch_error.h"

namespace mixnet {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kListenEvery{500};
constexpr milliseconds kLeastListen{2};
constexpr milliseconds kMostListen{100};
/// To connect again, of a switch that did not answer.
constexpr milliseconds kReconnectWithin{500};
constexpr std::chrono::seconds kPortsEvery{10};
constexpr std::chrono::minutes kPortsSeldom{10};
constexpr int kPortsShare = 100;  // at most 1 % of the time
constexpr milliseconds kPortsWithin{1'000};

}  // namespace

struct DeviceWorker::Impl {
  Impl(OpticalSwitch& device, Sink sink, Env& env)
      : device_(device), sink_(std::move(sink)), env_(env), thread_([this] { work(); }) {}

  void push(std::vector<DeviceWork> works) {
    {
      const std::lock_guard lock(mutex_);
      if (!stopping_) {
        std::ranges::move(works, std::back_inserter(queue_));
        works.clear();
      }
    }
    news_.notify_one();
    for (DeviceWork& work : works) skip(std::move(work), "the daemon stops");
  }

  void stop() {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    news_.notify_one();
    if (thread_.joinable()) thread_.join();
  }

  void work() {
    next_listen_ = next_ports_ = env_.monotonic_now() + kListenEvery;
    while (true) {
      std::vector<DeviceWork> works = take();
      if (is_stopping()) {
        for (DeviceWork& one : works) skip(std::move(one), "the daemon stops");
        return;
      }
      if (works.empty()) {
        listen(false);
        continue;
      }
      if (works.front().is_read) {
        read(std::move(works));
      } else {
        change(std::move(works.front()));
      }
      if (env_.monotonic_now() >= next_listen_) listen(true);
    }
  }

  /// The next command, or all reads up to the next command; none: it is time to listen. All that
  /// there is, where it is to stop.
  std::vector<DeviceWork> take() {
    std::unique_lock lock(mutex_);
    const auto wait = next_listen_ - env_.monotonic_now();
    news_.wait_for(lock, std::max(wait, MonotonicTime::duration::zero()),
                   [this] { return stopping_ || !queue_.empty(); });
    std::vector<DeviceWork> works;
    while (!queue_.empty()) {
      const bool joins = works.empty() || (works.back().is_read && queue_.front().is_read);
      if (!joins && !stopping_) break;
      works.push_back(std::move(queue_.front()));
      queue_.pop_front();
    }
    return works;
  }

  bool is_stopping() {
    const std::lock_guard lock(mutex_);
    return stopping_;
  }

  void skip(DeviceWork work, std::string why) {
    DeviceResult result{.work = std::move(work)};
    result.end = DeviceEnd::kSkipped;
    result.error = std::move(why);
    result.begun = result.sent = result.done = env_.monotonic_now();
    result.is_late = result.done >= result.work.dead_line;
    sink_.result(std::move(result));
  }

  /// Calls the switch; why it failed, or nothing.
  template <typename Call>
  std::optional<std::string> ask(const Call& call) {
    try {
      call();
      reached("");
      return std::nullopt;
    } catch (const SwitchError& error) {
      const bool answers =
          error.fault() == SwitchFault::kDenied || error.fault() == SwitchFault::kMisuse;
      reached(answers ? "" : error.what());
      return error.what();
    } catch (const Error& error) {
      reached(error.what());
      return error.what();
    }
  }

  void reached(const std::string& why) {
    const bool reaches = why.empty();
    if (reaches_ && *reaches_ == reaches) return;
    reaches_ = reaches;
    sink_.reach(why);
  }

  void finish(DeviceResult&& result, const std::optional<std::string>& error) {
    result.done = env_.monotonic_now();
    result.is_late = result.done >= result.work.dead_line;
    if (error) {
      result.end = DeviceEnd::kFailed;
      result.error = *error;
    }
    sink_.result(std::move(result));
  }

  void change(DeviceWork work) {
    const MonotonicTime begun = env_.monotonic_now();
    if (begun >= work.dead_line) return skip(std::move(work), "it came too late to be sent");
    DeviceResult result{.work = std::move(work)};
    result.begun = result.sent = begun;
    const auto error =
        ask([&] { result.report = device_.apply(result.work.change, result.work.dead_line); });
    if (result.report.sent > begun) result.sent = result.report.sent;
    finish(std::move(result), error);
  }

  void read(std::vector<DeviceWork> works) {
    const MonotonicTime begun = env_.monotonic_now();
    std::vector<DeviceWork> live;
    MonotonicTime dead_line = begun;
    for (DeviceWork& work : works) {
      if (begun >= work.dead_line) {
        skip(std::move(work), "it came too late to be sent");
        continue;
      }
      dead_line = std::max(dead_line, work.dead_line);
      live.push_back(std::move(work));
    }
    if (live.empty()) return;
    CrossConnects found;
    const auto error = ask([&] { found = device_.cross_connects(dead_line); });
    if (!error) answers_in_ = env_.monotonic_now() - begun;
    for (DeviceWork& work : live) {
      DeviceResult result{.work = std::move(work)};
      result.begun = result.sent = begun;
      result.read = found;
      finish(std::move(result), error);
    }
  }

  /// Takes what the switch has said; `is_busy`: without waiting for more.
  void listen(bool is_busy) {
    const MonotonicTime now = env_.monotonic_now();
    next_listen_ = now + kListenEvery;
    const bool reaches = reaches_.value_or(false);
    if (is_busy && !reaches) return;
    const auto patience =
        std::clamp<MonotonicTime::duration>(4 * answers_in_, kLeastListen, kMostListen);
    std::vector<SwitchEvent> events;
    const auto hear = [&] {
      events = device_.events(is_busy ? now : now + (reaches ? patience : kReconnectWithin));
    };
    if (!is_busy) {
      ask(hear);
    } else {
      try {
        hear();
      } catch (const Error&) {  // the next command will tell
      }
    }
    if (!events.empty()) sink_.spoke(std::move(events));
    if (is_busy || !reaches_.value_or(false) || now < next_ports_) return;
    read_ports();
  }

  /// A command that comes meanwhile waits, so a slow switch is asked seldom. That it does not
  /// answer in time does not mean that it is lost: the next listening tells that.
  void read_ports() {
    const MonotonicTime begun = env_.monotonic_now();
    bool is_read = false;
    try {
      std::vector<PortReading> ports = device_.ports({}, begun + kPortsWithin);
      is_read = true;
      sink_.ports(std::move(ports));
    } catch (const Error&) {
    }
    const MonotonicTime now = env_.monotonic_now();
    ports_every_ = is_read ? kPortsShare * (now - begun) : 2 * ports_every_;
    ports_every_ = std::clamp<MonotonicTime::duration>(ports_every_, kPortsEvery, kPortsSeldom);
    next_ports_ = now + ports_every_;
  }

  OpticalSwitch& device_;
  const Sink sink_;
  Env& env_;
  MonotonicTime next_listen_, next_ports_;
  MonotonicTime::duration answers_in_{};
  MonotonicTime::duration ports_every_{};
  std::optional<bool> reaches_;

  std::mutex mutex_;
  std::condition_variable news_;
  std::deque<DeviceWork> queue_;
  bool stopping_ = false;
  std::thread thread_;  // the last: it uses all others
};

DeviceWorker::DeviceWorker(OpticalSwitch& device, Sink sink, Env& env)
    : impl_(std::make_unique<Impl>(device, std::move(sink), env)) {}
DeviceWorker::~DeviceWorker() { impl_->stop(); }
void DeviceWorker::push(std::vector<DeviceWork> works) { impl_->push(std::move(works)); }
void DeviceWorker::stop() { impl_->stop(); }

}  // namespace mixnet
