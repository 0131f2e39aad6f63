#include "emulator/port_light.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <optional>

namespace mixnet {
namespace {

TEST(PortLight, WhatLeavesIsWhatEntersLessTheLosses) {
  PortLight light(8, 1);
  light.set_input(1, 0.25);
  const double loss = light.insertion_loss(1, 2);
  EXPECT_DOUBLE_EQ(light.input_dbm(1), 0.25);
  EXPECT_DOUBLE_EQ(light.output_dbm(1, 2), 0.25 - loss);

  light.set_fibre_loss(1, FibreEnd::kIn, 3);  // a weak link
  light.set_fibre_loss(2, FibreEnd::kOut, 5);
  EXPECT_DOUBLE_EQ(light.input_dbm(1), -2.75);
  EXPECT_DOUBLE_EQ(light.output_dbm(1, 2), 0.25 - loss - 8);
  EXPECT_DOUBLE_EQ(light.fibre_loss(2, FibreEnd::kOut), 5);
}

TEST(PortLight, InsertionLossIsAboutOneDecibel) {
  const PortLight light(64, 3);
  double sum = 0;
  double most = 0;
  for (int i = 1; i <= 64; ++i) {
    EXPECT_NEAR(light.input_dbm(i), 0, 0.5);
    for (int j = 1; j <= 64; ++j) {
      const double loss = light.insertion_loss(i, j);
      EXPECT_GE(loss, 0.5);
      EXPECT_LE(loss, 2.5);
      sum += loss;
      most = std::max(most, loss);
    }
  }
  EXPECT_NEAR(sum / (64 * 64), 1.0, 0.02);
  EXPECT_GT(most, 2.3);
  EXPECT_EQ(light.insertion_loss(3, 5), PortLight(64, 3).insertion_loss(3, 5));
  EXPECT_NE(light.insertion_loss(3, 5), light.insertion_loss(5, 3));
  EXPECT_NE(light.insertion_loss(3, 5), PortLight(64, 4).insertion_loss(3, 5));
}

TEST(PortLight, NothingPassesWithoutLightOrThroughAShutter) {
  PortLight light(4, 1);
  EXPECT_EQ(light.output_dbm(0, 2), kDarkDbm);
  light.set_shut(2, true);
  EXPECT_EQ(light.output_dbm(1, 2), kDarkDbm);
  EXPECT_EQ(light.output_dbm(2, 1), kDarkDbm);
  EXPECT_GT(light.input_dbm(2), -1);  // measured before the shutter
  light.set_shut(2, false);
  EXPECT_TRUE(light.passes(1, 2));

  light.set_dark(1, true);
  EXPECT_EQ(light.input_dbm(1), kDarkDbm);
  EXPECT_FALSE(light.passes(1, 2));
  light.set_input(2, std::nullopt);
  EXPECT_EQ(light.input_dbm(2), kDarkDbm);
  EXPECT_FALSE(light.passes(2, 1));

  light.set_input(3, -59.9);
  EXPECT_EQ(light.output_dbm(3, 4), kDarkDbm);  // the meter's floor
}

TEST(PortLight, SwappedFibresLeadLightElsewhere) {
  PortLight light(4, 1);
  light.swap(2, 3, FibreEnd::kOut);
  EXPECT_EQ(light.exit_of(2), 3);
  EXPECT_EQ(light.output_of(3), 2);
  EXPECT_EQ(light.exit_of(4), 4);
  light.set_shut(3, true);
  EXPECT_FALSE(light.passes(1, 2));  // for 2 leaves at 3, which is shut
  EXPECT_TRUE(light.passes(1, 3));

  light.swap(1, 4, FibreEnd::kIn);
  EXPECT_EQ(light.source_of(1), 4);
  EXPECT_EQ(light.input_of(1), 4);
  light.set_input(4, -7.0);
  EXPECT_DOUBLE_EQ(light.output_dbm(1, 4), -7 - light.insertion_loss(1, 4));

  light.swap(2, 3, FibreEnd::kOut);
  light.swap(1, 4, FibreEnd::kIn);
  for (int p = 1; p <= 4; ++p) {
    EXPECT_EQ(light.exit_of(p), p);
    EXPECT_EQ(light.output_of(p), p);
    EXPECT_EQ(light.source_of(p), p);
    EXPECT_EQ(light.input_of(p), p);
  }
}

}  // namespace
}  // namespace mixnet
