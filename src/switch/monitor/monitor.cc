#include "monitor.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <variant>
#include <vector>

#include "alarm_advice.h"
#include "base/error.h"
#include "certificates/certificate.h"
#include "event_log.h"
#include "happening_log.h"
#include "live_feed.h"
#include "page_server.h"
#include "page_state.h"
#include "region_metrics.h"

namespace mixnet {
namespace {

constexpr std::size_t kMostAlarms = 100;
constexpr std::chrono::milliseconds kLeastBetween{100};  // of two documents
constexpr std::chrono::seconds kLook{1};                 // at the daemon's health
constexpr std::chrono::hours kCertificateLook{1}, kDay{24};
constexpr std::chrono::seconds kBetweenRefusals{1};

}  // namespace

struct Monitor::Impl {
  Impl(RegionLoop& loop_given, Env& env_given);
  ~Impl();

  void hear(const Happening& happening);
  void remember(const Happening& happening);
  void publish_on();
  void publish();
  void look_at_certificate();
  void take_note();
  void refuse(const std::string& who, const std::string& why);
  PageHealth health() const;

  RegionLoop& loop;
  Env& env;
  EventLog log;
  RegionMetrics metrics;
  LiveFeed feed;
  std::vector<LogEntry> entries;  // the loop's thread's, kept for its memory

  mutable std::mutex mutex;
  std::condition_variable changed;
  bool is_dirty = false, stops = false, has_begun = false, has_stopped = false;
  std::uint64_t record = 0;
  std::deque<ShownAlarm> alarms;
  std::map<int, PortReading> power;
  MonotonicTime refused_at{};
  std::optional<Instant> certificate_ends;
  bool has_seen = false, has_warned = false;
  MonotonicTime certificate_seen, warned_at;

  std::unique_ptr<PageServer> server;
  RegionLoop::Subscription subscription;
  std::thread publisher;
};

Monitor::Impl::Impl(RegionLoop& loop_given, Env& env_given)
    : loop(loop_given), env(env_given), log(env), metrics(loop.settings(), MIXNET_VERSION, env) {
  if (!loop.settings().page.empty()) {
    server = std::make_unique<PageServer>(
        loop.settings(),
        PageServer::Sources{
            .feed = &feed,
            .health = [this] { return health(); },
            .metrics =
                [this] {
                  take_note();
                  return metrics.text();
                },
            .refused = [this](const auto& who, const auto& why) { refuse(who, why); }},
        env);
  }
  subscription = loop.listen([this](const Happening& happening) { hear(happening); });
  publisher = std::thread([this] { publish_on(); });
}

Monitor::Impl::~Impl() {
  subscription.reset();
  feed.end();
  {
    const std::lock_guard lock(mutex);
    stops = true;
  }
  changed.notify_all();
  publisher.join();
  server.reset();
}

void Monitor::Impl::hear(const Happening& happening) {
  metrics.hear(happening);
  entries.clear();
  log_of(happening, loop.settings(), Instant{env.wall_now().time_since_epoch().count()}, entries);
  for (LogEntry& entry : entries) log.write(std::move(entry));
  {
    const std::lock_guard lock(mutex);
    remember(happening);
    has_begun = is_dirty = true;
  }
  changed.notify_one();
}

void Monitor::Impl::remember(const Happening& happening) {
  const DaemonSettings& settings = loop.settings();
  if (const auto* event = std::get_if<EventHandled>(&happening)) {
    record = event->record;
    for (const Decision& decision : event->decisions) {
      const auto* alarm = std::get_if<Alarm>(&decision);
      if (alarm != nullptr) alarms.push_back(shown_alarm(event->now, *alarm, settings));
    }
  } else if (const auto* spoke = std::get_if<SwitchSpoke>(&happening)) {
    alarms.push_back(shown_alarm(*spoke, settings));
  } else if (const auto* read = std::get_if<PortsRead>(&happening)) {
    for (const PortReading& port : read->ports) power[port.port] = port;
  } else if (const auto* reached = std::get_if<MilestoneReached>(&happening)) {
    has_stopped =
        reached->milestone == Milestone::kStopping || reached->milestone == Milestone::kStopped;
  }
  while (alarms.size() > kMostAlarms) alarms.pop_front();
}

PageHealth Monitor::Impl::health() const {
  PageHealth health;
  {
    const std::lock_guard lock(mutex);
    if (has_stopped) {
      health.why_not_ready = "the daemon stops";
      return health;
    }
  }
  if (!loop.is_healthy()) health.why_not_healthy = "the controller's loop does not turn";
  if (!loop.is_ready()) health.why_not_ready = "the switch was not read yet, or does not answer";
  if (!health.why_not_healthy.empty()) health.why_not_ready = health.why_not_healthy;
  return health;
}

void Monitor::Impl::refuse(const std::string& who, const std::string& why) {
  {
    const std::lock_guard lock(mutex);
    const MonotonicTime now = env.monotonic_now();
    if (now - refused_at < kBetweenRefusals) return;
    refused_at = now;
  }
  loop.audit(who, "page: " + why, true);
}

// Reads the certificate's end once an hour, and warns once a day when that is near.
void Monitor::Impl::look_at_certificate() {
  const TlsFiles& files = loop.settings().tls;
  const MonotonicTime at = env.monotonic_now();
  if (!files.given() || (has_seen && at - certificate_seen < kCertificateLook)) return;
  has_seen = true;
  certificate_seen = at;
  const Instant now{env.wall_now().time_since_epoch().count()};
  std::optional<ShownAlarm> alarm;
  try {
    const CertificateFacts facts = read_certificate(files.cert, env);
    certificate_ends = facts.ends;
    alarm = certificate_alarm(facts, now);
  } catch (const Error&) {
    return;  // being replaced, perhaps: looked at again in an hour
  }
  if (has_warned && at - warned_at < kDay) return;
  if (!alarm) return;
  has_warned = true;
  warned_at = at;
  alarms.push_back(*alarm);
  is_dirty = true;
  log.write({.at = now,
             .severity = alarm->severity,
             .kind = "alarm",
             .code = alarm->code,
             .text = alarm->text});
}

void Monitor::Impl::take_note() {
  const PageHealth now = health();
  DaemonFacts facts{.ready = now.why_not_ready.empty(),
                    .healthy = now.why_not_healthy.empty(),
                    .live_pages = server ? server->live() : 0,
                    .refused_connections = server ? server->refused() : 0,
                    .dropped_log_lines = log.dropped()};
  const std::lock_guard lock(mutex);
  look_at_certificate();
  facts.certificate_ends = certificate_ends;
  metrics.note(facts);
}

void Monitor::Impl::publish() {
  RegionState state;
  // Copied on the loop's thread, a few us with 64 servers; written as JSON on ours.
  if (!loop.inspect([&state](const RegionState& now) { state = now; })) return;
  metrics.look(state);
  PageFacts facts{.version = MIXNET_VERSION,
                  .run = loop.run_id(),
                  .now = Instant{env.wall_now().time_since_epoch().count()}};
  const PageHealth now = health();
  facts.ready = now.why_not_ready.empty();
  facts.healthy = now.why_not_healthy.empty();
  facts.why_not_ready = now.why_not_ready;
  facts.times = metrics.recent();
  facts.totals = metrics.totals();
  {
    const std::lock_guard lock(mutex);
    facts.record = record;
    facts.alarms.assign(alarms.begin(), alarms.end());
    for (const auto& [position, reading] : power) facts.power.push_back(reading);
  }
  feed.publish(page_state(state, loop.settings(), facts));
}

void Monitor::Impl::publish_on() {
  std::unique_lock lock(mutex);
  while (!stops) {
    // Before the loop runs, nobody would answer.
    changed.wait_for(lock, kLook, [this] { return stops || (has_begun && is_dirty); });
    if (stops) return;
    const bool is_due = has_begun && std::exchange(is_dirty, false);
    lock.unlock();
    if (is_due) publish();
    take_note();
    lock.lock();
    if (is_due) changed.wait_for(lock, kLeastBetween, [this] { return stops; });
  }
}

Monitor::Monitor(RegionLoop& loop, Env& env) : impl_(std::make_unique<Impl>(loop, env)) {}
Monitor::~Monitor() = default;

int Monitor::port() const { return impl_->server ? impl_->server->port() : 0; }
std::string Monitor::metrics() const {
  impl_->take_note();
  return impl_->metrics.text();
}

}  // namespace mixnet
