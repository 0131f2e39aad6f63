#include "base/alltoallv_matrix.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "base/error.h"

namespace mixnet {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

std::string error_of(std::string_view text) {
  try {
    parse_alltoallv_matrix(text, "m.txt");
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

TEST(AlltoallvMatrix, ReadsBlanksCommasOrBoth) {
  const Matrix<std::int64_t> matrix = parse_alltoallv_matrix(
      "\xEF\xBB\xBF# 3 ranks\r\n"
      "  160\t208   1600\r\n"
      "\n"
      "9.6e3,32.0,0\n"
      "16, 64 ,48",
      "m.txt");
  ASSERT_EQ(matrix.rows(), 3U);
  EXPECT_THAT(matrix.cells(), ElementsAre(160, 208, 1600, 9600, 32, 0, 16, 64, 48));
}

TEST(AlltoallvMatrix, IsScaledAndThenCutToSixteenBytes) {
  const std::string_view text = "0 100 15\n1.5 0 1000.75\n64K 1.5m 1G\n";
  EXPECT_THAT(parse_alltoallv_matrix(text, "m.txt").cells(),
              ElementsAre(0, 96, 0, 0, 0, 992, 65536, 1572864, 1073741824));
  EXPECT_THAT(parse_alltoallv_matrix(text, "m.txt", 2.5).cells(),
              ElementsAre(0, 240, 32, 0, 0, 2496, 163840, 3932160, 2684354560));
}

TEST(AlltoallvMatrix, RefusesWhatIsNotSquare) {
  EXPECT_THAT(error_of(""), StartsWith("m.txt: holds no values; give a square matrix of bytes"));
  EXPECT_THAT(error_of("0 1\n2 0\n3 4\n"), StartsWith("m.txt: is not square: 3 lines of 2 values"));
  EXPECT_THAT(error_of("0 1\n# c\n2\n"),
              StartsWith("m.txt:3: has 1 values where the lines before have 2"));
}

TEST(AlltoallvMatrix, NamesThePlaceOfABadValue) {
  EXPECT_THAT(
      error_of("0 1\n\nx 0\n"),
      StartsWith("m.txt:3 (column 1): value 'x' is not a number; give a number of bytes, 0 or "
                 "more, as 9810, 9.81e3, 64K, 5M or 1G"));
  EXPECT_THAT(error_of("0 -1\n1 0\n"), StartsWith("m.txt:1 (column 2): value '-1' is negative"));
  EXPECT_THAT(error_of("0 -1.5\n1 0\n"), HasSubstr("is negative"));
  EXPECT_THAT(error_of("0 inf\n1 0\n"), HasSubstr("is not finite"));
  EXPECT_THAT(error_of("0 1e17\n1 0\n"), HasSubstr("is too large"));
  EXPECT_THAT(error_of("0 1kB\n1 0\n"), HasSubstr("'1kB' is not a number"));
}

TEST(AlltoallvMatrix, AnEmptyValueIsNoBlank) {
  EXPECT_THAT(error_of("0,,1\n1,1,1\n1,1,1\n"), StartsWith("m.txt:1 (column 2): value is empty"));
  EXPECT_THAT(error_of("0,1,\n1,0,\n0,0,\n"), StartsWith("m.txt:1 (column 3): value is empty"));
  EXPECT_THAT(error_of(",1\n1,0\n"), StartsWith("m.txt:1 (column 1): value is empty"));
}

TEST(AlltoallvMatrix, RefusesTotalsThatNoSumCouldHold) {
  EXPECT_EQ(error_of("0 9007199254740992\n0 0\n"), "no error");
  EXPECT_THAT(error_of("0 9007199254740992\n16 0\n"),
              StartsWith("m.txt:2 (column 1): the values add up to over 2^53 bytes"));
}

TEST(AlltoallvMatrix, RefusesAMatrixWithoutFlows) {
  EXPECT_THAT(error_of("5\n"), StartsWith("m.txt: holds no flows"));
  EXPECT_THAT(error_of("50 0\n15 50\n"),
              StartsWith("m.txt: holds no flows: every value off the diagonal is under 16 bytes"));
}

TEST(AlltoallvMatrix, RefusesTooManyRanks) {
  std::string row = "0";
  for (std::size_t i = 0; i < kMaxAlltoallvRanks; ++i) row += " 0";
  EXPECT_THAT(error_of(row),
              StartsWith("m.txt:1: has 4097 values; an all-to-all has at most 4096 ranks"));
}

TEST(AlltoallvMatrix, NamesAMissingFile) {
  try {
    read_alltoallv_matrix("/no/such/matrix.txt");
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), StartsWith("/no/such/matrix.txt: no such file"));
  }
}

}  // namespace
}  // namespace mixnet
