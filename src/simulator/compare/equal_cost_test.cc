#include "compare/equal_cost.h"

#include <gtest/gtest.h>

#include "fabric/cost.h"

namespace mixnet {
namespace {

PriceList prices() {
  return PriceList::parse(
      "bandwidth_gbps,transceiver,nic,eps_port,ocs_port,patch_panel_port\n"
      "100,10,100,50,500,0\n"
      "300,30,300,150,500,0\n",
      "prices.csv");
}

// An electrical NIC of 100 Gb/s: 100 + 6 * 10 + 5 * 50 + 3 * 150 = 860; at 300: 1680.
// An optical one: 100 + 10 + 500 + 150 = 760; at 300: 980.
TEST(EqualCost, PricesLieOnTheLineBetweenThoseListed) {
  EXPECT_DOUBLE_EQ(server_usd(8, 6, Bandwidth::gbps(100), prices()), 2 * 860 + 6 * 760);
  EXPECT_DOUBLE_EQ(server_usd(8, 6, Bandwidth::gbps(300), prices()), 2 * 1680 + 6 * 980);
  EXPECT_DOUBLE_EQ(server_usd(8, 6, Bandwidth::gbps(200), prices()), 2 * 1270 + 6 * 870);
}

TEST(EqualCost, MoneyOfAServerBuysItsOwnSpeed) {
  for (const int gbps : {100, 150, 200, 300}) {
    const Bandwidth bandwidth = Bandwidth::gbps(gbps);
    const double usd = server_usd(8, 6, bandwidth, prices());
    EXPECT_EQ(at_equal_cost(8, 6, usd, prices()).bandwidth, bandwidth);
  }
}

TEST(EqualCost, MoreOpticalNicsAreFasterForTheMoney) {
  const double usd = server_usd(8, 4, Bandwidth::gbps(200), prices());
  Bandwidth before{0};
  for (int optical = 3; optical <= 5; ++optical) {
    const EqualCost found = at_equal_cost(8, optical, usd, prices());
    EXPECT_GT(found.bandwidth, before);
    before = found.bandwidth;
    EXPECT_LE(server_usd(8, optical, found.bandwidth, prices()), usd);
    EXPECT_GT(server_usd(8, optical, Bandwidth{before.bits_per_second + 100'000'000}, prices()),
              usd);
    EXPECT_EQ(found.prices.at(found.bandwidth).bandwidth, found.bandwidth);
  }
}

TEST(EqualCost, StaysInTheRangeOfTheList) {
  EXPECT_EQ(at_equal_cost(8, 6, 1, prices()).bandwidth, Bandwidth::gbps(100));
  EXPECT_EQ(at_equal_cost(8, 6, 1e9, prices()).bandwidth, Bandwidth::gbps(300));
}

}  // namespace
}  // namespace mixnet
