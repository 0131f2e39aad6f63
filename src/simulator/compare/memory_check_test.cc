#include "compare/memory_check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "moe/model_catalog.h"

namespace mixnet {
namespace {

using testing::HasSubstr;

/// Mixtral 8x7B, unless said otherwise, on H100.
struct Job {
  Model model = find_model("mixtral-8x7b");
  PlanRequest plan;
  Gpu gpu = find_gpu("h100");
  IterationOptions options;
  MemoryRequest request;

  explicit Job(std::int64_t gpus = 1024) {
    plan.gpus = gpus;
    options.zero = 1;
    request.looked_at = true;
  }
  MemoryReport check() const {
    refuse_hopeless(model, plan, gpu, options, request);
    return check_memory(model, make_plan(model, plan), plan, gpu, options, request);
  }
  std::string refusal() const {
    try {
      check();
    } catch (const Error& error) {
      return error.what();
    }
    return {};
  }
};

TEST(MemoryCheck, TakesTheLeastRecomputeThatFits) {
  Job job;
  const MemoryReport report = job.check();
  EXPECT_TRUE(report.chosen);
  EXPECT_TRUE(report.fits());
  EXPECT_EQ(report.recompute, Recompute::kSelective);
  EXPECT_THAT(describe_memory(report),
              HasSubstr("GB of 80: parameters 0.9, gradients 0.9, optimizer 0.6, activations"));
  EXPECT_THAT(
      describe_memory(report),
      HasSubstr("(recompute selective, the least that fits; none with --micro-batch-size 4)"));
  EXPECT_EQ(memory_warning(report), "");
  job.plan.micro_batch_size = 1;
  EXPECT_EQ(job.check().recompute, Recompute::kNone);
}

TEST(MemoryCheck, SaysWhichMicroBatchNeedsLess) {
  Job job;
  EXPECT_EQ(recompute_advice(job.check()), "") << "selective is cheap";
  job.model = find_model("mixtral-8x22b");
  const MemoryReport report = job.check();
  EXPECT_EQ(report.recompute, Recompute::kFull);
  EXPECT_EQ(report.smaller_micro_batch, 4);
  EXPECT_EQ(report.smaller_recompute, Recompute::kNone);
  EXPECT_THAT(recompute_advice(report), HasSubstr("with --micro-batch-size 4 none is enough"));
  job.plan.micro_batch_size = 4;
  EXPECT_EQ(job.check().recompute, Recompute::kNone);
}

TEST(MemoryCheck, WhatWasGivenIsTakenOrRefused) {
  Job job;
  job.request.recompute = Recompute::kFull;
  EXPECT_FALSE(job.check().chosen);
  EXPECT_EQ(job.check().recompute, Recompute::kFull);
  job.request.recompute = Recompute::kNone;
  EXPECT_THAT(job.refusal(),
              HasSubstr("memory: a GPU of stage 0 needs 81.5 GB and can have 77.0 of "
                        "80.0: parameters 0.9, gradients 0.9, optimizer 0.6"));
  EXPECT_THAT(job.refusal(), HasSubstr("what fits: --recompute selective; --ignore-memory"));
}

TEST(MemoryCheck, RefusesWhatNoPlanCanHold) {
  Job job(64);
  job.model = find_model("deepseek-v3");
  EXPECT_THAT(job.refusal(),
              HasSubstr("DeepSeek-V3 on 64 GPUs needs at least 167.8 GB a GPU on any "
                        "plan"));
  EXPECT_THAT(job.refusal(), HasSubstr("what fits: --gpus 256"));
  job.request.recompute = Recompute::kNone;  // what would fit says what more it takes
  EXPECT_THAT(job.refusal(), HasSubstr("--recompute full; --ignore-memory"));
  job.request.recompute = {};
  job.plan.tp = -1;  // make_plan() would say so
  EXPECT_THAT(job.refusal(), HasSubstr("give more --gpus"));
}

TEST(MemoryCheck, IgnoredMemoryPlaysNoPart) {
  Job job;
  job.request.ignored = true;
  const MemoryReport report = job.check();
  EXPECT_EQ(report.recompute, Recompute::kNone);
  EXPECT_FALSE(report.fits());
  EXPECT_THAT(memory_warning(report),
              HasSubstr("Beware: this does not fit. A GPU of stage 0 needs"));
}

TEST(MemoryCheck, NotLookedAtItIsOnlyShown) {
  Job job;
  job.request.looked_at = false;
  EXPECT_EQ(job.check().recompute, Recompute::kNone);
  EXPECT_FALSE(job.check().fits());
}

TEST(MemoryCheck, AModelsOwnPlanIsWarnedOf) {
  Job job;
  job.model = find_model("kimi-k2");
  const MemoryReport report = job.check();
  EXPECT_EQ(report.recompute, Recompute::kFull);
  EXPECT_FALSE(report.chosen);
  EXPECT_FALSE(report.fits());
  job.plan.micro_batch_size = 8;  // the same, and now somebody's wish
  EXPECT_THAT(job.refusal(), HasSubstr("what fits: --micro-batch-size 4"));
}

TEST(MemoryCheck, AsJson) {
  const auto json = memory_json(Job().check());
  EXPECT_EQ(json["recompute"], "selective");
  EXPECT_EQ(json["recompute_chosen"], true);
  EXPECT_EQ(json["fits"], true);
  std::int64_t sum = 0;
  for (const char* part : {"parameters", "gradients", "optimizer", "activations", "buffers"}) {
    sum += json[std::string(part) + "_bytes"].get<std::int64_t>();
  }
  EXPECT_EQ(json["total_bytes"], sum);
}

}  // namespace
}  // namespace mixnet
