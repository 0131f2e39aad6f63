#include "base/units.h"

#include <gmock/gmock.h>

#include <cmath>
#include <limits>

#include "base/error.h"

namespace mixnet {
namespace {

using ::testing::HasSubstr;

TEST(Units, BytesOverBandwidthIsTime) {
  EXPECT_EQ(Bytes{1'000'000'000} / Bandwidth::gbps(8), Time::seconds(1));
  EXPECT_EQ(Bytes{1500} / Bandwidth::gbps(400), Time::nanoseconds(30));
  EXPECT_EQ(Bytes{1} / Bandwidth::gbps(800), Time::picoseconds(10));
  EXPECT_EQ(Bytes::zero() / Bandwidth{}, Time::zero());
  EXPECT_EQ(Bytes{1} / Bandwidth{}, Time::max());
  EXPECT_EQ(Bytes{INT64_MAX} / Bandwidth{1}, Time::max()) << "saturates";
}

TEST(Units, Arithmetic) {
  EXPECT_EQ(Time::milliseconds(1), Time::microseconds(1000));
  EXPECT_EQ(Time::seconds(1) + Time::milliseconds(500), Time::milliseconds(1500));
  EXPECT_EQ(Time::seconds(1) - Time::seconds(2), Time::picoseconds(-1'000'000'000'000));
  EXPECT_EQ(Time::nanoseconds(7) * 3, Time::nanoseconds(21));
  EXPECT_LT(Time::nanoseconds(1), Time::microseconds(1));
  Bytes sum = Bytes{1} + Bytes{2} * 3;
  sum -= Bytes{4};
  EXPECT_EQ(sum, Bytes{3});
  EXPECT_EQ(Bandwidth::gbps(100) * 4, Bandwidth::gbps(400));
  EXPECT_DOUBLE_EQ(Bandwidth::gbps(400).bytes_per_second(), 50e9);
  EXPECT_DOUBLE_EQ(Time::milliseconds(25).to_seconds(), 0.025);
}

TEST(Units, FromSecondsRoundsAndSaturates) {
  EXPECT_EQ(Time::from_seconds(0.025), Time::milliseconds(25));
  EXPECT_EQ(Time::from_seconds(1.6e-12), Time::picoseconds(2));
  EXPECT_EQ(Time::from_seconds(1e30), Time::max());
  EXPECT_EQ(Time::from_seconds(-1e30), Time::lowest());
  EXPECT_EQ(Time::from_seconds(std::numeric_limits<double>::infinity()), Time::max());
  EXPECT_EQ(Time::from_seconds(std::nan("")), Time::max()) << "not known to end";
}

constexpr Time kFinite[] = {Time::zero(), Time::seconds(1), Time::seconds(-1), Time{kMostInt64 - 1},
                            Time{kLeastInt64 + 1}};

TEST(Units, ForEverAbsorbsWhateverIsDoneToIt) {
  const Time ever = Time::max();
  for (const Time x : kFinite) {
    EXPECT_TRUE(x.is_finite());
    EXPECT_EQ(ever + x, ever);
    EXPECT_EQ(x + ever, ever);
    EXPECT_EQ(ever - x, ever);
    EXPECT_EQ(x - ever, Time::lowest());
    EXPECT_LT(x, ever);
  }
  EXPECT_EQ(ever + ever, ever);
  EXPECT_EQ(ever - ever, ever) << "what is left of a time that is not known is not known";
  EXPECT_EQ(ever + Time::lowest(), ever);
  EXPECT_EQ(ever * 3, ever);
  EXPECT_EQ(ever * 0, Time::zero()) << "what never happens takes no time";
  EXPECT_EQ(ever * -1, Time::lowest());
  EXPECT_EQ(ever / 7, ever);
  EXPECT_EQ(scaled(ever, 0.001), ever);
  EXPECT_EQ(scaled(ever, 0), Time::zero());
  EXPECT_EQ(scaled(ever, -2), Time::lowest());
  EXPECT_EQ(Time::from_seconds(ever.to_seconds()), ever);
}

TEST(Units, BeforeAllTimeIsItsMirrorImage) {
  const Time before = Time::lowest();
  for (const Time x : kFinite) {
    EXPECT_EQ(before + x, before);
    EXPECT_EQ(x + before, before);
    EXPECT_EQ(before - x, before);
    EXPECT_EQ(x - before, Time::max());
    EXPECT_GT(x, before);
  }
  EXPECT_EQ(before - before, before);
  EXPECT_EQ(before / 7, before);
  EXPECT_EQ(scaled(before, 2), before);
}

TEST(Units, NothingWraps) {
  const Time most = Time{kMostInt64 - 1};
  EXPECT_EQ(most + Time::picoseconds(1), Time::max());
  EXPECT_EQ(most + most, Time::max());
  EXPECT_EQ(Time::zero() - most - most, Time::lowest());
  EXPECT_EQ(most * 2, Time::max());
  EXPECT_EQ(most * -2, Time::lowest());
  EXPECT_EQ(scaled(Time::seconds(1), 1e30), Time::max());
  EXPECT_EQ(scaled(Time::seconds(-1), 1e30), Time::lowest());
  Time sum = Time::seconds(9'000'000);
  sum += Time::seconds(9'000'000);
  EXPECT_EQ(sum, Time::max());
  sum = Time::seconds(-9'000'000);
  sum -= Time::seconds(9'000'000);
  EXPECT_EQ(sum, Time::lowest());
  EXPECT_EQ(Time::seconds(9'223'372), Time::picoseconds(9'223'372'000'000'000'000));
  EXPECT_EQ(Time::seconds(9'223'373), Time::max());
  EXPECT_EQ(Time::milliseconds(INT64_MAX), Time::max());
  EXPECT_EQ(Time::microseconds(INT64_MIN), Time::lowest());
  EXPECT_EQ(Time::nanoseconds(INT64_MAX), Time::max());

  EXPECT_EQ(Bytes{INT64_MAX} + Bytes{1}, Bytes{INT64_MAX});
  EXPECT_EQ(Bytes{-2} - Bytes{INT64_MAX}, Bytes{-INT64_MAX});
  EXPECT_EQ(Bytes{INT64_MAX / 2} * 3, Bytes{INT64_MAX});
  Bytes bytes{INT64_MAX};
  EXPECT_EQ(bytes += bytes, Bytes{INT64_MAX});
  EXPECT_EQ(Bandwidth::gbps(INT64_MAX), Bandwidth{INT64_MAX});
  EXPECT_EQ(Bandwidth{INT64_MAX} + Bandwidth::gbps(1), Bandwidth{INT64_MAX});
  EXPECT_EQ(Bandwidth::gbps(1'000'000) * 1'000'000, Bandwidth{INT64_MAX});
}

TEST(Units, AMeanIsExactWhereTheSumIsOverTheRange) {
  MeanTime mean;
  EXPECT_EQ(mean.over(3), Time::zero());
  for (int i = 0; i < 1000; ++i) mean.add(Time::seconds(1'395'005));
  EXPECT_EQ(mean.over(1000), Time::seconds(1'395'005));
  EXPECT_EQ(mean.over(1), Time::max()) << "over 106 days";
  mean.add(Time::max());
  EXPECT_EQ(mean.over(1001), Time::max());
}

TEST(Units, ParseWhatPeopleWrite) {
  EXPECT_EQ(parse_bandwidth("400Gbps", "x"), Bandwidth::gbps(400));
  EXPECT_EQ(parse_bandwidth(" 1.6 Tb/s ", "x"), Bandwidth::gbps(1600));
  EXPECT_EQ(parse_bandwidth("100gbps", "x"), Bandwidth::gbps(100));
  EXPECT_EQ(parse_bandwidth("0Gbps", "x"), Bandwidth{});
  EXPECT_EQ(parse_time("25ms", "x"), Time::milliseconds(25));
  EXPECT_EQ(parse_time("1 us", "x"), Time::microseconds(1));
  EXPECT_EQ(parse_time("0.5ns", "x"), Time::picoseconds(500));
  EXPECT_EQ(parse_time("2min", "x"), Time::seconds(120));
  EXPECT_EQ(parse_bytes("16MiB", "x"), Bytes{16 << 20});
  EXPECT_EQ(parse_bytes("2MB", "x"), Bytes{2'000'000});
  EXPECT_EQ(parse_bytes("1e3B", "x"), Bytes{1000});
}

TEST(Units, ParseRefusesTheRest) {
  const auto refusal = [](const char* text) -> std::string {
    try {
      parse_bandwidth(text, "--bandwidth");
    } catch (const Error& error) {
      return error.what();
    }
    return "accepted";
  };
  EXPECT_THAT(refusal("400"), HasSubstr("--bandwidth: '400' has no unit; write it as '400Gbps'"));
  EXPECT_THAT(refusal("400GBps"), HasSubstr("unknown unit 'GBps'"));
  EXPECT_THAT(refusal("-1Gbps"), HasSubstr("is negative"));
  EXPECT_THAT(refusal("Gbps"), HasSubstr("is not a number"));
  EXPECT_THAT(refusal(""), HasSubstr("is not a number"));
  EXPECT_THAT(refusal("infGbps"), HasSubstr("is not finite"));
  EXPECT_THAT(refusal("nanGbps"), HasSubstr("is not finite"));
  EXPECT_THAT(refusal("1e300Gbps"), HasSubstr("is too large"));
  EXPECT_THAT(refusal("1e999Gbps"), HasSubstr("is not a number"));
  EXPECT_THROW(parse_time("5", "x"), Error);
  EXPECT_THROW(parse_time("200000000s", "x"), Error);
  EXPECT_THROW(parse_bytes("1GBps", "x"), Error);
}

TEST(Units, PrintForPeople) {
  EXPECT_EQ(to_string(Time::zero()), "0 s");
  EXPECT_EQ(to_string(Time::milliseconds(25)), "25 ms");
  EXPECT_EQ(to_string(Time::picoseconds(1'234'567'890'000)), "1.23 s");
  EXPECT_EQ(to_string(Time::microseconds(45'600)), "45.6 ms");
  EXPECT_EQ(to_string(Time::nanoseconds(-1500)), "-1.5 us");
  EXPECT_EQ(to_string(Time::picoseconds(3)), "3 ps");
  EXPECT_EQ(to_string(Time::max()), "for ever");
  EXPECT_EQ(to_string(Time::lowest()), "for ever ago");
  EXPECT_EQ(to_string(Bandwidth::gbps(400)), "400 Gb/s");
  EXPECT_EQ(to_string(Bandwidth::gbps(1600)), "1.6 Tb/s");
  EXPECT_EQ(to_string(Bytes{80'000'000'000}), "80 GB");
  EXPECT_EQ(to_string(Bytes{999}), "999 B");
}

// What is printed can be read again and is within the three digits shown.
TEST(Units, PrintedQuantitiesParse) {
  for (std::int64_t n = 1; n < std::int64_t{1} << 60; n = n * 3 + 1) {
    const Time time = Time::picoseconds(n);
    EXPECT_NEAR(static_cast<double>(parse_time(to_string(time), "x").ps), static_cast<double>(n),
                0.006 * static_cast<double>(n));
    const Bandwidth rate{n};
    EXPECT_NEAR(static_cast<double>(parse_bandwidth(to_string(rate), "x").bits_per_second),
                static_cast<double>(n), 0.006 * static_cast<double>(n));
  }
}

}  // namespace
}  // namespace mixnet
