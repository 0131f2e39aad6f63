#include "interop/flow_csv.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "base/error.h"

namespace mixnet {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

std::string error_of(std::string_view text) {
  try {
    parse_flow_csv(text, "f.csv");
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

std::string error_of_row(std::string_view row) {
  return error_of("src,dst,bytes,start\n" + std::string(row));
}

TEST(FlowCsv, ReadsColumnsInAnyOrder) {
  const FlowList list = parse_flow_csv(
      "\xEF\xBB\xBF# two flows\r\n"
      "start, bytes, dst, src\r\n"
      "10us, 2000000, 1, 0\r\n"
      "\n"
      "0ms, 1, 7, 3",
      "f.csv");
  EXPECT_EQ(
      list,
      (FlowList{
          .hosts = 8,
          .flows = {{.from = 0, .to = 1, .bytes = {2'000'000}, .start = Time::microseconds(10)},
                    {.from = 3, .to = 7, .bytes = {1}}}}));
}

TEST(FlowCsv, StartMayBeLeftOut) {
  EXPECT_EQ(parse_flow_csv("src,dst,bytes\n4,2,9\n", "f.csv"),
            (FlowList{.hosts = 5, .flows = {{.from = 4, .to = 2, .bytes = {9}}}}));
}

TEST(FlowCsv, RefusesOtherColumns) {
  EXPECT_THAT(error_of("src,dst,bytes,prio\n0,1,1,1\n"),
              StartsWith("f.csv: has a column 'prio'; the columns of a flow list are src, dst, "
                         "bytes and start"));
  EXPECT_THAT(error_of("src,dst,bytes,\n0,1,1,1\n"), HasSubstr("has a column ''"));
  EXPECT_THAT(error_of("src,dst,bytes,src\n0,1,1,1\n"), HasSubstr("has two columns 'src'"));
  EXPECT_THAT(error_of("src,dst,start\n0,1,1us\n"), HasSubstr("has no column 'bytes'"));
  EXPECT_THAT(error_of("0,1,100\n1,0,100\n"), HasSubstr("has a column '0'"));
  EXPECT_THAT(error_of(""), HasSubstr("holds no rows"));
  EXPECT_THAT(error_of("src,dst,bytes\n"), HasSubstr("holds no rows"));
  EXPECT_THAT(error_of_row("0,1,1"), StartsWith("f.csv:2: has 3 values in a table of 4 columns"));
}

TEST(FlowCsv, RefusesHostsThatAreNone) {
  EXPECT_EQ(error_of_row("0,1048575,1,0us"), "no error");
  EXPECT_THAT(error_of_row("0,1048576,1,0us"),
              StartsWith("f.csv:2 (column 'dst'): host 1048576 is too large; give hosts from 0 to "
                         "1048575"));
  EXPECT_THAT(error_of_row("-1,1,1,0us"), StartsWith("f.csv:2 (column 'src'): -1 is too small"));
  EXPECT_THAT(error_of_row("a,1,1,0us"), HasSubstr("'a' is not a whole number"));
  EXPECT_THAT(error_of_row("3,3,1,0us"), HasSubstr("host 3 sends to itself"));
}

TEST(FlowCsv, RefusesBytesThatAreNone) {
  EXPECT_THAT(error_of_row("0,1,0,0us"), StartsWith("f.csv:2 (column 'bytes'): 0 is too small"));
  EXPECT_THAT(error_of_row("0,1,-5,0us"), HasSubstr("-5 is too small"));
  EXPECT_THAT(error_of_row("0,1,2MB,0us"), HasSubstr("'2MB' is not a whole number"));
  EXPECT_EQ(error_of_row("0,1,9007199254740992,0us"), "no error");
  EXPECT_THAT(error_of_row("0,1,9007199254740993,0us"), HasSubstr("is over 2^53 bytes"));
  EXPECT_THAT(error_of_row("0,1,9007199254740992,0us\n0,1,1,0us"),
              StartsWith("f.csv:3 (column 'bytes'): the flows add up to over 2^53 bytes"));
}

TEST(FlowCsv, StartsCarryTheirUnit) {
  EXPECT_THAT(error_of_row("0,1,1,10"), StartsWith("f.csv:2 (column 'start'): '10' has no unit"));
  EXPECT_THAT(error_of_row("0,1,1,0"), HasSubstr("has no unit"));
  EXPECT_THAT(error_of_row("0,1,1,"), HasSubstr("is not a number with a unit"));
  EXPECT_THAT(error_of_row("0,1,1,-1us"), HasSubstr("is negative"));
  EXPECT_EQ(error_of_row("0,1,1,60min"), "no error");
  EXPECT_THAT(error_of_row("0,1,1,61min"), HasSubstr("'61min' is too late"));
}

TEST(FlowCsv, NamesAMissingFile) {
  try {
    read_flow_csv("/no/such/flows.csv");
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), StartsWith("/no/such/flows.csv: no such file"));
  }
}

}  // namespace
}  // namespace mixnet
