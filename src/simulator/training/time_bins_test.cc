#include "training/time_bins.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/random.h"

namespace mixnet {
namespace {

using testing::DoubleNear;
using testing::ElementsAre;

constexpr Time s(std::int64_t n) { return Time::seconds(n); }

TEST(TimeBins, AreMeansOfWhatGoesOn) {
  TimeBins bins(s(10), 5);
  bins.add(s(1), s(4));
  EXPECT_THAT(bins.means(), ElementsAre(0.5, 1, 0, 0, 0));
  bins.add(s(0), s(10));
  bins.add(s(9), s(10));
  bins.add(s(4), s(4));
  EXPECT_THAT(bins.means(), ElementsAre(1.5, 2, 1, 1, 1.5));
}

TEST(TimeBins, AgreeWithOneBinAfterTheOther) {
  Random random(4);
  TimeBins bins(Time{1'000'003}, 7);
  std::vector<double> expected(7);
  const double bin = 1'000'003.0 / 7;
  for (int i = 0; i < 500; ++i) {
    const auto a = static_cast<std::int64_t>(random.below(1'000'004));
    const auto b = static_cast<std::int64_t>(random.below(1'000'004));
    const auto [start, end] = std::minmax(a, b);
    bins.add({start}, {end});
    for (int at = 0; at < 7; ++at) {
      const double from = std::max(static_cast<double>(start), at * bin);
      const double to = std::min(static_cast<double>(end), (at + 1) * bin);
      expected[at] += std::max(0.0, to - from) / bin;
    }
  }
  const std::vector<double> means = bins.means();
  for (int at = 0; at < 7; ++at) EXPECT_THAT(means[at], DoubleNear(expected[at], 1e-9));
}

}  // namespace
}  // namespace mixnet
