#include "hardware/server_prices.h"

#include <gmock/gmock.h>

#include "base/error.h"
#include "hardware/gpu.h"

namespace mixnet {
namespace {

using ::testing::HasSubstr;

TEST(ServerPrices, EveryGpuHasOne) {
  for (const std::string& gpu : gpu_names()) {
    const ServerPrice price = server_price(gpu, 8);
    EXPECT_EQ(price.gpu, gpu);
    EXPECT_GT(price.usd, 100'000) << gpu;
    EXPECT_GT(price.kw, 5) << gpu;
    EXPECT_GE(price.year, 2020) << gpu;
    EXPECT_FALSE(price.source.empty()) << gpu;
  }
}

TEST(ServerPrices, AreInProportionToTheGpus) {
  EXPECT_DOUBLE_EQ(server_price("h100", 2).usd, server_price("h100", 8).usd / 4);
  EXPECT_DOUBLE_EQ(server_price("h100", 16).kw, server_price("h100", 8).kw * 2);
}

TEST(ServerPrices, AGpuOfOnesOwnIsTakenAsAnH100) {
  const ServerPrice price = server_price("abacus", 4);
  EXPECT_EQ(price.gpu, "h100");
  EXPECT_DOUBLE_EQ(price.usd, server_price("h100", 4).usd);
  EXPECT_THAT(price.source, HasSubstr("'abacus' has none"));
}

TEST(ServerPrices, BadListsAreRefused) {
  const auto refusal = [](const std::string& rows) -> std::string {
    try {
      parse_server_prices("gpu,gpus,usd,kw,year,source\n" + rows, "my.csv");
    } catch (const Error& error) {
      return error.what();
    }
    return "accepted";
  };
  EXPECT_EQ(refusal("x,8,1,1,2024,me\ny,4,0,0,2020,you\n"), "accepted");
  EXPECT_THAT(refusal("x,0,1,1,2024,me\n"), HasSubstr("0 is out of range; give 1 to 1024"));
  EXPECT_THAT(refusal("x,8,1,1,24,me\n"), HasSubstr("24 is out of range"));
  EXPECT_THAT(refusal("x,8,1,1,2024,me\nx,8,1,1,2024,me\n"), HasSubstr("lists 'x' twice"));
}

TEST(PartPower, IsInProportionBetweenSpeeds) {
  const PartPower slow = part_power(Bandwidth::gbps(400));
  const PartPower fast = part_power(Bandwidth::gbps(800));
  EXPECT_DOUBLE_EQ(slow.watts("transceiver"), 8.5);
  EXPECT_DOUBLE_EQ(slow.watts("aoc"), 17);
  EXPECT_DOUBLE_EQ(slow.watts("fibre"), 0);
  EXPECT_DOUBLE_EQ(part_power(Bandwidth::gbps(600)).nic, (slow.nic + fast.nic) / 2);
  EXPECT_DOUBLE_EQ(part_power(Bandwidth::gbps(1600)).nic, 2 * fast.nic);
  EXPECT_DOUBLE_EQ(part_power(Bandwidth::gbps(50)).nic, part_power(Bandwidth::gbps(100)).nic / 2);
}

}  // namespace
}  // namespace mixnet
