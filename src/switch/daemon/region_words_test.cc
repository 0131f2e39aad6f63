#include "daemon/region_words.h"

#include <gtest/gtest.h>

#include "daemon/test_region.h"

namespace mixnet {
namespace {

TEST(RegionWords, AreNamesAndPositionsAsAnOperatorKnowsThem) {
  const DaemonSettings settings = test_settings(3, 2);
  EXPECT_EQ(server_text(1, settings), "s1");
  EXPECT_EQ(port_text(3, settings), "s1:o1 (position 4)");
  EXPECT_EQ(part_text(Part::kOpticalNic, 0, settings), "s0:o0 (position 1)");
  EXPECT_EQ(part_text(Part::kOcsPort, 0, settings), "the switch's port of s0:o0 (position 1)");
  EXPECT_EQ(part_text(Part::kEpsNic, 2, settings), "NIC 0 of s2 beside the switch");
  EXPECT_EQ(part_text(Part::kServer, 0, settings), "s0");
  EXPECT_EQ(alarm_text({Severity::kMajor, AlarmCode::kPortSuspect, 1, 3}, settings),
            "s1:o1 (position 4) does not obey and rests for a while");
}

TEST(RegionWords, OfWhatThereIsNotTheNumber) {
  const DaemonSettings settings = test_settings(3, 2);
  constexpr std::int64_t kFar = std::int64_t{1} << 60;
  EXPECT_EQ(server_text(3, settings), "server 3");
  EXPECT_EQ(server_text(-1, settings), "server -1");
  EXPECT_EQ(port_text(kFar, settings), "port 1152921504606846976");
  EXPECT_EQ(part_text(Part::kEpsNic, -1, settings), "NIC -1 beside the switch");
  EXPECT_EQ(part_text(Part::kEpsNic, 3, settings), "NIC 0 of server 3 beside the switch");
}

}  // namespace
}  // namespace mixnet
