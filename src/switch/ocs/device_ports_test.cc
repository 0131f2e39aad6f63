#include "ocs/device_ports.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ocs/switch_error.h"

namespace mixnet {
namespace {

using testing::ElementsAre;

constexpr PortNumbering kOne{Sides::kOne, 8};
constexpr PortNumbering kTwo{Sides::kTwo, 8};

TEST(DevicePorts, AreInputsAndOutputsOfTheirPositions) {
  EXPECT_THAT(device_ports(std::vector{3, 1, 3}, kOne), ElementsAre(1, 3));
  EXPECT_THAT(device_ports(std::vector{3, 1, 3}, kTwo), ElementsAre(1, 3, 9, 11));
}

TEST(Positions, AreThoseOfAChangeOrOfTheSlice) {
  EXPECT_THAT(positions_of({{{1, 2}}, {{2, 5}}}), ElementsAre(1, 2, 5));
  EXPECT_THAT(positions_of({2, 3}, kTwo, "tl1"), ElementsAre(2, 3));
  EXPECT_EQ(positions_of({}, kTwo, "tl1").size(), 8u);
  EXPECT_THROW(positions_of({2, 9}, kTwo, "tl1"), SwitchError);
  EXPECT_THAT(positions_asked({}, {2, 3}, kTwo, "tl1"), ElementsAre(2, 3));
  EXPECT_THAT(positions_asked(std::vector{3}, {2, 3}, kTwo, "tl1"), ElementsAre(3));
  EXPECT_THROW(positions_asked(std::vector{4}, {2, 3}, kTwo, "tl1"), SwitchError);
}

}  // namespace
}  // namespace mixnet
