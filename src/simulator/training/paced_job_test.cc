#include "training/paced_job.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "memory/rank_parameters.h"
#include "moe/model_catalog.h"
#include "training/test_plans.h"
#include "training/training_job.h"

namespace mixnet {
namespace {

constexpr FabricKind kFatTree[] = {FabricKind::kFatTree};
constexpr Bandwidth kSpeed = Bandwidth::gbps(400);

/// Balanced, on a fat-tree.
struct Job {
  JobSetup setup;
  JobPhases phases;
  PacedJob pace;

  Job(const Model& model, const ParallelPlan& plan, const IterationOptions& options)
      : setup{model, plan, find_gpu("h100"), options,
              ComputeModel(model, plan, find_gpu("h100"), options.compute,
                           static_cast<double>(busiest_rank_parameters(model, plan)))},
        phases(measure_phases(setup.model, plan, routing_of("uniform", model, plan), kFatTree,
                              options)),
        pace(setup, phases, FabricKind::kFatTree, kSpeed, 1) {}
  Job(const std::string& name, const IterationOptions& options)
      : Job(find_model(name), default_plan(find_model(name)), options) {}
};

IterationOptions with(Recompute recompute) {
  IterationOptions options;
  options.recompute = recompute;
  return options;
}

IterationOptions with_zero(int zero, bool overlap = true) {
  IterationOptions options;
  options.zero = zero;
  options.overlap_dp = overlap;
  return options;
}

TEST(PacedJob, FullRecomputeAddsTheForwardPassToTheBackwardPass) {
  for (const std::string name : {"mixtral-8x7b", "deepseek-v3"}) {
    const StageTimes none = Job(name, {}).pace.stage_times({0, 0, 0});
    const StageTimes full = Job(name, with(Recompute::kFull)).pace.stage_times({0, 0, 0});
    EXPECT_EQ(full.forward.total(), none.forward.total()) << name;
    EXPECT_EQ(full.backward.total(), none.backward.total() + none.forward.total()) << name;
    EXPECT_EQ(full.backward.compute, none.backward.compute + none.forward.compute) << name;
    EXPECT_EQ(full.backward.ep, none.backward.ep + none.forward.ep) << "dispatch and combine again";
    EXPECT_EQ(full.backward.tp, none.backward.tp + none.forward.tp) << name;
    EXPECT_EQ(full.shared_nics_busy, none.shared_nics_busy * 2);
  }
}

TEST(PacedJob, TheHeadIsNotRecomputed) {
  const Job none("mixtral-8x7b", {});
  const Job full("mixtral-8x7b", with(Recompute::kFull));
  const Time head = none.setup.compute.time(LayerOperation::kHead).forward;
  const int last = none.setup.plan.pp - 1;
  EXPECT_EQ(full.pace.stage_times({last, 0, 0}).backward.total() + head,
            none.pace.stage_times({last, 0, 0}).backward.total() +
                none.pace.stage_times({last, 0, 0}).forward.total());
}

TEST(PacedJob, AnIterationWithFullRecomputeInAClosedCase) {
  // On the ideal fabric and one stage: m (2 f + b) + head + optimizer.
  const Model model = find_model("olmoe-1b-7b");
  const ParallelPlan plan = default_plan(model, 64);
  constexpr FabricKind kIdeal[] = {FabricKind::kIdeal};
  const auto time = [&](Recompute recompute) {
    return TrainingJob(model, plan, find_gpu("h100"), routing_of("uniform", model, plan), kIdeal,
                       with(recompute))
        .simulate(FabricKind::kIdeal, kSpeed)
        .total;
  };
  const ComputeModel compute(model, plan, find_gpu("h100"), {},
                             static_cast<double>(busiest_rank_parameters(model, plan)));
  const Time layer = compute.time(LayerOperation::kAttention).forward +
                     compute.time(LayerOperation::kGate).forward +
                     compute.experts(plan.tokens_per_ep_rank() * model.top_k).forward;
  EXPECT_EQ(time(Recompute::kFull) - time(Recompute::kNone),
            layer * model.layers * plan.micro_batches());
}

TEST(PacedJob, SelectiveRecomputeTakesWhatPassesTheMemory) {
  const Job none("mixtral-8x7b", {});
  const Job selective("mixtral-8x7b", with(Recompute::kSelective));
  const double rate = 3.35e12 * 0.8;
  // 32,768 tokens: two norms of a quarter of them; a quarter of the width of two copies of each.
  const double norms = 2.0 * 2 * 2 * 4096 * 32768 / 4;
  const double products = 3.0 * 2 * 2 * 32768 * 14336 / 4;
  const Time more = selective.pace.stage_times({0, 0, 0}).backward.compute -
                    none.pace.stage_times({0, 0, 0}).backward.compute;
  EXPECT_NEAR(more.to_seconds(), 8 * (norms + products) / rate, 1e-9);
  EXPECT_EQ(selective.pace.stage_times({0, 0, 0}).forward.total(),
            none.pace.stage_times({0, 0, 0}).forward.total());
}

TEST(PacedJob, SharesOfTheOptimizerAreSteppedAlone) {
  const Job whole("mixtral-8x7b", with_zero(0));
  const Job shared("mixtral-8x7b", with_zero(1));
  // Experts of the 1,024 GPUs are there 8 times, the rest 64 times.
  const RankParameters own = stage_on_rank(whole.setup.model, whole.setup.plan, 0);
  const double share = (static_cast<double>(own.dense) / 64 + static_cast<double>(own.expert) / 8) /
                       static_cast<double>(own.sum());
  EXPECT_NEAR(shared.pace.optimizer_time().to_seconds(),
              whole.pace.optimizer_time().to_seconds() * share, 1e-6);
}

TEST(PacedJob, ScatterAndGatherAreAnAllReduce) {
  const Job whole("mixtral-8x7b", with_zero(0));
  const Time all_reduce = whole.pace.gradient_time(0);
  ASSERT_GT(all_reduce, Time::zero());
  EXPECT_EQ(Job("mixtral-8x7b", with_zero(1)).pace.gradient_time(0), all_reduce);
  EXPECT_EQ(Job("mixtral-8x7b", with_zero(2)).pace.gradient_time(0), all_reduce);
  EXPECT_EQ(Job("mixtral-8x7b", with_zero(3)).pace.gradient_time(0), all_reduce / 2);
  // Gradients in fp32 are scattered, parameters in bf16 gathered.
  IterationOptions wide = with_zero(0);
  wide.gradient_bytes = 4;
  const Time twice = Job("mixtral-8x7b", wide).pace.gradient_time(0);
  wide.zero = 1;
  EXPECT_NEAR(Job("mixtral-8x7b", wide).pace.gradient_time(0).to_seconds(),
              0.75 * twice.to_seconds(), 1e-9);
}

TEST(PacedJob, MicroBatchByMicroBatchWithoutOverlap) {
  const Time half = Job("mixtral-8x7b", with_zero(0)).pace.gradient_time(0) / 2;
  const Job two("mixtral-8x7b", with_zero(2, false));
  EXPECT_EQ(two.pace.stage_times({0, 0, 0}).forward.dp, Time::zero());
  EXPECT_EQ(two.pace.stage_times({0, 0, 0}).backward.dp, half);
  const int last = two.setup.plan.micro_batches() - 1;
  EXPECT_EQ(two.pace.stage_times({0, 0, last}).backward.dp, Time::zero()) << "at the end, with DP";
  const Job three("mixtral-8x7b", with_zero(3, false));
  EXPECT_EQ(three.pace.stage_times({0, 0, 0}).forward.dp, half);
  EXPECT_EQ(three.pace.stage_times({0, 0, 0}).backward.dp, half * 2);
  EXPECT_EQ(three.pace.stage_times({0, 0, last}).backward.dp, half);
}

TEST(PacedJob, TheLastGradientsDoNotHideBeneathWhatGathersParameters) {
  // One micro-batch, by NICs that have hardly time for anything else: parameters come twice, and
  // gradients go.
  const Model model = find_model("olmoe-1b-7b");
  ParallelPlan plan = default_plan(model, 64);
  plan.global_batch_size = plan.micro_batch_size * plan.dp;
  ASSERT_EQ(plan.pp, 1);
  const Job job(model, plan, with_zero(3));
  const Bandwidth slow = Bandwidth::gbps(1);
  const PacedJob pace(job.setup, job.phases, FabricKind::kFatTree, slow, 1);
  const Time scatter = pace.gradient_time(0);
  ASSERT_GT(scatter, pace.stage_times({0, 0, 0}).forward.compute);
  const TrainingJob training(model, plan, find_gpu("h100"), routing_of("uniform", model, plan),
                             kFatTree, with_zero(3));
  const IterationTime time = training.simulate(FabricKind::kFatTree, slow);
  EXPECT_GE(time.total - time.ep, scatter * 3);
}

TEST(PacedJob, ShardsHideBeneathThePassWhereNicsAreFree) {
  const Job apart("mixtral-8x7b", with_zero(3, false));
  const Job over("mixtral-8x7b", with_zero(3));
  const StageTimes with = over.pace.stage_times({0, 0, 0});
  const Time length = apart.pace.stage_times({0, 0, 0}).backward.dp;
  const Time rest = with.backward.total() - with.backward.dp;
  EXPECT_EQ(with.backward.dp, std::max(Time::zero(), length - (rest - with.shared_nics_busy)));
}

}  // namespace
}  // namespace mixnet
