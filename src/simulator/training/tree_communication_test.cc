#include "training/tree_communication.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <set>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/random.h"
#include "moe/routing.h"
#include "network/packet_paths.h"
#include "training/test_plans.h"

namespace mixnet {
namespace {

struct Shape {
  int ep, tp, gpus_per_server;
  int nics;  // of a server
};

// Regions of 4, 2, 8 and 3 servers, TP groups of two servers, servers whose GPUs share NICs (also
// NICs that GPUs of two rail classes share).
constexpr Shape kShapes[] = {{8, 4, 8, 8},  {16, 1, 8, 8},  {8, 8, 8, 8},  {3, 8, 8, 8},
                             {4, 16, 8, 8}, {16, 1, 8, 4},  {16, 2, 8, 2}, {8, 8, 8, 1},
                             {4, 16, 8, 4}, {12, 4, 12, 4}, {6, 4, 12, 6}};

ParallelPlan plan_of(const Shape& shape) {
  ParallelPlan plan;
  plan.ep = plan.dp = shape.ep;
  plan.tp = shape.tp;
  plan.gpus_per_server = shape.gpus_per_server;
  return plan;
}

RegionDemand demand_of(const Shape& shape, const TokenCounts& counts, int hidden = 3072) {
  return DemandMaker(plan_of(shape), hidden).make(counts);
}

TokenCounts random_counts(const Shape& shape, std::uint64_t seed) {
  Random random(seed);
  TokenCounts counts(shape.ep, shape.ep);
  for (auto& cell : counts.cells()) {
    cell = static_cast<std::int32_t>(random.below(10) == 0 ? 0 : random.below(100'000));
  }
  return counts;
}

TreeCommunication network_of(const Shape& shape, FabricKind kind = FabricKind::kFatTree,
                             PathPolicy paths = PathPolicy::kSpray, EpNics nics = EpNics::kRail,
                             int flows_per_pair = 1, int servers = 64) {
  return {PacketFabric(kind, servers, shape.nics, 3, paths),
          nics,
          {flows_per_pair},
          shape.gpus_per_server};
}

/// What one GPU of the region sends to another in a dispatch, and by which NICs.
struct GpuFlow {
  int from_gpu, to_gpu;
  int from_nic, to_nic;
  std::int64_t bytes;
};

std::vector<GpuFlow> gpu_flows(const Shape& shape, const RegionDemand& demand, EpNics policy) {
  const int g = shape.gpus_per_server;
  const auto nic_of = [&](int gpu) { return gpu / g * shape.nics + gpu % g * shape.nics / g; };
  std::vector<GpuFlow> flows;
  for (int from = 0; from < shape.ep; ++from) {
    for (int to = 0; to < shape.ep; ++to) {
      for (int t = 0; t < shape.tp; ++t) {
        const int a = from * shape.tp + t;
        const int b = to * shape.tp + t;
        if (a / g == b / g) continue;
        const int door = policy == EpNics::kOwn ? b : b / g * g + a % g;
        flows.push_back({a, b, nic_of(a), nic_of(door), demand.rank_bytes(from, to) / shape.tp});
      }
    }
  }
  return flows;
}

/// NIC-to-NIC bytes of a dispatch.
Matrix<std::int64_t> nic_bytes(const Shape& shape, const RegionDemand& demand, EpNics policy) {
  const std::size_t nics = static_cast<std::size_t>(demand.servers) * shape.nics;
  Matrix<std::int64_t> bytes(nics, nics);
  for (const GpuFlow& flow : gpu_flows(shape, demand, policy)) {
    bytes(flow.from_nic, flow.to_nic) += flow.bytes;
  }
  return bytes;
}

double seconds(double bytes) { return bytes / kReferenceRate.bytes_per_second(); }

double busiest_nic(const Matrix<std::int64_t>& bytes) {
  std::int64_t busiest = 0;
  for (std::size_t nic = 0; nic < bytes.rows(); ++nic) {
    std::int64_t in = 0;
    std::int64_t out = 0;
    for (std::size_t peer = 0; peer < bytes.rows(); ++peer) {
      out += bytes(nic, peer);
      in += bytes(peer, nic);
    }
    busiest = std::max({busiest, in, out});
  }
  return seconds(static_cast<double>(busiest));
}

/// The fluid time of a dispatch on a fabric's own paths: no rail left out. Sprayed, bytes between
/// two NICs are one flow; hashed, those between two GPUs.
Time whole_network(const Shape& shape, const PacketFabric& fabric, const RegionDemand& demand,
                   EpNics policy) {
  std::vector<Bandwidth> rates;
  for (const double rate : fabric.link_rates()) {
    rates.push_back(
        {static_cast<std::int64_t>(rate * static_cast<double>(kReferenceRate.bits_per_second))});
  }
  FluidNetwork network(rates);
  const auto add = [&](int from, int to, std::uint64_t hash, std::int64_t bytes) {
    if (bytes == 0) return;
    std::vector<LinkId> path;
    fabric.append_path(from, to, hash, path);
    network.add_flow(path, {bytes});
  };
  if (fabric.path_policy() == PathPolicy::kSpray) {
    const Matrix<std::int64_t> bytes = nic_bytes(shape, demand, policy);
    for (int from = 0; from < static_cast<int>(bytes.rows()); ++from) {
      for (int to = 0; to < static_cast<int>(bytes.rows()); ++to) {
        add(from, to, 0, bytes(from, to));
      }
    }
    return network.run();
  }
  for (const GpuFlow& flow : gpu_flows(shape, demand, policy)) {
    const int connection = flow.from_gpu * demand.region_gpus + flow.to_gpu;
    add(flow.from_nic, flow.to_nic, connection_hash(1, flow.from_nic, flow.to_nic, connection),
        flow.bytes);
  }
  return network.run();
}

TEST(PhaseTime, ScalesTransferAndKeepsDelay) {
  const PhaseTime phase = {Time::milliseconds(8), Time::microseconds(4)};
  EXPECT_EQ(phase.at(kReferenceRate), Time::microseconds(8004));
  EXPECT_EQ(phase.at(Bandwidth::gbps(400)), Time::microseconds(2004));
  EXPECT_EQ(phase.at(Bandwidth::gbps(50)), Time::microseconds(16004));
  EXPECT_EQ((PhaseTime{Time::max(), Time::zero()}).at(Bandwidth::gbps(800)), Time::max());
  EXPECT_EQ((PhaseTime{Time::seconds(1000), Time::seconds(1)}).at({1}), Time::max());
}

TEST(TreeCommunication, UniformDispatchIsTheBusiestNics) {
  // With even demand every NIC of a rail is as busy as the next, so none waits for another.
  for (const Shape& shape : kShapes) {
    TokenCounts even(shape.ep, shape.ep, 5000);
    const RegionDemand demand = demand_of(shape, even);
    for (const EpNics policy : {EpNics::kRail, EpNics::kOwn}) {
      TreeCommunication network =
          network_of(shape, FabricKind::kFatTree, PathPolicy::kSpray, policy);
      const ExchangeTimes times = network.exchange(0, demand);
      const double bound = busiest_nic(nic_bytes(shape, demand, policy));
      EXPECT_NEAR(times.dispatch.transfer.to_seconds(), bound, 1e-6 * bound);
      EXPECT_EQ(times.dispatch.transfer, times.combine.transfer);
      EXPECT_EQ(times.shared_nics_busy, times.dispatch.transfer + times.combine.transfer);
    }
  }
}

TEST(TreeCommunication, IsTheWholeNetworksTimeAnyDemand) {
  for (const Shape& shape : kShapes) {
    for (const FabricKind kind :
         {FabricKind::kFatTree, FabricKind::kOversubFatTree, FabricKind::kRailOptimized}) {
      for (const PathPolicy paths : {PathPolicy::kSpray, PathPolicy::kEcmp}) {
        const PacketFabric fabric(kind, 64, shape.nics, 3, paths);
        for (const EpNics policy : {EpNics::kRail, EpNics::kOwn}) {
          const RegionDemand demand = demand_of(shape, random_counts(shape, 1));
          const Matrix<std::int64_t> bytes = nic_bytes(shape, demand, policy);
          TreeCommunication network = network_of(shape, kind, paths, policy);
          const double time = network.exchange(0, demand).dispatch.transfer.to_seconds();
          const double expected = whole_network(shape, fabric, demand, policy).to_seconds();
          EXPECT_NEAR(time, expected, 1e-6 * expected)
              << "ep " << shape.ep << " tp " << shape.tp << " nics " << shape.nics << " "
              << to_string(kind) << (paths == PathPolicy::kEcmp ? " ecmp" : " spray")
              << (policy == EpNics::kOwn ? " own" : " rail");
          EXPECT_GE(time, busiest_nic(bytes) * (1 - 1e-6));
        }
      }
    }
  }
}

TEST(TreeCommunication, FoldedLargeExchangesMissOnlyTheTail) {
  // Seven servers behind thin links: over 256 flows, so their NICs' own links are left out.
  const Shape shape = {56, 1, 8, 8};
  const PacketFabric fabric(FabricKind::kOversubFatTree, 64, 8, 3, PathPolicy::kSpray);
  const RoutingSource routing = RoutingSource::make("dynamic", {56, 112, 8, 8, 32'768}, 1);
  for (int layer = 0; layer < 8; ++layer) {
    TokenCounts counts;
    routing.counts({.layer = layer}, counts);
    const RegionDemand demand = demand_of(shape, counts);
    TreeCommunication network = network_of(shape, FabricKind::kOversubFatTree);
    const ExchangeTimes times = network.exchange(0, demand);
    const double whole = whole_network(shape, fabric, demand, EpNics::kRail).to_seconds();
    EXPECT_LE(times.dispatch.transfer.to_seconds(), whole * (1 + 1e-9));
    EXPECT_GE(times.dispatch.transfer.to_seconds(), whole * (1 - 0.003));
    EXPECT_EQ(times.combine.transfer, times.dispatch.transfer);
  }
}

TEST(TreeCommunication, NothingTakesNoTime) {
  for (const Shape& shape : kShapes) {
    for (const FabricKind kind :
         {FabricKind::kFatTree, FabricKind::kOversubFatTree, FabricKind::kRailOptimized}) {
      const RegionDemand nothing = demand_of(shape, TokenCounts(shape.ep, shape.ep));
      EXPECT_EQ(network_of(shape, kind).exchange(0, nothing).dispatch.transfer, Time::zero());
    }
  }
}

TEST(TreeCommunication, PlainIsTheSame) {
  for (const Shape& shape : kShapes) {
    for (const FabricKind kind : {FabricKind::kFatTree, FabricKind::kOversubFatTree}) {
      const RegionDemand demand = demand_of(shape, random_counts(shape, 2));
      TreeCommunication plain = network_of(shape, kind);
      plain.run_plain();
      const ExchangeTimes expected = plain.exchange(3 * demand.servers, demand);
      const ExchangeTimes times = network_of(shape, kind).exchange(3 * demand.servers, demand);
      const auto near = [](Time time) { return 1e-6 * time.to_seconds(); };
      EXPECT_NEAR(times.dispatch.transfer.to_seconds(), expected.dispatch.transfer.to_seconds(),
                  near(expected.dispatch.transfer));
      EXPECT_NEAR(times.combine.transfer.to_seconds(), expected.combine.transfer.to_seconds(),
                  near(expected.combine.transfer));
      EXPECT_EQ(times.dispatch.delay, expected.dispatch.delay);
    }
  }
}

TEST(TreeCommunication, CombineIsTheMirrorOfDispatch) {
  for (const Shape& shape : kShapes) {
    for (const EpNics policy : {EpNics::kRail, EpNics::kOwn}) {
      const TokenCounts counts = random_counts(shape, 4);
      TreeCommunication network =
          network_of(shape, FabricKind::kFatTree, PathPolicy::kSpray, policy);
      RegionDemand demand = demand_of(shape, counts);
      const ExchangeTimes there = network.exchange(0, demand);
      // The same bytes the other way: tokens go back by the NICs they came by.
      for (auto& rail : demand.out) {
        Matrix<std::int64_t> mirrored = rail;
        for (int s = 0; s < demand.servers; ++s) {
          for (int d = 0; d < demand.servers; ++d) mirrored(d, s) = rail(s, d);
        }
        rail = mirrored;
      }
      demand.rank_bytes = demand_of(shape, transposed(counts)).rank_bytes;
      const ExchangeTimes back = network.exchange(0, demand);
      EXPECT_EQ(there.dispatch.transfer, back.combine.transfer);
      EXPECT_EQ(there.combine.transfer, back.dispatch.transfer);
    }
  }
}

TEST(TreeCommunication, ProductionMatrixOnAFatTree) {
  // 8 servers, 16 MiB a GPU: 32,768 token copies of 4 KiB a server. Rank 0 gets 67,893 of them from
  // other servers, over 8 NICs of 100 Gb/s.
  const Shape shape = {8, 8, 8, 8};
  TokenCounts counts;
  RoutingSource::make("measured", {8, 8, 2, 1, 16'384}, 0).counts({}, counts);
  const RegionDemand demand = demand_of(shape, counts, 2048);
  ASSERT_EQ(demand.rank_bytes(0, 0), 9810 * 4096);
  TreeCommunication network = network_of(shape);
  const PhaseTime dispatch = network.exchange(0, demand).dispatch;
  EXPECT_NEAR(dispatch.transfer.to_seconds(), 67'893.0 * 4096 / 8 / 12.5e9, 1e-9);
  EXPECT_NEAR(dispatch.transfer.to_seconds(), 2.78e-3, 0.01e-3);
  EXPECT_EQ(dispatch.delay, Time::microseconds(4));  // eight ToRs of one pod
}

TEST(TreeCommunication, ThinUplinksTakeTheirRatioLonger) {
  // A server is a ToR here, so all bytes cross the thin part: 3 times as long.
  const Shape shape = {16, 1, 8, 8};
  const RegionDemand demand = demand_of(shape, TokenCounts(16, 16, 5000));
  TreeCommunication full = network_of(shape);
  TreeCommunication thin = network_of(shape, FabricKind::kOversubFatTree);
  const double one = full.exchange(4, demand).dispatch.transfer.to_seconds();
  EXPECT_NEAR(thin.exchange(4, demand).dispatch.transfer.to_seconds(), 3 * one, 1e-6 * one);
  // Two servers of four NICs share a ToR, and nothing crosses.
  const Shape half = {16, 1, 8, 4};
  TreeCommunication near = network_of(half, FabricKind::kOversubFatTree);
  TreeCommunication plain = network_of(half);
  EXPECT_EQ(near.exchange(4, demand).dispatch.transfer,
            plain.exchange(4, demand).dispatch.transfer);
  EXPECT_GT(near.exchange(3, demand).dispatch.transfer,
            plain.exchange(3, demand).dispatch.transfer);
}

TEST(TreeCommunication, HashedPathsAreNeverFasterThanSprayed) {
  for (const Shape& shape : kShapes) {
    const RegionDemand demand = demand_of(shape, TokenCounts(shape.ep, shape.ep, 5000));
    for (const FabricKind kind : {FabricKind::kFatTree, FabricKind::kOversubFatTree}) {
      for (const int flows : {1, 4}) {
        TreeCommunication sprayed = network_of(shape, kind);
        TreeCommunication hashed = network_of(shape, kind, PathPolicy::kEcmp, EpNics::kRail, flows);
        const double best = sprayed.exchange(0, demand).dispatch.transfer.to_seconds();
        EXPECT_GE(hashed.exchange(0, demand).dispatch.transfer.to_seconds(), best * (1 - 1e-6));
      }
    }
  }
}

TEST(TreeCommunication, ManyHashedFlowsApproachSpraying) {
  const Shape shape = {64, 1, 8, 8};
  const RegionDemand demand = demand_of(shape, TokenCounts(64, 64, 5000));
  TreeCommunication sprayed = network_of(shape);
  const double best = sprayed.exchange(0, demand).dispatch.transfer.to_seconds();
  TreeCommunication one = network_of(shape, FabricKind::kFatTree, PathPolicy::kEcmp);
  TreeCommunication many =
      network_of(shape, FabricKind::kFatTree, PathPolicy::kEcmp, EpNics::kRail, 64);
  EXPECT_GT(one.exchange(0, demand).dispatch.transfer.to_seconds(), 1.2 * best);
  EXPECT_LT(many.exchange(0, demand).dispatch.transfer.to_seconds(), 1.3 * best);
}

/// Flows of a dispatch of an even demand, each GPU's to each other hashed alone, counted by link:
/// the time of the busiest, in units of what a NIC takes.
double busiest_link(const Shape& shape, std::uint64_t seed) {
  const PacketFabric fabric(FabricKind::kFatTree, 64, shape.nics, 1, PathPolicy::kEcmp);
  Random random(seed);
  std::map<std::uint32_t, int> flows;
  std::vector<std::uint32_t> path;
  const int gpus = shape.gpus_per_server;
  for (int from = 0; from < shape.ep; ++from) {
    for (int to = 0; to < shape.ep; ++to) {
      if (from / gpus == to / gpus) continue;
      path.clear();
      fabric.append_path(from, to / gpus * gpus + from % gpus, random.next(), path);
      for (const std::uint32_t link : path) ++flows[link];
    }
  }
  int busiest = 0;
  for (const auto& [link, count] : flows) busiest = std::max(busiest, count);
  return static_cast<double>(busiest) / (shape.ep - gpus);
}

TEST(TreeCommunication, EveryTwoGpusHaveAConnectionThatIsHashedAlone) {
  for (const Shape& shape : {Shape{16, 1, 8, 8}, Shape{32, 1, 8, 8}}) {
    const RegionDemand demand = demand_of(shape, TokenCounts(shape.ep, shape.ep, 5000));
    const double sprayed = network_of(shape).exchange(0, demand).dispatch.transfer.to_seconds();
    double mean = 0;
    double independent = 0;
    std::set<Time> times;
    constexpr int kSeeds = 60;
    for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
      TreeCommunication network(PacketFabric(FabricKind::kFatTree, 64, 8, 1, PathPolicy::kEcmp),
                                EpNics::kRail, {1, seed}, 8);
      const Time time = network.exchange(0, demand).dispatch.transfer;
      EXPECT_EQ(network.exchange(0, demand).dispatch.transfer, time) << "paths are kept";
      times.insert(time);
      mean += time.to_seconds() / sprayed / kSeeds;
      independent += busiest_link(shape, seed) / kSeeds;
    }
    EXPECT_GT(times.size(), 3) << "seeds matter";
    EXPECT_NEAR(mean, independent, 0.04 * independent);
  }
}

TEST(TreeCommunication, ManyHashedFlowsTakeWhatTheirBusiestLinkDoes) {
  int compared = 0;
  for (const Shape& shape :
       {Shape{32, 1, 8, 8}, Shape{48, 1, 8, 8}, Shape{16, 4, 8, 8}, Shape{64, 1, 16, 4}}) {
    for (const FabricKind kind :
         {FabricKind::kFatTree, FabricKind::kOversubFatTree, FabricKind::kRailOptimized}) {
      for (const EpNics policy : {EpNics::kRail, EpNics::kOwn}) {
        const PacketFabric fabric(kind, 64, shape.nics, 3, PathPolicy::kEcmp);
        TokenCounts counts;
        RoutingSource::make("dynamic", {shape.ep, 2 * shape.ep, 4, 8, 8192}, 1)
            .counts({.layer = compared % 8}, counts);
        const RegionDemand demand = demand_of(shape, counts);
        TreeCommunication network = network_of(shape, kind, PathPolicy::kEcmp, policy);
        const double whole = whole_network(shape, fabric, demand, policy).to_seconds();
        const double time = network.exchange(0, demand).dispatch.transfer.to_seconds();
        EXPECT_LE(time, whole * (1 + 1e-9));
        EXPECT_GE(time, whole * (1 - 5e-3)) << shape.ep << " " << to_string(kind);
        ++compared;
      }
    }
  }
}

TEST(TreeCommunication, HashedBytesAreThoseOfSprayedOnes) {
  // The NICs' own links bind where nothing else can: all servers under one ToR.
  for (const Shape& shape :
       {Shape{8, 4, 8, 2}, Shape{16, 1, 8, 2}, Shape{16, 2, 8, 1}, Shape{4, 16, 8, 1}}) {
    for (const EpNics nics : {EpNics::kRail, EpNics::kOwn}) {
      const RegionDemand demand = demand_of(shape, TokenCounts(shape.ep, shape.ep, 5000));
      TreeCommunication sprayed = network_of(shape, FabricKind::kFatTree, PathPolicy::kSpray, nics);
      TreeCommunication hashed = network_of(shape, FabricKind::kFatTree, PathPolicy::kEcmp, nics);
      ASSERT_LE(demand.servers * shape.nics, PacketFabric::kNicsPerTor);
      const ExchangeTimes a = sprayed.exchange(0, demand);
      const ExchangeTimes b = hashed.exchange(0, demand);
      EXPECT_NEAR(a.dispatch.transfer.to_seconds(), b.dispatch.transfer.to_seconds(), 1e-9);
      EXPECT_NEAR(a.combine.transfer.to_seconds(), b.combine.transfer.to_seconds(), 1e-9);
    }
  }
}

TEST(TreeCommunication, ADeadLinkIsOfNoConcernToRegionsThatItDoesNotServe) {
  const Shape shape = {32, 1, 8, 8};
  const RegionDemand demand = demand_of(shape, random_counts(shape, 4));
  for (const FabricKind kind :
       {FabricKind::kFatTree, FabricKind::kOversubFatTree, FabricKind::kRailOptimized}) {
    const std::string tier = kind == FabricKind::kRailOptimized ? "leaf-up" : "tor-up";
    const DeadLink dead[] = {{tier, 1}};  // of server 0's ToR, or of rail 0's first leaf
    const PacketFabric broken(kind, 64, 8, 3, PathPolicy::kSpray, dead);
    ASSERT_EQ(broken.dead_links(), 1);
    TreeCommunication network(broken, EpNics::kRail, {}, 8);
    TreeCommunication well = network_of(shape, kind);
    EXPECT_FALSE(network.uniform());
    const bool is_rail = kind == FabricKind::kRailOptimized;  // 32 servers share the leaf
    const int far = is_rail ? 32 : 4;
    EXPECT_EQ(network.exchange(far, demand).dispatch.transfer,
              well.exchange(far, demand).dispatch.transfer);
    EXPECT_EQ(network.kind_of_region(far, 4), network.kind_of_region(far + 8, 4));
    EXPECT_TRUE(network.kind_of_region(far, 4));
    EXPECT_FALSE(network.kind_of_region(0, 4));
    if (kind == FabricKind::kOversubFatTree) {
      EXPECT_GT(network.exchange(0, demand).dispatch.transfer,
                well.exchange(0, demand).dispatch.transfer);
    }
  }
}

TEST(TreeCommunication, OneServerExchangesNothing) {
  const Shape shape = {8, 1, 8, 8};
  TreeCommunication network = network_of(shape);
  const ExchangeTimes times = network.exchange(0, demand_of(shape, random_counts(shape, 1)));
  EXPECT_EQ(times.dispatch.transfer + times.dispatch.delay, Time::zero());
  EXPECT_EQ(times.combine.transfer + times.combine.delay, Time::zero());
  EXPECT_EQ(times.shared_nics_busy, Time::zero());
}

TEST(TreeCommunication, SendsGoNicToNicAllAtOnce) {
  const Shape shape = {8, 4, 8, 8};
  TreeCommunication network = network_of(shape);
  // 12.5 MB a GPU and NIC at 12.5 GB/s, from servers 0-3 to the next pod's.
  for (const int count : {1, 4}) {
    const PhaseTime time = network.send(0, 8, count, {12'500'000});
    EXPECT_EQ(time.transfer, Time::milliseconds(1));
    EXPECT_EQ(time.delay, Time::microseconds(6));
  }
  // Three NICs for eight GPUs.
  TreeCommunication three = network_of({8, 4, 8, 3});
  EXPECT_NEAR(three.send(0, 8, 4, {12'500'000}).transfer.to_seconds(), 8e-3 / 3, 1e-9);
  EXPECT_EQ(three.send(0, 8, 4, {0}).transfer, Time::zero());
  // Of some of the GPUs: three of them share a NIC, into which two of these go.
  const GpuSend sends[] = {
      {0, 0, 8, 7, {12'500'000}}, {0, 3, 8, 2, {12'500'000}}, {1, 0, 8, 0, {12'500'000}}};
  EXPECT_EQ(network.send_each(sends).transfer, Time::milliseconds(1));
  EXPECT_EQ(three.send_each(sends).transfer, Time::milliseconds(2));
}

TEST(TreeCommunication, RingAllReduceSendsAllButAShareTwice) {
  const Shape shape = {8, 4, 8, 8};
  TreeCommunication network = network_of(shape);
  constexpr Bytes kGigabyte = {1'000'000'000};
  for (const int n : {2, 3, 8, 16}) {
    std::vector<std::vector<int>> groups(2);
    for (int i = 0; i < n; ++i) {
      groups[0].push_back(i);
      groups[1].push_back(16 + i);
    }
    const PhaseTime time = network.all_reduce(groups, kGigabyte);
    EXPECT_NEAR(time.transfer.to_seconds(), seconds(1e9 / 8 * 2 * (n - 1) / n), 1e-9);
    const int hops = n > 8 ? 6 : 4;
    EXPECT_EQ(time.delay, Time::microseconds(hops) * 2 * (n - 1));
  }
  // Groups that share servers share their NICs.
  const std::vector<std::vector<int>> twice = {{0, 1, 2, 3}, {0, 1, 2, 3}};
  EXPECT_NEAR(network.all_reduce(twice, kGigabyte).transfer.to_seconds(),
              seconds(2 * 1e9 / 8 * 2 * 3 / 4), 1e-9);
  const std::vector<std::vector<int>> alone = {{3}, {}};
  EXPECT_EQ(network.all_reduce(alone, kGigabyte).transfer, Time::zero());
  EXPECT_EQ(network.all_reduce(alone, kGigabyte).delay, Time::zero());
  EXPECT_EQ(network.ring_nics(), 8);
}

TEST(TreeCommunication, ServerExchangeSpreadsOverAllNics) {
  const Shape shape = {8, 8, 8, 2};
  TreeCommunication network = network_of(shape);
  Matrix<std::int64_t> bytes(4, 4, 25'000'000);
  EXPECT_EQ(network.server_exchange(0, bytes).transfer, Time::milliseconds(3));
  Matrix<std::int64_t> one(4, 4);
  one(1, 2) = 25'000'000;
  one(3, 3) = 1'000'000'000'000;  // stays in the server
  EXPECT_EQ(network.server_exchange(0, one).transfer, Time::milliseconds(1));
}

TEST(TreeCommunication, IsTheSameEveryTimeAndPlace) {
  const Shape shape = {16, 2, 8, 8};
  TreeCommunication network = network_of(shape);
  ASSERT_TRUE(network.uniform());
  const RegionDemand demand = demand_of(shape, random_counts(shape, 3));
  const Time first = network.exchange(0, demand).dispatch.transfer;
  for (const int server : {0, 4, 20, 60}) {
    EXPECT_EQ(network.exchange(server, demand).dispatch.transfer, first);
  }
}

/// Server 1 of a region of four as `nics` says; 2 more slots of the graph for spares.
TreeCommunication placed(const Shape& shape, std::vector<int> nics, EpNics policy,
                         FabricKind kind = FabricKind::kFatTree) {
  TreeCommunication network = network_of(shape, kind, PathPolicy::kSpray, policy);
  ServerPlaces places;
  places.region_servers = 4;
  places.nics[1] = std::move(nics);
  network.use_places(places);
  return network;
}

TEST(ServerPlaces, AFailedNicsBytesGoByTheOthers) {
  const Shape shape{4, 8, 8, 8};
  TokenCounts counts(4, 4);
  counts(1, 2) = 1'000'000;  // out of server 1
  counts(3, 1) = 700'000;    // into it
  const RegionDemand demand = demand_of(shape, counts);
  const double bytes = 1e6 * 3072 * 2;
  for (const EpNics policy : {EpNics::kRail, EpNics::kOwn}) {
    TreeCommunication network = placed(shape, {8, 9, -1, 11, 12, 13, 14, 15}, policy);
    EXPECT_FALSE(network.uniform());
    EXPECT_FALSE(network.servers().is_whole(0, 4));
    EXPECT_TRUE(network.servers().is_whole(4, 4));
    const ExchangeTimes times = network.exchange(0, demand);
    // Seven NICs instead of eight; the receiver's own NIC of that place stands idle with rails.
    EXPECT_NEAR(times.dispatch.transfer.to_seconds(), seconds(bytes / 7), 1e-7);
    EXPECT_NEAR(times.combine.transfer.to_seconds(), seconds(bytes / 7), 1e-7);
    const PhaseTime send = network.send(1, 5, 1, {1'000'000});
    EXPECT_NEAR(send.transfer.to_seconds(), seconds(8e6 / 7), 1e-7);
    const PhaseTime whole = network.send(2, 6, 1, {1'000'000});
    EXPECT_NEAR(whole.transfer.to_seconds(), seconds(1e6), 1e-7);
  }
}

TEST(ServerPlaces, ASpareWithMoreNicsTakesTheirShareEach) {
  // Two NICs a server, the spare has eight: four serve each place.
  const Shape shape{4, 8, 8, 2};
  TokenCounts counts(4, 4);
  for (auto& cell : counts.cells()) cell = 100'000;
  const RegionDemand demand = demand_of(shape, counts);
  TreeCommunication network =
      placed(shape, {100, 101, 102, 103, 104, 105, 106, 107}, EpNics::kRail);
  TreeCommunication usual = network_of(shape);
  // All others are as busy as ever.
  EXPECT_NEAR(network.exchange(0, demand).dispatch.transfer.to_seconds(),
              usual.exchange(0, demand).dispatch.transfer.to_seconds(), 1e-7);
  EXPECT_NEAR(network.send(1, 5, 1, {1'000'000}).transfer.to_seconds(), seconds(4e6), 1e-7);
  // Among spares alone it is four times as fast, and 3 of 8 NICs are as good as 3.
  TreeCommunication worn = placed(shape, {100, -1, -1, 103, -1, -1, 106, -1}, EpNics::kRail);
  EXPECT_EQ(worn.servers().working_nics(1), 3);
  EXPECT_NEAR(worn.send(1, 5, 1, {1'000'000}).transfer.to_seconds(), seconds(4e6), 1e-7);
}

TEST(ServerPlaces, WithoutAnyNicItSaysSo) {
  const Shape shape{4, 8, 8, 2};
  TreeCommunication network = placed(shape, {-1, -1}, EpNics::kRail);
  EXPECT_THROW(network.send(1, 5, 1, {1}), Error);
  EXPECT_NO_THROW(network.send(2, 6, 1, {1}));
}

TEST(ServerPlaces, WhatIsPlacedAsUsualIsAsUsual) {
  // Through the other code: server 1's NICs are named, as they are.
  for (const Shape& shape : kShapes) {
    if (plan_of(shape).region_servers() != 4) continue;
    for (const FabricKind kind : {FabricKind::kFatTree, FabricKind::kRailOptimized}) {
      std::vector<int> nics;
      for (int nic = 0; nic < shape.nics; ++nic) nics.push_back(shape.nics + nic);
      for (const EpNics policy : {EpNics::kRail, EpNics::kOwn}) {
        const RegionDemand demand = demand_of(shape, random_counts(shape, 3));
        const ExchangeTimes a = placed(shape, nics, policy, kind).exchange(0, demand);
        const ExchangeTimes b =
            network_of(shape, kind, PathPolicy::kSpray, policy).exchange(0, demand);
        EXPECT_NEAR(a.dispatch.transfer.to_seconds(), b.dispatch.transfer.to_seconds(), 1e-9);
        EXPECT_NEAR(a.combine.transfer.to_seconds(), b.combine.transfer.to_seconds(), 1e-9);
      }
    }
  }
}

}  // namespace
}  // namespace mixnet
