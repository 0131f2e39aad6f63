// Circuits under load: no frame on a wrong port, and how exact and how fast.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <thread>

#include "base/random.h"
#include "dataplane/test_data_plane.h"
#include "dataplane/test_datagrams.h"
#include "dataplane/test_stream.h"

namespace mixnet {
namespace {

using std::chrono::nanoseconds;

MonotonicTime at(std::int64_t ns) { return MonotonicTime(nanoseconds(ns)); }
void sleep_ns(std::int64_t ns) { system_env().sleep_until(at(test_now_ns() + ns)); }

double percentile(std::vector<double>& values, double share) {
  const auto nth =
      values.begin() + static_cast<std::ptrdiff_t>(share * static_cast<double>(values.size() - 1));
  std::nth_element(values.begin(), nth, values.end());
  return *nth;
}

/// This thread before all others, so that what else runs on the machine does not show in the times.
class Hurry {
 public:
  Hurry() { set(SCHED_FIFO, 1); }
  ~Hurry() { set(SCHED_OTHER, 0); }

 private:
  static void set(int policy, int priority) {
    const sched_param wanted{priority};
    pthread_setschedparam(pthread_self(), policy, &wanted);
  }
};

/// Where one port's light went, and when.
struct Spell {
  int to = 0;
  std::int64_t begin_ns = 0;
  std::int64_t end_ns = 0;
};

struct Arrival {
  int at = 0;
  TestDatagram message;
  std::int64_t received_ns = 0;
};

class TrafficTest : public DataPlaneTest {
 protected:
  static constexpr int kPorts = 8;

  /// All send to whoever it reaches, and to one by name, all the time: by either way.
  static void chatter(const std::vector<TestMail>& mails, const std::atomic<bool>& stop,
                      std::vector<Arrival>& arrivals) {
    for (int round = 0; !stop; ++round) {
      for (int i = 0; i < kPorts; ++i) {
        mails[i].send();
        mails[i].send(TestServers::address(1 + round % kPorts));
      }
      for (int i = 0; i < static_cast<int>(mails.size()); ++i) {
        while (const auto message = mails[i].receive(0)) {
          arrivals.push_back({i + 1, *message, test_now_ns()});
        }
      }
    }
  }
  /// Each of 1,000 times, two ports lose what they have, and are joined with each other or left
  /// dark.
  static std::vector<std::vector<Spell>> change_at_random(DataPlane& plane) {
    std::vector<std::vector<Spell>> spells(kPorts + 1);
    std::vector<Spell> now(kPorts + 1);
    Random random(17);
    const auto set = [&](int from, int to) {
      const std::int64_t before = test_now_ns();
      plane.light_changed(from, to, kLongAgo);
      if (now[from].to != 0) {
        spells[from].push_back({now[from].to, now[from].begin_ns, test_now_ns()});
      }
      now[from] = {to, before, 0};
    };
    for (int change = 0; change < 1000; ++change) {
      const int a = 1 + static_cast<int>(random.below(kPorts));
      const int b = 1 + static_cast<int>(random.below(kPorts));
      for (const int end : {now[a].to, now[b].to, a, b}) {
        if (end != 0) set(end, 0);
      }
      if (a != b && random.below(4) != 0) {
        set(a, b);
        set(b, a);
      }
      sleep_ns(500'000);
    }
    for (int port = 1; port <= kPorts; ++port) set(port, 0);
    return spells;
  }
};

TEST_F(TrafficTest, NoFrameLeavesByAWrongPortUnderAThousandChanges) {
  const TestServers servers(kPorts + 2);  // two are attached, and never joined
  std::vector<TestMail> mails;
  for (int s = 1; s <= servers.size(); ++s) mails.emplace_back(servers, s);
  DataPlane plane({.ports = kPorts + 2});
  plane.attach(all_of(servers));
  std::atomic<bool> stop = false;
  std::vector<Arrival> arrivals;
  std::thread traffic([&] { chatter(mails, stop, arrivals); });
  const std::vector<std::vector<Spell>> spells = change_at_random(plane);
  stop = true;
  traffic.join();

  int wrong = 0;
  for (const Arrival& one : arrivals) {
    const std::vector<Spell>& of = spells[one.message.from];
    wrong += std::none_of(of.begin(), of.end(), [&](const Spell& spell) {
      return spell.to == one.at && spell.begin_ns <= one.received_ns &&
             spell.end_ns >= one.message.sent_ns;
    });
  }
  EXPECT_EQ(wrong, 0);
  EXPECT_GT(arrivals.size(), 1000U);
  long long left = 0;
  std::uint64_t passed = 0;
  std::uint64_t dark = 0;
  for (int port = 1; port <= kPorts; ++port) {
    const auto sent = static_cast<std::uint64_t>(servers.packets(port).sent);
    ASSERT_TRUE(soon([&] { return plane.counters(port).frames == sent; }));
    left += servers.packets(port).received;
    passed += plane.counters(port).passed;
    dark += plane.counters(port).dark;
  }
  // A frame whose circuit is moved between the two looks at it has passed the first alone.
  EXPECT_LE(static_cast<std::uint64_t>(left), passed);
  EXPECT_LE(passed - static_cast<std::uint64_t>(left), 20U);
  EXPECT_GT(dark, 1000U);
  for (const int spectator : {kPorts + 1, kPorts + 2}) {
    EXPECT_EQ(servers.packets(spectator).received, 0);
    EXPECT_EQ(servers.packets(0, servers.port(spectator)).sent, 0);
  }
}

TEST_F(TrafficTest, NothingPassesInTheDarkWhateverIsSent) {
  const TestServers servers(2);
  const TestMail one(servers, 1);
  const TestMail two(servers, 2);
  DataPlane plane({.ports = 2});
  plane.attach(all_of(servers));
  for (int i = 1; i <= 100; ++i) {
    join(plane, 1, 2);
    one.send();
    ASSERT_TRUE(soon([&] { return servers.packets(2).received == i; }));
    part(plane, 1, 2);
    for (int message = 0; message < 100; ++message) one.send();
    ASSERT_TRUE(soon([&] { return plane.counters(1).frames == i * 101U; }));
    ASSERT_EQ(servers.packets(2).received, i);
  }
  EXPECT_EQ(plane.counters(1).dark, 10'000U);
}

TEST_F(TrafficTest, ACircuitIsMadeAndBrokenInUnderAHundredMicroseconds) {
  const TestServers servers(kPorts);
  DataPlane plane({.ports = kPorts});
  plane.attach(all_of(servers));
  double p99 = 0;
  for (int attempt = 0; attempt < 3 && (attempt == 0 || p99 >= 100); ++attempt) {
    std::vector<double> us;
    for (int i = 0; i < 2000; ++i) {
      const int other = 2 + i / 2 % (kPorts - 1);
      const std::int64_t begin = test_now_ns();
      i % 2 == 0 ? join(plane, 1, other) : part(plane, 1, other);
      us.push_back(static_cast<double>(test_now_ns() - begin) / 1e3);
    }
    p99 = percentile(us, 0.99);
    fmt::print("a circuit made or broken: median {:.1f} us, p99 {:.1f} us\n", percentile(us, 0.5),
               p99);
  }
  EXPECT_LT(p99, 100);
}

/// Dark periods of a stream as its receiver sees them: longest gap each, less the modelled one.
std::vector<double> dark_errors_us(DataPlane& plane, const TestMail& from, const TestMail& to,
                                   int periods) {
  constexpr std::int64_t kSpacing = 20'000;
  std::atomic<bool> stop = false;
  std::thread sender([&] {
    const Hurry first;
    for (std::int64_t next = test_now_ns(); !stop; next += kSpacing) {
      system_env().sleep_until(at(next));
      from.send("10.9.0.2");
    }
  });
  std::vector<std::int64_t> arrivals;
  std::atomic<bool> arrives = false;
  std::thread receiver([&] {
    const Hurry first;
    while (!stop) {
      while (to.receive(10)) {
        arrivals.push_back(test_now_ns());
        arrives = true;
      }
    }
  });
  EXPECT_TRUE(soon([&] { return arrives.load(); }));
  const Hurry first;
  std::vector<std::pair<std::int64_t, std::int64_t>> modelled;
  Random random(1);
  for (int i = 0; i < periods; ++i) {
    sleep_ns(1'000'000);
    const std::int64_t begin = test_now_ns();
    const std::int64_t end = begin + 1'000'000 + static_cast<std::int64_t>(random.below(1'000'000));
    plane.light_changed(1, 0, kLongAgo);
    plane.light_changed(1, 2, at(end));
    modelled.emplace_back(begin, end);
    system_env().sleep_until(at(end));
  }
  sleep_ns(5'000'000);
  stop = true;
  sender.join();
  receiver.join();
  std::vector<double> errors;
  for (const auto& [begin, end] : modelled) {
    const auto after = std::lower_bound(arrivals.begin(), arrivals.end(), begin + 500'000);
    if (after == arrivals.begin() || after == arrivals.end()) continue;
    errors.push_back(std::abs(static_cast<double>(*after - *(after - 1) - (end - begin))) / 1e3);
  }
  return errors;
}

TEST_F(TrafficTest, DarkPeriodsAreExact) {
  const TestServers servers(2);
  const TestMail one(servers, 1);
  const TestMail two(servers, 2);
  DataPlane plane({.ports = 2});
  plane.attach(all_of(servers));
  join(plane, 1, 2);
  double p99 = 0;
  for (int attempt = 0; attempt < 3 && (attempt == 0 || p99 >= 500); ++attempt) {
    std::vector<double> errors = dark_errors_us(plane, one, two, 1000);
    ASSERT_EQ(errors.size(), 1000U);
    p99 = percentile(errors, 0.99);
    fmt::print(
        "1,000 dark periods of 1 to 2 ms: off by {:.0f} us in the median, {:.0f} us at p99\n",
        percentile(errors, 0.5), p99);
  }
  EXPECT_LT(p99, 500);
}

TEST_F(TrafficTest, ACarrierTakesItsTime) {
  const TestServers servers(2);
  const TestMail one(servers, 1);
  const TestMail two(servers, 2);
  DataPlane plane({.ports = 2, .carrier = true});
  plane.attach(all_of(servers));
  std::vector<double> down_us;
  std::vector<double> up_us;
  std::vector<double> sends_us;
  for (int i = 0; i < 50; ++i) {
    const std::int64_t begin = test_now_ns();
    join(plane, 1, 2);
    const std::int64_t up = test_now_ns();
    ASSERT_TRUE(soon([&] {
      one.send();
      return two.receive(0).has_value();
    }));
    const std::int64_t sent = test_now_ns();
    part(plane, 1, 2);
    up_us.push_back(static_cast<double>(up - begin) / 1e3);
    sends_us.push_back(static_cast<double>(sent - begin) / 1e3);
    down_us.push_back(static_cast<double>(test_now_ns() - sent) / 1e3);
    while (two.receive(1)) {
    }
  }
  fmt::print(
      "carrier of a circuit: up in {:.0f} us (p99 {:.0f}), down in {:.0f} us (p99 {:.0f}), "
      "frames pass after {:.0f} us (p99 {:.0f})\n",
      percentile(up_us, 0.5), percentile(up_us, 0.99), percentile(down_us, 0.5),
      percentile(down_us, 0.99), percentile(sends_us, 0.5), percentile(sends_us, 0.99));
}

// At least 80 % of the pair's own rate. Three attempts, for a machine that does other things
// besides.
TEST_F(TrafficTest, TcpIsNotMuchSlowerThanByABareVethPair) {
  const TestServers servers(2);
  servers.join_directly(1, 2);
  DataPlane plane({.ports = 2});
  plane.attach(all_of(servers));
  join(plane, 1, 2);
  const int niceness = getpriority(PRIO_PROCESS, 0);
  setpriority(PRIO_PROCESS, 0, -19);
  constexpr std::chrono::milliseconds kTime(200);
  double share = 0;
  for (int attempt = 0; attempt < 3 && share < 0.8; ++attempt) {
    double bare = 0;  // the best of ten each, for what else runs takes away from either
    double joined = 0;
    for (int i = 0; i < 10; ++i) {
      bare = std::max(bare, test_stream_rate(servers, 1, 2, "10.8.0.2", kTime));
      joined = std::max(joined, test_stream_rate(servers, 1, 2, servers.address(2), kTime));
    }
    share = joined / bare;
    fmt::print("TCP: {:.1f} Gb/s by a veth pair, {:.1f} Gb/s by a circuit: {:.0f} %\n", bare / 1e9,
               joined / 1e9, share * 100);
  }
  setpriority(PRIO_PROCESS, 0, niceness);
  EXPECT_GE(share, 0.8);
}

}  // namespace
}  // namespace mixnet
