#include "graphs/iteration_graph.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <string>

#include "base/error.h"
#include "graphs/task_run.h"
#include "moe/model_catalog.h"
#include "training/gradient_groups.h"

namespace mixnet {
namespace {

/// Mixtral 8x7B of a few layers, on H100s.
struct Training {
  explicit Training(ParallelPlan the_plan, int layers = 2) : plan(the_plan) {
    model = find_model("mixtral-8x7b");
    model.layers = layers;
    model.is_moe.resize(static_cast<std::size_t>(layers));
    options.network.nics_per_server = plan.gpus_per_server;
    options.network.optical_degree = plan.gpus_per_server * 3 / 4;
    options.network.ep_nics = EpNics::kOwn;
  }
  RoutingSource routing() const {
    return RoutingSource::make("dynamic", routing_shape(model, plan), 1);
  }
  TaskGraph graph() const { return iteration_graph(model, plan, gpu, routing(), options); }

  Model model;
  ParallelPlan plan;
  Gpu gpu = find_gpu("h100");
  IterationOptions options;
};

ParallelPlan plan_of(int tp, int pp, int ep, int dp, int micro_batches) {
  ParallelPlan plan;
  plan.tp = tp;
  plan.pp = pp;
  plan.ep = ep;
  plan.dp = dp;
  plan.micro_batch_size = 8;
  plan.global_batch_size = std::int64_t{8} * dp * micro_batches;
  return plan;
}

std::array<int, kTaskKinds> kinds_of(const TaskGraph& graph) {
  std::array<int, kTaskKinds> kinds{};
  for (const GraphTask& task : graph.tasks) ++kinds[static_cast<std::size_t>(task.kind)];
  return kinds;
}

int of(const std::array<int, kTaskKinds>& kinds, TaskKind kind) {
  return kinds[static_cast<std::size_t>(kind)];
}

TaskRunReport run(const TaskGraph& graph, FabricKind fabric) {
  TaskRunRequest request;
  request.network.fabric = fabric;
  request.network.bandwidth = Bandwidth::gbps(400);
  request.network.paths = PathPolicy::kSpray;
  request.fidelity = Fidelity::kFluid;
  request.input = "iteration";
  return run_task_graph(graph, request);
}

Time in_closed_form(const Training& training, FabricKind fabric) {
  const FabricKind fabrics[] = {fabric};
  const TrainingJob job(training.model, training.plan, training.gpu, training.routing(), fabrics,
                        training.options);
  return job.simulate(fabric, Bandwidth::gbps(400)).total;
}

TEST(IterationGraph, HasTheTasksOfEveryLayerMicroBatchAndReplica) {
  const Training training(plan_of(2, 2, 4, 8, 3), 5);  // stages of 3 and 2 layers, 2 replicas
  const TaskGraph graph = training.graph();
  check_task_graph(graph, "iteration");
  EXPECT_EQ(graph.devices.size(), 32U);
  const auto kinds = kinds_of(graph);
  EXPECT_EQ(of(kinds, TaskKind::kAllToAll), 4 * 5 * 3 * 2);
  EXPECT_EQ(of(kinds, TaskKind::kP2p), 2 * 3 * 2);
  // Attention, gate, experts; the head on the GPUs of the last stage.
  EXPECT_EQ(of(kinds, TaskKind::kForward), (3 * 5 + 1) * 3 * 16);
  EXPECT_EQ(of(kinds, TaskKind::kBackward), (3 * 5 + 1) * 3 * 16);
  EXPECT_EQ(of(kinds, TaskKind::kUpdate), 32);
  // Experts of one GPU are summed over the two servers that have them.
  EXPECT_EQ(std::ranges::count_if(
                graph.tasks,
                [&](const GraphTask& task) { return graph.name_of(task) == "expert gradients"; }),
            5 * 8);
}

TEST(IterationGraph, AllToAllsCarryWhatTheGateDecided) {
  const Training training(plan_of(2, 1, 4, 4, 1), 1);
  const TaskGraph graph = training.graph();
  TokenCounts counts;
  training.routing().counts({}, counts);
  const auto task = std::ranges::find(graph.tasks, TaskKind::kAllToAll, &GraphTask::kind);
  const GraphDemand* demand = graph.demand(static_cast<std::size_t>(task - graph.tasks.begin()));
  ASSERT_NE(demand, nullptr);
  // Experts 2 and 3 live on EP rank 1; a token is 4096 numbers of two bytes, half on each TP rank.
  EXPECT_EQ((*demand)(0, 1), std::int64_t{counts(0, 2) + counts(0, 3)} * 4096 * 2 / 2);
}

TEST(IterationGraph, TakesAsLongAsTheClosedFormWithoutCommunication) {
  Training training(plan_of(1, 2, 1, 1, 4), 4);
  training.plan.gpus_per_server = 1;
  training.options.network.nics_per_server = 1;
  training.options.network.optical_degree = 0;
  const TaskRunReport report = run(training.graph(), FabricKind::kFatTree);
  const double closed = in_closed_form(training, FabricKind::kIdeal).to_seconds();
  // But for activations, which the ideal has for nothing.
  EXPECT_GT(report.iteration.to_seconds(), closed);
  EXPECT_NEAR(report.iteration.to_seconds() / closed, 1, 0.02);
}

TEST(IterationGraph, TakesAsLongAsTheClosedForm) {
  for (const FabricKind fabric :
       {FabricKind::kFatTree, FabricKind::kRailOptimized, FabricKind::kMixNet}) {
    for (const ParallelPlan& plan :
         {plan_of(4, 1, 8, 8, 2), plan_of(4, 2, 8, 8, 4), plan_of(1, 1, 8, 16, 2)}) {
      const Training training(plan, 4);
      const double closed = in_closed_form(training, fabric).to_seconds();
      const double executed = run(training.graph(), fabric).iteration.to_seconds();
      EXPECT_NEAR(executed / closed, 1, 0.05) << to_string(fabric) << ", " << to_string(plan);
    }
  }
}

Model qwen3_30b() {
  Model model = find_model("qwen3-235b-a22b");
  model.hidden = 2048;
  model.attention.heads = 32;
  model.expert_intermediate = 768;
  return model;
}

/// An EP group in a server: seven peers share the GPU's port, as the closed form has it.
TEST(IterationGraph, AllToAllsInsideAServerTakeAsLongAsTheClosedForm) {
  for (const Model& model : {find_model("mixtral-8x7b"), qwen3_30b()}) {
    for (const FabricKind fabric : {FabricKind::kFatTree, FabricKind::kMixNet}) {
      Training training(plan_of(1, 1, 8, 32, 2));
      training.model = model;
      training.model.layers = 2;
      training.model.is_moe.resize(2);
      training.plan.micro_batch_size = 1;
      training.plan.global_batch_size = 64;
      training.options.overlap_dp = false;  // gradients share the same ports
      const FabricKind fabrics[] = {fabric};
      const TrainingJob job(training.model, training.plan, training.gpu, training.routing(),
                            fabrics, training.options);
      const double closed = job.simulate(fabric, Bandwidth::gbps(400)).ep.to_seconds();
      const TaskRunReport report = run(training.graph(), fabric);
      const KindReport& kind = report.kinds[static_cast<std::size_t>(TaskKind::kAllToAll)];
      EXPECT_EQ(kind.tasks, 4 * 2 * 2 * 4);
      EXPECT_NEAR(kind.seconds / 4 / closed, 1, 0.02) << model.name << to_string(fabric);
    }
  }
}

TEST(IterationGraph, OptionsCount) {
  Training training(plan_of(4, 1, 8, 16, 1), 4);
  const Time base = run(training.graph(), FabricKind::kFatTree).iteration;
  training.options.overlap_dp = false;
  const Time exposed = run(training.graph(), FabricKind::kFatTree).iteration;
  EXPECT_GT(exposed, base);
  training.options.sequence_parallel = false;
  const TaskGraph graph = training.graph();
  const auto kinds = kinds_of(graph);
  EXPECT_GT(of(kinds, TaskKind::kTpAllReduce), 0);
  EXPECT_LT(run(graph, FabricKind::kFatTree).iteration, exposed) << "an all-gather less";
  training.options.gradient_bytes = 4;
  EXPECT_GT(run(training.graph(), FabricKind::kFatTree).iteration,
            run(graph, FabricKind::kFatTree).iteration);
}

TEST(IterationGraph, RefusesWhatIsTooLarge) {
  const Training training(plan_of(1, 1, 8, 8192, 64), 32);
  try {
    training.graph();
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), ::testing::HasSubstr("million tasks"));
  }
}

}  // namespace
}  // namespace mixnet
