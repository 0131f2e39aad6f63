#include "sim/training_job.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "hardware/gpu.h"
#include "moe/model_catalog.h"

namespace mixnet {
namespace {

constexpr Bandwidth kSpeed = Bandwidth::gbps(400);

ParallelPlan plan_of(const Model& model, std::int64_t gpus) {
  PlanRequest request;
  request.gpus = gpus;
  return make_plan(model, request);
}

RoutingSource routing_of(std::string_view spec, const Model& model, const ParallelPlan& plan) {
  return RoutingSource::make(spec,
                             {plan.ep, model.placed_experts, model.top_k, moe_layers(model),
                              plan.tokens_per_micro_batch()},
                             1);
}

TrainingJob job_of(std::string_view name, std::string_view routing, std::int64_t gpus,
                   IterationOptions options = {}) {
  const Model model = find_model(name);
  const ParallelPlan plan = plan_of(model, gpus);
  return {model, plan, find_gpu("h100"), routing_of(routing, model, plan), all_fabrics(), options};
}

Time parts(const IterationTime& t) {
  return t.compute + t.ep + t.tp + t.pp + t.dp + t.reconfiguration + t.bubble;
}

TEST(TrainingJob, PartsAddUpAndNoneIsNegative) {
  for (const std::string_view name : {"mixtral-8x7b", "qwen-moe", "deepseek-v3"}) {
    const TrainingJob job = job_of(name, "measured", 1024);
    for (const FabricKind fabric : all_fabrics()) {
      for (const std::int64_t gbps : {100, 800}) {
        const IterationTime time = job.simulate(fabric, Bandwidth::gbps(gbps));
        EXPECT_LE(std::abs((time.total - parts(time)).ps), 1000) << name << to_string(fabric);
        for (const Time part : {time.compute, time.ep, time.tp, time.pp, time.dp,
                                time.reconfiguration, time.bubble}) {
          EXPECT_GE(part, Time::zero()) << name << " " << to_string(fabric);
        }
      }
    }
  }
}

TEST(TrainingJob, IdealFabricIsComputeInA1F1BPipeline) {
  // With balanced load every stage of Mixtral 8x7B computes alike but for the head.
  const TrainingJob job = job_of("mixtral-8x7b", "uniform", 1024);
  const ParallelPlan& plan = job.plan();
  const ComputeModel compute(job.model(), plan, find_gpu("h100"), {});
  const auto both = [&](OperationTime time) { return (time.forward + time.backward).to_seconds(); };
  const double layer = both(compute.time(Operation::kAttention)) +
                       both(compute.time(Operation::kGate)) +
                       both(compute.experts(plan.tokens_per_micro_batch() * 2));
  const double stage = layer * 8;
  const double head = both(compute.time(Operation::kHead));
  const double optimizer = compute.time(Operation::kOptimizer).forward.to_seconds();
  const double m = plan.micro_batches();
  // The last stage, slower by the head, is busy from its first forward to its last backward; before
  // and after, one forward and one backward of each other stage.
  const double expected = m * (stage + head) + (plan.pp - 1) * stage + optimizer;
  const IterationTime time = job.simulate(FabricKind::kIdeal, kSpeed);
  EXPECT_NEAR(time.total.to_seconds(), expected, 1e-3 * expected);
  EXPECT_EQ(time.ep + time.tp + time.pp + time.dp + time.reconfiguration, Time::zero());
}

TEST(TrainingJob, EpTimeIsTheBusiestNicOfFourAllToAlls) {
  // LLaMA-MoE on 1024 GPUs: a region is two servers, so with balanced routing half of what each
  // GPU sends leaves by its NIC.
  const TrainingJob job = job_of("llama-moe", "uniform", 1024);
  const ParallelPlan& plan = job.plan();
  const double bytes = static_cast<double>(plan.tokens_per_micro_batch()) * 4 * 4096 * 2;
  const double layers_a_stage = 8;
  const double expected =
      plan.micro_batches() * layers_a_stage * 4 * (bytes / 2 / kSpeed.bytes_per_second());
  const IterationTime fat_tree = job.simulate(FabricKind::kFatTree, kSpeed);
  EXPECT_NEAR(fat_tree.ep.to_seconds(), expected, 2e-3 * expected);
  // Two servers with six circuits: 8 GPUs' bytes over 6 NICs.
  const IterationTime mixnet = job.simulate(FabricKind::kMixNet, kSpeed);
  EXPECT_NEAR(mixnet.ep.to_seconds(), expected * 8 / 6, 2e-3 * expected);
}

TEST(TrainingJob, BlockWaitsForTheSwitchBeforeEveryDispatch) {
  IterationOptions options;
  options.reconfiguration_delay = Time::milliseconds(2);  // hides beneath any backward
  const IterationTime block =
      job_of("mixtral-8x7b", "measured", 1024, options).simulate(FabricKind::kMixNet, kSpeed);
  options.reconfiguration = Reconfiguration::kHidden;
  const TrainingJob hidden_job = job_of("mixtral-8x7b", "measured", 1024, options);
  const IterationTime hidden = hidden_job.simulate(FabricKind::kMixNet, kSpeed);
  const int waits = hidden_job.plan().micro_batches() * 8;  // layers of a stage
  EXPECT_EQ(hidden.reconfiguration, Time::zero());
  EXPECT_EQ(block.reconfiguration, Time::milliseconds(2) * waits);
  EXPECT_GT(block.total, hidden.total);

  // A switch slower than a layer's backward also shows there.
  options.reconfiguration = Reconfiguration::kBlock;
  options.reconfiguration_delay = Time::seconds(1);
  const IterationTime slow =
      job_of("mixtral-8x7b", "measured", 1024, options).simulate(FabricKind::kMixNet, kSpeed);
  EXPECT_GT(slow.reconfiguration, Time::seconds(waits));
  EXPECT_LT(slow.reconfiguration, Time::seconds(2 * waits));
}

TEST(TrainingJob, ReconfigurationIsOfNoConcernElsewhere) {
  const TrainingJob job = job_of("mixtral-8x7b", "measured", 1024);
  for (const FabricKind fabric : all_fabrics()) {
    if (fabric == FabricKind::kMixNet) continue;
    EXPECT_EQ(job.simulate(fabric, kSpeed).reconfiguration, Time::zero()) << to_string(fabric);
  }
  // An EP group within one server has no use for circuits.
  const Model model = find_model("mixtral-8x7b");
  PlanRequest request;
  request.gpus = 64;
  request.tp = 1;
  const ParallelPlan plan = make_plan(model, request);
  ASSERT_EQ(plan.region_servers(), 1);
  const TrainingJob inside(model, plan, find_gpu("h100"), routing_of("uniform", model, plan),
                           all_fabrics(), {});
  const IterationTime mixnet = inside.simulate(FabricKind::kMixNet, kSpeed);
  EXPECT_EQ(mixnet.reconfiguration, Time::zero());
  EXPECT_GT(mixnet.ep, Time::zero());  // over the scale-up switch
  EXPECT_EQ(mixnet.ep, inside.simulate(FabricKind::kFatTree, kSpeed).ep);
}

TEST(TrainingJob, CommunicationScalesWithTheNicsSpeed) {
  const TrainingJob job = job_of("qwen-moe", "measured", 1024);
  for (const FabricKind fabric :
       {FabricKind::kFatTree, FabricKind::kTopoOpt, FabricKind::kMixNet}) {
    const IterationTime slow = job.simulate(fabric, Bandwidth::gbps(50));
    const IterationTime fast = job.simulate(fabric, Bandwidth::gbps(100));
    EXPECT_NEAR(slow.ep.to_seconds(), 2 * fast.ep.to_seconds(), 1e-3 * slow.ep.to_seconds());
    EXPECT_GE(slow.total, fast.total);
    EXPECT_EQ(slow.compute, fast.compute);
  }
}

TEST(TrainingJob, OverlapNeverCosts) {
  IterationOptions apart;
  apart.overlap_dp = false;
  apart.pipelined_ep_steps = false;
  const TrainingJob with = job_of("mixtral-8x22b", "measured", 1024);
  const TrainingJob without = job_of("mixtral-8x22b", "measured", 1024, apart);
  for (const FabricKind fabric : all_fabrics()) {
    const IterationTime a = with.simulate(fabric, kSpeed);
    const IterationTime b = without.simulate(fabric, kSpeed);
    EXPECT_LE(a.ep, b.ep) << to_string(fabric);
    EXPECT_LE(a.dp, b.dp) << to_string(fabric);
    EXPECT_LE(a.total, b.total) << to_string(fabric);
  }
}

TEST(TrainingJob, ExposedGradientTimeIsTheRing) {
  // Without overlap: the slowest stage's dense ring over all its servers and expert ring over its
  // replicas, eight NICs each.
  IterationOptions options;
  options.overlap_dp = false;
  options.gradient_bytes = 4;
  const TrainingJob job = job_of("mixtral-8x7b", "uniform", 1024, options);
  const ParallelPlan& plan = job.plan();
  const auto ring = [&](double parameters, double n) {
    return 2 * (n - 1) / n * parameters * 4 / 8 / kSpeed.bytes_per_second();
  };
  double slowest = 0;
  for (int stage = 0; stage < plan.pp; ++stage) {
    const auto [dense, expert] = stage_parameters(job.model(), plan, stage);
    slowest = std::max(
        slowest, ring(static_cast<double>(dense), 32) + ring(static_cast<double>(expert) / 4, 8));
  }
  const double dp = job.simulate(FabricKind::kFatTree, kSpeed).dp.to_seconds();
  EXPECT_GT(dp, 0.8 * slowest);  // stages end at different times, so the last to end may show less
  EXPECT_LT(dp, slowest + 1e-3);
}

TEST(TrainingJob, DynamicDemandsDifferButRepeat) {
  const TrainingJob once = job_of("mixtral-8x7b", "dynamic", 256);
  const TrainingJob again = job_of("mixtral-8x7b", "dynamic", 256);
  for (const FabricKind fabric : all_fabrics()) {
    EXPECT_EQ(once.simulate(fabric, kSpeed).total, again.simulate(fabric, kSpeed).total);
  }
  EXPECT_NE(once.simulate(FabricKind::kFatTree, kSpeed).total,
            job_of("mixtral-8x7b", "uniform", 256).simulate(FabricKind::kFatTree, kSpeed).total);
}

TEST(TrainingJob, SkewCostsComputeToo) {
  const IterationTime even =
      job_of("mixtral-8x7b", "uniform", 256).simulate(FabricKind::kIdeal, kSpeed);
  const IterationTime skewed =
      job_of("mixtral-8x7b", "measured", 256).simulate(FabricKind::kIdeal, kSpeed);
  EXPECT_GT(skewed.compute, even.compute);
}

TEST(TrainingJob, TensorParallelismBeyondAServerUsesTheNetwork) {
  const Model model = find_model("mixtral-8x22b");
  PlanRequest request;
  request.gpus = 1024;
  request.tp = 16;
  request.pp = 4;
  const ParallelPlan plan = make_plan(model, request);
  const TrainingJob job(model, plan, find_gpu("h100"), routing_of("uniform", model, plan),
                        all_fabrics(), {});
  for (const FabricKind fabric :
       {FabricKind::kFatTree, FabricKind::kTopoOpt, FabricKind::kMixNet}) {
    EXPECT_GT(job.simulate(fabric, Bandwidth::gbps(100)).tp, job.simulate(fabric, kSpeed).tp)
        << to_string(fabric);
  }
}

TEST(TrainingJob, RefusesNetworksThatDoNotFitThePlan) {
  IterationOptions options;
  options.network.optical_degree = 8;
  EXPECT_THROW(job_of("mixtral-8x7b", "uniform", 256, options), Error);
  options.network.optical_degree = 1;
  options.network.nics_per_server = 3;
  EXPECT_THROW(job_of("mixtral-8x7b", "uniform", 256, options), Error);
}

}  // namespace
}  // namespace mixnet
