#include "fabric/cluster_cost.h"

#include <gmock/gmock.h>

#include "base/error.h"

namespace mixnet {
namespace {

using ::testing::HasSubstr;

// Two servers of 100 k$ and 10 kW; a network of two NICs of 25 W and 1 k$; a year of 8,766 hours.
TEST(ClusterCost, AddsServersNetworkAndEnergy) {
  ServerPrice server;
  server.usd = 100'000;
  server.kw = 10;
  NetworkCost network;
  network.parts = {{"nic", 2, 1000}, {"fibre", 5, 10}};
  PartPower power;
  power.nic = 25;
  const ClusterCost cost = cluster_cost(2, server, network, power, {1, 0.1, 1.2});
  EXPECT_DOUBLE_EQ(cost.servers_usd, 200'000);
  EXPECT_DOUBLE_EQ(cost.network_usd, 2050);
  EXPECT_NEAR(cost.energy_usd, 20.05 * 1.2 * 8766 * 0.1, 1e-6);
  EXPECT_DOUBLE_EQ(cost.total_usd(), cost.servers_usd + cost.network_usd + cost.energy_usd);
  EXPECT_EQ(cluster_cost(2, server, network, power, {1, 0, 1.2}).energy_usd, 0);
}

// 1,024 NICs of 25 W, 6,144 transceivers of 8.5 W and 5,120 ports of 14 W.
TEST(ClusterCost, PowerOfAFatTree) {
  CostRequest request;
  request.servers = 128;
  request.bandwidth = Bandwidth::gbps(400);
  const NetworkCost network = network_cost(request, PriceList::load());
  EXPECT_NEAR(network_kw(network, part_power(request.bandwidth)),
              (1024 * 25 + 6144 * 8.5 + 5120 * 14) / 1000.0, 1e-9);
}

TEST(ClusterCost, RefusesWhatIsOutOfRange) {
  const auto refusal = [](double usd, RunningCost running) -> std::string {
    ServerPrice server;
    server.usd = usd;
    try {
      cluster_cost(1, server, {}, {}, running);
    } catch (const Error& error) {
      return error.what();
    }
    return "accepted";
  };
  EXPECT_EQ(refusal(0, {}), "accepted");
  EXPECT_THAT(refusal(-1, {}), HasSubstr("--server-price: -1"));
  EXPECT_THAT(refusal(1, {0, 0.1, 1}), HasSubstr("--years"));
  EXPECT_THAT(refusal(1, {1, -0.1, 1}), HasSubstr("--power-price"));
  EXPECT_THAT(refusal(1, {1, 0.1, 0.5}), HasSubstr("--pue: 0.5 is out of range; give 1 to 10"));
}

}  // namespace
}  // namespace mixnet
