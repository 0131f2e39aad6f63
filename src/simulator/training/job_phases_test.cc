// Packets against the fluid, and shortcuts against plain packets, on the traffic of training jobs.
#include "training/job_phases.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <string_view>
#include <vector>

#include "circuits/greedy_allocator.h"
#include "moe/model_catalog.h"
#include "training/communication_factory.h"
#include "training/test_plans.h"
#include "training/training_job.h"

namespace mixnet {
namespace {

constexpr FabricKind kPriced[] = {FabricKind::kFatTree, FabricKind::kOversubFatTree,
                                  FabricKind::kRailOptimized, FabricKind::kTopoOpt,
                                  FabricKind::kMixNet};

/// 16 MiB a GPU, 8 GPUs a server, 8 servers, routed as in production (section 1 of the digest).
struct Production {
  ParallelPlan plan;
  RegionDemand demand;

  Production() {
    plan.ep = plan.dp = 8;
    plan.tp = 8;
    TokenCounts counts;
    RoutingSource::make("measured", {8, 8, 2, 1, 16'384}, 0).counts({}, counts);
    demand = one_rank_a_server(counts);
  }
  /// Of dispatch.
  Time time(FabricKind kind, const FidelityOptions& fidelity, NetworkOptions options = {}) const {
    const Model model = find_model("mixtral-8x22b");
    const auto network = CommunicationFactory(kind, model, plan, options)
                             .make_packet(fidelity, std::make_shared<PhaseCache>());
    return network->exchange(0, demand).dispatch.at(fidelity.nic_rate);
  }
  /// Out of and into the NIC of one GPU.
  Bytes busiest_nic() const {
    std::int64_t busiest = 0;
    for (int s = 0; s < 8; ++s) {
      std::int64_t out = 0;
      std::int64_t in = 0;
      for (int t = 0; t < 8; ++t) {
        if (s == t) continue;
        out += demand.server_bytes(s, t) / 8;
        in += demand.server_bytes(t, s) / 8;
      }
      busiest = std::max({busiest, out, in});
    }
    return {busiest};
  }
};

TEST(ProductionAllToAll, FatTreeSprayedIsWithinFivePercentOfTheBusiestNic) {
  const Production production;
  for (const std::int64_t gbps : {100, 400}) {
    FidelityOptions fidelity;
    fidelity.nic_rate = Bandwidth::gbps(gbps);
    const double bound = (production.busiest_nic() / fidelity.nic_rate).to_seconds();
    const double time = production.time(FabricKind::kFatTree, fidelity).to_seconds();
    EXPECT_GE(time, bound);
    EXPECT_LE(time, 1.05 * bound) << gbps;
  }
}

TEST(ProductionAllToAll, MixNetIsWithinThreePercentOfTheLargestPairOverItsCircuits) {
  const Production production;
  const CircuitCounts circuits = GreedyAllocator().allocate(production.demand.server_bytes, 6);
  for (const std::int64_t gbps : {100, 400}) {
    FidelityOptions fidelity;
    fidelity.nic_rate = Bandwidth::gbps(gbps);
    double bound = 0;
    for (int s = 0; s < 8; ++s) {
      for (int t = 0; t < 8; ++t) {
        if (circuits(s, t) == 0) continue;
        const Bytes bytes = {production.demand.server_bytes(s, t)};
        bound = std::max(bound,
                         (bytes / (fidelity.nic_rate * std::int64_t{circuits(s, t)})).to_seconds());
      }
    }
    const double time = production.time(FabricKind::kMixNet, fidelity).to_seconds();
    EXPECT_GE(time, bound);
    EXPECT_LE(time, 1.03 * bound) << gbps;
  }
}

TEST(ProductionAllToAll, MixNetAgreesWithTheAuthorsSimulator) {
  // Theirs: 3.576 ms at 100 Gb/s; free acknowledgements, hashed paths, MTU 9000.
  const Production production;
  FidelityOptions fidelity;
  fidelity.packets.free_acks = true;
  NetworkOptions hashed;
  hashed.paths = PathPolicy::kEcmp;
  const double time = production.time(FabricKind::kMixNet, fidelity, hashed).to_seconds();
  EXPECT_NEAR(time, 3.576e-3, 0.02 * 3.576e-3);
}

TEST(ProductionAllToAll, DomainsArePacketsOverEthernetAndLanes) {
  // The scale-up switch is no part of it: it stays a fluid.
  const Production production;
  const Model model = find_model("mixtral-8x22b");
  for (const FabricKind kind : {FabricKind::kNvl72, FabricKind::kMixNetOpticalIo}) {
    for (const EpSplit split : {EpSplit::kCircuitsFirst, EpSplit::kBalanced}) {
      NetworkOptions options;
      options.ep_split = split;
      const FidelityOptions fidelity;
      const double packets = production.time(kind, fidelity, options).to_seconds();
      const double fluid = CommunicationFactory(kind, model, production.plan, options)
                               .make_fluid()
                               ->exchange(0, production.demand)
                               .dispatch.at(fidelity.nic_rate)
                               .to_seconds();
      EXPECT_GT(packets, fluid) << to_string(kind);
      EXPECT_LT(packets, 1.06 * fluid) << to_string(kind);
    }
  }
}

// Of the switch: about what attention and all-to-alls of the small job take.
constexpr Time kDelay = Time::microseconds(300);

/// A job of one region of 8 servers and two MoE layers, small enough for plain packets.
struct SmallJob {
  Model model = find_model("mixtral-8x22b");
  ParallelPlan plan;
  int micro_batches;

  explicit SmallJob(int batches = 2) : micro_batches(batches) {
    model.layers = 2;
    model.is_moe.assign(2, true);
    plan.ep = plan.dp = 8;
    plan.tp = 8;
    plan.micro_batch_size = 1;
    plan.global_batch_size = 8 * std::int64_t{batches};
  }
  RoutingSource routing(std::string_view spec) const { return routing_of(spec, model, plan); }
  TrainingJob job(std::string_view spec, const FidelityOptions& fidelity,
                  std::span<const FabricKind> fabrics,
                  Reconfiguration policy = Reconfiguration::kBlock) const {
    IterationOptions options;
    options.fidelity = fidelity;
    options.reconfiguration = policy;
    options.reconfiguration_delay = kDelay;
    return {model, plan, find_gpu("h100"), routing(spec), fabrics, options};
  }
};

FidelityOptions plain_packets(std::int64_t gbps) {
  FidelityOptions options;
  options.fidelity = Fidelity::kPacket;
  options.nic_rate = Bandwidth::gbps(gbps);
  options.reuse = false;
  return options;
}

TEST(JobPhases, PacketsAgreeWithTheFluidOnFiveFabrics) {
  const SmallJob small;
  std::vector<double> differences;
  for (const std::int64_t gbps : {100, 400}) {
    const TrainingJob fluid = small.job("dynamic", {}, kPriced);
    const TrainingJob packet = small.job("dynamic", plain_packets(gbps), kPriced);
    for (const FabricKind kind : kPriced) {
      const Bandwidth speed = Bandwidth::gbps(gbps);
      const double ratio = packet.simulate(kind, speed).ep.to_seconds() /
                           fluid.simulate(kind, speed).ep.to_seconds();
      EXPECT_GT(ratio, 1) << to_string(kind) << " at " << gbps;
      EXPECT_LT(ratio, 1.15) << to_string(kind) << " at " << gbps;
      differences.push_back(ratio - 1);
    }
  }
  std::ranges::sort(differences);
  EXPECT_LT(differences[differences.size() / 2], 0.04);
}

TEST(JobPhases, ReuseIsExactAndSkippingNearlySo) {
  const SmallJob small;
  for (const FabricKind kind : {FabricKind::kFatTree, FabricKind::kMixNet}) {
    const FabricKind fabrics[] = {kind};
    const Bandwidth speed = Bandwidth::gbps(100);
    const TrainingJob plain = small.job("dynamic", plain_packets(100), fabrics);
    FidelityOptions options = plain_packets(100);
    options.reuse = true;
    const TrainingJob reused = small.job("dynamic", options, fabrics);
    EXPECT_EQ(reused.simulate(kind, speed).total, plain.simulate(kind, speed).total);

    options.fidelity = Fidelity::kAuto;
    options.fluid = false;
    const TrainingJob skipped = small.job("dynamic", options, fabrics);
    const double exact = plain.simulate(kind, speed).ep.to_seconds();
    EXPECT_NEAR(skipped.simulate(kind, speed).ep.to_seconds(), exact, 0.003 * exact);
    const FidelityReport& report = skipped.fidelity(kind);
    EXPECT_EQ(report.fluid, 0);
    EXPECT_EQ(report.in_packets + report.reused, report.phases);
    EXPECT_LE(report.packet_hops, plain.fidelity(kind).packet_hops);
    EXPECT_EQ(report.plain_packet_hops, plain.fidelity(kind).plain_packet_hops);
  }
}

TEST(JobPhases, AutoIsWithinOnePercentOfPlainPackets) {
  // 16 places, of which a budget of one hop leaves the 4 samples that there must be, two a layer.
  const SmallJob small(8);
  std::uint64_t seed = 1;
  for (const std::int64_t gbps : {100, 400}) {
    for (const FabricKind kind : {FabricKind::kFatTree, FabricKind::kMixNet}) {
      const FabricKind fabrics[] = {kind};
      const Bandwidth speed = Bandwidth::gbps(gbps);
      const TrainingJob plain = small.job("dynamic", plain_packets(gbps), fabrics);
      FidelityOptions options;
      options.fidelity = Fidelity::kAuto;
      options.nic_rate = speed;
      options.budget = 1;
      options.sample_seed = seed++;
      const TrainingJob shortened = small.job("dynamic", options, fabrics);
      const double exact = plain.simulate(kind, speed).ep.to_seconds();
      const double error = shortened.simulate(kind, speed).ep.to_seconds() / exact - 1;
      EXPECT_LT(std::abs(error), 0.01) << to_string(kind) << " at " << gbps;
      const FidelityReport& report = shortened.fidelity(kind);
      EXPECT_EQ(report.in_packets + report.reused + report.fluid, report.phases);
      EXPECT_GE(report.fluid, 12 * 4) << "12 places, 4 all-to-alls each";
      // Four samples of phases as short as these say little of their spread.
      EXPECT_LT(std::abs(error), 2 * report.error + 0.004) << "its own estimate is sound";
    }
  }
}

TEST(JobPhases, SamplesSpeakForAllLayersAndTheirIntervalHolds) {
  SmallJob small(8);
  const FabricKind fabrics[] = {FabricKind::kFatTree};
  const Bandwidth speed = Bandwidth::gbps(400);
  FidelityOptions options = plain_packets(400);
  options.reuse = true;
  const double exact =
      small.job("dynamic", options, fabrics).simulate(FabricKind::kFatTree, speed).ep.to_seconds();
  options.fidelity = Fidelity::kAuto;
  options.skip_steady = false;
  options.budget = 1;
  constexpr int kSeeds = 10;
  int held = 0;
  std::set<double> answers;
  for (int seed = 1; seed <= kSeeds; ++seed) {
    options.sample_seed = static_cast<std::uint64_t>(seed);
    const TrainingJob job = small.job("dynamic", options, fabrics);
    const double ep = job.simulate(FabricKind::kFatTree, speed).ep.to_seconds();
    answers.insert(ep);
    held += std::abs(ep / exact - 1) <= job.fidelity(FabricKind::kFatTree).error ? 1 : 0;
  }
  EXPECT_GE(held, 0.9 * kSeeds);
  EXPECT_GT(answers.size(), kSeeds / 2U) << "the seed chooses";
}

TEST(JobPhases, RepeatedDemandsAreSimulatedOnce) {
  const SmallJob small(8);
  const FabricKind fabrics[] = {FabricKind::kFatTree};
  FidelityOptions options = plain_packets(400);
  options.reuse = true;
  const TrainingJob job = small.job("measured", options, fabrics);
  const FidelityReport& report = job.fidelity(FabricKind::kFatTree);
  EXPECT_EQ(report.phases, 8 * 2 * 4 + 1);  // and the gradients
  EXPECT_LE(report.in_packets, 3);          // dispatch, combine, gradients
  EXPECT_EQ(report.reused, report.phases - report.in_packets);
  EXPECT_GT(report.plain_packet_hops, 3 * report.packet_hops);
}

TEST(JobPhases, PoliciesInPacketsAgreeWithTheFluid) {
  const SmallJob small(4);
  const FabricKind fabrics[] = {FabricKind::kMixNet};
  const auto wait = [&](const TrainingJob& job, Bandwidth speed) {
    const IterationTime time = job.simulate(FabricKind::kMixNet, speed);
    return (time.ep + time.reconfiguration).to_seconds();
  };
  for (const Reconfiguration policy : {Reconfiguration::kHitless, Reconfiguration::kCopilot}) {
    for (const std::int64_t gbps : {100, 400}) {
      const Bandwidth speed = Bandwidth::gbps(gbps);
      FidelityOptions options = plain_packets(gbps);
      options.reuse = true;
      const double packets = wait(small.job("dynamic", options, fabrics, policy), speed);
      options.fidelity = Fidelity::kFluid;
      const double fluid = wait(small.job("dynamic", options, fabrics, policy), speed);
      EXPECT_GT(packets, fluid);
      EXPECT_LT(packets, 1.08 * fluid) << gbps;  // of some 0.2 ms each at 400 Gb/s
      options.fidelity = Fidelity::kAuto;
      options.budget = 1;  // four places of eight in packets
      EXPECT_NEAR(wait(small.job("dynamic", options, fabrics, policy), speed), packets,
                  0.02 * packets)
          << gbps;
    }
  }
}

TEST(JobPhases, PoliciesKeepTheirOrder) {
  const SmallJob small(8);
  const FabricKind fabrics[] = {FabricKind::kMixNet};
  for (const std::int64_t gbps : {100, 400}) {
    FidelityOptions options;
    options.nic_rate = Bandwidth::gbps(gbps);
    const auto total = [&](Reconfiguration policy) {
      return small.job("dynamic", options, fabrics, policy)
          .simulate(FabricKind::kMixNet, options.nic_rate)
          .total;
    };
    EXPECT_LT(total(Reconfiguration::kCopilot), total(Reconfiguration::kReuse)) << gbps;
    EXPECT_LT(total(Reconfiguration::kReuse), total(Reconfiguration::kBlock)) << gbps;
  }
}

// A policy that leaves the switch as it is hands on circuits older than those of the layer before,
// which is what is taken to be lit. Older ones serve as well: layers differ from all others alike.
TEST(JobPhases, CircuitsOfOlderLayersServeAsWellAsThoseOfTheLayerBefore) {
  constexpr int kLayers = 8;
  const SmallJob small;
  const auto network =
      CommunicationFactory(FabricKind::kMixNet, small.model, small.plan, {}).make_fluid();
  DemandMaker maker(small.plan, small.model.hidden);
  TokenCounts counts;
  std::vector<double> seconds(7);  // by age
  for (const std::uint64_t seed : {1, 2, 3, 4}) {
    const RoutingSource routing = RoutingSource::make(
        "dynamic", {8, 8, 2, kLayers, small.plan.tokens_per_micro_batch()}, seed);
    std::vector<RegionDemand> demands;
    for (int batch = 0; batch < 24; ++batch) {
      for (int layer = 0; layer < kLayers; ++layer) {
        routing.counts({0, layer, batch, 0}, counts);
        demands.push_back(maker.make(counts));
      }
    }
    for (std::size_t i = seconds.size(); i < demands.size(); ++i) {
      for (std::size_t age = 0; age < seconds.size(); ++age) {
        const SwitchState state = {&demands[i - age].server_bytes, nullptr, kDelay, kReferenceRate};
        seconds[age] += network->exchange_switched(0, demands[i], state)
                            .present_dispatch.at(kReferenceRate)
                            .to_seconds();
      }
    }
  }
  for (std::size_t age = 2; age < seconds.size(); ++age) {
    EXPECT_NEAR(seconds[age], seconds[1], 0.03 * seconds[1]) << age;
  }
}

TEST(JobPhases, ForecastsAreMadeWhereCircuitsChangeAndTheyAreAskedFor) {
  const SmallJob small;
  const FabricKind mixnet[] = {FabricKind::kMixNet};
  const FabricKind fat_tree[] = {FabricKind::kFatTree};
  IterationOptions options;
  const auto forecasts = [&](std::string_view routing, std::span<const FabricKind> fabrics) {
    return measure_phases(small.model, small.plan, small.routing(routing), fabrics, options)
        .forecasts.size();
  };
  EXPECT_EQ(forecasts("dynamic", mixnet), 0);
  options.reconfiguration = Reconfiguration::kCopilot;
  EXPECT_EQ(forecasts("dynamic", mixnet), 2 * 2);
  EXPECT_EQ(forecasts("measured", mixnet), 0);
  EXPECT_EQ(forecasts("dynamic", fat_tree), 0);
  // Circuits that never change need no policy, but for the one that waits all the same.
  const Bandwidth speed = Bandwidth::gbps(100);
  EXPECT_EQ(small.job("measured", {}, mixnet, Reconfiguration::kCopilot)
                .simulate(FabricKind::kMixNet, speed)
                .total,
            small.job("measured", {}, mixnet, Reconfiguration::kReuse)
                .simulate(FabricKind::kMixNet, speed)
                .total);
}

/// Seconds of all dispatches of three iterations, over circuits for that.
struct OverCircuitsFor {
  double hedged = 0;
  double forecast = 0;
  double demand = 0;
};

OverCircuitsFor over_circuits_for(AllocatorKind allocator) {
  constexpr int kBatches = 16;
  constexpr int kLayers = 7;
  SmallJob small(kBatches);
  small.model.layers = kLayers;
  small.model.is_moe.assign(kLayers, true);
  const FabricKind fabrics[] = {FabricKind::kMixNet};
  IterationOptions options;
  options.reconfiguration = Reconfiguration::kCopilot;
  options.network.allocator = allocator;
  options.network.ep_split = EpSplit::kBalanced;
  const auto network =
      CommunicationFactory(FabricKind::kMixNet, small.model, small.plan, options.network)
          .make_fluid();
  DemandMaker maker(small.plan, small.model.hidden);
  TokenCounts counts;
  OverCircuitsFor sums;
  for (const std::uint64_t seed : {1, 2, 3}) {
    const RoutingSource routing = RoutingSource::make(
        "dynamic", {8, 8, 2, kLayers, small.plan.tokens_per_micro_batch()}, seed);
    const JobPhases phases = measure_phases(small.model, small.plan, routing, fabrics, options);
    for (int batch = 0; batch < kBatches; ++batch) {
      for (int layer = 0; layer < kLayers; ++layer) {
        routing.counts({0, layer, batch, 0}, counts);
        const RegionDemand& real = maker.make(counts);
        const std::size_t place = phases.place_index(0, batch, layer);
        const Matrix<std::int64_t>& forecast = phases.forecasts[place].server_bytes;
        const ExchangeTimes plain =
            network->exchange_switched(0, real, {&forecast, &forecast, kDelay, kReferenceRate});
        const ExchangeTimes& hedged = phases.fabrics[0].exchanges[place];
        sums.hedged += hedged.predicted_dispatch.transfer.to_seconds();
        sums.forecast += plain.predicted_dispatch.transfer.to_seconds();
        sums.demand += plain.dispatch.transfer.to_seconds();
      }
    }
  }
  return sums;
}

// Circuits for a hedged forecast are better than those for it as it is. Greedy ones, which are
// blind to the EPS, gain more than if the demand were known.
TEST(JobPhases, HedgedForecastsGiveBetterCircuits) {
  const OverCircuitsFor refined = over_circuits_for(AllocatorKind::kRefined);
  EXPECT_LT(refined.hedged - refined.demand, 0.3 * (refined.forecast - refined.demand));
  const OverCircuitsFor greedy = over_circuits_for(AllocatorKind::kGreedy);
  EXPECT_LT(greedy.hedged, 0.9 * greedy.forecast);
  EXPECT_LT(greedy.hedged, 0.9 * greedy.demand);
}

TEST(JobPhases, ThreadsDoNotMatter) {
  const SmallJob small(4);
  const FabricKind fabrics[] = {FabricKind::kMixNet};
  std::vector<IterationTime> times;
  std::vector<std::int64_t> hops;
  for (const int threads : {1, 2, 5}) {
    FidelityOptions options;
    options.fidelity = Fidelity::kAuto;
    options.nic_rate = Bandwidth::gbps(400);
    options.budget = 1'000'000;
    options.threads = threads;
    const TrainingJob job = small.job("dynamic", options, fabrics, Reconfiguration::kCopilot);
    times.push_back(job.simulate(FabricKind::kMixNet, Bandwidth::gbps(400)));
    hops.push_back(job.fidelity(FabricKind::kMixNet).packet_hops);
    EXPECT_EQ(times.back().total, times.front().total) << threads;
    EXPECT_EQ(times.back().ep, times.front().ep) << threads;
    EXPECT_EQ(hops.back(), hops.front()) << threads;
  }
}

TEST(Failures, EveryRegionTakesWhatItsPlaceSays) {
  // 64 servers in 8 regions; regions of one kind are measured once.
  const Model model = find_model("mixtral-8x22b");
  const ParallelPlan plan = make_plan(model, request_of(512, 8, 2, 8));
  const RoutingSource routing = routing_of("uniform", model, plan);
  TokenCounts counts;
  routing.counts({}, counts);
  DemandMaker maker(plan, model.hidden);
  for (const std::string_view text : {"link:tor-up.3", "link:core-up.70", "nic:9.7", "ocs:2"}) {
    for (const FabricKind kind : {FabricKind::kFatTree, FabricKind::kMixNet}) {
      if (text == "ocs:2" && kind == FabricKind::kFatTree) continue;
      IterationOptions options;
      const Failure failures[] = {parse_failure(text, "--fail")};
      const ClusterHealth health(failures, plan, options.network.nics_per_server, Backup::kPool);
      const JobPhases phases = measure_phases(model, plan, routing, {&kind, 1}, options, health);
      const std::vector<ExchangeTimes>& exchanges = phases.fabrics[0].exchanges;
      ASSERT_EQ(exchanges.size(), static_cast<std::size_t>(plan.pp * plan.replicas()));
      const auto network =
          CommunicationFactory(kind, model, plan, options.network, kReferenceRate, health)
              .make_fluid();
      std::set<Time> different;
      for (int stage = 0; stage < plan.pp; ++stage) {
        for (int replica = 0; replica < plan.replicas(); ++replica) {
          const ExchangeTimes& measured =
              exchanges[phases.exchange_index(phases.fabrics[0], stage, replica, 0, 0)];
          const ExchangeTimes own =
              network->exchange(plan.first_server(stage, replica), maker.make(counts));
          EXPECT_EQ(measured.dispatch.transfer, own.dispatch.transfer) << text;
          EXPECT_EQ(measured.dispatch.delay, own.dispatch.delay) << text;
          EXPECT_EQ(measured.combine.transfer, own.combine.transfer) << text;
          different.insert(own.dispatch.transfer);
        }
      }
      const bool is_felt =
          kind == FabricKind::kMixNet ? text == "ocs:2" : text != "link:core-up.70";
      if (is_felt) {
        EXPECT_EQ(different.size(), 2U) << text << to_string(kind);
      }
    }
  }
}

TEST(Failures, PacketsAgreeWithTheFluid) {
  for (const std::string_view text : {"nic:3.0", "nic:3.7", "server:3", "gpu:30", "ocs:0"}) {
    for (const FabricKind kind : {FabricKind::kFatTree, FabricKind::kRailOptimized,
                                  FabricKind::kTopoOpt, FabricKind::kMixNet}) {
      SmallJob small;
      small.plan.tp = 1;  // 8 ranks a server
      small.plan.ep = small.plan.dp = 32;
      small.plan.global_batch_size = 32;
      small.model.experts = small.model.placed_experts = 64;
      const RoutingSource routing = small.routing("uniform");
      const auto time = [&](Fidelity fidelity) {
        IterationOptions options;
        options.fidelity.fidelity = fidelity;
        options.reconfiguration = Reconfiguration::kHidden;
        options.failures.failures.push_back(parse_failure(text, "--fail"));
        return TrainingJob(small.model, small.plan, find_gpu("h100"), routing, {&kind, 1}, options)
            .simulate(kind, kReferenceRate)
            .ep.to_seconds();
      };
      const double fluid = time(Fidelity::kFluid);
      EXPECT_NEAR(time(Fidelity::kPacket), fluid, 0.06 * fluid) << text << to_string(kind);
    }
  }
}

}  // namespace
}  // namespace mixnet
