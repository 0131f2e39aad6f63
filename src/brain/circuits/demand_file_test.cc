#include "circuits/demand_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "base/error.h"
#include "base/text_file.h"

namespace mixnet {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

std::string error_of(std::string_view text) {
  try {
    parse_server_demand(text, "d.csv");
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

TEST(DemandFile, ReadsASquareMatrix) {
  const ServerDemand demand = parse_server_demand(
      "\xEF\xBB\xBF# two servers\n"
      "0, 1000\r\n"
      "\n"
      "  # back\n"
      "2.5e3,\t7.0",
      "d.csv");
  ASSERT_EQ(demand.rows(), 2U);
  ASSERT_EQ(demand.columns(), 2U);
  EXPECT_EQ(demand(0, 0), 0);
  EXPECT_EQ(demand(0, 1), 1000);
  EXPECT_EQ(demand(1, 0), 2500);
  EXPECT_EQ(demand(1, 1), 7);
}

TEST(DemandFile, RefusesWhatIsNotSquare) {
  EXPECT_THAT(error_of("0,1\n2,0\n3,4\n"), StartsWith("d.csv: is not square: 3 lines of 2 values"));
  EXPECT_THAT(error_of("0,1,2\n1,0\n"), StartsWith("d.csv:2: has 2 values"));
  EXPECT_THAT(error_of("0,1,\n1,0,\n"), HasSubstr("not square"));
}

TEST(DemandFile, RefusesAnEmptyFile) {
  EXPECT_THAT(error_of(""), HasSubstr("holds no values"));
  EXPECT_THAT(error_of("# nothing\n\n"), HasSubstr("holds no values"));
}

TEST(DemandFile, NamesThePlaceOfABadValue) {
  EXPECT_THAT(error_of("0,1\n# c\nnan,0\n"), StartsWith("d.csv:3 (column 1): 'nan' is not finite"));
  EXPECT_THAT(error_of("0,inf\n1,0\n"), StartsWith("d.csv:1 (column 2): 'inf' is not finite"));
  EXPECT_THAT(error_of("0,-1\n1,0\n"), HasSubstr("'-1' is negative"));
  EXPECT_THAT(error_of("0,-1.5\n1,0\n"), HasSubstr("'-1.5' is negative"));
  EXPECT_THAT(error_of("0,1.5\n1,0\n"), HasSubstr("'1.5' is not whole"));
  EXPECT_THAT(error_of("0,1e400\n1,0\n"), HasSubstr("out of range"));
  EXPECT_THAT(error_of("0,1e17\n1,0\n"), HasSubstr("over 2^53"));
  EXPECT_THAT(error_of("0,9007199254740993\n1,0\n"), HasSubstr("over 2^53"));
  EXPECT_THAT(error_of("0,99999999999999999999\n1,0\n"), HasSubstr("over 2^53"));
  EXPECT_THAT(error_of("from,to\n1,0\n"), HasSubstr("'from' is not a number"));
  EXPECT_THAT(error_of("0,\n1,0\n"), HasSubstr("'' is not a number"));
  EXPECT_THAT(error_of("0,1 2\n1,0\n"), HasSubstr("'1 2' is not a number"));
  EXPECT_LT(error_of("0," + std::string(1'000'000, 'x') + "\n1,0\n").size(), 300U);
}

TEST(DemandFile, RefusesTotalsThatNoSumCouldHold) {
  EXPECT_EQ(error_of("0,9007199254740992\n0,0\n"), "no error");
  EXPECT_THAT(error_of("0,9007199254740992\n1,0\n"), HasSubstr("add up to over 2^53"));
}

TEST(DemandFile, RefusesTooManyServers) {
  std::string row = "0";
  for (std::size_t i = 0; i < kMaxDemandServers; ++i) row += ",0";
  EXPECT_THAT(error_of(row), HasSubstr("has 4097 values; a demand has at most 4096 servers"));
}

TEST(DemandFile, ReadsTheProductionMatrix) {
  const std::filesystem::path path =
      std::filesystem::path(MIXNET_SHARED_DATA_DIR) / "expert_load_mixtral_8x7b.csv";
  // The repository has the matrix as well.
  const ServerDemand demand = read_server_demand(
      std::filesystem::exists(path) ? path
                                    : data_directory() / "routing" / "production_mixtral_8x7b.csv");
  ASSERT_EQ(demand.rows(), 8U);
  EXPECT_EQ(demand(3, 0), 10897);
}

TEST(DemandFile, NamesAMissingFile) {
  try {
    read_server_demand("/no/such/demand.csv");
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), StartsWith("/no/such/demand.csv: no such file"));
  }
}

}  // namespace
}  // namespace mixnet
