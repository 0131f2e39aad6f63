#include "compare/iteration_run.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/error.h"
#include "base/test_trace_events.h"
#include "compare/comparison_text.h"
#include "interop/timeline_trace.h"
#include "moe/model_catalog.h"

namespace mixnet {
namespace {

using testing::HasSubstr;

ComparisonRequest request_of(std::string_view model, std::int64_t gpus, FabricKind fabric) {
  ComparisonRequest request;
  request.model = find_model(model);
  request.plan.gpus = gpus;
  request.gpu = find_gpu("h100");
  request.fabrics = {fabric};
  request.bandwidths = {Bandwidth::gbps(400)};
  request.prices = PriceList::load();
  return request;
}

TEST(IterationRun, IsTheRunOfAComparison) {
  for (const FabricKind fabric :
       {FabricKind::kMixNet, FabricKind::kRailOptimized, FabricKind::kIdeal}) {
    for (const Reconfiguration policy : {Reconfiguration::kBlock, Reconfiguration::kHitless}) {
      ComparisonRequest request = request_of("mixtral-8x22b", 512, fabric);
      request.iteration.reconfiguration = policy;
      request.iteration.failures.failures = {parse_failure("nic:3.1@1s", "--fail")};
      const Comparison comparison = compare(request);
      const IterationRun run = run_iteration(request, {});
      auto expected = run_json(comparison, comparison.runs.front());
      expected["performance_per_dollar_vs_fat_tree"] = nullptr;
      expected["performance_per_total_dollar_vs_fat_tree"] = nullptr;
      EXPECT_EQ(run_json(run.comparison, run.comparison.runs.at(0)), expected);
      EXPECT_EQ(run.timeline.time.total, run.comparison.runs[0].time.total);
      EXPECT_FALSE(run.timeline.spans.empty());
    }
  }
}

TEST(IterationRun, NoRegionHasMoreSpansThanExpected) {
  for (const std::string_view model : {"mixtral-8x7b", "deepseek-v3", "qwen-moe"}) {
    ComparisonRequest request = request_of(model, 1024, FabricKind::kMixNet);
    request.iteration.pipelined_ep_steps = false;
    const IterationRun run = run_iteration(request, {.regions = 3});
    std::map<std::pair<int, int>, std::int64_t> spans;
    for (const TimelineSpan& span : run.timeline.spans) ++spans[{span.replica, span.stage}];
    const std::int64_t most = spans_of_region(request.model, run.comparison.plan);
    EXPECT_EQ(spans.size(), 3);
    std::int64_t largest = 0;  // a stage of dense layers has fewer
    for (const auto& [region, count] : spans) largest = std::max(largest, count);
    EXPECT_LE(largest, most * 5 / 4) << model;
    EXPECT_GE(largest, most / 2) << model;
  }
}

TEST(IterationRun, ItsTraceKeepsTheRulesOfTheFormat) {
  for (const PipelineSchedule schedule : {PipelineSchedule::k1F1B, PipelineSchedule::kEager1F1B}) {
    ComparisonRequest request = request_of("mixtral-8x7b", 256, FabricKind::kMixNet);
    request.bandwidths = {Bandwidth::gbps(100)};
    request.compute_scale = 1e-3;  // so that sends overlap
    request.iteration.schedule = schedule;
    request.iteration.reconfiguration = Reconfiguration::kCopilot;
    const IterationRun run = run_iteration(request, {});
    const ReadTrace trace = read_chrome_trace(to_chrome_trace(run.timeline, title_of(request)));
    EXPECT_EQ(trace.title, "Mixtral 8x7B on mixnet, 100 Gb/s a NIC");
    std::int64_t end = 0;
    for (const ReadSlice& slice : trace.slices) end = std::max(end, slice.end_ns);
    EXPECT_EQ(end, run.timeline.time.total.ps / 1000);
    EXPECT_EQ(trace.slices.size(), run.timeline.spans.size());
  }
}

TEST(IterationRun, TakesOneFabricAndOneSpeed) {
  const auto complaint = [](auto&& change) -> std::string {
    ComparisonRequest request = request_of("mixtral-8x7b", 256, FabricKind::kMixNet);
    change(request);
    try {
      (void)run_iteration(request, {});
      return "none";
    } catch (const Error& error) {
      return error.what();
    }
  };
  EXPECT_THAT(complaint([](auto& r) { r.fabrics.push_back(FabricKind::kFatTree); }),
              HasSubstr("--fabric: names 2 fabrics"));
  EXPECT_THAT(complaint([](auto& r) { r.bandwidths.push_back(Bandwidth::gbps(100)); }),
              HasSubstr("--bandwidth: names 2 speeds"));
  EXPECT_THAT(complaint([](auto& r) { r.compute_scale = 0; }), HasSubstr("--compute-scale"));
}

}  // namespace
}  // namespace mixnet
