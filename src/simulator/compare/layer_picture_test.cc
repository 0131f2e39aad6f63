#include "compare/layer_picture.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

#include "base/error.h"
#include "moe/model_catalog.h"

namespace mixnet {
namespace {

ComparisonRequest request() {
  ComparisonRequest request;
  request.model = find_model("mixtral-8x7b");
  request.plan.gpus = 256;
  request.gpu = find_gpu("h100");
  request.fabrics = {FabricKind::kMixNet};
  request.bandwidths = {Bandwidth::gbps(400)};
  return request;
}

Time length(const std::vector<TimelineSpan>& spans, TimelinePart part) {
  Time sum;
  for (const TimelineSpan& span : spans) sum += span.part == part ? span.length() : Time::zero();
  return sum;
}

TEST(LayerPicture, ShowsTheFirstAndTheMiddleLayer) {
  const LayerPicture picture = picture_layer(request());
  EXPECT_EQ(picture.model, "Mixtral 8x7B");
  ASSERT_EQ(picture.regions.size(), 2u);
  EXPECT_EQ(picture.regions[0].layer, 0);
  EXPECT_EQ(picture.regions[1].layer, 16);
  EXPECT_NE(picture.regions[0].demand, picture.regions[1].demand);
}

TEST(LayerPicture, AllBytesOfADispatchAreThere) {
  const LayerPicture picture = picture_layer(request());
  const ParallelPlan& plan = picture.plan;
  // Every rank sends two copies of every token, of 4096 numbers of 2 bytes.
  const std::int64_t sent = plan.ep * plan.tokens_per_micro_batch() * 2 * 4096 * 2;
  for (const RegionPicture& region : picture.regions) {
    const auto cells = region.demand.cells();
    const std::int64_t drawn = std::accumulate(cells.begin(), cells.end(), std::int64_t{0});
    EXPECT_LE(drawn, sent);
    EXPECT_GT(drawn, sent - 1000);  // rounded down
  }
}

TEST(LayerPicture, CircuitsFitTheServersAndCarryTheDispatch) {
  const LayerPicture picture = picture_layer(request());
  for (const RegionPicture& region : picture.regions) {
    for (std::size_t s = 0; s < region.circuits.rows(); ++s) {
      const auto row = region.circuits.row(s);
      EXPECT_LE(std::accumulate(row.begin(), row.end(), 0), picture.degree);
      for (std::size_t t = 0; t < row.size(); ++t) {
        EXPECT_EQ(region.circuits(s, t), region.circuits(t, s));
      }
    }
  }
  // With circuits between all pairs the dispatch lasts as long as the busiest pair's.
  const RegionPicture& region = picture.regions.back();
  double slowest = 0;
  for (std::size_t s = 0; s < region.circuits.rows(); ++s) {
    for (std::size_t t = 0; t < region.circuits.rows(); ++t) {
      if (s == t) continue;
      ASSERT_GT(region.circuits(s, t), 0);
      slowest = std::max(slowest, static_cast<double>(region.demand(s, t)) / region.circuits(s, t));
    }
  }
  const double seconds = slowest / picture.bandwidth.bytes_per_second();
  EXPECT_NEAR(length(picture.forward, TimelinePart::kDispatch).to_seconds(), seconds,
              seconds * 0.01);
}

TEST(LayerPicture, TheSwitchIsDarkForItsDelay) {
  ComparisonRequest slow = request();
  slow.iteration.reconfiguration_delay = Time::milliseconds(40);
  const LayerPicture picture = picture_layer(slow);
  EXPECT_EQ(length(picture.forward, TimelinePart::kDark), Time::milliseconds(40));
  EXPECT_EQ(length(picture.forward, TimelinePart::kWait), Time::milliseconds(40));
}

TEST(LayerPicture, ARegionOfOneServerHasNone) {
  ComparisonRequest small = request();
  small.plan.ep = 2;
  small.plan.tp = 4;
  const LayerPicture picture = picture_layer(small);
  EXPECT_TRUE(picture.regions.empty());
  EXPECT_TRUE(picture.forward.empty());
}

TEST(LayerPicture, RefusesWhatCannotBe) {
  ComparisonRequest wrong = request();
  wrong.plan.ep = 3;
  EXPECT_THROW(picture_layer(wrong), Error);
  wrong = request();
  wrong.routing = "trace:/nonexistent";
  EXPECT_THROW(picture_layer(wrong), Error);
}

}  // namespace
}  // namespace mixnet
