#include "graphs/collective_study.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <map>
#include <vector>

#include "base/error.h"
#include "graphs/collective_traffic.h"

namespace mixnet {
namespace {

using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

/// 1 KiB, 2 KiB, ... 16 GiB.
std::vector<Bytes> all_sizes() {
  std::vector<Bytes> sizes;
  for (int power = 10; power <= 34; ++power) sizes.push_back({std::int64_t{1} << power});
  return sizes;
}

/// Servers of one GPU on a switch that never blocks: 100 Gb/s, 1 us a link, so 2 us.
CollectiveRequest request_of(Collective collective, int gpus,
                             FabricKind fabric = FabricKind::kIdeal) {
  CollectiveRequest request;
  request.collective = collective;
  request.gpus = gpus;
  request.gpus_per_server = 1;
  request.network.nics_per_server = 1;
  request.network.fabric = fabric;
  request.network.paths = PathPolicy::kSpray;
  request.sizes = all_sizes();
  return request;
}

constexpr double kRate = 12.5e9;   // bytes a second
constexpr double kLatency = 2e-6;  // of two links

TEST(Collective, RingsAreLatencyAndBandwidthTimesSteps) {
  // alpha-beta: Thakur, Rabenseifner, Gropp, IJHPCA 19, 2005.
  for (const int n : {2, 3, 8, 64}) {
    for (const auto& [collective, steps] :
         std::map<Collective, int>{{Collective::kAllReduce, 2 * (n - 1)},
                                   {Collective::kAllGather, n - 1},
                                   {Collective::kReduceScatter, n - 1}}) {
      for (const CollectiveRow& row : run_collective(request_of(collective, n)).rows) {
        const auto bytes = static_cast<double>(row.bytes.count);
        const double expected = steps * (kLatency + bytes / n / kRate);
        EXPECT_NEAR(row.time.to_seconds(), expected, 0.001 * expected)
            << to_string(collective) << " " << n << " " << to_string(row.bytes);
        EXPECT_NEAR(row.algorithm_bandwidth, bytes / row.time.to_seconds(), 1e-3 * kRate);
      }
    }
  }
}

TEST(Collective, BusBandwidthOfLongOnesIsTheNics) {
  for (const Collective collective :
       {Collective::kAllReduce, Collective::kAllGather, Collective::kReduceScatter,
        Collective::kAllToAll, Collective::kBroadcast, Collective::kReduce, Collective::kGather,
        Collective::kScatter, Collective::kSendReceive}) {
    const CollectiveReport report = run_collective(request_of(collective, 16));
    EXPECT_NEAR(report.rows.back().bus_bandwidth, kRate, 0.001 * kRate) << to_string(collective);
  }
}

TEST(Collective, AllToAllSendsAllButItsOwnShare) {
  for (const int n : {2, 8, 64}) {
    for (const CollectiveRow& row :
         run_collective(request_of(Collective::kAllToAll, n, FabricKind::kFatTree)).rows) {
      const auto bytes = static_cast<double>(row.bytes.count);
      const double least = bytes * (n - 1) / n / kRate;
      // Two links under one ToR, four to six beyond.
      EXPECT_GE(row.time.to_seconds(), (least + 2e-6) * 0.999);
      EXPECT_LE(row.time.to_seconds(), (least + 6e-6) * 1.001);
    }
  }
}

TEST(Collective, BroadcastFillsTwoTreesSliceBySlice) {
  for (const int n : {2, 5, 16, 64}) {
    const int depth = std::bit_width(static_cast<unsigned>(n - 1));
    for (const CollectiveRow& row : run_collective(request_of(Collective::kBroadcast, n)).rows) {
      const auto bytes = static_cast<double>(row.bytes.count);
      const double slices = std::max(1.0, std::ceil(bytes / (128 * 1024)));
      const double expected = (slices + depth - 1) * bytes / slices / kRate + depth * kLatency;
      EXPECT_NEAR(row.time.to_seconds(), expected, 0.001 * expected) << n;
    }
  }
}

TEST(Collective, AServersNicsShareItsRings) {
  // 64 GPUs in 8 servers: eight NICs carry one step of the ring each way.
  CollectiveRequest request = request_of(Collective::kAllReduce, 64, FabricKind::kFatTree);
  request.gpus_per_server = request.network.nics_per_server = 8;
  const CollectiveRow large = run_collective(request).rows.back();
  EXPECT_NEAR(large.bus_bandwidth, 8 * kRate, 0.001 * 8 * kRate);
  // Behind a slow scale-up network, that is what counts.
  request.gpu_bandwidth = Bandwidth::gbps(400);
  EXPECT_NEAR(run_collective(request).rows.back().bus_bandwidth, 50e9, 0.001 * 50e9);
}

TEST(Collective, OneServerNeedsNoNic) {
  CollectiveRequest request = request_of(Collective::kAllReduce, 4);
  request.gpus_per_server = 8;
  for (const CollectiveRow& row : run_collective(request).rows) {
    const double expected = 6 * (5e-7 + static_cast<double>(row.bytes.count) / 4 / 450e9);
    EXPECT_NEAR(row.time.to_seconds(), expected, 0.001 * expected);
  }
}

TEST(Collective, PacketsAddTheirHeadersAndNoMore) {
  CollectiveRequest request = request_of(Collective::kAllReduce, 8, FabricKind::kFatTree);
  request.sizes = {{8 << 20}, {64 << 20}};
  const CollectiveReport fluid = run_collective(request);
  request.fidelity = Fidelity::kPacket;
  const CollectiveReport packets = run_collective(request);
  for (std::size_t i = 0; i < 2; ++i) {
    const double ratio = packets.rows[i].time.to_seconds() / fluid.rows[i].time.to_seconds();
    EXPECT_GT(ratio, 1);
    EXPECT_LT(ratio, 1.05);
  }
}

TEST(Collective, EveryFabricHasATime) {
  for (const FabricKind fabric :
       {FabricKind::kFatTree, FabricKind::kOversubFatTree, FabricKind::kRailOptimized,
        FabricKind::kTopoOpt, FabricKind::kMixNet, FabricKind::kIdeal}) {
    for (const NamedValue<Collective>& named : Names<Collective>::kTable) {
      CollectiveRequest request = request_of(named.value, 64, fabric);
      request.gpus_per_server = request.network.nics_per_server = 8;
      Time last;
      for (const CollectiveRow& row : run_collective(request).rows) {
        EXPECT_GT(row.time, last) << to_string(fabric) << " " << named.name;
        last = row.time;
      }
    }
  }
}

TEST(Collective, SaysWhatIsOutOfRange) {
  const auto refuses = [](CollectiveRequest request, const char* what) {
    EXPECT_THAT([&] { run_collective(request); }, ThrowsMessage<Error>(HasSubstr(what)));
  };
  refuses(request_of(Collective::kAllReduce, 1), "--gpus: 1 is out of range; give 2 to");
  CollectiveRequest odd = request_of(Collective::kAllReduce, 12);
  odd.gpus_per_server = odd.network.nics_per_server = 8;
  refuses(odd, "--gpus: 12 are no whole servers of 8");
  CollectiveRequest shared = request_of(Collective::kAllReduce, 8);
  shared.network.nics_per_server = 2;
  refuses(shared, "--nics-per-server: 2 NICs cannot be shared by 1 GPUs");
  CollectiveRequest none = request_of(Collective::kAllReduce, 8);
  none.sizes = {{0}};
  refuses(none, "--bytes: 0 B is out of range");
}

TEST(CollectiveTraffic, WhoHasChildrenInOneTreeHasNoneInTheOther) {
  for (int servers = 2; servers <= 200; ++servers) {
    std::vector<int> children(servers);
    for (const bool second : {false, true}) {
      const std::vector<TreeEdge> tree = broadcast_tree(servers, second);
      ASSERT_EQ(tree.size(), static_cast<std::size_t>(servers - 1));
      std::vector<int> here(servers), parents(servers);
      for (const TreeEdge& edge : tree) {
        ++here[edge.parent];
        ++parents[edge.child];
      }
      EXPECT_EQ(here[0], 1);
      EXPECT_EQ(parents[0], 0);
      for (int s = 1; s < servers; ++s) {
        EXPECT_LE(here[s], 2);
        EXPECT_EQ(parents[s], 1);
        children[s] += here[s];
      }
      EXPECT_LE(depth_of(tree, servers), std::bit_width(static_cast<unsigned>(servers - 1)));
    }
    for (int s = 1; s < servers; ++s) EXPECT_LE(children[s], 2) << servers;
  }
}

TEST(CollectiveTraffic, BytesAreThoseOfTheCollective) {
  for (const int servers : {2, 3, 8}) {
    for (const int per_server : {1, 4}) {
      const int gpus = servers * per_server;
      const auto sum = [&](Collective collective) {
        const Matrix<double> traffic = traffic_of(collective, gpus, per_server, per_server);
        double all = 0;
        for (const double cell : traffic.cells()) all += cell;
        return all;
      };
      const auto away = static_cast<double>(gpus - per_server);
      EXPECT_NEAR(sum(Collective::kAllToAll), away, 1e-9) << "of each GPU, to others' servers";
      EXPECT_NEAR(sum(Collective::kAllReduce), static_cast<double>(servers) / gpus, 1e-9);
      EXPECT_NEAR(sum(Collective::kBroadcast), servers - 1, 1e-9);
      EXPECT_NEAR(sum(Collective::kGather), away / gpus, 1e-9);
      EXPECT_NEAR(sum(Collective::kScatter), away / gpus, 1e-9);
      EXPECT_NEAR(sum(Collective::kSendReceive), servers, 1e-9);
    }
  }
}

}  // namespace
}  // namespace mixnet
