#include "fabric/cost.h"

#include <gmock/gmock.h>

#include <cmath>
#include <limits>
#include <map>

#include "base/error.h"

namespace mixnet {
namespace {

using ::testing::HasSubstr;

constexpr std::int64_t kSpeeds[] = {100, 200, 400, 800};

CostRequest request(FabricKind fabric, std::int64_t gbps = 400, int servers = 128) {
  CostRequest wanted;
  wanted.fabric = fabric;
  wanted.servers = servers;
  wanted.bandwidth = Bandwidth::gbps(gbps);
  return wanted;
}

double usd(const CostRequest& wanted) {
  return network_cost(wanted, PriceList::load()).total_usd();
}

std::map<std::string, std::int64_t> quantities(const CostRequest& wanted) {
  std::map<std::string, std::int64_t> found;
  for (const CostPart& part : network_cost(wanted, PriceList::load()).parts) {
    found[part.name] = part.quantity;
  }
  return found;
}

using Parts = std::map<std::string, std::int64_t>;

// 1024 NICs, by the table in cost.h.
TEST(NetworkCost, PartsOfEveryFabric) {
  EXPECT_EQ(quantities(request(FabricKind::kFatTree)),
            (Parts{{"nic", 1024}, {"transceiver", 6144}, {"eps_port", 5120}, {"fibre", 3072}}));
  EXPECT_EQ(quantities(request(FabricKind::kRailOptimized)),
            quantities(request(FabricKind::kFatTree)));
  EXPECT_EQ(
      quantities(request(FabricKind::kTopoOpt)),
      (Parts{{"nic", 1024}, {"transceiver", 1024}, {"patch_panel_port", 1024}, {"fibre", 1024}}));
  EXPECT_EQ(quantities(request(FabricKind::kMixNet)), (Parts{{"nic", 1024},
                                                             {"transceiver", 256 * 6 + 768},
                                                             {"eps_port", 256 * 5},
                                                             {"ocs_port", 768},
                                                             {"fibre", 256 * 3 + 768}}));
  EXPECT_EQ(quantities(request(FabricKind::kIdeal)), Parts{});
}

// Digest of the paper, section 8: 11,353 and 2,828 USD at 400 Gb/s.
TEST(NetworkCost, PriceOfOneNic) {
  CostRequest one = request(FabricKind::kFatTree, 400, 1);
  one.nics_per_server = 1;
  EXPECT_DOUBLE_EQ(usd(one), 11'353);
  one.fabric = FabricKind::kMixNet;
  one.eps_nics = 0;
  EXPECT_DOUBLE_EQ(usd(one), 2'828);
}

TEST(NetworkCost, MixNetIsCheaperByThePublishedRatio) {
  const double expected[] = {1.52, 1.79, 2.29, 2.33};
  double sum = 0;
  for (int i = 0; i < 4; ++i) {
    const double ratio = usd(request(FabricKind::kFatTree, kSpeeds[i])) /
                         usd(request(FabricKind::kMixNet, kSpeeds[i]));
    EXPECT_NEAR(ratio, expected[i], 0.01) << kSpeeds[i] << " Gb/s";
    sum += ratio;
  }
  EXPECT_NEAR(sum / 4, 2.0, 0.03) << "published: 2.0x on average";
}

TEST(NetworkCost, OversubscriptionThinsWhatLiesAboveTheTor) {
  // 1024 / 3 = 341.33, so 342 links from ToRs to aggregation and 342 to the core.
  EXPECT_EQ(quantities(request(FabricKind::kOversubFatTree)),
            (Parts{{"nic", 1024},
                   {"transceiver", 2 * 1024 + 4 * 342},
                   {"eps_port", 1024 + 4 * 342},
                   {"fibre", 1024 + 2 * 342}}));
  CostRequest wanted = request(FabricKind::kOversubFatTree);
  wanted.oversubscription = 1;
  EXPECT_EQ(quantities(wanted), quantities(request(FabricKind::kFatTree)));
  double last = usd(wanted);
  for (const double ratio : {1.5, 2.0, 3.0, 7.0, 1000.0}) {
    wanted.oversubscription = ratio;
    EXPECT_LT(usd(wanted), last) << ratio;
    last = usd(wanted);
  }
  wanted.servers = 11;
  wanted.nics_per_server = 1;
  wanted.oversubscription = 1.1;
  EXPECT_EQ(quantities(wanted)["eps_port"], 11 + 4 * 10) << "a whole quotient is not rounded up";
}

TEST(NetworkCost, MixNetLiesBetweenAllOpticalAndFatTree) {
  CostRequest wanted = request(FabricKind::kMixNet);
  wanted.eps_nics = 8;
  EXPECT_EQ(quantities(wanted), quantities(request(FabricKind::kFatTree)));
  double last = usd(wanted);
  for (int eps_nics = 7; eps_nics >= 0; --eps_nics) {
    wanted.eps_nics = eps_nics;
    EXPECT_LT(usd(wanted), last);
    last = usd(wanted);
  }
}

TEST(NetworkCost, CostIsLinearInServers) {
  for (const FabricKind kind : all_fabrics()) {
    if (kind == FabricKind::kOversubFatTree) continue;  // rounds up once
    EXPECT_DOUBLE_EQ(usd(request(kind, 200, 4096)), 4096 * usd(request(kind, 200, 1)));
  }
}

// Switches of 4 ports: one serves 4 NICs, two tiers 8, three 16 (k^3 / 4), each with 2t - 1 ports.
TEST(NetworkCost, ATreeHasNoMoreTiersThanItNeeds) {
  for (const auto& [nics, tiers] :
       {std::pair(2, 1), {4, 1}, {5, 2}, {8, 2}, {9, 3}, {16, 3}, {17, 4}}) {
    EXPECT_EQ(tree_tiers(nics, 4), tiers) << nics;
    CostRequest wanted = request(FabricKind::kFatTree, 400, nics);
    wanted.nics_per_server = 1;
    wanted.tiers = 0;
    wanted.switch_ports = 4;
    EXPECT_EQ(quantities(wanted), (Parts{{"nic", nics},
                                         {"transceiver", 2 * tiers * nics},
                                         {"eps_port", (2 * tiers - 1) * nics},
                                         {"fibre", tiers * nics}}))
        << nics;
  }
  EXPECT_EQ(tree_tiers(8192, 32), 3);
  EXPECT_EQ(tree_tiers(8193, 32), 4);
  EXPECT_EQ(tree_tiers(std::int64_t{1} << 32, 4), 31);
}

TEST(NetworkCost, ByTheClusterOneServerHasNone) {
  for (const FabricKind kind : all_fabrics()) {
    CostRequest wanted = request(kind, 400, 1);
    wanted.tiers = 0;
    EXPECT_EQ(usd(wanted), 0) << to_string(kind);
  }
}

// A NIC is dearer in a larger cluster, step by step; 1,024 NICs have the paper's three tiers.
TEST(NetworkCost, ByTheClusterANicCostsMoreInALargerOne) {
  double last = 0;
  for (const int servers : {2, 16, 128, 2048, 1 << 20}) {
    CostRequest wanted = request(FabricKind::kFatTree, 400, servers);
    const double paper = usd(wanted);
    wanted.tiers = 0;
    EXPECT_GE(usd(wanted) / servers, last);
    last = usd(wanted) / servers;
    if (servers == 128) {
      EXPECT_DOUBLE_EQ(usd(wanted), paper);
    }
  }
}

TEST(NetworkCost, ReadyMadeCablesReplaceTheOpticsOfTheServerLink) {
  for (const ServerLink link : {ServerLink::kDac, ServerLink::kAoc}) {
    CostRequest wanted = request(FabricKind::kFatTree);
    wanted.server_link = link;
    EXPECT_EQ(quantities(wanted), (Parts{{"nic", 1024},
                                         {"transceiver", 4096},
                                         {"eps_port", 5120},
                                         {"fibre", 2048},
                                         {std::string(to_string(link)), 1024}}));
    wanted.fabric = FabricKind::kMixNet;
    EXPECT_EQ(quantities(wanted)[std::string(to_string(link))], 256);
    EXPECT_EQ(quantities(wanted)["transceiver"], 256 * 4 + 768) << "circuits stay optical";
    wanted.fabric = FabricKind::kTopoOpt;
    EXPECT_EQ(quantities(wanted), quantities(request(FabricKind::kTopoOpt)));
  }
}

// Published: with DAC or AOC still 2.2x at 4096 GPUs and 400 Gb/s. The ratio hardly depends on what
// a cable costs: it holds from a cable for nothing to one as dear as the optics it replaces.
TEST(NetworkCost, RatioHoldsWithCablesOfAnyPrice) {
  for (const ServerLink link : {ServerLink::kDac, ServerLink::kAoc}) {
    CostRequest tree = request(FabricKind::kFatTree, 400, 512);
    CostRequest mixnet = request(FabricKind::kMixNet, 400, 512);
    tree.server_link = mixnet.server_link = link;
    EXPECT_NEAR(usd(tree) / usd(mixnet), 2.2, 0.06) << to_string(link);
  }
  const auto ratio_at = [](const std::string& cable_usd) {
    const PriceList prices = PriceList::parse(
        "bandwidth_gbps,transceiver,nic,eps_port,ocs_port,patch_panel_port,dac\n"
        "400,659,1499,1090,520,100," +
            cable_usd,
        "prices");
    CostRequest tree = request(FabricKind::kFatTree);
    CostRequest mixnet = request(FabricKind::kMixNet);
    tree.server_link = mixnet.server_link = ServerLink::kDac;
    return network_cost(tree, prices).total_usd() / network_cost(mixnet, prices).total_usd();
  };
  EXPECT_NEAR(ratio_at("0"), 2.15, 0.01);
  EXPECT_NEAR(ratio_at("1468"), 2.29, 0.01);
}

std::string refusal(const CostRequest& wanted) {
  try {
    network_cost(wanted, PriceList::parse("bandwidth_gbps,transceiver,nic,eps_port,ocs_port,"
                                          "patch_panel_port\n400,1,1,1,1,1\n",
                                          "my.csv"));
  } catch (const Error& error) {
    return error.what();
  }
  return "accepted";
}

TEST(NetworkCost, ImpossibleRequestsAreRefused) {
  CostRequest wanted = request(FabricKind::kMixNet);
  EXPECT_EQ(refusal(wanted), "accepted");
  wanted.eps_nics = 9;
  EXPECT_THAT(refusal(wanted), HasSubstr("EPS NICs per server: 9 is out of range; give a whole "
                                         "number from 0 to 8"));
  wanted.fabric = FabricKind::kFatTree;
  EXPECT_EQ(refusal(wanted), "accepted") << "a fat-tree has no such choice";
  wanted.servers = 0;
  EXPECT_THAT(refusal(wanted), HasSubstr("servers: 0"));
  wanted = request(FabricKind::kFatTree);
  wanted.nics_per_server = -1;
  EXPECT_THAT(refusal(wanted), HasSubstr("NICs per server"));
  for (const double ratio : {0.5, 1e9, -3.0, std::numeric_limits<double>::quiet_NaN()}) {
    wanted = request(FabricKind::kOversubFatTree);
    wanted.oversubscription = ratio;
    EXPECT_THAT(refusal(wanted), HasSubstr("over-subscription")) << ratio;
  }
  wanted = request(FabricKind::kFatTree);
  wanted.tiers = 9;
  EXPECT_THAT(refusal(wanted), HasSubstr("tiers: 9 is out of range"));
  wanted.tiers = 0;
  wanted.switch_ports = 3;
  EXPECT_THAT(refusal(wanted), HasSubstr("switch ports: 3 is out of range"));
  wanted.switch_ports = 33;
  EXPECT_THAT(refusal(wanted), HasSubstr("switch ports: 33 is odd"));
  EXPECT_THAT(refusal(request(FabricKind::kFatTree, 100)), HasSubstr("has no prices for 100 Gb/s"));
  wanted = request(FabricKind::kFatTree);
  wanted.server_link = ServerLink::kAoc;
  EXPECT_THAT(refusal(wanted), HasSubstr("my.csv: has no price for aoc cables at 400 Gb/s; add a "
                                         "column 'aoc'"));
}

TEST(ServerLink, Names) {
  for (const ServerLink link : {ServerLink::kOptics, ServerLink::kDac, ServerLink::kAoc}) {
    EXPECT_EQ(parse<ServerLink>(to_string(link), "--server-link"), link);
  }
  EXPECT_THROW(parse<ServerLink>("copper", "--server-link"), Error);
}

}  // namespace
}  // namespace mixnet
