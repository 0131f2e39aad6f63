#include "service/happening_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "daemon/test_region.h"

namespace mixnet {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr Instant kNow = Instant::unix_seconds(1'795'766'400);

class HappeningTextTest : public ::testing::Test {
 protected:
  v1::Happening only(const Happening& happening) const {
    const std::vector<v1::Happening> told = to_wire(happening, settings_, kNow);
    EXPECT_THAT(told, SizeIs(1));
    return told.empty() ? v1::Happening() : told.front();
  }
  const DaemonSettings settings_ = test_settings(4, 2);
};

TEST_F(HappeningTextTest, OfAnEventItsAlarmsAndCommandsAreTold) {
  const Event event = Tick{};
  const std::vector<Decision> decisions = {
      Alarm{Severity::kMajor, AlarmCode::kPortSuspect, 1, 3},
      DeviceCommand{7, 1, {{0, 2}}, {{0, 4}}, Duration::seconds(1)}, ReadState{8, {}},
      TopologyAnnouncement{}};
  const RegionState state = RegionState::fresh(settings_.region);
  const std::vector<v1::Happening> told =
      to_wire(EventHandled{1, kNow, event, decisions, state, {}}, settings_, kNow);
  ASSERT_THAT(told, SizeIs(2));
  EXPECT_EQ(told[0].kind() + " " + told[0].code(), "alarm port-suspect");
  EXPECT_EQ(told[0].text(), "s1:o1 (position 4) does not obey and rests for a while");
  EXPECT_EQ(told[0].severity(), v1::SEVERITY_MAJOR);
  EXPECT_EQ(told[0].at_ns(), kNow.ns);
  EXPECT_EQ(told[1].kind() + " " + told[1].code(), "command move");
  EXPECT_EQ(told[1].text(), "command 7: disconnect 1-3; connect 1-5");
  EXPECT_EQ(told[1].tenant(), 1);
}

TEST_F(HappeningTextTest, AnswersSayHowItWent) {
  DeviceDone done;
  done.tenant = 2;
  EXPECT_EQ(only(done).kind() + " " + only(done).code(), "answer done");
  done.report.pairs = {{{1, 3}, true, PairOutcome::kDenied, "E1 no"}};
  EXPECT_EQ(only(done).code(), "incomplete");
  EXPECT_EQ(only(done).severity(), v1::SEVERITY_MINOR);
  done.error = "10.0.0.1: did not answer";
  done.is_read = true;
  EXPECT_EQ(only(done).kind() + " " + only(done).code(), "read failed");
  EXPECT_EQ(only(done).text(), "10.0.0.1: did not answer");
}

TEST_F(HappeningTextTest, TheSwitchsOwnWordsAreMadePrintableAndShort) {
  const v1::Happening told = only(SwitchSpoke{
      kNow, {AlarmLevel::kCritical, "REPT\n", 9, "hot\x1b[2J" + std::string(9'999, 'x')}});
  EXPECT_EQ(told.text().substr(0, 20), "position 9: hot?[2Jx");
  EXPECT_EQ(told.code(), "REPT?");
  EXPECT_EQ(told.text().size(), 1'024U);
  EXPECT_EQ(told.severity(), v1::SEVERITY_CRITICAL);
}

TEST_F(HappeningTextTest, WhoAskedForWhatAndMilestones) {
  const v1::Happening audited = only(Audited{kNow, "viewer \"x\" ::1", "Plan: refused", true});
  EXPECT_EQ(audited.kind() + " " + audited.code(), "audit refused");
  EXPECT_EQ(audited.who(), "viewer \"x\" ::1");
  EXPECT_EQ(only(MilestoneReached{kNow, Milestone::kDeviceLost, "gone"}).kind(), "switch");
  EXPECT_THAT(to_wire(PortsRead{}, settings_, kNow), IsEmpty());
}

TEST_F(HappeningTextTest, EveryAlarmHasASentence) {
  for (int number = 0; number < 64; ++number) {
    const auto code = static_cast<AlarmCode>(number);
    if (to_string(code) == "unknown") break;
    EXPECT_NE(alarm_message({Severity::kMinor, code, 1, 99}, kNow, settings_).text(), "an alarm")
        << to_string(code);
  }
}

}  // namespace
}  // namespace mixnet
