// How long changes take: what the switch's timing says, as its driver sees it, and little more.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <numeric>

#include "dataplane/data_plane.h"
#include "dataplane/test_data_plane.h"
#include "dataplane/test_datagrams.h"
#include "dataplane/test_servers.h"
#include "emulated_device.h"
#include "ocs/change_plan.h"

namespace mixnet {
namespace {

double milliseconds(Duration duration) { return static_cast<double>(duration.ns) * 1e-6; }

struct Summary {
  double mean = 0;
  double p50 = 0;
  double p99 = 0;
};

Summary summary(std::vector<double> values) {
  std::ranges::sort(values);
  const auto at = [&](double share) {
    return values[static_cast<std::size_t>(share * static_cast<double>(values.size()))];
  };
  return {std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size()),
          at(0.5), at(0.99)};
}

/// `count` circuits that come and go between two sets, so that each change moves as many pairs.
std::vector<OpticalCircuit> set_of(int count, bool odd) {
  std::vector<OpticalCircuit> circuits;
  for (int i = 0; i < count; ++i) {
    const int first = 1 + 4 * (i / 2);
    const OpticalCircuit straight{first + 2 * (i % 2), first + 2 * (i % 2) + 1};
    const OpticalCircuit crossed{first + i % 2, first + 2 + i % 2};
    circuits.push_back(odd ? crossed : straight);
  }
  std::ranges::sort(circuits);
  return circuits;
}

struct Published {
  int pairs;
  double mean;
  double p99;
};

/// A stream of datagrams from position 1, and who gets them: so for how long it is dark between the
/// one and the other, measured by nothing of the switch's own.
class Stream {
 public:
  explicit Stream(const TestServers& servers)
      : sender_(servers, 1),
        second_(servers, 2),
        third_(servers, 3),
        sends_([this] { send(); }),
        listens_([this] { listen(); }) {}
  ~Stream() { stop(); }

  /// Waits until `server` gets them.
  bool reaches(int server) const {
    return soon([&] { return last_ == server; });
  }
  /// Of each time that the other one gets them.
  std::vector<double> dark_ms() {
    stop();
    std::ranges::sort(heard_);
    std::vector<double> dark;
    for (std::size_t i = 1; i < heard_.size(); ++i) {
      const auto& [before, who_before] = heard_[i - 1];
      const auto& [after, who_after] = heard_[i];
      if (who_before != who_after) dark.push_back(static_cast<double>(after - before) * 1e-6);
    }
    return dark;
  }

 private:
  static constexpr std::chrono::microseconds kSpacing{150};

  void stop() {
    stop_ = true;
    if (sends_.joinable()) sends_.join();
    if (listens_.joinable()) listens_.join();
  }
  void send() {
    while (!stop_) {
      sender_.send();
      std::this_thread::sleep_for(kSpacing);
    }
  }
  void listen() {
    while (!stop_) {
      for (const TestMail* mail : {&second_, &third_}) {
        while (const auto message = mail->receive(0)) {
          last_ = mail == &second_ ? 2 : 3;
          heard_.emplace_back(message->sent_ns, last_);
        }
      }
      std::this_thread::sleep_for(std::chrono::microseconds(300));
    }
  }

  TestMail sender_;
  TestMail second_;
  TestMail third_;
  std::atomic<bool> stop_ = false;
  std::atomic<int> last_ = 0;
  std::vector<std::pair<std::int64_t, int>> heard_;
  std::thread sends_;
  std::thread listens_;
};

void expect_published(const Summary& seen, const Published& table, std::string_view how) {
  fmt::print("{:2} pairs, {}: mean {:.2f} ms ({:+.1f} %), p99 {:.2f} ms ({:+.1f} %)\n", table.pairs,
             how, seen.mean, 100 * (seen.mean / table.mean - 1), seen.p99,
             100 * (seen.p99 / table.p99 - 1));
  EXPECT_NEAR(seen.mean, table.mean, 0.02 * table.mean) << how;
  EXPECT_NEAR(seen.p99, table.p99, 0.05 * table.p99) << how;
}

constexpr int kChanges = 1'000;

EmulatedSwitchConfig polatis() {
  EmulatedSwitchConfig config;
  config.ports = 64;
  config.timing = SwitchTiming::parse("polatis", "timing");
  return config;
}

/// To and fro, position 1 between 2 and 3; gives the turn-arounds in milliseconds.
std::vector<double> change(OpticalSwitch& driver, int pairs, const Stream* stream) {
  const bool lone = pairs == 1;
  const std::vector<OpticalCircuit> even =
      lone ? std::vector<OpticalCircuit>{{1, 2}} : set_of(pairs, false);
  const std::vector<OpticalCircuit> odd =
      lone ? std::vector<OpticalCircuit>{{1, 3}} : set_of(pairs, true);
  std::vector<double> times;
  EXPECT_TRUE(driver.apply({.connect = even}, from_now(5'000)).complete());
  for (int i = 0; i < kChanges; ++i) {
    if (stream != nullptr) {
      EXPECT_TRUE(stream->reaches(i % 2 == 0 ? 2 : 3));
    }
    const SwitchChange to_and_fro = i % 2 == 0 ? SwitchChange{even, odd} : SwitchChange{odd, even};
    const ChangeReport report = driver.apply(to_and_fro, from_now(5'000));
    EXPECT_TRUE(report.complete());
    times.push_back(milliseconds(report.turn_around));
  }
  if (stream != nullptr) {
    EXPECT_TRUE(stream->reaches(kChanges % 2 == 0 ? 2 : 3));
  }
  return times;
}

void measure(const Published& table, bool with_light) {
  if (!with_light) {
    EmulatedDevice device(polatis());
    const auto driver = device.open(SwitchProtocol::kTl1);
    return expect_published(summary(change(*driver, table.pairs, nullptr)), table, "driver");
  }
  const TestServers servers(3);
  servers.run_in(0, "ip link set lo up");
  DataPlane plane({.ports = 64});
  plane.attach(all_of(servers));
  EmulatedDevice device(polatis(), [&](int from, int to, MonotonicTime lit_at) {
    plane.light_changed(from, to, lit_at);
  });
  const auto driver = device.open(SwitchProtocol::kTl1);
  Stream stream(servers);
  expect_published(summary(change(*driver, table.pairs, &stream)), table, "driver");
  const std::vector<double> dark = stream.dark_ms();
  EXPECT_EQ(dark.size(), static_cast<std::size_t>(kChanges));
  expect_published(summary(dark), table, "light");
}

// A thousand changes through the TL1 driver, against the table of the testbed (SIGCOMM 2025), and,
// where interfaces can be attached, the dark times of a stream meanwhile. Each number of pairs has
// a switch, and servers, of its own.
TEST(OcsTurnAround, IsThatOfTheTableByDriverAndByLight) {
  const std::string why = TestServers::missing();
  if (!why.empty()) fmt::print("by the driver alone: {}\n", why);
  std::vector<std::thread> threads;
  for (const Published& table :
       {Published{1, 41.44, 60}, Published{4, 42.44, 62}, Published{16, 46.75, 68}}) {
    threads.emplace_back([table, &why] { measure(table, why.empty()); });
  }
  for (std::thread& thread : threads) thread.join();
}

class OcsOwnCost : public ::testing::TestWithParam<SwitchProtocol> {};

// 24 pairs changed and read back, where the switch itself takes no time. The bound of 8 ms is for a
// quiet machine: a test among others on two cores is held to three times that, and prints its own.
TEST_P(OcsOwnCost, OfTwentyFourPairsIsSmall) {
  EmulatedSwitchConfig config;
  config.ports = 64;
  config.sides = Sides::kTwo;
  EmulatedDevice device(config);
  const auto driver = device.open(GetParam());
  std::vector<OpticalCircuit> even = set_of(24, false);
  std::vector<OpticalCircuit> odd = set_of(24, true);
  ASSERT_TRUE(driver->apply({.connect = even}, from_now(5'000)).complete());
  std::vector<double> times;
  for (int i = 0; i < 500; ++i) {
    const SwitchChange change = i % 2 == 0 ? SwitchChange{even, odd} : SwitchChange{odd, even};
    const auto start = std::chrono::steady_clock::now();
    const ChangeReport report = driver->apply(change, from_now(5'000));
    const auto took = std::chrono::steady_clock::now() - start;
    ASSERT_TRUE(report.complete());
    times.push_back(std::chrono::duration<double, std::milli>(took).count());
  }
  const Summary seen = summary(times);
  fmt::print("{}: 24 pairs changed and verified: p50 {:.2f} ms, p99 {:.2f} ms\n",
             to_string(GetParam()), seen.p50, seen.p99);
  EXPECT_LT(seen.p50, 8);
  EXPECT_LT(seen.p99, 24);
}

INSTANTIATE_TEST_SUITE_P(Drivers, OcsOwnCost,
                         ::testing::Values(SwitchProtocol::kTl1, SwitchProtocol::kScpi,
                                           SwitchProtocol::kGnmi),
                         [](const ::testing::TestParamInfo<SwitchProtocol>& tested) {
                           return std::string(to_string(tested.param));
                         });

// The validated path takes what it takes, the bypass far less, and both are told apart.
TEST(OcsSonic, TellsValidatedFromBypass) {
  EmulatedSwitchConfig config;
  config.ports = 8;
  config.sides = Sides::kTwo;
  config.timing = SwitchTiming::parse("sonic-bypass:70ms", "timing");
  EmulatedDevice device(config);
  SwitchAddress address = device.address(SwitchProtocol::kGnmi);
  address.bypass = true;
  const auto bypass = open_switch(address, {});
  ChangeReport report = bypass->apply({.connect = {{1, 2}}}, from_now(10'000));
  EXPECT_TRUE(report.complete());
  EXPECT_EQ(report.commit, CommitPath::kBypass);
  EXPECT_NEAR(milliseconds(report.turn_around), 70, 30);
  EXPECT_EQ(bypass->capabilities(from_now(1'000)).commit, CommitPath::kBypass);

  const auto validated = device.open(SwitchProtocol::kGnmi);
  std::thread looks([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(3'000));
    // While it is checked, what stands is lit.
    EXPECT_EQ(device.circuits(), (std::vector<OpticalCircuit>{{1, 2}}));
  });
  report = validated->apply({.disconnect = {{1, 2}}, .connect = {{1, 3}}}, from_now(20'000));
  looks.join();
  EXPECT_EQ(device.circuits(), (std::vector<OpticalCircuit>{{1, 3}}));
  EXPECT_TRUE(report.complete());
  EXPECT_EQ(report.commit, CommitPath::kValidated);
  EXPECT_GT(milliseconds(report.turn_around), 4'900);
  EXPECT_GT(milliseconds(validated->capabilities(from_now(1'000)).measured_delay), 4'900);
}

}  // namespace
}  // namespace mixnet
