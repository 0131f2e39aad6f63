#include "frontends/patch_panel.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace mixnet {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

EmulatedSwitchConfig config(Sides sides) {
  EmulatedSwitchConfig config;
  config.ports = 16;
  config.sides = sides;
  return config;
}

constexpr MonotonicTime kNow{};

// 16 ports, each both ways: a patch is a circuit.
TEST(PatchPanel, OfOneSide) {
  EmulatedSwitch device(config(Sides::kOne));
  const PatchPanel panel(device.config());
  EXPECT_EQ(panel.count(), 16);
  device.request(panel.connect({{1, 9}, {2, 10}}), kNow);
  EXPECT_THAT(device.paths(),
              ElementsAre(LightPath{1, 9}, LightPath{2, 10}, LightPath{9, 1}, LightPath{10, 2}));
  EXPECT_THAT(panel.patches(device), ElementsAre(Patch{1, 9}, Patch{2, 10}));
  EXPECT_EQ(panel.patch_of(device, 9), (Patch{1, 9}));
  EXPECT_EQ(panel.patch_of(device, 3), std::nullopt);

  // On a port in use it replaces, and both old partners are free.
  device.request(panel.connect({{1, 10}}), kNow);
  EXPECT_THAT(panel.patches(device), ElementsAre(Patch{1, 10}));
  device.request(panel.disconnect({10, 5}), kNow);
  EXPECT_THAT(device.paths(), IsEmpty());
}

// 16 inputs and 16 outputs: a patch is one direction.
TEST(PatchPanel, OfTwoSides) {
  EmulatedSwitch device(config(Sides::kTwo));
  const PatchPanel panel(device.config());
  EXPECT_EQ(panel.count(), 32);
  device.request(panel.connect({{1, 18}, {2, 17}, {3, 19}}), kNow);
  EXPECT_THAT(device.paths(), ElementsAre(LightPath{1, 2}, LightPath{2, 1}, LightPath{3, 3}));
  EXPECT_EQ(panel.patch_of(device, 18), (Patch{1, 18}));
  EXPECT_LT(panel.power(device, 18), panel.power(device, 1));  // what the matrix loses
  EXPECT_EQ(panel.power(device, 20), kDarkDbm);

  device.request(panel.disconnect({18}), kNow);  // by its output
  EXPECT_THAT(panel.patches(device), ElementsAre(Patch{2, 17}, Patch{3, 19}));
  device.request(panel.disconnect_all(), kNow);
  EXPECT_THAT(device.paths(), IsEmpty());
}

}  // namespace
}  // namespace mixnet
