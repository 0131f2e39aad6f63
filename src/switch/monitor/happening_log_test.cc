#include "happening_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <vector>

#include "alarm_advice.h"
#include "daemon/region_words.h"
#include "test_page_region.h"

namespace mixnet {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;
using namespace std::chrono_literals;

const MonotonicTime kBegin{1h};

class HappeningLog : public testing::Test {
 protected:
  std::vector<LogEntry> log(const Happening& happening) {
    std::vector<LogEntry> entries;
    log_of(happening, settings_, Instant::unix_seconds(9), entries);
    return entries;
  }
  std::vector<LogEntry> log(const Event& event, const std::vector<Decision>& decisions = {}) {
    return log(Happening(test_event(event, decisions, state_, kBegin)));
  }

  DaemonSettings settings_ = test_settings(4);
  RegionState state_ = test_region(4);
};

TEST_F(HappeningLog, TrafficAloneSaysNothing) {
  EXPECT_THAT(log(Event(Tick{})), IsEmpty());
  EXPECT_THAT(log(Event(PhaseMark{3, 1, true})), IsEmpty());
  EXPECT_THAT(log(Event(DemandReport{})), IsEmpty());
  EXPECT_THAT(log(Happening(PortsRead{})), IsEmpty());
}

TEST_F(HappeningLog, ACommandIsToldByPositionsWithItsStages) {
  DeviceCommand command = test_command(7, 3);
  command.disconnect = {{2, 0}};
  command.connect = {{1, 3}};
  std::vector<LogEntry> entries = log(Event(Tick{}), {command});
  ASSERT_THAT(entries, SizeIs(1));
  EXPECT_EQ(entries[0].code, "sent");
  EXPECT_EQ(entries[0].text, "disconnect 1-3; connect 2-4");
  EXPECT_EQ(entries[0].fields["connect"].dump(), "[[2,4]]");
  EXPECT_EQ(entries[0].fields["decide_seconds"], 100e-6);
  settings_.observes = true;
  entries = log(Event(Tick{}), {command});
  EXPECT_EQ(entries[0].code, "would-send");
  EXPECT_EQ(entries[0].text, "would disconnect 1-3; connect 2-4");
}

TEST_F(HappeningLog, WhatOperatorsDoIsTold) {
  EXPECT_EQ(log(Event(ServerDrain{1, true}))[0].text, "gpu-1 is drained");
  EXPECT_EQ(log(Event(ServerDrain{99, false}))[0].text, "server 99 is no longer drained");
  EXPECT_EQ(log(Event(CircuitPin{{0, 2}, true}))[0].text,
            "a pin of gpu-0:eth2 (position 1) to gpu-1:eth2 (position 3) is asked for");
  EXPECT_EQ(log(Event(SwitchHold{true}))[0].code, "hold");
  EXPECT_EQ(log(Event(TenantAdd{5, {2, 3}}))[0].tenant, 5);
  EXPECT_EQ(log(Event(TenantAdd{5, {2}}))[0].text, "tenant 5 asks for 1 server");
  EXPECT_EQ(log(Event(HealthReport{Part::kOpticalNic, 1, true, 0}))[0].severity, Severity::kMinor);
  const LogEntry audit = log(Happening(Audited{{}, "viewer \"x\"", "DrainServer", true}))[0];
  EXPECT_EQ(audit.code, "refused");
  EXPECT_EQ(audit.severity, Severity::kMinor);
}

TEST_F(HappeningLog, AnAnswerSaysWhatIsNotAsAsked) {
  DeviceDone done = test_done(7, 3);
  done.connect = {{1, 3}, {2, 4}};
  done.report.pairs = {
      {.circuit = {1, 3}, .connect = true, .outcome = PairOutcome::kDone, .reason = ""},
      {.circuit = {2, 4}, .connect = true, .outcome = PairOutcome::kDenied, .reason = "SROF"}};
  done.linked = done.begun + 20ms;
  LogEntry entry = log(Happening(done))[0];
  EXPECT_EQ(entry.code, "incomplete");
  EXPECT_EQ(entry.text, "connect 1-3, 2-4 in 20.0 ms; connect 2-4: denied SROF");
  EXPECT_EQ(entry.fields["not_as_asked"].dump(),
            R"([{"positions":[2,4],"outcome":"denied","reason":"SROF"}])");
  done.error = "tl1://10.0.0.5:3082: no answer";
  EXPECT_EQ(log(Happening(done))[0].code, "failed");
  done.error = "";
  done.is_read = true;
  EXPECT_THAT(log(Happening(done)), IsEmpty());
}

TEST_F(HappeningLog, AlarmsHaveTheirSubjectsSoThatPortsAreToldApart) {
  const std::vector<LogEntry> entries =
      log(Event(Tick{}), {Alarm{Severity::kMajor, AlarmCode::kPortSuspect, 3, 1},
                          Alarm{Severity::kMajor, AlarmCode::kPortSuspect, 3, 2}});
  ASSERT_THAT(entries, SizeIs(2));
  EXPECT_EQ(entries[0].text, "gpu-0:eth3 (position 2) does not obey and rests for a while");
  EXPECT_NE(entries[0].subject, entries[1].subject);
}

TEST_F(HappeningLog, NoPasswordIsInTheFirstLine) {
  const LogEntry entry =
      log(Happening(MilestoneReached{{}, Milestone::kStarted, "from record 0"}))[0];
  EXPECT_EQ(entry.fields["switch"], "tl1://10.0.0.5:3082");
  EXPECT_THAT(json_line(entry), Not(HasSubstr("hunter2")));
  EXPECT_EQ(log(Happening(MilestoneReached{{}, Milestone::kDeviceLost, ""}))[0].severity,
            Severity::kMajor);
}

TEST(AlarmAdvice, EveryAlarmHasTextAndAdvice) {
  const DaemonSettings settings = test_settings(2);
  for (int i = 0;; ++i) {
    const auto code = static_cast<AlarmCode>(i);
    if (to_string(code) == "unknown") {
      EXPECT_GE(i, 13);
      break;
    }
    for (const std::int64_t subject : {std::int64_t{-5}, std::int64_t{0}, std::int64_t{1} << 60}) {
      EXPECT_FALSE(alarm_text(Alarm{Severity::kMinor, code, 1, subject}, settings).empty());
    }
    EXPECT_FALSE(alarm_advice(code).empty()) << to_string(code);
  }
}

TEST(AlarmAdvice, ACertificateIsToldOfBeforeItEnds) {
  CertificateFacts facts;
  facts.subject = "pod-7";
  facts.begins = Instant::unix_seconds(0);
  facts.ends = facts.begins + Duration::days(365);
  EXPECT_FALSE(certificate_alarm(facts, facts.ends - Duration::days(31)).has_value());
  EXPECT_EQ(certificate_alarm(facts, facts.ends - Duration::days(12))->severity, Severity::kMajor);
  const auto late = certificate_alarm(facts, facts.ends + Duration::seconds(1));
  EXPECT_EQ(late->severity, Severity::kCritical);
  EXPECT_EQ(late->code, "certificate-expires");
}

}  // namespace
}  // namespace mixnet
