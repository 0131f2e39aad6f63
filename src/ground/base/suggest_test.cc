#include "base/suggest.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace mixnet {
namespace {

const std::vector<std::string> kKnown = {"fat-tree", "mixnet", "topoopt"};

TEST(Suggest, OffersTheNearestName) {
  EXPECT_EQ(suggest("fatree", kKnown), "did you mean 'fat-tree'? known: fat-tree, mixnet, topoopt");
  EXPECT_EQ(suggest("MIXNET", kKnown), "did you mean 'mixnet'? known: fat-tree, mixnet, topoopt");
}

TEST(Suggest, OffersNothingFarOff) {
  EXPECT_EQ(suggest("dragonfly", kKnown), "known: fat-tree, mixnet, topoopt");
  EXPECT_EQ(suggest("", kKnown), "known: fat-tree, mixnet, topoopt");
  EXPECT_EQ(suggest(std::string(100000, 'x'), kKnown), "known: fat-tree, mixnet, topoopt");
}

TEST(Suggest, AThirdOfTheLettersMayBeWrong) {
  const std::vector<std::string> known = {"abcdef"};
  EXPECT_EQ(suggest("abcdxy", known), "did you mean 'abcdef'? known: abcdef");
  EXPECT_EQ(suggest("abcxyz", known), "known: abcdef");
}

TEST(Suggest, NothingKnown) { EXPECT_EQ(suggest("x", {}), "known: "); }

}  // namespace
}  // namespace mixnet
