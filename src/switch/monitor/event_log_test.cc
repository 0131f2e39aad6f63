#include "event_log.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <latch>
#include <memory>
#include <mutex>
#include <string>

#include "base/fake_env.h"

namespace mixnet {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::SizeIs;
using namespace std::chrono_literals;

LogEntry entry(std::string_view code, int tenant = 0, Severity severity = Severity::kEvent) {
  return {.at = Instant::unix_seconds(1'700'000'000),
          .severity = severity,
          .kind = "alarm",
          .code = std::string(code),
          .tenant = tenant,
          .text = "what happened"};
}

TEST(EventLog, TimesAreUtcWithNanoseconds) {
  EXPECT_EQ(rfc3339(Instant::unix_seconds(0)), "1970-01-01T00:00:00.000000000Z");
  EXPECT_EQ(rfc3339(Instant::unix_seconds(1'782'950'399) + Duration::nanoseconds(42)),
            "2026-07-01T23:59:59.000000042Z");
  EXPECT_EQ(rfc3339({-1}), "1969-12-31T23:59:59.999999999Z");
  EXPECT_THAT(rfc3339(Instant::latest()), HasSubstr("2262-04-11T"));
}

TEST(EventLog, ALineIsOneJsonObject) {
  LogEntry one = entry("port-suspect", 3, Severity::kMajor);
  one.fields["ports"] = {1, 17};
  EXPECT_EQ(json_line(one),
            R"({"time":"2023-11-14T22:13:20.000000000Z","severity":"major","kind":"alarm",)"
            R"("code":"port-suspect","tenant":3,"text":"what happened","ports":[1,17]})"
            "\n");
}

TEST(EventLog, WhatTheSwitchSaysCannotForgeALine) {
  LogEntry one = entry("device");
  one.text = "\x1b[2J\xff\n{\"severity\":\"event\"}";
  EXPECT_THAT(json_line(one), HasSubstr(R"("text":"\u001b[2J)"
                                        "\xEF\xBF\xBD"
                                        R"(\n{\"severity\")"));
  const std::string line = terminal_line(one);
  EXPECT_EQ(line.find('\n'), line.size() - 1);
  EXPECT_THAT(line, Not(HasSubstr("\x1b")));
}

TEST(EventLog, WhatRepeatsIsCounted) {
  LogThrottle throttle;
  const MonotonicTime begin{1h};
  int written = 0;
  for (int i = 0; i < 10'000; ++i) {  // a port that flaps 1,000 times a second for 10 s
    const MonotonicTime now = begin + i * 1ms;
    written += throttle.take(entry("port-suspect", 3), now);
    EXPECT_THAT(throttle.summaries({}, now), SizeIs(0));
  }
  EXPECT_EQ(written, LogThrottle::kPerWindow);
  EXPECT_TRUE(throttle.take(entry("device-silent"), begin + 9s));  // others are not hidden
  const std::vector<LogEntry> said = throttle.summaries({}, begin + 10s);
  ASSERT_THAT(said, SizeIs(1));
  EXPECT_EQ(said[0].text, "9990 more of: alarm port-suspect, tenant 3");
  EXPECT_EQ(said[0].fields["left_out"], 9990);
  EXPECT_TRUE(throttle.take(entry("port-suspect", 3), begin + 10s));
}

TEST(EventLog, AllKeysTogetherAreBoundedAndMajorOnesHaveTheirOwn) {
  LogThrottle throttle;
  const MonotonicTime begin{1h};
  int written = 0;
  for (int second = 0; second < 60; ++second) {
    for (int i = 0; i < 1'000; ++i) {
      LogEntry one = entry("call", i);
      one.subject = second;
      written += throttle.take(one, begin + second * 1s);
    }
    throttle.summaries({}, begin + second * 1s);
  }
  EXPECT_LE(written, LogThrottle::kBurst + 60 * LogThrottle::kRefill);
  EXPECT_GT(written, LogThrottle::kBurst);
  EXPECT_TRUE(throttle.take(entry("servers-cut", 1, Severity::kCritical), begin + 60s));
}

TEST(EventLog, WritesJsonToAFileAndTextToATerminal) {
  FakeEnv env;
  {
    EventLog log(env);
    for (int i = 0; i < 25; ++i) log.write(entry("pin-refused"));
  }
  const std::string lines = env.take_printed(Env::Stream::kError);
  EXPECT_EQ(std::ranges::count(lines, '\n'), 11) << lines;
  EXPECT_THAT(lines, HasSubstr(R"("text":"15 more of: alarm pin-refused")"));

  env.put_terminal(Env::Stream::kError);
  { EventLog(env).write(entry("pin-refused", 0, Severity::kMinor)); }
  EXPECT_EQ(env.take_printed(Env::Stream::kError),
            "22:13:20.000 minor    alarm     what happened\n");
}

TEST(EventLog, AReaderThatDoesNotReadKeepsNobodyWaiting) {
  FakeEnv env;
  std::latch begun(1), freed(1);
  std::string lines;
  std::once_flag once;
  {
    EventLog log(env, [&](std::string_view text) {
      std::call_once(once, [&] { begun.count_down(); });
      freed.wait();
      lines += text;
    });
    log.write(entry("first"));
    begun.wait();
    for (std::size_t i = 0; i < EventLog::kMostWaiting + 5; ++i) log.write(entry("next"));
    EXPECT_EQ(log.dropped(), 5);
    freed.count_down();
  }
  EXPECT_THAT(lines, HasSubstr("5 lines were lost"));
}

TEST(EventLog, TheEndDoesNotWaitForAReaderThatNeverReads) {
  static FakeEnv env;  // the log's thread may outlive us
  auto freed = std::make_shared<std::latch>(1);
  std::latch left(1);
  {
    EventLog log(env, [freed, &left](std::string_view) {
      freed->wait();
      left.count_down();
    });
    log.write(entry("first"));
  }  // comes back
  freed->count_down();
  left.wait();
}

}  // namespace
}  // namespace mixnet
