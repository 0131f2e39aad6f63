#include "interop/timeline_trace.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/test_trace_events.h"

namespace mixnet {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::Pair;

constexpr Time ms(std::int64_t n) { return Time::milliseconds(n); }

TimelineSpan span(TimelineTrack track, TimelinePart part, std::int64_t start, std::int64_t end,
                  int layer = -1, int stage = 0) {
  TimelineSpan one;
  one.track = track;
  one.part = part;
  one.start = ms(start);
  one.end = ms(end);
  one.layer = layer;
  one.stage = static_cast<std::int16_t>(stage);
  one.micro_batch = 2;
  return one;
}

/// One micro-batch of one layer on each of two stages.
IterationTimeline timeline() {
  using Track = TimelineTrack;
  using Part = TimelinePart;
  IterationTimeline all;
  all.time.total = ms(100);
  all.stages = all.regions = 2;
  all.has_switch = true;
  all.spans = {span(Track::kWork, Part::kMicroBatch, 0, 50),
               span(Track::kWork, Part::kLayer, 0, 50, 7),
               span(Track::kCompute, Part::kAttention, 0, 10, 7),
               span(Track::kAllToAll, Part::kWait, 10, 35, 7),
               span(Track::kAllToAll, Part::kDispatch, 35, 50, 7),
               span(Track::kSwitch, Part::kLit, 0, 10, -1),
               span(Track::kSwitch, Part::kDark, 10, 35, 7),
               span(Track::kSwitch, Part::kLit, 35, 100, 7),
               span(Track::kSends, Part::kSend, 50, 60),
               span(Track::kSends, Part::kSend, 55, 65),
               span(Track::kWork, Part::kMicroBatch, 60, 100, -1, 1),
               span(Track::kCompute, Part::kAttention, 60, 80, 8, 1)};
  return all;
}

TEST(TimelineTrace, HasAProcessForEveryRegionAndATrackForEveryResource) {
  const ReadTrace trace = read_chrome_trace(to_chrome_trace(timeline(), "what ran"));
  EXPECT_EQ(trace.title, "what ran");
  EXPECT_THAT(trace.processes,
              ElementsAre("2 of 2 regions", "replica 0, stage 0", "replica 0, stage 1"));
  EXPECT_THAT(trace.tracks.at("replica 0, stage 0"),
              ElementsAre("all-to-all", "compute", "sends", "switch", "work"));
  EXPECT_EQ(trace.slices.size(), timeline().spans.size());
  std::vector<std::string> names;
  for (const ReadSlice& slice : trace.slices) names.push_back(slice.name);
  EXPECT_THAT(names, ElementsAre("forward 2", "layer 7", "attention", "wait for switch", "dispatch",
                                 "lit", "dark", "lit for layer 7", "to stage 1", "to stage 1",
                                 "forward 2", "attention"));
  EXPECT_EQ(trace.slices[1].depth, 1) << "layers lie within their micro-batch";
  EXPECT_EQ(trace.slices[4].start_ns, 35'000'000);
  EXPECT_EQ(trace.slices[4].arguments,
            (nlohmann::json{{"micro_batch", 2}, {"layer", 7}, {"backward", 0}}));
}

TEST(TimelineTrace, CountersAreMeansOfTheRegions) {
  const ReadTrace trace = read_chrome_trace(to_chrome_trace(timeline(), ""));
  const auto& computing = trace.counters.at("computing, %");
  EXPECT_EQ(computing.front(), std::pair(std::int64_t{0}, 50.0));
  EXPECT_THAT(computing, Contains(Pair(10'000'000, 0.0)));
  EXPECT_THAT(computing, Contains(Pair(60'000'000, 50.0)));
  EXPECT_EQ(computing.back(), std::pair(std::int64_t{100'000'000}, 0.0));
  EXPECT_TRUE(trace.counters.contains("switch dark, %"));
  EXPECT_EQ(trace.counters.size(), 5);
  IterationTimeline packets = timeline();
  packets.has_switch = false;
  const ReadTrace other = read_chrome_trace(to_chrome_trace(packets, ""));
  EXPECT_FALSE(other.counters.contains("switch dark, %"));
  EXPECT_TRUE(other.counters.contains("NICs in use, %"));
}

TEST(TimelineTrace, IsTheSameEveryTime) {
  EXPECT_EQ(to_chrome_trace(timeline(), "t"), to_chrome_trace(timeline(), "t"));
}

}  // namespace
}  // namespace mixnet
