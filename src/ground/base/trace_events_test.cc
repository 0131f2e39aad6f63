#include "base/trace_events.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "base/random.h"
#include "base/test_trace_events.h"

namespace mixnet {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;

constexpr Time us(std::int64_t n) { return Time::microseconds(n); }

TEST(ChromeTrace, IsWhatTheFormatAsksFor) {
  ChromeTrace trace("one experiment");
  const int process = trace.add_process("stage 0");
  const int track = trace.add_track(process, "compute");
  trace.add_slice(track, "experts", us(5), us(7) + Time::nanoseconds(50), {{"layer", 3}});
  trace.add_counter(process, "busy, %", us(5), 12.5);
  EXPECT_EQ(std::move(trace).finish(),
            R"({"displayTimeUnit":"ms","otherData":{"title":"one experiment"},"traceEvents":[
{"ph":"M","name":"process_name","pid":1,"tid":0,"args":{"name":"stage 0"}},
{"ph":"M","name":"process_sort_index","pid":1,"tid":0,"args":{"sort_index":1}},
{"ph":"M","name":"thread_name","pid":1,"tid":1,"args":{"name":"compute"}},
{"ph":"M","name":"thread_sort_index","pid":1,"tid":1,"args":{"sort_index":0}},
{"ph":"X","pid":1,"tid":1,"ts":5.000,"dur":2.050,"name":"experts","args":{"layer":3}},
{"ph":"C","pid":1,"ts":5.000,"name":"busy, %","args":{"value":12.5}}
]}
)");
}

TEST(ChromeTrace, WithoutEventsIsStillATrace) {
  EXPECT_TRUE(read_chrome_trace(ChromeTrace("nothing").finish()).slices.empty());
}

TEST(ChromeTrace, SlicesOfANestingTrackContainEachOther) {
  ChromeTrace trace("");
  const int track = trace.add_track(trace.add_process("p"), "t", ChromeTrace::Slices::kNest);
  trace.add_slice(track, "outer", us(0), us(10));
  trace.add_slice(track, "inner", us(0), us(4));
  trace.add_slice(track, "innermost", us(1), us(4));
  trace.add_slice(track, "next", us(4), us(10));
  trace.add_slice(track, "after", us(10), us(11));
  std::vector<std::size_t> depths;
  for (const ReadSlice& slice : read_chrome_trace(std::move(trace).finish()).slices) {
    depths.push_back(slice.depth);
  }
  EXPECT_THAT(depths, ElementsAre(0, 1, 2, 1, 0));
}

TEST(ChromeTrace, WhatOverlapsTakesAnotherLane) {
  ChromeTrace trace("");
  const int track = trace.add_track(trace.add_process("p"), "sends");
  trace.add_slice(track, "a", us(0), us(10));
  trace.add_slice(track, "within", us(2), us(5));
  trace.add_slice(track, "back on the second", us(5), us(12));
  trace.add_slice(track, "back on the first", us(10), us(11));
  const std::string text = std::move(trace).finish();
  const ReadTrace read = read_chrome_trace(text);
  for (const ReadSlice& slice : read.slices) {
    EXPECT_EQ(slice.depth, 0) << slice.name;
    EXPECT_EQ(slice.track, "sends");
  }
  EXPECT_THAT(text, HasSubstr(R"("tid":2,"ts":5.000)"));
  EXPECT_THAT(text, HasSubstr(R"("tid":1,"ts":10.000)"));
  EXPECT_THAT(text, testing::Not(HasSubstr(R"("tid":3)")));
}

TEST(ChromeTrace, NamesMayBeAnything) {
  const std::string name = "a \"b\" \\ \n \xff \xc3\xa9";
  ChromeTrace trace(name);
  const int track = trace.add_track(trace.add_process(name), name);
  trace.add_slice(track, name, us(0), us(1));
  const ReadTrace read = read_chrome_trace(std::move(trace).finish());
  EXPECT_EQ(read.slices.front().name, "a \"b\" \\ \n \xef\xbf\xbd \xc3\xa9");
  EXPECT_EQ(read.title, read.slices.front().process);
}

TEST(ChromeTrace, TouchingSlicesTouchAfterRounding) {
  ChromeTrace trace("");
  const int track = trace.add_track(trace.add_process("p"), "t");
  for (std::int64_t i = 0; i < 1000; ++i) {
    trace.add_slice(track, "s", Time::picoseconds(i * 1234), Time::picoseconds((i + 1) * 1234));
  }
  const ReadTrace read = read_chrome_trace(std::move(trace).finish());
  ASSERT_EQ(read.slices.size(), 1000);
  for (std::size_t i = 1; i < read.slices.size(); ++i) {
    EXPECT_EQ(read.slices[i].start_ns, read.slices[i - 1].end_ns);
  }
}

TEST(ChromeTrace, TakesAsManyLanesAsSlicesAtATime) {
  Random random(3);
  std::vector<std::pair<Time, Time>> slices;
  for (int i = 0; i < 3000; ++i) {
    const auto start = static_cast<std::int64_t>(random.below(10'000));
    slices.emplace_back(us(start), us(start + 1 + static_cast<std::int64_t>(random.below(60))));
  }
  std::ranges::sort(slices);
  std::size_t most = 0;  // at a time
  for (const auto& [start, end] : slices) {
    const auto at = [&, now = start](const auto& other) {
      return other.first <= now && now < other.second;
    };
    most = std::max<std::size_t>(most, std::ranges::count_if(slices, at));
  }
  ChromeTrace trace("");
  const int track = trace.add_track(trace.add_process("p"), "t");
  for (const auto& [start, end] : slices) trace.add_slice(track, "s", start, end);
  const std::string text = std::move(trace).finish();
  EXPECT_EQ(read_chrome_trace(text).slices.size(), slices.size());
  std::size_t lanes = 0;
  for (std::size_t at = 0; (at = text.find("thread_name", at)) != std::string::npos; ++at) ++lanes;
  EXPECT_EQ(lanes, most);
}

TEST(ChromeTrace, CountersOfIntervalsSayOnlyWhatChanges) {
  ChromeTrace trace("");
  trace.add_counters(trace.add_process("p"), "busy, %", std::vector{0.5, 0.5, 0.25, 0.0}, 100,
                     us(8));
  ChromeTrace by_hand("");
  const int process = by_hand.add_process("p");
  by_hand.add_counter(process, "busy, %", us(0), 50);
  by_hand.add_counter(process, "busy, %", us(4), 25);
  by_hand.add_counter(process, "busy, %", us(6), 0);
  by_hand.add_counter(process, "busy, %", us(8), 0);
  EXPECT_EQ(std::move(trace).finish(), std::move(by_hand).finish());
}

}  // namespace
}  // namespace mixnet
