#include "ocs/port_numbering.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace mixnet {
namespace {

using ::testing::ElementsAre;

TEST(PortNumbering, OfOneSideACircuitIsAPatch) {
  const PortNumbering numbering{Sides::kOne, 32};
  EXPECT_THAT(numbering.patches({1, 17}), ElementsAre(Patch{1, 17}));
  EXPECT_EQ(numbering.device_ports(), 32);
  EXPECT_FALSE(numbering.is_possible({3, 3}));
  EXPECT_EQ(fold(std::vector<Patch>{{17, 1}}, numbering, {}),
            (CrossConnects{.circuits = {{1, 17}}}));
}

// 16 inputs, 16 outputs: what the NIC at position 1 sends enters at 1, and 17 leads to it.
TEST(PortNumbering, OfTwoSidesItIsTwo) {
  const PortNumbering numbering{Sides::kTwo, 16};
  EXPECT_THAT(numbering.patches({1, 2}), ElementsAre(Patch{1, 18}, Patch{2, 17}));
  EXPECT_EQ(numbering.device_ports(), 32);
  EXPECT_FALSE(numbering.is_possible({1, 2}));
  EXPECT_TRUE(numbering.is_possible({1, 17}));  // back to itself
}

TEST(Fold, TellsHalvesAndLoopsFromCircuits) {
  const PortNumbering numbering{Sides::kTwo, 16};
  const std::vector<Patch> patches = {{1, 18}, {2, 17}, {3, 20}, {5, 21}};
  EXPECT_EQ(fold(patches, numbering, {}),
            (CrossConnects{.circuits = {{1, 2}}, .halves = {{3, 4}, {5, 5}}}));
}

TEST(Fold, OfASliceSaysWhatLeadsOutside) {
  const PortNumbering numbering{Sides::kOne, 32};
  const std::vector<Patch> patches = {{1, 2}, {3, 30}, {31, 32}};
  EXPECT_EQ(fold(patches, numbering, {1, 2, 3, 4}),
            (CrossConnects{.circuits = {{1, 2}}, .taken = {3}}));
}

}  // namespace
}  // namespace mixnet
