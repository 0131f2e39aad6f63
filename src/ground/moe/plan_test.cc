#include "moe/plan.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <cstdio>
#include <set>
#include <string>

#include "base/error.h"
#include "base/random.h"
#include "moe/model_catalog.h"

namespace mixnet {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;

Model model_of(int layers, int heads, int experts) {
  Model model;
  model.layers = layers;
  model.attention.heads = heads;
  model.experts = model.placed_experts = experts;
  model.is_moe.assign(static_cast<std::size_t>(layers), true);
  return model;
}

/// The paper's Mixtral 8x7B: EP 8, TP 4, PP 4.
Model mixtral() {
  Model model = model_of(32, 32, 8);
  model.defaults.tp = 4;
  model.defaults.pp = 4;
  model.defaults.ep = 8;
  return model;
}

std::string refusal(const Model& model, const PlanRequest& request) {
  try {
    make_plan(model, request);
  } catch (const Error& error) {
    return error.what();
  }
  return "accepted";
}

TEST(Plan, TheModelsOwnPlanFillsTheGpus) {
  PlanRequest request;
  request.gpus = 1024;
  const ParallelPlan plan = make_plan(mixtral(), request);
  EXPECT_EQ(to_string(plan), "tp 4, pp 4, ep 8, dp 64");
  EXPECT_EQ(plan.world(), 1024);
  EXPECT_EQ(plan.servers(), 128);
  EXPECT_EQ(plan.servers_per_stage(), 32);
  EXPECT_EQ(plan.replicas(), 8);
  EXPECT_EQ(plan.region_servers(), 4);
  EXPECT_EQ(plan.micro_batch_size, 8);
  EXPECT_EQ(plan.seq_length, 4096);
  EXPECT_EQ(plan.micro_batches(), 4 * plan.pp);
  EXPECT_EQ(plan.tokens_per_micro_batch(), 8 * 4096);
  EXPECT_EQ(plan.tokens_per_iteration(), 8 * 4096 * 16 * 64);
}

TEST(Plan, WhatIsGivenWinsOverTheModelsOwn) {
  PlanRequest request;
  request.gpus = 256;
  request.tp = 2;
  request.pp = 2;
  request.ep = 4;
  request.micro_batch_size = 1;
  request.global_batch_size = 128;
  request.seq_length = 2048;
  const ParallelPlan plan = make_plan(mixtral(), request);
  EXPECT_EQ(to_string(plan), "tp 2, pp 2, ep 4, dp 64");
  EXPECT_EQ(plan.micro_batches(), 2);
  EXPECT_EQ(plan.region_servers(), 1) << "4 x 2 GPUs are one server";
}

TEST(Plan, AModelWithoutAPlanGetsTheLargestEp) {
  PlanRequest request;
  request.gpus = 64;
  EXPECT_EQ(to_string(make_plan(model_of(16, 16, 64), request)), "tp 1, pp 1, ep 64, dp 64");
  EXPECT_EQ(to_string(make_plan(model_of(16, 16, 60), request)), "tp 1, pp 1, ep 4, dp 64");
  request.gpus = 8;
  EXPECT_EQ(to_string(make_plan(model_of(16, 16, 64), request)), "tp 1, pp 1, ep 8, dp 8");
}

/// Regions once more, the slow way: from the ranks of plan.h's formula.
void expect_regions_of_ranks(const ParallelPlan& plan) {
  std::set<int> seen;
  for (int stage = 0; stage < plan.pp; ++stage) {
    for (int replica = 0; replica < plan.replicas(); ++replica) {
      std::set<int> servers;
      for (int e = 0; e < plan.ep; ++e) {
        for (int t = 0; t < plan.tp; ++t) {
          const int dp_index = replica * plan.ep + e;
          const int rank = t + plan.tp * (dp_index + plan.dp * stage);
          servers.insert(rank / plan.gpus_per_server);
        }
      }
      EXPECT_EQ(*servers.begin(), plan.first_server(stage, replica));
      EXPECT_EQ(static_cast<int>(servers.size()), plan.region_servers());
      EXPECT_EQ(*servers.rbegin() - *servers.begin() + 1, plan.region_servers()) << "neighbours";
      if (plan.ep * plan.tp >= plan.gpus_per_server) {
        for (const int server : servers) {
          EXPECT_TRUE(seen.insert(server).second) << "a server in two regions";
        }
        EXPECT_EQ(plan.first_server(stage, replica),
                  (stage * plan.replicas() + replica) * plan.region_servers());
      }
    }
  }
}

TEST(Plan, ARegionIsTheServersOfOneEpGroup) {
  for (const int tp : {1, 2, 4, 8, 16}) {
    for (const int pp : {1, 2, 4}) {
      for (const int ep : {1, 2, 8, 32}) {
        for (const int gpus_per_server : {1, 4, 8}) {
          PlanRequest request;
          request.gpus = std::int64_t{tp} * pp * ep * 2 * gpus_per_server;
          request.gpus_per_server = gpus_per_server;
          request.tp = tp;
          request.pp = pp;
          request.ep = ep;
          expect_regions_of_ranks(make_plan(model_of(32, 32, 32), request));
        }
      }
    }
  }
}

TEST(Plan, ADomainIsUsedInPartWhereThePlanDoesNotFillIt) {
  PlanRequest request;
  request.gpus = 256;
  request.gpus_per_server = 72;
  request.tp = 1;
  request.pp = 8;
  request.ep = 8;
  const ParallelPlan plan = make_plan(mixtral(), request);
  EXPECT_EQ(plan.gpus_per_server, 64) << "the largest part that 256 GPUs fill";
  EXPECT_EQ(plan.gpus_of_server(), 72);
  EXPECT_EQ(plan.servers(), 4);
  EXPECT_EQ(plan.first_server(1, 0), 0) << "a stage of 32 GPUs is half of one";
  EXPECT_EQ(servers_text(plan), "4 servers, 64 of 72 GPUs each in use");

  request.gpus = 144;  // filled
  request.pp = 2;
  EXPECT_EQ(make_plan(mixtral(), request).idle_gpus_per_server(), 0);
  request.gpus = 96;  // by 32 of 72, which is under half
  request.ep = 1;
  request.tp = 32;
  request.pp = 3;
  EXPECT_THAT(refusal(mixtral(), request), HasSubstr("96 GPUs are not whole servers of 72"));
  request.gpus = 12;  // and of eight GPUs, none is left idle
  request.tp = 1;
  request.gpus_per_server = 8;
  EXPECT_THAT(refusal(mixtral(), request), HasSubstr("12 GPUs are not whole servers of 8"));
}

TEST(Plan, ASequenceMaySpanServers) {
  PlanRequest request;
  request.gpus = 64;
  request.tp = 2;
  request.pp = 1;
  request.cp = 16;
  request.ep = 8;
  request.etp = 1;
  EXPECT_EQ(to_string(make_plan(mixtral(), request)), "tp 2, cp 16, pp 1, ep 8, etp 1, dp 2");
  request.cp_comm = CpComm::kA2a;
  EXPECT_EQ(to_string(make_plan(mixtral(), request)), "tp 2, cp 16 a2a, pp 1, ep 8, etp 1, dp 2");
  request.cp = 32;
  EXPECT_THAT(refusal(mixtral(), request),
              HasSubstr("tp x cp = 2 x 32 does not divide the 32 attention heads"));
  request.tp = 16;
  request.cp = 2;
  request.etp = 16;
  request.ep = 2;
  request.cp_comm = CpComm::kP2p;
  Model wide = mixtral();
  wide.expert_intermediate = 16;
  EXPECT_THAT(refusal(wide, request), HasSubstr("cp 2 with tp 16, which is larger than"));
}

TEST(PlanProblem, EveryKindIsNamed) {
  const Model model = mixtral();
  const auto problem = [&](auto change, std::int64_t gpus = 1024) {
    ParallelPlan plan{.tp = 4, .pp = 4, .ep = 8, .dp = 64, .global_batch_size = 512};
    change(plan);
    return plan_problem(model, plan, gpus).value_or("possible");
  };
  EXPECT_EQ(problem([](ParallelPlan&) {}), "possible");
  EXPECT_EQ(problem([](ParallelPlan&) {}, 1020), "1020 GPUs are not whole servers of 8");
  EXPECT_EQ(problem([](ParallelPlan& p) { p.tp = 3; }),
            "1024 GPUs cannot be divided by tp x pp = 3 x 4 = 12");
  EXPECT_EQ(problem([](ParallelPlan&) {}, 8), "8 GPUs cannot be divided by tp x pp = 4 x 4 = 16");
  EXPECT_EQ(problem([](ParallelPlan& p) { p.dp = 32; }),
            "dp 32 is not 1024 GPUs / tp 4 / pp 4 = 64");
  EXPECT_EQ(problem([](ParallelPlan& p) { p.pp = 64, p.dp = 4; }),
            "pp 64 is more than the model's 32 layers");
  EXPECT_EQ(problem([](ParallelPlan& p) { p.tp = 64, p.dp = 4; }),
            "tp 64 does not divide the model's 32 attention heads");
  EXPECT_EQ(problem([](ParallelPlan& p) { p.ep = 16; }),
            "ep 16 does not divide the model's 8 experts");
  EXPECT_EQ(problem([](ParallelPlan& p) { p.tp = 32, p.pp = 8, p.dp = 4; }),
            "ep 8 does not divide dp 4 (= 1024 GPUs / tp 32 / pp 8)");
  EXPECT_EQ(problem([](ParallelPlan& p) { p.tp = 1, p.pp = 3, p.ep = 4, p.dp = 4; }, 12),
            "12 GPUs are not whole servers of 8");
  EXPECT_EQ(problem([](ParallelPlan& p) { p.tp = 1, p.pp = 4, p.ep = 4, p.dp = 4; }, 16),
            "possible")
      << "two stages a server";
  EXPECT_EQ(problem([](ParallelPlan& p) { p.tp = 1, p.pp = 2, p.ep = 4, p.dp = 12; }, 24),
            "a pipeline stage of 12 GPUs is neither whole servers of 8 nor divides one");
  EXPECT_EQ(
      problem(
          [](ParallelPlan& p) { p.tp = 2, p.pp = 1, p.ep = 4, p.dp = 12, p.gpus_per_server = 6; },
          24),
      "an EP group of ep x tp = 4 x 2 GPUs does not fill servers of 6");
  EXPECT_EQ(
      problem(
          [](ParallelPlan& p) { p.tp = 4, p.pp = 1, p.ep = 1, p.dp = 3, p.gpus_per_server = 6; },
          12),
      "an EP group of ep x tp = 1 x 4 GPUs does not fill servers of 6");
  EXPECT_EQ(problem([](ParallelPlan& p) { p.seq_length = 4097; }),
            "a sequence of 4097 tokens cannot be divided by tp 4");
  EXPECT_EQ(problem([](ParallelPlan& p) { p.micro_batch_size = 3; }),
            "global batch 512 cannot be divided by micro-batch x dp = 3 x 64 = 192");
  EXPECT_EQ(problem([](ParallelPlan& p) { p.global_batch_size = 32; }),
            "global batch 32 cannot be divided by micro-batch x dp = 1 x 64 = 64");
  EXPECT_THAT(problem([](ParallelPlan& p) { p.gpus_per_server = 0; }),
              HasSubstr("0 is not a size"));
  EXPECT_THAT(problem([](ParallelPlan& p) { p.tp = -4; }), HasSubstr("-4 is not a size"));
  EXPECT_THAT(problem([](ParallelPlan& p) { p.global_batch_size = 0; }),
              HasSubstr("0 is not a size"));
}

TEST(MakePlan, ARefusalNamesTheNearestPlan) {
  PlanRequest request;
  request.global_batch_size = 4096;
  request.ep = 16;
  EXPECT_EQ(refusal(mixtral(), request),
            "parallel plan: ep 16 does not divide the model's 8 experts; nearest possible: "
            "--gpus 1024 --tp 4 --pp 4 --ep 8 --micro-batch-size 8 --global-batch-size 4096");
  request = {};
  request.gpus = 1000;
  EXPECT_THAT(refusal(mixtral(), request),
              HasSubstr("1000 GPUs cannot be divided by tp x pp = 4 x 4 = 16; nearest possible: "
                        "--gpus 1024 --tp 4 --pp 4 --ep 8"));
  request = {};
  request.global_batch_size = 1000;
  EXPECT_THAT(refusal(mixtral(), request),
              HasSubstr("--gpus 1024 --tp 4 --pp 4 --ep 8 --micro-batch-size 8 "
                        "--global-batch-size 1024"));
  request = {};
  request.gpus = 7;
  EXPECT_THAT(refusal(mixtral(), request), HasSubstr("nearest possible: --gpus 8 "));
}

TEST(MakePlan, NumbersOutOfRangeAreRefusedByFlag) {
  const auto with = [](auto change) {
    PlanRequest request;
    change(request);
    return refusal(mixtral(), request);
  };
  EXPECT_THAT(with([](PlanRequest& r) { r.gpus = 0; }), StartsWith("--gpus: 0 is out of range"));
  EXPECT_THAT(with([](PlanRequest& r) { r.gpus = INT64_MAX; }), StartsWith("--gpus:"));
  EXPECT_THAT(with([](PlanRequest& r) { r.gpus_per_server = -8; }),
              StartsWith("--gpus-per-server: -8"));
  EXPECT_THAT(with([](PlanRequest& r) { r.tp = 0; }), StartsWith("--tp: 0"));
  EXPECT_THAT(with([](PlanRequest& r) { r.pp = -1; }), StartsWith("--pp: -1"));
  EXPECT_THAT(with([](PlanRequest& r) { r.ep = 0; }), StartsWith("--ep: 0"));
  EXPECT_THAT(with([](PlanRequest& r) { r.micro_batch_size = 0; }),
              StartsWith("--micro-batch-size: 0"));
  EXPECT_THAT(with([](PlanRequest& r) { r.seq_length = 0; }), StartsWith("--seq-length: 0"));
  EXPECT_THAT(with([](PlanRequest& r) { r.global_batch_size = std::int64_t{1} << 40; }),
              StartsWith("--global-batch-size: 1099511627776"));
  EXPECT_THAT(with([](PlanRequest& r) { r.gpus = 1 << 22, r.micro_batch_size = 1 << 16; }),
              StartsWith("--micro-batch-size: 65536 on 262144 replicas makes a global batch"));
}

/// The request that a refusal proposes, on top of the one that was refused.
PlanRequest proposal(const std::string& message, PlanRequest request) {
  long long gpus = 0;
  long long micro = 0;
  long long global = 0;
  int tp = 0;
  int pp = 0;
  int ep = 0;
  const std::size_t at = message.find("--gpus ");
  if (at == std::string::npos) return request;
  const int found = std::sscanf(  // NOLINT(cert-err34-c): our own text
      message.c_str() + at,
      "--gpus %lld --tp %d --pp %d --ep %d --micro-batch-size %lld --global-batch-size %lld", &gpus,
      &tp, &pp, &ep, &micro, &global);
  EXPECT_EQ(found, 6) << message;
  request.gpus = gpus;
  request.tp = tp;
  request.pp = pp;
  request.ep = ep;
  request.micro_batch_size = micro;
  request.global_batch_size = global;
  return request;
}

PlanRequest random_request(Random& random) {
  const auto pick = [&](std::initializer_list<int> values) {
    return values.begin()[random.below(values.size())];
  };
  PlanRequest request;
  request.gpus = pick({1, 2, 7, 8, 12, 48, 64, 96, 100, 128, 1000, 1024, 4096, 32768, 1 << 22});
  request.gpus_per_server = pick({1, 4, 6, 8, 8, 8, 16, 72});
  if (random.below(2) == 0) request.tp = pick({1, 2, 3, 4, 8, 16, 64, 1 << 22});
  if (random.below(2) == 0) request.pp = pick({1, 2, 3, 4, 7, 16, 61, 100, 1 << 22});
  if (random.below(2) == 0) request.ep = pick({1, 2, 3, 4, 8, 16, 64, 1 << 22});
  if (random.below(3) == 0) request.micro_batch_size = pick({1, 3, 32, 240});
  if (random.below(3) == 0) request.global_batch_size = pick({1, 100, 512, 4096, 1 << 20});
  if (random.below(4) == 0) request.seq_length = pick({1, 7, 2048, 4098});
  return request;
}

Model random_model(Random& random) {
  Model model = random.below(3) == 0
                    ? mixtral()
                    : model_of(1 + static_cast<int>(random.below(64)), 1 << random.below(8),
                               1 + static_cast<int>(random.below(128)));
  return model;
}

/// tp 2, ep 8 and micro-batches of one sequence.
PlanRequest folded(std::int64_t gpus, std::int64_t global_batch_size) {
  PlanRequest request;
  request.gpus = gpus;
  request.tp = 2;
  request.ep = 8;
  request.micro_batch_size = 1;
  request.global_batch_size = global_batch_size;
  return request;
}

TEST(MakePlan, ExpertsMayLieOverTpAndDp) {
  const Model model = find_model("mixtral-8x22b");
  PlanRequest request = folded(128, 256);
  request.pp = 8;
  request.etp = 1;
  const ParallelPlan plan = make_plan(model, request);
  EXPECT_EQ(to_string(plan), "tp 2, pp 8, ep 8, etp 1, dp 8");
  EXPECT_EQ(plan.replicas(), 2);
  EXPECT_EQ(plan.region_servers(), 1);
  EXPECT_EQ(plan.tokens_per_ep_rank(), 2048) << "half of a micro-batch, which two GPUs have";
  request.ep = 16;
  request.etp = {};
  EXPECT_THAT(refusal(model, request), HasSubstr("ep 16 does not divide the model's 8 experts"));
  request.ep = 8;
  request.etp = 3;
  EXPECT_THAT(refusal(model, request),
              HasSubstr("ep x etp = 8 x 3 does not divide the 16 GPUs (tp x cp x dp) of a stage"));
}

TEST(MakePlan, VirtualStagesNeedWholeRoundsOfMicroBatches) {
  const Model model = find_model("mixtral-8x22b");
  PlanRequest request = folded(128, 256);
  request.pp = 8;
  request.vpp = 7;
  EXPECT_EQ(to_string(make_plan(model, request)), "tp 2, pp 8, vpp 7, ep 8, dp 8");
  request.vpp = 8;
  EXPECT_THAT(refusal(model, request), HasSubstr("pp x vpp = 8 x 8 is more than the model's 56"));
  request.vpp = 7;
  request.global_batch_size = 8 * 9;
  EXPECT_THAT(refusal(model, request),
              AllOf(HasSubstr("9 micro-batches are no multiple of pp 8, which vpp needs"),
                    HasSubstr("nearest possible: --gpus 128 --tp 2 --pp 8 --vpp 7 --ep 8 "
                              "--micro-batch-size 1 --global-batch-size 64")));
  request.pp = 1;
  EXPECT_THAT(refusal(model, request), HasSubstr("vpp without pipeline stages"));
}

TEST(MakePlan, ContextParallelSharesOutASequence) {
  const Model model = find_model("mixtral-8x22b");
  PlanRequest request = folded(64, 64);
  request.pp = 1;
  request.cp = 4;
  const ParallelPlan plan = make_plan(model, request);
  EXPECT_EQ(to_string(plan), "tp 2, cp 4, pp 1, ep 8, dp 8");
  EXPECT_EQ(plan.world(), 64);
  EXPECT_EQ(plan.tokens_per_ep_rank(), 1024);
  request.cp = 8;  // over two servers
  EXPECT_EQ(to_string(make_plan(model, request)), "tp 2, cp 8, pp 1, ep 8, dp 4");
}

TEST(MakePlan, TooManyMicroBatchesAreRefusedAtOnce) {
  const Model model = find_model("mixtral-8x7b");
  PlanRequest request;
  request.gpus = 1024;
  request.global_batch_size = 1'000'000'000;
  EXPECT_THAT(refusal(model, request),
              AllOf(HasSubstr("--global-batch-size: 1000000000 sequences make 1953125 "),
                    HasSubstr("give at most 16777216,")));
  request.global_batch_size = 16'777'216;
  EXPECT_EQ(refusal(model, request), "accepted");
}

// Whatever is asked for, the answer is a plan that is possible, or a reason with one that is.
TEST(MakePlan, ARefusalsProposalIsPossible) {
  Random random(1);
  int plans = 0;
  int refusals = 0;
  for (int trial = 0; trial < 4000; ++trial) {
    const Model model = random_model(random);
    const PlanRequest request = random_request(random);
    const std::string message = refusal(model, request);
    if (message == "accepted") {
      const ParallelPlan plan = make_plan(model, request);
      ASSERT_EQ(plan_problem(model, plan, request.gpus), std::nullopt);
      ASSERT_EQ(plan.world(), request.gpus);
      ASSERT_EQ(plan.replicas() * plan.ep, plan.dp);
      ASSERT_EQ(plan.servers() * plan.gpus_per_server, plan.world());
      ASSERT_GE(plan.micro_batches(), 1);
      ++plans;
      continue;
    }
    if (!message.starts_with("parallel plan: ")) continue;  // a number out of range
    ++refusals;
    ASSERT_THAT(message, HasSubstr("; nearest possible: --gpus "));
    const PlanRequest proposed = proposal(message, request);
    const ParallelPlan plan = make_plan(model, proposed);
    ASSERT_EQ(plan_problem(model, plan, proposed.gpus), std::nullopt) << message;
    ASSERT_EQ(plan.tp, *proposed.tp);
    ASSERT_EQ(plan.ep, *proposed.ep);
    ASSERT_LE(std::abs(proposed.gpus - request.gpus),
              std::max<std::int64_t>(request.gpus, 72 * 64 * 64))
        << message;
  }
  EXPECT_GT(plans, 100);
  EXPECT_GT(refusals, 1000);
}

}  // namespace
}  // namespace mixnet
