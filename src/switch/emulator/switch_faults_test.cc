#include "emulator/switch_faults.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"

namespace mixnet {
namespace {

using testing::HasSubstr;

std::string error_of(std::string_view text) {
  try {
    parse_fault(text, "--fault", 16);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST(SwitchFaults, AreWrittenAsTheyAreRead) {
  const Fault fault = parse_fault("Deny@received port=3 after=2", "--fault", 16);
  EXPECT_EQ(fault.kind, FaultKind::kDeny);
  EXPECT_EQ(fault.stage, FaultStage::kReceived);
  EXPECT_EQ(fault.port, 3);
  EXPECT_EQ(fault.after, 2);
  for (const std::string_view text :
       {"deny@received port=3 after=2", "swapped@idle port=3 with=4", "drop@reading rate=0.01",
        "stuck@idle port=7 for=10000000ns", "reboot@moving"}) {
    EXPECT_EQ(to_string(parse_fault(text, "--fault", 16)), text);
  }
  EXPECT_EQ(parse_fault("reboot@idle for=1.5s", "--fault", 16).lasts, Duration::milliseconds(1500));
}

TEST(SwitchFaults, SayWhatIsWrongWithTheirText) {
  EXPECT_EQ(error_of("deny"),
            "--fault: fault 'deny' names no stage; KIND@STAGE, as in deny@received");
  EXPECT_THAT(error_of("dent@received"), HasSubstr("did you mean 'deny'?"));
  EXPECT_THAT(error_of("deny@moved"), HasSubstr("unknown stage 'moved'"));
  EXPECT_EQ(error_of("deny@answered"), "--fault: deny@answered cannot be; the answer is out");
  EXPECT_THAT(error_of("deny@received port=17"), HasSubstr("port"));
  EXPECT_THAT(error_of("deny@received port=0"), HasSubstr("port"));
  EXPECT_THAT(error_of("deny@received port"), HasSubstr("port"));
  EXPECT_THAT(error_of("deny@received prt=1"), HasSubstr("did you mean 'port'?"));
  EXPECT_THAT(error_of("deny@received for=10"), HasSubstr("10"));
  EXPECT_THAT(error_of("deny@received rate=2"), HasSubstr("over 0, up to 1"));
  EXPECT_THAT(error_of("deny@received rate=nan"), HasSubstr("over 0, up to 1"));
  EXPECT_THAT(error_of("deny@received with=2"), HasSubstr("swapped"));
  EXPECT_THAT(error_of("swapped@idle port=2 with=2"), HasSubstr("swapped"));
  EXPECT_NE(error_of(""), "");
}

TEST(SwitchFaults, StrikeOnceAtTheirStageAndPort) {
  SwitchFaults faults(1);
  faults.arm(parse_fault("deny@received port=3 after=1", "--fault", 16));
  const int other[] = {1, 2};
  const int named[] = {2, 3};
  EXPECT_FALSE(faults.strike(FaultStage::kSettled, named));
  EXPECT_FALSE(faults.strike(FaultStage::kReceived, other));
  EXPECT_FALSE(faults.strike(FaultStage::kReceived, named));  // let pass
  EXPECT_FALSE(faults.strike(FaultStage::kReceived, other));
  ASSERT_TRUE(faults.strike(FaultStage::kReceived, named));
  EXPECT_FALSE(faults.strike(FaultStage::kReceived, named));
  EXPECT_TRUE(faults.armed().empty());
}

TEST(SwitchFaults, ARateStrikesForEverAndBySeed) {
  const auto struck = [](std::uint64_t seed) {
    SwitchFaults faults(seed);
    faults.arm(parse_fault("silence@settled rate=0.1", "--fault", 16));
    std::vector<int> moments;
    for (int i = 0; i < 10'000; ++i) {
      if (faults.strike(FaultStage::kSettled)) moments.push_back(i);
    }
    return moments;
  };
  EXPECT_NEAR(static_cast<double>(struck(1).size()), 1000, 100);
  EXPECT_EQ(struck(1), struck(1));
  EXPECT_NE(struck(1), struck(2));
}

TEST(SwitchFaults, AreCountedByKindAndStage) {
  SwitchFaults faults(1);
  faults.record(FaultKind::kSlow, FaultStage::kMoving);
  faults.record(FaultKind::kSlow, FaultStage::kMoving);
  EXPECT_EQ(faults.count(FaultKind::kSlow, FaultStage::kMoving), 2);
  EXPECT_EQ(faults.count(FaultKind::kSlow, FaultStage::kReading), 0);
}

TEST(SwitchFaults, WhatCannotBeHasAReason) {
  EXPECT_EQ(std::size(Names<FaultKind>::kTable), kFaultKinds);
  EXPECT_EQ(std::size(Names<FaultStage>::kTable), kFaultStages);
  for (const ImpossibleFault& pair : impossible_faults()) {
    EXPECT_FALSE(pair.reason.empty());
    EXPECT_FALSE(is_event(pair.kind)) << to_string(pair.kind);
  }
  EXPECT_EQ(why_impossible(FaultKind::kDeny, FaultStage::kReceived), "");
}

}  // namespace
}  // namespace mixnet
