#include "hardware/prices.h"

#include <gmock/gmock.h>

#include <array>
#include <filesystem>

#include "base/csv.h"
#include "base/error.h"
#include "base/text_file.h"

namespace mixnet {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr std::string_view kHeader =
    "bandwidth_gbps,transceiver,nic,eps_port,ocs_port,patch_panel_port\n";

std::string refusal(const std::string& csv) {
  try {
    PriceList::parse(csv, "my.csv");
  } catch (const Error& error) {
    return error.what();
  }
  return "accepted";
}

TEST(Prices, ShippedListHasFourSpeeds) {
  const PriceList prices = PriceList::load();
  EXPECT_THAT(prices.bandwidths(), ElementsAre(Bandwidth::gbps(100), Bandwidth::gbps(200),
                                               Bandwidth::gbps(400), Bandwidth::gbps(800)));
  const PriceRow& row = prices.at(Bandwidth::gbps(400));
  EXPECT_EQ(row.transceiver, 659);
  EXPECT_EQ(row.nic, 1499);
  EXPECT_EQ(row.eps_port, 1090);
  EXPECT_EQ(row.ocs_port, 520);
  EXPECT_EQ(row.patch_panel_port, 100);
  EXPECT_DOUBLE_EQ(kFibreUsd, 150);
}

TEST(Prices, CablesFollowTheRuleThatTheirFileStates) {
  const PriceList prices = PriceList::load();
  for (const PriceRow& row : prices.rows()) {
    EXPECT_DOUBLE_EQ(row.dac.value(), row.transceiver * 0.5);
    EXPECT_DOUBLE_EQ(row.aoc.value(), row.transceiver * 1.5);
    EXPECT_LT(row.aoc.value(), 2 * row.transceiver + kFibreUsd) << "dearer than what it replaces";
  }
}

TEST(Prices, ShippedListIsThePublishedTable) {
  const std::filesystem::path published =
      std::filesystem::path(MIXNET_SHARED_DATA_DIR) / "component_prices.csv";
  // Table 4 of the MixNet paper as typed off, for those who lack the file.
  const std::string typed = R"(bandwidth_gbps,transceiver,nic,eps_port,ocs_port,patch_panel_port
100,99,659,187,520,100
200,239,1079,374,520,100
400,659,1499,1090,520,100
800,1399,2248,1400,520,100
)";
  const std::string text = std::filesystem::exists(published) ? read_text_file(published) : typed;
  const CsvTable table = CsvTable::parse(text, published.string());
  const PriceList prices = PriceList::load();
  ASSERT_EQ(prices.rows().size(), table.rows());
  for (std::size_t r = 0; r < table.rows(); ++r) {
    const auto cell = [&](std::string_view name) { return table.number(r, table.column(name)); };
    const PriceRow& row = prices.rows()[r];
    EXPECT_EQ(row.bandwidth.to_gbps(), cell("bandwidth_gbps"));
    EXPECT_EQ(row.transceiver, cell("transceiver"));
    EXPECT_EQ(row.nic, cell("nic"));
    EXPECT_EQ(row.eps_port, cell("eps_port"));
    EXPECT_EQ(row.ocs_port, cell("ocs_port"));
    EXPECT_EQ(row.patch_panel_port, cell("patch_panel_port"));
  }
}

TEST(Prices, OnlyExactSpeedsHaveAPrice) {
  try {
    PriceList::load().at(Bandwidth::gbps(300));
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("has no prices for 300 Gb/s; it has 100 Gb/s, 200 Gb/s, "
                                        "400 Gb/s, 800 Gb/s"));
  }
}

TEST(Prices, AUsersFileMayBeInAnyOrderAndHaveCables) {
  const PriceList prices = PriceList::parse(
      "# mine\nnic,aoc,bandwidth_gbps,eps_port,transceiver,ocs_port,patch_panel_port\n"
      "7,9,1600,6,5,4,3\n2,9.5,0.5,1,1,1,1\n",
      "my.csv");
  EXPECT_THAT(prices.bandwidths(), ElementsAre(Bandwidth{500'000'000}, Bandwidth::gbps(1600)));
  EXPECT_EQ(prices.at(Bandwidth::gbps(1600)).nic, 7);
  EXPECT_EQ(prices.at(Bandwidth::gbps(1600)).aoc, 9);
  EXPECT_EQ(prices.at(Bandwidth::gbps(1600)).dac, std::nullopt);
}

TEST(Prices, BadFilesAreRefusedByPlace) {
  const std::string header(kHeader);
  EXPECT_EQ(refusal(header + "100,1,1,1,1,1\n"), "accepted");
  EXPECT_EQ(refusal(header + "100,0,0,0,0,0\n"), "accepted") << "a gift";
  EXPECT_THAT(refusal(""), HasSubstr("my.csv"));
  EXPECT_THAT(refusal(header), HasSubstr("holds no rows"));
  EXPECT_THAT(refusal("bandwidth_gbps,nic\n100,1\n"), HasSubstr("has no column 'transceiver'"));
  EXPECT_THAT(refusal(header + "100,1,1,-1,1,1\n"), HasSubstr("my.csv:2 (column 'eps_port')"));
  EXPECT_THAT(refusal(header + "100,1,nan,1,1,1\n"), HasSubstr("my.csv:2 (column 'nic')"));
  EXPECT_THAT(refusal(header + "100,1,1e12,1,1,1\n"), HasSubstr("out of range"));
  for (const char* speed : {"0", "1e300", "1e-12", "-1", "inf"}) {
    EXPECT_THAT(refusal(header + speed + ",1,1,1,1,1\n"), HasSubstr("column 'bandwidth_gbps'"));
  }
  EXPECT_THAT(refusal(header + "100,1,1,1,1,1\n100,2,2,2,2,2\n"),
              HasSubstr("lists 100 Gb/s twice"));
}

}  // namespace
}  // namespace mixnet
