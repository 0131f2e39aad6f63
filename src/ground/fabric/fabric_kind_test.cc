#include "fabric/fabric_kind.h"

#include <gmock/gmock.h>

#include <algorithm>

#include "base/error.h"

namespace mixnet {
namespace {

using ::testing::HasSubstr;

TEST(FabricKind, EveryNameLeadsBackToItsKind) {
  EXPECT_EQ(all_fabrics().size(), 8U);
  for (const FabricKind kind : all_fabrics()) {
    EXPECT_EQ(parse<FabricKind>(to_string(kind), "--fabric"), kind);
    EXPECT_FALSE(describe(kind).empty());
    EXPECT_EQ(describe(kind).find('\n'), std::string_view::npos);
    EXPECT_FALSE(fabric_source(kind).empty());
  }
}

TEST(FabricKind, Names) {
  EXPECT_EQ(to_string(FabricKind::kFatTree), "fat-tree");
  EXPECT_EQ(to_string(FabricKind::kOversubFatTree), "oversub-fat-tree");
  EXPECT_EQ(to_string(FabricKind::kRailOptimized), "rail-optimized");
  EXPECT_EQ(to_string(FabricKind::kTopoOpt), "topoopt");
  EXPECT_EQ(to_string(FabricKind::kMixNet), "mixnet");
  EXPECT_EQ(to_string(FabricKind::kIdeal), "ideal");
  EXPECT_EQ(to_string(FabricKind::kNvl72), "nvl72");
  EXPECT_EQ(to_string(FabricKind::kMixNetOpticalIo), "mixnet-optical-io");
  EXPECT_EQ(parse<FabricKind>("MixNet", "--fabric"), FabricKind::kMixNet);
}

TEST(FabricKind, FabricsOfDomainsAreAskedForByName) {
  EXPECT_EQ(default_fabrics().size(), 6U);
  for (const FabricKind kind : all_fabrics()) {
    const bool is_default = std::ranges::find(default_fabrics(), kind) != default_fabrics().end();
    EXPECT_NE(is_default, divides_gpu_bandwidth(kind)) << to_string(kind);
    EXPECT_EQ(has_price(kind), is_default && kind != FabricKind::kIdeal) << to_string(kind);
  }
}

TEST(FabricKind, AnUnknownNameIsMetWithTheNearest) {
  try {
    parse<FabricKind>("fattree", "--fabric");
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("--fabric: unknown fabric 'fattree'; did you mean "
                                        "'fat-tree'? known: fat-tree, oversub-fat-tree"));
  }
}

}  // namespace
}  // namespace mixnet
