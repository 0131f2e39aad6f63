#include "graphs/scale_up.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <vector>

#include "base/random.h"

namespace mixnet {
namespace {

using What = TaskAgenda::What;
using Ports = std::vector<ScaleUp::PortBytes>;

constexpr Bandwidth kRate = {8'000'000'000};  // a byte a ns

Time ns(std::int64_t n) { return Time::nanoseconds(n); }

class ScaleUpTest : public ::testing::Test {
 protected:
  void begin(const Ports& ports, Time now, std::uint64_t tag) { scale_up_.begin(ports, now, tag); }
  static Ports pair(std::uint32_t from, std::uint32_t to, std::int64_t bytes) {
    return {{ScaleUp::out(from), {bytes}, 1}, {ScaleUp::in(to), {bytes}, 1}};
  }
  /// The ends up to `until`, by tag.
  void run(Time until = Time::max()) {
    while (agenda_.next() < until) {
      const TaskAgenda::Event event = agenda_.pop();
      ASSERT_EQ(event.what, What::kServed);
      if (const auto tag = scale_up_.served(event)) ends_[*tag] = event.time;
    }
  }

  TaskAgenda agenda_;
  ScaleUp scale_up_{8, kRate, agenda_};
  std::map<std::uint64_t, Time> ends_;
};

TEST_F(ScaleUpTest, AloneAnExchangeTakesAsLongAsItsBusiestPort) {
  begin({{ScaleUp::out(0), {30}, 1}, {ScaleUp::out(1), {70}, 1}, {ScaleUp::in(2), {100}, 1}}, ns(5),
        1);
  begin(pair(3, 4, 40), ns(5), 2);
  begin(pair(4, 3, 20), ns(5), 3);  // out and in are two ports
  run();
  EXPECT_EQ(ends_[1], ns(105));
  EXPECT_EQ(ends_[2], ns(45));
  EXPECT_EQ(ends_[3], ns(25));
}

TEST_F(ScaleUpTest, ExchangesShareAPortUntilOneHasEnded) {
  begin(pair(0, 1, 100), ns(0), 1);
  run(ns(20));
  begin(pair(0, 2, 100), ns(20), 2);  // 80 are left of the first: both at half from here
  run();
  EXPECT_EQ(ends_[1], ns(180));
  EXPECT_EQ(ends_[2], ns(200));
}

/// 1 and 2 share a port, so do 2 and 3, where 3 weighs a half: its busiest port is another.
TEST_F(ScaleUpTest, SharesAreMaxMinFair) {
  begin({{ScaleUp::out(0), {60}, 1}}, ns(0), 1);
  begin({{ScaleUp::out(0), {60}, 1}, {ScaleUp::in(1), {60}, 1}}, ns(0), 2);
  begin({{ScaleUp::in(1), {50}, 1}, {ScaleUp::out(2), {100}, 1}}, ns(0), 3);
  run();
  // 1 and 2 at a half; 3 gets what 2 leaves of port in(1), which is as much as its own port takes.
  EXPECT_EQ(ends_[1], ns(120));
  EXPECT_EQ(ends_[2], ns(120));
  EXPECT_EQ(ends_[3], ns(100));
}

TEST_F(ScaleUpTest, EveryTransferOfAnExchangeCounts) {
  begin({{ScaleUp::out(0), {90}, 3}, {ScaleUp::in(1), {30}, 1}, {ScaleUp::in(2), {60}, 2}}, ns(0),
        1);
  begin(pair(0, 3, 30), ns(0), 2);  // one of four at port out(0)
  run();
  EXPECT_EQ(ends_[1], ns(120));
  EXPECT_EQ(ends_[2], ns(120));
}

TEST_F(ScaleUpTest, AFullPortLeavesTheRestToOthers) {
  for (std::uint64_t i = 0; i < 3; ++i) begin(pair(0, 1, 30), ns(0), i);
  begin(pair(2, 1, 60), ns(0), 3);  // a quarter each at port in(1); later it is alone
  begin(pair(2, 3, 60), ns(0), 4);  // three quarters, what the last leaves
  run();
  for (std::uint64_t i = 0; i < 3; ++i) EXPECT_EQ(ends_[i], ns(120));
  EXPECT_EQ(ends_[4], ns(80));
  EXPECT_EQ(ends_[3], ns(150));
}

/// Whatever meets: no port carries more than it can, and none idles while all that is there needs
/// it.
TEST_F(ScaleUpTest, PortsCarryWhatTheyCan) {
  Random random(3);
  Time start;
  for (int round = 0; round < 200; ++round) {
    std::vector<double> sums(16);
    const auto exchanges = 1 + random.below(6);
    ends_.clear();
    for (std::uint64_t tag = 0; tag < exchanges; ++tag) {
      Ports ports;
      for (std::uint32_t port = 0; port < 16; ++port) {
        if (random.below(3) != 0) continue;
        const auto bytes = static_cast<std::int64_t>(1 + random.below(1'000'000));
        ports.push_back({port, {bytes}, 1 + static_cast<int>(random.below(7))});
        sums[port] += static_cast<double>(bytes);
      }
      if (ports.empty()) ports = pair(0, 1, 1);
      begin(ports, start, tag);
    }
    run();
    ASSERT_EQ(ends_.size(), exchanges);
    const double most = std::ranges::max(sums);
    Time end;
    for (const auto& [tag, one] : ends_) end = std::max(end, one);
    const double last = (end - start).to_seconds() * 1e9;
    start = end;
    EXPECT_GE(last, most - 1);
    double all = 0;
    for (const double sum : sums) all += sum;
    EXPECT_LE(last, all + 1);
  }
  EXPECT_EQ(agenda_.next(), Time::max());
}

}  // namespace
}  // namespace mixnet
