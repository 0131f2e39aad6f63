// The daemon's log: one line on standard error for each thing that happens.
//
// A terminal gets lines for people, anything else one JSON object a line:
//
//   {"time":"2026-11-28T07:12:13.000000042Z","severity":"major","kind":"alarm","code":"port-suspect",
//    "tenant":3,"text":"gpu-1:eth2 (position 8) does not obey; it rests", "port":7, ...}
//
// A port that flaps a thousand times a second must not fill a disk: of one key (kind, code, tenant,
// subject) kPerWindow lines are written in each window, and how many more there were is said when
// it ends; all keys together have a bucket, those of severity major and critical one of their own.
// So the worst is kBurst lines and kRefill a second after that, of each of the two buckets.
//
// write() never blocks: lines are made and written by a thread of the log's own, from a queue that
// is bounded and counts what it dropped. No secret gets in: what is logged are names, numbers and
// what the switch said.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "base/env.h"
#include "base/instant.h"
#include "base/names.h"
#include "region/region_messages.h"

namespace mixnet {

template <>
struct Names<Severity> {
  static constexpr std::string_view kWhat = "severity";
  static constexpr NamedValue<Severity> kTable[] = {{"event", Severity::kEvent},
                                                    {"minor", Severity::kMinor},
                                                    {"major", Severity::kMajor},
                                                    {"critical", Severity::kCritical}};
};

struct LogEntry {
  Instant at;
  Severity severity = Severity::kEvent;
  std::string kind = {};  ///< "alarm", "command", "answer", ...: docs/monitoring.md has them all
  std::string code = {};
  int tenant = 0;
  std::string text = {};     ///< for people
  std::int64_t subject = 0;  ///< what tells its repeats apart, besides the above; not written
  /// Members after those above.
  nlohmann::ordered_json fields = nlohmann::ordered_json::object();
};

/// "2026-11-28T07:12:13.000000042Z". Pure.
std::string rfc3339(Instant at);
/// With its line end. What is not UTF-8 becomes U+FFFD. Pure.
std::string json_line(const LogEntry& entry);
/// For people, with its line end; control characters become spaces. Pure.
std::string terminal_line(const LogEntry& entry);

/// Decides which lines are too many. A value; not thread-safe.
class LogThrottle {
 public:
  static constexpr int kPerWindow = 10;
  static constexpr Duration kWindow = Duration::seconds(10);
  static constexpr std::size_t kMostKeys = 512;  ///< further ones share two, by severity
  static constexpr double kBurst = 1'000, kRefill = 20;

  /// Whether the entry is to be written.
  bool take(const LogEntry& entry, MonotonicTime now);
  /// Entries that say what was left out in windows that are over, and forgets those.
  std::vector<LogEntry> summaries(Instant at, MonotonicTime now);
  /// The same of all windows: at the end.
  std::vector<LogEntry> last_words(Instant at);

 private:
  struct Window {
    MonotonicTime begin;
    int written = 0;
    std::uint64_t left_out = 0;
    Severity severity = Severity::kEvent;
    std::string what;
    int tenant = 0;
  };
  struct Bucket {
    double tokens = kBurst;
    MonotonicTime at;
  };
  static LogEntry summary(const Window& window, Instant at);

  std::map<std::string, Window> windows_;
  Bucket buckets_[2];
  bool has_begun_ = false;
};

class EventLog {
 public:
  static constexpr std::size_t kMostWaiting = 4'096;

  using Sink = std::function<void(std::string_view lines)>;

  /// Lines for people where standard error is a terminal. `sink`: in its place; may block.
  explicit EventLog(Env& env = system_env(), Sink sink = nullptr);
  EventLog(const EventLog&) = delete;
  EventLog& operator=(const EventLog&) = delete;
  /// Writes what waits; from a reader that does not read it takes leave after two seconds.
  ~EventLog();

  void write(LogEntry entry);
  /// By a full queue. What repeats is not in it.
  std::uint64_t dropped() const;

 private:
  struct Shared;
  std::shared_ptr<Shared> shared_;  // the thread's as well, which may outlive us
};

}  // namespace mixnet
