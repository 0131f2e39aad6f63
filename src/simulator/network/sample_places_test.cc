#include "network/sample_places.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <vector>

namespace mixnet {
namespace {

TEST(SamplePlaces, VisitEveryLayerAsOftenAsAnyOther) {
  for (const std::size_t layers : {2, 3, 8, 32, 58}) {
    for (const std::size_t count : {4, 8, 16, 32, 64}) {
      for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        const std::vector<std::size_t> places = choose_places(128, layers, count, seed);
        ASSERT_EQ(places.size(), count);
        EXPECT_EQ(std::set(places.begin(), places.end()).size(), count);
        std::vector<int> visits(layers);
        std::vector<int> of_half(2);
        for (const std::size_t place : places) {
          ++visits[place % layers];
          ++of_half[place / layers / 64];
        }
        const double even = static_cast<double>(count) / static_cast<double>(layers);
        for (const int times : visits) EXPECT_LT(std::abs(times - even), 2) << layers << count;
        EXPECT_EQ(of_half[0], of_half[1]);
        const bool divides = count % layers == 0;
        if (divides) {
          EXPECT_EQ(std::ranges::max(visits), std::ranges::min(visits));
        }
      }
    }
  }
}

TEST(SamplePlaces, AreAllDifferentInAGridNearlyFull) {
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    for (const std::size_t count : {1, 11, 14, 15, 16}) {
      const std::vector<std::size_t> places = choose_places(3, 5, count, seed);
      const std::set<std::size_t> different(places.begin(), places.end());
      EXPECT_EQ(different.size(), std::min<std::size_t>(15, count));
      EXPECT_LT(*different.rbegin(), 15);
    }
  }
}

TEST(SamplePlaces, FollowTheSeedAndNothingElse) {
  EXPECT_EQ(choose_places(100, 32, 16, 7), choose_places(100, 32, 16, 7));
  EXPECT_NE(choose_places(100, 32, 16, 7), choose_places(100, 32, 16, 8));
}

TEST(SamplePlaces, NoPlaceIsLikelierThanAnother) {
  std::vector<int> times(6 * 5);
  for (std::uint64_t seed = 0; seed < 6000; ++seed) {
    for (const std::size_t place : choose_places(6, 5, 4, seed)) ++times[place];
  }
  for (const int count : times) EXPECT_NEAR(count, 6000 * 4 / 30, 150);  // five deviations
}

}  // namespace
}  // namespace mixnet
