#include "event_log.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <utility>

namespace mixnet {
namespace {

constexpr std::chrono::seconds kFarewell{2};
constexpr std::chrono::seconds kLook{1};  // for windows that are over

MonotonicTime::duration span(Duration time) { return std::chrono::nanoseconds(time.ns); }

std::string key_of(const LogEntry& entry) {
  return fmt::format("{}/{}/{}/{}", entry.kind, entry.code, entry.tenant, entry.subject);
}

std::string_view short_name(Severity severity) {
  return severity == Severity::kEvent ? "" : to_string(severity);
}

}  // namespace

std::string rfc3339(Instant at) {
  const std::chrono::sys_time<std::chrono::nanoseconds> time{std::chrono::nanoseconds(at.ns)};
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(time - day);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:09}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                     clock.hours().count(), clock.minutes().count(), clock.seconds().count(),
                     clock.subseconds().count());
}

std::string json_line(const LogEntry& entry) {
  nlohmann::ordered_json line = {{"time", rfc3339(entry.at)},
                                 {"severity", to_string(entry.severity)},
                                 {"kind", entry.kind},
                                 {"code", entry.code}};
  if (entry.tenant != 0) line["tenant"] = entry.tenant;
  line["text"] = entry.text;
  for (const auto& [name, value] : entry.fields.items()) line[name] = value;
  return line.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

std::string terminal_line(const LogEntry& entry) {
  const std::string time = rfc3339(entry.at);
  std::string line = fmt::format("{} {:8} {:9} {}", time.substr(11, 12), short_name(entry.severity),
                                 entry.kind, entry.text);
  std::ranges::replace_if(
      line, [](char c) { return static_cast<unsigned char>(c) < ' ' || c == '\x7f'; }, ' ');
  return line + "\n";
}

bool LogThrottle::take(const LogEntry& entry, MonotonicTime now) {
  if (!has_begun_) {
    has_begun_ = true;
    for (Bucket& bucket : buckets_) bucket.at = now;
  }
  std::string key = key_of(entry);
  const bool is_major = entry.severity >= Severity::kMajor;
  const bool is_other = !windows_.contains(key) && windows_.size() >= kMostKeys;
  if (is_other) key = is_major ? "others, major" : "others";
  Window& window = windows_[key];
  if (window.written == 0 && window.left_out == 0) {
    window.begin = now;
    window.what = is_other ? key : fmt::format("{} {}", entry.kind, entry.code);
    window.tenant = is_other ? 0 : entry.tenant;
  }
  window.severity = std::max(window.severity, entry.severity);
  Bucket& bucket = buckets_[is_major ? 1 : 0];
  const std::chrono::duration<double> passed = now - bucket.at;
  bucket.tokens = std::min(kBurst, bucket.tokens + passed.count() * kRefill);
  bucket.at = now;
  if (window.written >= kPerWindow || bucket.tokens < 1) {
    ++window.left_out;
    return false;
  }
  ++window.written;
  --bucket.tokens;
  return true;
}

LogEntry LogThrottle::summary(const Window& window, Instant at) {
  LogEntry entry{.at = at, .severity = window.severity, .kind = "log", .code = "left-out"};
  entry.tenant = window.tenant;
  entry.text = fmt::format("{} more of: {}{}", window.left_out, window.what,
                           window.tenant == 0 ? "" : fmt::format(", tenant {}", window.tenant));
  entry.fields["left_out"] = window.left_out;
  return entry;
}

std::vector<LogEntry> LogThrottle::summaries(Instant at, MonotonicTime now) {
  std::vector<LogEntry> entries;
  for (auto next = windows_.begin(); next != windows_.end();) {
    const auto here = next++;
    if (now - here->second.begin < span(kWindow)) continue;
    if (here->second.left_out > 0) entries.push_back(summary(here->second, at));
    windows_.erase(here);
  }
  return entries;
}

std::vector<LogEntry> LogThrottle::last_words(Instant at) {
  std::vector<LogEntry> entries;
  for (const auto& [key, window] : windows_) {
    if (window.left_out > 0) entries.push_back(summary(window, at));
  }
  windows_.clear();
  return entries;
}

struct EventLog::Shared {
  Shared(Env& env_given, Sink sink_given)
      : env(env_given),
        for_people(env.is_terminal(Env::Stream::kError)),
        sink(std::move(sink_given)) {}

  void run();
  void print(const std::vector<LogEntry>& entries);

  Env& env;
  const bool for_people;
  const Sink sink;
  std::mutex mutex;
  std::condition_variable woken, ended;
  std::deque<LogEntry> waiting;
  std::uint64_t dropped = 0, told_dropped = 0;
  bool stops = false, has_ended = false;
  LogThrottle throttle;  // the thread's
};

void EventLog::Shared::print(const std::vector<LogEntry>& entries) {
  std::string text;
  for (const LogEntry& entry : entries) {
    text += for_people ? terminal_line(entry) : json_line(entry);
  }
  if (text.empty()) return;
  if (sink) {
    sink(text);
  } else {
    // Nobody is left to be told that standard error fails.
    static_cast<void>(env.print(Env::Stream::kError, text));
  }
}

void EventLog::Shared::run() {
  std::unique_lock lock(mutex);
  for (bool is_last = false; !is_last;) {
    woken.wait_for(lock, kLook, [&] { return stops || !waiting.empty(); });
    is_last = stops;
    const std::deque<LogEntry> batch = std::exchange(waiting, {});
    const std::uint64_t lost = dropped - std::exchange(told_dropped, dropped);
    lock.unlock();
    const MonotonicTime now = env.monotonic_now();
    const Instant at{env.wall_now().time_since_epoch().count()};
    std::vector<LogEntry> entries = throttle.summaries(at, now);
    for (const LogEntry& entry : batch) {
      if (throttle.take(entry, now)) entries.push_back(entry);
    }
    if (lost > 0) {
      entries.push_back({.at = at, .severity = Severity::kMinor, .kind = "log", .code = "dropped"});
      entries.back().text = fmt::format("{} lines were lost: they came too fast", lost);
      entries.back().fields["dropped"] = lost;
    }
    if (is_last) {
      for (LogEntry& entry : throttle.last_words(at)) entries.push_back(std::move(entry));
    }
    print(entries);
    lock.lock();
  }
  has_ended = true;
  ended.notify_all();
}

EventLog::EventLog(Env& env, Sink sink) : shared_(std::make_shared<Shared>(env, std::move(sink))) {
  std::thread([shared = shared_] { shared->run(); }).detach();
}

EventLog::~EventLog() {
  std::unique_lock lock(shared_->mutex);
  shared_->stops = true;
  shared_->woken.notify_all();
  shared_->ended.wait_for(lock, kFarewell, [&] { return shared_->has_ended; });
}

void EventLog::write(LogEntry entry) {
  {
    const std::lock_guard lock(shared_->mutex);
    if (shared_->waiting.size() >= kMostWaiting) {
      ++shared_->dropped;
      return;
    }
    shared_->waiting.push_back(std::move(entry));
  }
  shared_->woken.notify_one();
}

std::uint64_t EventLog::dropped() const {
  const std::lock_guard lock(shared_->mutex);
  return shared_->dropped;
}

}  // namespace mixnet
