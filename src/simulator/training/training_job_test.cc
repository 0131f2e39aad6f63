#include "training/training_job.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "hardware/gpu.h"
#include "memory/rank_parameters.h"
#include "memory/stage_parameters.h"
#include "moe/model_catalog.h"
#include "training/test_plans.h"

namespace mixnet {
namespace {

constexpr Bandwidth kSpeed = Bandwidth::gbps(400);

TrainingJob job_of(std::string_view name, std::string_view routing, std::int64_t gpus,
                   IterationOptions options = {}) {
  const Model model = find_model(name);
  const ParallelPlan plan = default_plan(model, gpus);
  return {model, plan, find_gpu("h100"), routing_of(routing, model, plan), all_fabrics(), options};
}

/// On MixNet alone, which is sooner made.
TrainingJob mixnet_job_of(std::string_view name, std::string_view routing, std::int64_t gpus,
                          IterationOptions options) {
  constexpr FabricKind kMixNet[] = {FabricKind::kMixNet};
  const Model model = find_model(name);
  const ParallelPlan plan = default_plan(model, gpus);
  return {model, plan, find_gpu("h100"), routing_of(routing, model, plan), kMixNet, options};
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
  const ComputeModel compute(job.model(), plan, find_gpu("h100"), {},
                             static_cast<double>(busiest_rank_parameters(job.model(), plan)));
  const auto both = [&](OperationTime time) { return (time.forward + time.backward).to_seconds(); };
  const double layer = both(compute.time(LayerOperation::kAttention)) +
                       both(compute.time(LayerOperation::kGate)) +
                       both(compute.experts(plan.tokens_per_micro_batch() * 2));
  const double stage = layer * 8;
  const double head = both(compute.time(LayerOperation::kHead));
  const double optimizer = compute.time(LayerOperation::kOptimizer).forward.to_seconds();
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
    if (fabric == FabricKind::kMixNet || fabric == FabricKind::kMixNetOpticalIo) continue;
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

/// Mixtral 8x22B on 1,024 GPUs with what else is as usual.
TrainingJob job_with_tp(int tp, std::span<const FabricKind> fabrics) {
  const Model model = find_model("mixtral-8x22b");
  PlanRequest request;
  request.gpus = 1024;
  request.tp = tp;
  request.pp = 4;
  request.ep = 8;
  const ParallelPlan plan = make_plan(model, request);
  return {model, plan, find_gpu("h100"), routing_of("uniform", model, plan), fabrics, {}};
}

/// All TP of the average GPU, when gathering `bytes` takes seconds_of(bytes): 2 phases forward and
/// 3 backward around attention and around experts.
template <typename Seconds>
double tp_seconds(const TrainingJob& job, Seconds&& seconds_of) {
  const ParallelPlan& plan = job.plan();
  const double tokens = static_cast<double>(plan.tokens_per_micro_batch());
  const double token_bytes = 2.0 * job.model().hidden;
  const double layer = seconds_of(tokens * token_bytes) + seconds_of(2 * tokens * token_bytes);
  return plan.micro_batches() * (56.0 / plan.pp) * 5 * layer;
}

TEST(TrainingJob, TensorParallelismOverServersIsBoundInsideThemAndBetween) {
  constexpr FabricKind kFabrics[] = {FabricKind::kFatTree, FabricKind::kMixNet};
  const TrainingJob job = job_with_tp(16, kFabrics);
  const double scale_up = find_gpu("h100").scale_up_bytes_per_second;
  const auto between = [](Bandwidth nic, double nics) {
    // One step between two servers, four links long.
    return [=](double bytes) { return bytes / 2 / nics / nic.bytes_per_second() + 4e-6; };
  };
  // Slow NICs: half of the bytes through eight, or two of mixnet.
  const Bandwidth slow = Bandwidth::gbps(100);
  EXPECT_NEAR(
      job.simulate(FabricKind::kFatTree, slow).tp.to_seconds() / tp_seconds(job, between(slow, 8)),
      1, 2e-3);
  EXPECT_NEAR(
      job.simulate(FabricKind::kMixNet, slow).tp.to_seconds() / tp_seconds(job, between(slow, 2)),
      1, 2e-3);
  // Fast ones: seven eighths of the bytes over the scale-up switch.
  const Bandwidth fast = Bandwidth::gbps(800);
  const auto inside = [&](double bytes) { return bytes * 7 / 8 / scale_up; };
  EXPECT_NEAR(job.simulate(FabricKind::kFatTree, fast).tp.to_seconds(), tp_seconds(job, inside),
              1e-6 * tp_seconds(job, inside));
}

TEST(TrainingJob, TensorParallelismOverServersIsNeverFasterThanInOne) {
  constexpr FabricKind kFabrics[] = {FabricKind::kFatTree};
  const TrainingJob two = job_with_tp(16, kFabrics);
  const TrainingJob one = job_with_tp(8, kFabrics);
  for (const std::int64_t gbps : {100, 400, 800, 1600}) {
    const Bandwidth rate = Bandwidth::gbps(gbps);
    const auto a_sequence = [&](const TrainingJob& job) {
      return job.simulate(FabricKind::kFatTree, rate).tp.to_seconds() / job.plan().micro_batches() /
             static_cast<double>(job.plan().micro_batch_size);
    };
    EXPECT_GE(a_sequence(two), (1 - 1e-9) * a_sequence(one)) << gbps;
  }
}

TEST(TrainingJob, PropagationOfTensorParallelismDoesNotGrowWithTheBytes) {
  // With NICs so fast that only propagation is left: phases of 100 MB and of 200 MB have the same.
  constexpr FabricKind kFabrics[] = {FabricKind::kFatTree};
  Gpu gpu = find_gpu("h100");
  gpu.scale_up_bytes_per_second *= 1e6;
  const TrainingJob plain = job_with_tp(16, kFabrics);
  const TrainingJob job(plain.model(), plain.plan(), gpu,
                        routing_of("uniform", plain.model(), plain.plan()), kFabrics, {});
  const double seconds =
      job.simulate(FabricKind::kFatTree, Bandwidth::gbps(100'000'000)).tp.to_seconds();
  EXPECT_NEAR(seconds, tp_seconds(job, [](double) { return 4e-6; }), 0.01 * seconds);
}

/// DeepSeek-V3 on 2048 GPUs in domains of 64.
struct Domains {
  static constexpr Bandwidth kNic = Bandwidth::gbps(800);
  static constexpr FabricKind kFabrics[] = {FabricKind::kNvl72, FabricKind::kMixNetOpticalIo,
                                            FabricKind::kIdeal};
  Model model = find_model("deepseek-v3");
  ParallelPlan plan;
  IterationOptions options;

  explicit Domains(int ep = 128, int pp = 16, int tp = 1) {
    PlanRequest request;
    request.gpus = 2048;
    request.gpus_per_server = 64;
    request.tp = tp;
    request.pp = pp;
    request.ep = ep;
    request.micro_batch_size = 8;
    request.global_batch_size = 8 * (2048 / tp / pp) * 8;  // 8 micro-batches
    plan = make_plan(model, request);
    options.network.nics_per_server = 64;
    options.network.optical_degree = 0;  // of mixnet, which is not among them
    options.fidelity.nic_rate = kNic;
    options.reconfiguration = Reconfiguration::kHidden;
  }
  TrainingJob job(std::string_view routing) const {
    return {model, plan, find_gpu("b200"), routing_of(routing, model, plan), kFabrics, options};
  }
  /// Of all all-to-alls of the average GPU when each takes what `bytes_per_second` need for `share`
  /// of the bytes that a GPU sends.
  double ep_seconds(double share, double bytes_per_second) const {
    const double bytes = static_cast<double>(plan.tokens_per_micro_batch()) * 8 * 7168 * 2;
    return plan.micro_batches() * (58.0 / plan.pp) * 4 * share * bytes / bytes_per_second;
  }
};

TEST(TrainingJob, EpBetweenTwoDomainsIsHalfOfTheBytesOverEthernetOrOptics) {
  Domains domains;
  const auto ep = [&](FabricKind fabric) {
    return domains.job("uniform").simulate(fabric, Domains::kNic).ep.to_seconds();
  };
  // nvl72: half of the bytes leave the domain, 0.8 Tb/s a GPU; NVLink moves them all but one GPU's
  // in less.
  const double ethernet = domains.ep_seconds(0.5, 100e9);
  EXPECT_NEAR(ep(FabricKind::kNvl72), ethernet, 2e-3 * ethernet);
  // mixnet-optical-io: they need 3.6 Tb/s of optics for half, and 3.6 Tb/s of NVLink for 63 / 64.
  const double scale_up = domains.ep_seconds(63.0 / 64, 450e9);
  EXPECT_NEAR(ep(FabricKind::kMixNetOpticalIo), scale_up, 2e-3 * scale_up);
  // With less optics, these bind: with 1.2 Tb/s, and 1.2 + 0.8 Tb/s where bytes are split.
  domains.options.network.gpu.optical = Bandwidth::gbps(1200);
  const double optics = domains.ep_seconds(0.5, 150e9);
  EXPECT_NEAR(ep(FabricKind::kMixNetOpticalIo), optics, 2e-3 * optics);
  domains.options.network.ep_split = EpSplit::kBalanced;
  const double both = domains.ep_seconds(0.5, 250e9);
  EXPECT_NEAR(ep(FabricKind::kMixNetOpticalIo), both, 2e-3 * both);
}

TEST(TrainingJob, TensorParallelismInADomainUsesItsPartOfTheGpu) {
  const Domains domains(64, 16, 2);
  const TrainingJob job = domains.job("uniform");
  const Time nvl72 = job.simulate(FabricKind::kNvl72, Domains::kNic).tp;
  const Time optical = job.simulate(FabricKind::kMixNetOpticalIo, Domains::kNic).tp;
  EXPECT_GT(nvl72, Time::zero());
  EXPECT_NEAR(optical.to_seconds(), 2 * nvl72.to_seconds(), 1e-6 * optical.to_seconds());
}

TEST(TrainingJob, DomainsKeepTheOrderOfBandwidths) {
  for (const std::string_view routing : {"uniform", "dynamic"}) {
    for (const auto& [ep, pp] : {std::pair(128, 16), std::pair(256, 8), std::pair(64, 16)}) {
      const Domains domains(ep, pp);
      const TrainingJob job = domains.job(routing);
      for (const FabricKind fabric : Domains::kFabrics) {
        SCOPED_TRACE(std::string(to_string(fabric)) + " ep " + std::to_string(ep));
        const IterationTime time = job.simulate(fabric, Domains::kNic);
        EXPECT_LE(job.simulate(fabric, Domains::kNic * 2).total, time.total);
        EXPECT_LE(job.simulate(FabricKind::kIdeal, Domains::kNic).total, time.total);
        EXPECT_LE(std::abs((time.total - parts(time)).ps), 1000);
      }
      // Where the EP group is in one domain, what NVLink gave up for optics is lost.
      const bool optics_help = ep > 64;
      EXPECT_EQ(job.simulate(FabricKind::kMixNetOpticalIo, Domains::kNic).total <
                    job.simulate(FabricKind::kNvl72, Domains::kNic).total,
                optics_help);
    }
  }
}

TEST(TrainingJob, BetweenTwoDomainsOnlyBlockWaitsForTheSwitch) {
  Domains domains;
  const auto waits = [&](Reconfiguration policy) {
    domains.options.reconfiguration = policy;
    domains.plan.global_batch_size = 8 * std::int64_t{domains.plan.dp} * 2;
    return domains.job("dynamic")
        .simulate(FabricKind::kMixNetOpticalIo, Domains::kNic)
        .reconfiguration;
  };
  domains.options.reconfiguration_delay = Time::milliseconds(1);  // hides beneath any backward
  const Time blocked = waits(Reconfiguration::kBlock);
  EXPECT_NEAR(blocked.to_seconds(), 1e-3 * domains.plan.micro_batches() * 58 / 16, 1e-9);
  domains.options.reconfiguration_delay = Time::seconds(1);
  for (const Reconfiguration policy : {Reconfiguration::kReuse, Reconfiguration::kOracle,
                                       Reconfiguration::kHitless, Reconfiguration::kHidden}) {
    EXPECT_EQ(waits(policy), Time::zero());
  }
  domains = Domains(256, 8);  // four domains: circuits do move
  domains.options.reconfiguration_delay = Time::seconds(1);
  EXPECT_GT(waits(Reconfiguration::kOracle), Time::zero());
}

TEST(TrainingJob, RefusesDomainsThatDoNotFitThePlan) {
  Domains domains;
  domains.options.network.nics_per_server = 32;
  EXPECT_THROW(domains.job("uniform"), Error);
  domains = Domains(128, 4);
  domains.plan.gpus_per_server = domains.options.network.nics_per_server = 128;
  EXPECT_THROW(domains.job("uniform"), Error);
  domains = Domains();
  domains.options.network.gpu.optical = Bandwidth::gbps(7200);
  EXPECT_THROW(domains.job("uniform"), Error);
}

TEST(TrainingJob, RefusesNetworksThatDoNotFitThePlan) {
  IterationOptions options;
  options.network.optical_degree = 8;
  EXPECT_THROW(job_of("mixtral-8x7b", "uniform", 256, options), Error);
  options.network.optical_degree = 1;
  options.network.nics_per_server = 3;
  EXPECT_THROW(job_of("mixtral-8x7b", "uniform", 256, options), Error);
}

IterationOptions failing(std::initializer_list<std::string_view> texts,
                         Reconfiguration policy = Reconfiguration::kBlock) {
  IterationOptions options;
  options.reconfiguration = policy;
  for (const std::string_view text : texts) {
    options.failures.failures.push_back(parse_failure(text, "--fail"));
  }
  return options;
}

TEST(Failures, PartsAddUpWithThem) {
  for (const auto& options :
       {failing({"nic:0.0", "nic:1.7", "server:3", "gpu:100", "ocs:1"}),
        failing({"nic:0.0@500ms", "server:3@1s", "ocs:1@3s", "gpu:9@3s", "nic:5.6@4s"}),
        failing({"nic:0.6", "nic:0.7", "nic:0.5@1ms"})}) {
    const TrainingJob job = job_of("mixtral-8x7b", "measured", 256, options);
    for (const FabricKind fabric : all_fabrics()) {
      if (divides_gpu_bandwidth(fabric)) continue;
      const IterationTime time = job.simulate(fabric, kSpeed);
      EXPECT_LE(std::abs((time.total - parts(time) - time.lost).ps), 1000) << to_string(fabric);
      for (const Time part : {time.compute, time.ep, time.tp, time.pp, time.dp,
                              time.reconfiguration, time.bubble, time.lost}) {
        EXPECT_GE(part, Time{-1000}) << to_string(fabric);
      }
    }
  }
}

TEST(Failures, OneUnderWayLiesBetweenNoneAndOneBefore) {
  // Hidden: a dark switch would spare those the waiting that block.
  const Reconfiguration hidden = Reconfiguration::kHidden;
  const TrainingJob well = job_of("mixtral-8x7b", "dynamic", 256, failing({}, hidden));
  const TrainingJob before = job_of("mixtral-8x7b", "dynamic", 256, failing({"ocs:3"}, hidden));
  const FabricKind mixnet = FabricKind::kMixNet;
  const Time least = well.simulate(mixnet, kSpeed).total;
  const Time most = before.simulate(mixnet, kSpeed).total;
  ASSERT_LT(least, most);
  Time last = most;
  for (const std::string_view text : {"ocs:3@1ps", "ocs:3@1s", "ocs:3@3s", "ocs:3@5s"}) {
    IterationOptions options = failing({text}, hidden);
    options.failures.outage = Time::zero();
    const Time total =
        job_of("mixtral-8x7b", "dynamic", 256, options).simulate(mixnet, kSpeed).total;
    EXPECT_LE(total, last + Time::microseconds(1)) << text;
    EXPECT_GE(total, least) << text;
    last = total;
  }
  EXPECT_LT(last, most);
  EXPECT_EQ(job_of("mixtral-8x7b", "dynamic", 256, failing({"ocs:3@3600s"}, hidden))
                .simulate(mixnet, kSpeed)
                .total,
            least)
      << "after the end";
}

TEST(Failures, AServerUnderWayTakesTheIterationWithIt) {
  const TrainingJob job = job_of("mixtral-8x7b", "measured", 256, failing({"server:3@2s"}));
  const TrainingJob before = job_of("mixtral-8x7b", "measured", 256, failing({"server:3"}));
  for (const FabricKind fabric : {FabricKind::kFatTree, FabricKind::kMixNet}) {
    const IterationTime time = job.simulate(fabric, kSpeed);
    EXPECT_EQ(time.lost, Time::seconds(2) + Time::milliseconds(10));
    EXPECT_EQ(time.total, before.simulate(fabric, kSpeed).total + time.lost);
  }
}

TEST(Failures, ASpareOnTheRegionsSwitchIsAsGoodAsTheServer) {
  IterationOptions options = failing({"server:3"});
  options.failures.backup = Backup::kRegion;
  const Time spare =
      job_of("mixtral-8x7b", "dynamic", 256, options).simulate(FabricKind::kMixNet, kSpeed).total;
  const Time well =
      job_of("mixtral-8x7b", "dynamic", 256).simulate(FabricKind::kMixNet, kSpeed).total;
  EXPECT_NEAR(spare.to_seconds(), well.to_seconds(), 1e-4 * well.to_seconds());
}

TEST(Failures, DoNotTouchAnIdealFabric) {
  const TrainingJob job = job_of("llama-moe", "dynamic", 256, failing({"gpu:9", "nic:0.0"}));
  EXPECT_EQ(job.simulate(FabricKind::kIdeal, kSpeed).total,
            job_of("llama-moe", "dynamic", 256).simulate(FabricKind::kIdeal, kSpeed).total);
}

TEST(Failures, PublishedCostsAreKept) {
  // Section 7.5 at 400 Gb/s and 1,024 GPUs: a NIC +3.3 %, a GPU +5.1 %, a server +6.5 %. Ours are
  // smaller (docs/failures.md says why); held to 5 and 12 %: as published with changing demands,
  // and by our allocator with even ones, where Algorithm 1 leaves one server with too much EPS.
  for (const std::string_view model : {"mixtral-8x22b", "deepseek-r1"}) {
    for (const bool ours : {false, true}) {
      const std::string_view routing = ours ? "measured" : "dynamic";
      const auto time = [&](std::initializer_list<std::string_view> failures) {
        IterationOptions options = failing(failures);
        if (ours) {
          options.network.allocator = AllocatorKind::kRefined;
          options.network.ep_split = EpSplit::kBalanced;
        }
        return mixnet_job_of(model, routing, 1024, options)
            .simulate(FabricKind::kMixNet, kSpeed)
            .total.to_seconds();
      };
      const double well = time({});
      for (const auto& [text, most] : {std::pair("nic:9.0", 0.05), std::pair("nic:121.7", 0.05),
                                       std::pair("gpu:970", 0.12), std::pair("server:121", 0.12)}) {
        const double more = time({text}) / well - 1;
        EXPECT_LT(more, most) << model << " " << text << " " << routing;
        EXPECT_GT(more, -0.02) << model << " " << text << " " << routing;
      }
    }
  }
}

// Queues that hold less than a packet, which no flag can ask for; automatic ones hold enough.
TEST(TrainingJob, APhaseThatNeverEndsIsNamed) {
  IterationOptions options;
  options.fidelity.fidelity = Fidelity::kPacket;
  options.fidelity.nic_rate = Bandwidth{100'000'000};
  options.network.nics_per_server = 32;
  options.network.optical_degree = 24;
  Model model = find_model("mixtral-8x22b");
  model.layers = 1;
  model.is_moe.resize(1);
  PlanRequest request;
  request.gpus = 128;
  request.gpus_per_server = 32;
  request.tp = 8;
  request.pp = 1;
  request.ep = 8;
  request.micro_batch_size = 1;
  request.global_batch_size = 16;
  request.seq_length = 8;
  const ParallelPlan plan = make_plan(model, request);
  constexpr FabricKind kFabric[] = {FabricKind::kNvl72};
  const TrainingJob ends(model, plan, find_gpu("h100"), routing_of("uniform", model, plan), kFabric,
                         options);
  EXPECT_LT(ends.simulate(FabricKind::kNvl72, options.fidelity.nic_rate).total, Time::seconds(60));
  options.fidelity.packets.queue_limit = {5'000};
  const TrainingJob job(model, plan, find_gpu("h100"), routing_of("uniform", model, plan), kFabric,
                        options);
  std::string said;
  try {
    const IterationTime time = job.simulate(FabricKind::kNvl72, options.fidelity.nic_rate);
    said = to_string(time.total);
  } catch (const Error& error) {
    said = error.what();
  }
  EXPECT_TRUE(said.starts_with("nvl72 at 100 Mb/s: an all-to-all (EP) never ends")) << said;
  EXPECT_THROW(job.record(FabricKind::kNvl72, options.fidelity.nic_rate), Error);
}

// The sum over stages, replicas and micro-batches is over the range of Time, the mean is not.
TEST(TrainingJob, MeansOfSlowNetworksDoNotWrap) {
  constexpr FabricKind kFatTree[] = {FabricKind::kFatTree};
  const Model model = find_model("mixtral-8x7b");
  const ParallelPlan plan = default_plan(model);
  const TrainingJob job(model, plan, find_gpu("h100"), routing_of("uniform", model, plan), kFatTree,
                        {});
  const IterationTime fast = job.simulate(FabricKind::kFatTree, Bandwidth::gbps(1));
  const IterationTime slow = job.simulate(FabricKind::kFatTree, Bandwidth{1'000'000});
  const double pipelines = plan.pp * plan.replicas();
  EXPECT_GT(slow.ep.to_seconds() * pipelines, Time::max().to_seconds()) << "or it tests nothing";
  EXPECT_NEAR(slow.ep.to_seconds() / fast.ep.to_seconds(), 1000, 20);
  EXPECT_LE(std::abs((slow.total - parts(slow)).ps), 1'000'000);
}

}  // namespace
}  // namespace mixnet
