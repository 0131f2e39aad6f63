#include "base/csv.h"

#include <gmock/gmock.h>

#include "base/error.h"

namespace mixnet {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

template <typename Call>
std::string refusal(Call&& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.what();
  }
  return "accepted";
}

TEST(Csv, ReadsATable) {
  const CsvTable table = CsvTable::parse(
      "# a comment\n\nname, usd ,count\r\nnic,1.5,3\r\n  # another\n\ncable,2,-4", "p.csv");
  EXPECT_EQ(table.rows(), 2U);
  EXPECT_THAT(table.header(), ElementsAre("name", "usd", "count"));
  EXPECT_EQ(table.text(1, table.column("name")), "cable");
  EXPECT_EQ(table.number(0, table.column("usd")), 1.5);
  EXPECT_EQ(table.integer(0, 2), 3);
  EXPECT_EQ(table.integer(1, 2, -10), -4);
  EXPECT_EQ(table.number(1, 2, -10), -4);
}

TEST(Csv, WithoutAHeaderColumnsAreNumbered) {
  const CsvTable table = CsvTable::parse("1,2\n3,4\n", "m.csv", false);
  EXPECT_EQ(table.rows(), 2U);
  EXPECT_THAT(table.header(), ElementsAre("1", "2"));
  EXPECT_EQ(table.integer(1, table.column("2")), 4);
}

TEST(Csv, PlacesCountEveryLine) {
  const CsvTable table = CsvTable::parse("#\na,b\n\n1,x\n", "f.csv");
  EXPECT_EQ(table.place(0, 1), "f.csv:4 (column 'b')");
  EXPECT_EQ(table.input(), "f.csv");
}

TEST(Csv, ShapesThatAreNoTable) {
  const auto parse = [](std::string_view text) {
    return refusal([&] { CsvTable::parse(text, "f.csv"); });
  };
  EXPECT_THAT(parse(""), HasSubstr("f.csv: holds no rows"));
  EXPECT_THAT(parse("a,b\n"), HasSubstr("holds no rows"));
  EXPECT_THAT(parse("# only\n"), HasSubstr("holds no rows"));
  EXPECT_THAT(parse("a,b\n1,2\n1\n"), HasSubstr("f.csv:3: has 1 values in a table of 2 columns"));
  EXPECT_THAT(parse("a,b\n1,2,3\n"), HasSubstr("f.csv:2: has 3 values"));
}

TEST(Csv, CellsThatAreNoNumber) {
  const CsvTable table = CsvTable::parse("x\nabc\n1.5\n\t7\n1e999\nnan\n-1\n9x\n0x1\n", "f.csv");
  const auto number = [&](std::size_t row) { return refusal([&] { table.number(row, 0); }); };
  const auto integer = [&](std::size_t row) { return refusal([&] { table.integer(row, 0); }); };
  EXPECT_EQ(number(0), "f.csv:2 (column 'x'): 'abc' is not a number");
  EXPECT_EQ(number(1), "accepted");
  EXPECT_EQ(integer(1), "f.csv:3 (column 'x'): '1.5' is not a whole number");
  EXPECT_EQ(integer(2), "accepted");
  EXPECT_THAT(number(3), HasSubstr("'1e999' is not a number"));
  EXPECT_THAT(number(4), HasSubstr("'nan' is not a number"));
  EXPECT_THAT(number(5), HasSubstr("-1 is too small; give a number of at least 0"));
  EXPECT_THAT(integer(5), HasSubstr("-1 is too small; give a whole number of at least 0"));
  EXPECT_THAT(number(6), HasSubstr("'9x' is not a number"));
  EXPECT_THAT(number(7), HasSubstr("'0x1' is not a number"));
}

TEST(Csv, AMissingColumnNamesThoseThereAre) {
  const CsvTable table = CsvTable::parse("a,b\n1,2\n", "f.csv");
  EXPECT_EQ(refusal([&] { table.column("c"); }), "f.csv: has no column 'c'; its columns are a, b");
}

}  // namespace
}  // namespace mixnet
