// Timelines as TrainingJob records them, held to the iteration's time and to what can be.
#include "training/timeline.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <set>
#include <string>
#include <tuple>

#include "moe/model_catalog.h"
#include "training/test_plans.h"
#include "training/training_job.h"

namespace mixnet {
namespace {

constexpr Bandwidth kSpeed = Bandwidth::gbps(400);

/// Four stages of 14 layers, two replicas, regions of eight servers, three micro-batches.
struct Case {
  std::string model = "mixtral-8x22b";
  std::int64_t gpus = 512;
  int pp = 4;
  int vpp = 1;
  std::string routing = "dynamic";
  FabricKind fabric = FabricKind::kMixNet;
  double compute_scale = 1;
  std::int64_t micro_batches = 3;
  IterationOptions options;

  TrainingJob job() const {
    const Model found = find_model(model);
    PlanRequest request;
    request.gpus = gpus;
    request.pp = pp;
    request.vpp = vpp;
    request.micro_batch_size = 8;
    ParallelPlan plan = make_plan(found, request);
    plan.global_batch_size = plan.micro_batch_size * plan.dp * micro_batches;
    IterationOptions at_speed = options;
    at_speed.fidelity.nic_rate = kSpeed;
    return {found,   plan, find_gpu("h100"), routing_of(routing, found, plan), std::array{fabric},
            at_speed};
  }
};

IterationTimeline record(const Case& one, const TimelineOptions& limits = {}) {
  return one.job().record(one.fabric, kSpeed, limits, one.compute_scale);
}

/// What differs in what overlaps, and over what all-to-alls go.
std::vector<Case> cases() {
  std::vector<Case> all;
  for (const Reconfiguration policy :
       {Reconfiguration::kBlock, Reconfiguration::kReuse, Reconfiguration::kCopilot,
        Reconfiguration::kOracle, Reconfiguration::kHitless, Reconfiguration::kHidden}) {
    for (const Time delay : {Time::milliseconds(2), Time::milliseconds(25), Time::seconds(1)}) {
      Case& one = all.emplace_back();
      one.options.reconfiguration = policy;
      one.options.reconfiguration_delay = delay;
    }
  }
  Case one;
  for (const FabricKind fabric : {FabricKind::kFatTree, FabricKind::kTopoOpt, FabricKind::kIdeal}) {
    one.fabric = fabric;
    all.push_back(one);
  }
  one = {};
  one.compute_scale = 0.1;
  one.options.pipelined_ep_steps = false;
  one.options.sequence_parallel = false;
  one.options.schedule = PipelineSchedule::kEager1F1B;
  one.options.overlap_dp = false;
  all.push_back(one);
  one = {};
  one.routing = "uniform";
  all.push_back(one);
  one = {};
  one.model = "deepseek-v3";  // dense layers, shared experts, 16 stages
  one.gpus = 1024;
  one.pp = 16;
  one.micro_batches = 2;
  all.push_back(one);
  one = {};
  one.vpp = 2;  // each stage takes its layers in two turns
  one.micro_batches = 8;
  all.push_back(one);
  return all;
}

std::string name_of(const Case& one) {
  return one.model + " on " + std::string(to_string(one.fabric)) + ", policy " +
         std::to_string(static_cast<int>(one.options.reconfiguration)) + ", delay " +
         to_string(one.options.reconfiguration_delay);
}

bool is_exchange(const TimelineSpan& span) {
  return span.track == TimelineTrack::kAllToAll && span.part != TimelinePart::kWait;
}
bool is_all_dark(const TimelineSpan& span) {
  return span.part == TimelinePart::kDark || span.part == TimelinePart::kDarkAsCounted;
}

template <typename Want>
std::vector<TimelineSpan> spans_of(const IterationTimeline& timeline, Want&& want) {
  std::vector<TimelineSpan> some;
  std::ranges::copy_if(timeline.spans, std::back_inserter(some), want);
  return some;
}

/// Of all spans together.
Time length_of(const std::vector<TimelineSpan>& spans) {
  Time sum;
  for (const TimelineSpan& span : spans) sum += span.length();
  return sum;
}

/// Of the time in which there is one of `spans` in their region.
Time cover_of(std::vector<TimelineSpan> spans) {
  std::ranges::sort(spans, {}, [](const TimelineSpan& span) {
    return std::tuple(span.replica, span.stage, span.start);
  });
  Time sum, reached;
  for (std::size_t i = 0; i < spans.size(); ++i) {
    const TimelineSpan& span = spans[i];
    const bool is_new =
        i == 0 || spans[i - 1].stage != span.stage || spans[i - 1].replica != span.replica;
    if (is_new) reached = Time::zero();
    sum += std::max(Time::zero(), span.end - std::max(span.start, reached));
    reached = std::max(reached, span.end);
  }
  return sum;
}

using Region = std::tuple<int, int>;
std::map<Region, std::vector<TimelineSpan>> by_region(const std::vector<TimelineSpan>& spans) {
  std::map<Region, std::vector<TimelineSpan>> regions;
  for (const TimelineSpan& span : spans) regions[{span.replica, span.stage}].push_back(span);
  return regions;
}

TEST(Timeline, RecordingDoesNotChangeTheIteration) {
  for (const Case& one : cases()) {
    SCOPED_TRACE(name_of(one));
    const TrainingJob job = one.job();
    const IterationTime time = job.simulate(one.fabric, kSpeed, one.compute_scale);
    const IterationTimeline timeline = job.record(one.fabric, kSpeed, {}, one.compute_scale);
    EXPECT_EQ(timeline.time.total, time.total);
    EXPECT_EQ(timeline.time.compute, time.compute);
    EXPECT_EQ(timeline.time.ep, time.ep);
    EXPECT_EQ(timeline.time.reconfiguration, time.reconfiguration);
    EXPECT_EQ(timeline.time.bubble, time.bubble);
    EXPECT_EQ(timeline.regions, job.plan().pp * job.plan().replicas());
    EXPECT_EQ(job.record(one.fabric, kSpeed, {}, one.compute_scale).spans, timeline.spans);
  }
}

TEST(Timeline, TheLastSpanEndsWithTheIteration) {
  for (const Case& one : cases()) {
    SCOPED_TRACE(name_of(one));
    const IterationTimeline timeline = record(one);
    Time last;
    for (const TimelineSpan& span : timeline.spans) {
      EXPECT_GE(span.start, Time::zero());
      EXPECT_GT(span.end, span.start);
      last = std::max(last, span.end);
    }
    EXPECT_EQ(last, timeline.time.total);
  }
}

TEST(Timeline, SpansOfATrackFollowEachOther) {
  for (const Case& one : cases()) {
    SCOPED_TRACE(name_of(one));
    const IterationTimeline timeline = record(one);
    for (std::size_t i = 1; i < timeline.spans.size(); ++i) {
      const TimelineSpan& before = timeline.spans[i - 1];
      const TimelineSpan& span = timeline.spans[i];
      const auto track_of = [](const TimelineSpan& of) {
        return std::tuple(of.replica, of.stage, of.track);
      };
      ASSERT_LE(track_of(before), track_of(span));
      if (track_of(before) != track_of(span)) continue;
      ASSERT_LE(before.start, span.start);
      if (span.track == TimelineTrack::kSends) continue;
      const bool is_within = before.part == TimelinePart::kMicroBatch &&
                             span.part != TimelinePart::kMicroBatch && span.end <= before.end;
      EXPECT_TRUE(is_within || before.end <= span.start)
          << to_string(span.track) << ": " << to_string(before.part) << ", "
          << to_string(span.part);
    }
  }
}

TEST(Timeline, LayersFillTheirMicroBatch) {
  for (const Case& one : cases()) {
    SCOPED_TRACE(name_of(one));
    const IterationTimeline timeline = record(one);
    const Time works = length_of(spans_of(
        timeline, [](const TimelineSpan& span) { return span.part == TimelinePart::kMicroBatch; }));
    const Time layers = length_of(spans_of(timeline, [](const TimelineSpan& span) {
      return span.part == TimelinePart::kLayer || span.part == TimelinePart::kHead;
    }));
    EXPECT_EQ(works, layers);
  }
}

TEST(Timeline, ItsSpansAddUpToThePartsOfTheIteration) {
  for (const Case& one : cases()) {
    SCOPED_TRACE(name_of(one));
    const IterationTimeline timeline = record(one);
    const auto mean = [&](Time sum) { return Time{sum.ps / timeline.regions}; };
    const auto on = [&](auto&& want) { return spans_of(timeline, want); };
    EXPECT_EQ(mean(length_of(on(
                  [](const TimelineSpan& span) { return span.track == TimelineTrack::kCompute; }))),
              timeline.time.compute);
    EXPECT_EQ(mean(length_of(on([](const TimelineSpan& span) {
                return span.part == TimelinePart::kTensorParallel;
              }))),
              timeline.time.tp);
    EXPECT_EQ(mean(length_of(
                  on([](const TimelineSpan& span) { return span.part == TimelinePart::kWait; }))),
              timeline.time.reconfiguration);
    EXPECT_EQ(mean(cover_of(on([](const TimelineSpan& span) {
                return is_exchange(span) || span.part == TimelinePart::kGatherScatter;
              }))),
              timeline.time.ep);
  }
}

TEST(Timeline, ADarkSwitchCarriesNothingAndWhoWaitsWaitsForIt) {
  for (const Case& one : cases()) {
    SCOPED_TRACE(name_of(one));
    const IterationTimeline timeline = record(one);
    for (const auto& [region, dark] : by_region(spans_of(timeline, is_all_dark))) {
      for (const TimelineSpan& span : timeline.spans) {
        if (Region{span.replica, span.stage} != region) continue;
        const auto later = std::ranges::upper_bound(dark, span.start, {}, &TimelineSpan::end);
        const bool meets = later != dark.end() && later->start < span.end;
        if (is_exchange(span)) {
          EXPECT_FALSE(meets);
        } else if (span.part == TimelinePart::kWait) {
          Time reached = span.start;
          for (auto at = later; at != dark.end() && at->start <= reached; ++at) reached = at->end;
          EXPECT_GE(reached, span.end);
        }
      }
    }
  }
}

TEST(Timeline, ASwitchIsLitWhereItIsNotDark) {
  for (const Case& one : cases()) {
    SCOPED_TRACE(name_of(one));
    const IterationTimeline timeline = record(one);
    EXPECT_EQ(timeline.has_switch, one.fabric == FabricKind::kMixNet);
    const auto states = by_region(spans_of(
        timeline, [](const TimelineSpan& span) { return span.track == TimelineTrack::kSwitch; }));
    EXPECT_EQ(states.size(), timeline.has_switch ? timeline.regions : 0);
    for (const auto& [region, spans] : states) {
      Time reached;
      for (const TimelineSpan& span : spans) {
        EXPECT_EQ(span.start, reached);
        reached = span.end;
      }
      EXPECT_EQ(reached, timeline.time.total);
    }
  }
}

/// How long each region's switch is dark.
Time dark_time(const IterationTimeline& timeline, bool backward) {
  return Time{length_of(spans_of(timeline,
                                 [&](const TimelineSpan& span) {
                                   return is_all_dark(span) && span.is_backward == backward;
                                 }))
                  .ps /
              timeline.regions};
}

TEST(Timeline, DarkTimeIsWhatThePolicySays) {
  Case one;
  one.options.reconfiguration_delay = Time::milliseconds(2);
  const Time all = Time::milliseconds(2) * (3 * 14);  // micro-batches, layers of a stage
  const auto dark = [&](Reconfiguration policy, bool backward) {
    one.options.reconfiguration = policy;
    return dark_time(record(one), backward);
  };
  EXPECT_EQ(dark(Reconfiguration::kBlock, false), all);
  EXPECT_EQ(dark(Reconfiguration::kBlock, true), all);
  EXPECT_EQ(dark(Reconfiguration::kHidden, false), Time::zero());
  EXPECT_EQ(dark(Reconfiguration::kHidden, true), Time::zero());
  for (const Reconfiguration policy :
       {Reconfiguration::kReuse, Reconfiguration::kOracle, Reconfiguration::kCopilot}) {
    EXPECT_GT(dark(policy, false), Time::zero());
    EXPECT_LE(dark(policy, false), all * 2) << "copilot may move twice";
    EXPECT_LE(dark(policy, true), all);
  }
  one.routing = "uniform";  // circuits never change
  EXPECT_EQ(dark(Reconfiguration::kReuse, false), Time::zero());
  EXPECT_EQ(dark(Reconfiguration::kBlock, false), all);
}

TEST(Timeline, HitlessMovesPortsWhileOthersCarryOn) {
  Case one;
  one.options.reconfiguration = Reconfiguration::kHitless;
  one.options.reconfiguration_delay = Time::milliseconds(1);
  const IterationTimeline timeline = record(one);
  const auto moving = spans_of(
      timeline, [](const TimelineSpan& span) { return span.part == TimelinePart::kPartlyDark; });
  ASSERT_FALSE(moving.empty());
  for (const TimelineSpan& span : moving) {
    EXPECT_FALSE(span.is_backward);
    EXPECT_LE(span.length(), Time::milliseconds(1));
    EXPECT_TRUE(std::ranges::any_of(timeline.spans, [&](const TimelineSpan& other) {
      return other.part == TimelinePart::kDispatch && other.start == span.start &&
             other.stage == span.stage && other.replica == span.replica;
    })) << "begins with the dispatch";
  }
}

TEST(Timeline, ASlowSwitchIsDarkAsCounted) {
  // Longer than the attention behind a backward pass, shorter than attention and experts.
  Case one;
  one.options.reconfiguration_delay = Time::milliseconds(25);
  const IterationTimeline timeline = record(one);
  const auto counted = spans_of(
      timeline, [](const TimelineSpan& span) { return span.part == TimelinePart::kDarkAsCounted; });
  EXPECT_FALSE(counted.empty());
  for (const TimelineSpan& span : counted) EXPECT_TRUE(span.is_backward);
  EXPECT_EQ(dark_time(timeline, true), Time::milliseconds(25) * (3 * 14));
}

TEST(Timeline, AFewRegionsAreThoseOfTheFirstReplicas) {
  const Case one;
  const IterationTimeline all = record(one);
  const IterationTimeline some = record(one, {.regions = 5});
  EXPECT_EQ(some.regions, 5);
  EXPECT_EQ(some.time.total, all.time.total);
  const auto first =
      spans_of(all, [](const TimelineSpan& span) { return span.replica * 4 + span.stage < 5; });
  EXPECT_EQ(some.spans, first);
}

TEST(Timeline, OneLayerIsAsInTheIteration) {
  for (const Case& one : cases()) {
    SCOPED_TRACE(name_of(one));
    const TrainingJob job = one.job();
    const IterationTimeline timeline = job.record(one.fabric, kSpeed, {}, one.compute_scale);
    for (const bool is_backward : {false, true}) {
      const LayerPass pass = {5, 0, 1, is_backward};
      std::vector<TimelineSpan> layer =
          job.record_layer(one.fabric, kSpeed, pass, one.compute_scale);
      ASSERT_FALSE(layer.empty());
      const auto of_pass = [&](const TimelineSpan& span) {
        return span.layer == 5 && span.replica == 0 && span.micro_batch == 1 &&
               span.is_backward == is_backward && span.part != TimelinePart::kLit;
      };
      std::vector<TimelineSpan> expected = spans_of(timeline, of_pass);
      ASSERT_FALSE(expected.empty());
      EXPECT_EQ(expected.front().part, TimelinePart::kLayer);
      const Time begin = expected.front().start;
      expected.erase(expected.begin());
      for (TimelineSpan& span : expected) {
        span.start -= begin;
        span.end -= begin;
      }
      EXPECT_EQ(layer, expected);
    }
  }
}

TEST(Timeline, LostWorkComesFirstAndOutagesStandStill) {
  Case one;
  one.options.failures.failures = {parse_failure("server:1@200ms", "--fail")};
  const IterationTimeline lost = record(one);
  ASSERT_GT(lost.time.lost, Time::zero());
  const auto of_part = [](const IterationTimeline& timeline, TimelinePart part) {
    return spans_of(timeline, [part](const TimelineSpan& span) { return span.part == part; });
  };
  EXPECT_EQ(length_of(of_part(lost, TimelinePart::kLost)), lost.time.lost * lost.regions);
  for (const TimelineSpan& span : of_part(lost, TimelinePart::kMicroBatch)) {
    EXPECT_GE(span.start, lost.time.lost);
  }

  one.options.failures.failures = {parse_failure("nic:1.7@200ms", "--fail"),
                                   parse_failure("nic:1.2@300ms", "--fail")};
  const TrainingJob job = one.job();
  const IterationTimeline worn = job.record(one.fabric, kSpeed);
  EXPECT_EQ(worn.time.total, job.simulate(one.fabric, kSpeed).total);
  const auto outages = of_part(worn, TimelinePart::kOutage);
  ASSERT_FALSE(outages.empty());
  for (const TimelineSpan& span : outages) EXPECT_LE(span.length(), Time::milliseconds(10));
  // What was done is all of the work.
  const Time works = length_of(of_part(worn, TimelinePart::kMicroBatch));
  const Time done = length_of(of_part(worn, TimelinePart::kLayer)) +
                    length_of(of_part(worn, TimelinePart::kHead)) + length_of(outages);
  EXPECT_LE(std::abs((works - done).ps), 10);
  const Time compute = length_of(spans_of(
      worn, [](const TimelineSpan& span) { return span.track == TimelineTrack::kCompute; }));
  // A piece of the work counts with the mean of its parts, and is drawn with those that it had.
  EXPECT_NEAR(compute.to_seconds() / worn.regions, worn.time.compute.to_seconds(),
              2e-3 * worn.time.compute.to_seconds());
}

TEST(Timeline, UseIsTheShareOfRegionsInEveryBin) {
  const Case one;
  const IterationTimeline timeline = record(one);
  const TimelineUse use = use_of(timeline, 37);
  const auto mean = [](const std::vector<double>& bins) {
    return std::accumulate(bins.begin(), bins.end(), 0.0) / static_cast<double>(bins.size());
  };
  for (const std::vector<double>* bins :
       {&use.compute, &use.scale_up, &use.all_to_all, &use.eps, &use.dark}) {
    ASSERT_EQ(bins->size(), 37);
    EXPECT_GT(mean(*bins), 0);
    for (const double share : *bins) EXPECT_TRUE(share >= 0 && share <= 1 + 1e-9) << share;
  }
  const double total = timeline.time.total.to_seconds();
  EXPECT_NEAR(mean(use.compute) * total, timeline.time.compute.to_seconds(), 1e-9);
  EXPECT_NEAR(mean(use.dark) * total,
              (dark_time(timeline, false) + dark_time(timeline, true)).to_seconds(), 1e-9);
}

TEST(Timeline, PartsAndTracksHaveNamesOfTheirOwn) {
  const std::vector<std::string> parts = names_of<TimelinePart>();
  ASSERT_EQ(parts.size(), static_cast<std::size_t>(TimelinePart::kShards) + 1);
  EXPECT_EQ(std::set(parts.begin(), parts.end()).size(), parts.size());
  EXPECT_EQ(to_string(TimelinePart::kAllReduce), "all-reduce");
  EXPECT_EQ(names_of<TimelineTrack>().size(),
            static_cast<std::size_t>(TimelineTrack::kGradients) + 1);
  EXPECT_EQ(to_string(TimelineTrack::kGradients), "gradients");
}

}  // namespace
}  // namespace mixnet
