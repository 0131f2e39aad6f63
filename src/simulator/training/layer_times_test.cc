#include "training/layer_times.h"

#include <gtest/gtest.h>

#include <string>

namespace mixnet {
namespace {

constexpr Time ms(std::int64_t n) { return Time::milliseconds(n); }

/// A layer on MixNet with times of whole milliseconds at the reference rate.
struct Layer {
  ExchangeTimes exchange;
  LayerTimes times;

  explicit Layer(Reconfiguration policy, Time delay) {
    exchange.dispatch = {ms(4), Time::zero()};
    exchange.combine = {ms(5), Time::zero()};
    exchange.shared_nics_busy = ms(4);
    exchange.switched = exchange.circuits_change = true;
    times.is_moe = true;
    times.attention = {ms(10), ms(20)};
    times.gate = {ms(1), ms(2)};
    times.experts = {ms(30), ms(60)};
    times.attention_tp = ms(1);
    times.ffn_tp = ms(2);
    times.exchange = &exchange;
    times.nic_rate = kReferenceRate;
    times.scale_up = times.dispatch_scale_up = ms(3);
    times.all_to_alls.dispatch = ms(4);
    times.all_to_alls.combine = ms(5);
    times.delay = delay;
    times.forward = forward_cost(policy, delay, times.all_to_alls, ms(10), ms(30));
    times.backward = backward_cost(policy, delay, times.all_to_alls, ms(20 + 60));
  }
};

/// "attention 1-11, ..." of one track.
std::string drawn(const LayerTimes& layer, bool is_backward, TimelineTrack track) {
  std::vector<TimelineSpan> spans;
  const Time end = lay_out(layer, is_backward, Time::zero(), spans);
  EXPECT_EQ(end, layer.sums(is_backward).total());
  std::string text;
  for (const TimelineSpan& span : spans) {
    if (span.track != track) continue;
    if (!text.empty()) text += ", ";
    text += std::string(to_string(span.part)) + " " +
            std::to_string(span.start.ps / 1'000'000'000) + "-" +
            std::to_string(span.end.ps / 1'000'000'000);
  }
  return text;
}

TEST(LayerTimes, ForwardWithASwitchThatBlocks) {
  const Layer layer(Reconfiguration::kBlock, ms(25));
  const auto track = [&](TimelineTrack one) { return drawn(layer.times, false, one); };
  EXPECT_EQ(track(TimelineTrack::kCompute), "attention 1-11, gate 12-13, experts 44-74");
  EXPECT_EQ(track(TimelineTrack::kScaleUp),
            "TP 0-1, TP 11-12, gather, scatter 38-41, TP 42-44, TP 74-76, gather, scatter 76-79");
  EXPECT_EQ(track(TimelineTrack::kAllToAll),
            "wait for switch 13-38, dispatch 38-42, combine 76-81");
  EXPECT_EQ(track(TimelineTrack::kEps), "dispatch 38-40, combine 76-78");
  EXPECT_EQ(track(TimelineTrack::kSwitch), "dark 13-38");
}

TEST(LayerTimes, BackwardHidesTheSwitchBehindTheLastAllToAll) {
  // combine 0-4, TP 4-6, experts 6-66, TP 66-68, dispatch 68-73, gate 73-75, TP, attention, TP 97.
  const auto dark = [](std::int64_t delay) {
    return drawn(Layer(Reconfiguration::kBlock, ms(delay)).times, true, TimelineTrack::kSwitch);
  };
  EXPECT_EQ(dark(10), "dark 73-83");
  EXPECT_EQ(dark(24), "dark 73-97");
  EXPECT_EQ(dark(34), "dark, as counted 6-16, dark 73-97");
  EXPECT_EQ(dark(90), "dark, as counted 6-62, dark 73-107") << "10 ms are waited for";
}

TEST(LayerTimes, FullRecomputeRunsTheForwardPassFirst) {
  Layer layer(Reconfiguration::kHidden, ms(25));
  layer.times.runs_again = true;
  const auto track = [&](TimelineTrack one) { return drawn(layer.times, true, one); };
  EXPECT_EQ(track(TimelineTrack::kCompute),
            "attention 1-11, gate 12-13, experts 19-49, experts 62-122, gate 129-131, attention "
            "132-152");
  EXPECT_EQ(track(TimelineTrack::kAllToAll),
            "dispatch 13-17, combine 51-56, combine 56-60, dispatch 124-129");
  const PassSums again = layer.times.sums(true);
  layer.times.runs_again = false;
  EXPECT_EQ(again.total(), layer.times.sums(true).total() + layer.times.sums(false).total());
  EXPECT_EQ(drawn(layer.times, true, TimelineTrack::kCompute),
            "experts 6-66, gate 73-75, attention 76-96");
}

TEST(LayerTimes, StepsOneAfterTheOther) {
  Layer layer(Reconfiguration::kHidden, ms(25));
  layer.times.pipelined_steps = false;
  layer.times.scale_up = layer.times.dispatch_scale_up = ms(2);
  layer.times.forward.exchange = ms(4 + 2 + 5 + 2);
  layer.times.all_to_alls.dispatch = ms(6);
  layer.times.all_to_alls.combine = ms(7);
  EXPECT_EQ(drawn(layer.times, false, TimelineTrack::kAllToAll), "dispatch 14-18, combine 54-59");
  EXPECT_EQ(drawn(layer.times, false, TimelineTrack::kScaleUp),
            "TP 0-1, TP 11-12, gather, scatter 13-14, gather, scatter 18-19, TP 19-21, TP 51-53, "
            "gather, scatter 53-54, gather, scatter 59-60");
}

}  // namespace
}  // namespace mixnet
