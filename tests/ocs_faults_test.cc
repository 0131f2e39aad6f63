// Every fault that can be, at every state of a change, against every driver: what comes of it is a
// typed error or a report that is true, by the dead-line; one reconciliation later all is as it
// should be, and no port outside the slice has moved.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <map>
#include <optional>
#include <set>

#include "base/random.h"
#include "emulated_device.h"
#include "ocs/change_plan.h"
#include "ocs/switch_error.h"

namespace mixnet {
namespace {

constexpr int kPorts = 16;
constexpr int kMovingEnd = 8;  // circuits of 1..8 change in each round, 9-10 and 11-12 stand
constexpr int kSliceEnd = 12;  // 13..16 are another's
constexpr int kHits = 20;
constexpr int kDeadLine = 120;    // ms, for the call that is struck
constexpr int kPatience = 4'000;  // ms, for all that comes after
constexpr std::chrono::milliseconds kGrace{60};

std::vector<OpticalCircuit> random_circuits(Random& random) {
  std::vector<int> free;
  for (int port = 1; port <= kMovingEnd; ++port) free.push_back(port);
  std::vector<OpticalCircuit> circuits = {{9, 10}, {11, 12}};
  while (free.size() > 2) {
    const auto at = static_cast<std::ptrdiff_t>(1 + random.below(free.size() - 1));
    circuits.push_back({free.front(), free[static_cast<std::size_t>(at)]});
    free.erase(free.begin() + at);
    free.erase(free.begin());
  }
  std::ranges::sort(circuits);
  return circuits;
}

class FaultRounds {
 public:
  FaultRounds(SwitchProtocol protocol, Sides sides)
      : device_(config(sides)), protocol_(protocol), random_(11) {
    for (int port = 1; port <= kSliceEnd; ++port) slice_.push_back(port);
    join_foreign();
    foreign_ = foreign_paths();
    driver_ = device_.open(protocol_, slice_);
  }

  void strike_until_hit(FaultKind kind, FaultStage stage) {
    for (int tries = 0; count(kind, stage) < kHits; ++tries) {
      ASSERT_LT(tries, 5 * kHits) << to_string(kind) << "@" << to_string(stage) << " does not hit";
      round(kind, stage);
      if (::testing::Test::HasFatalFailure()) return;
    }
  }

  std::int64_t count(FaultKind kind, FaultStage stage) {
    return device_.with(
        [&](EmulatedSwitch& emulated) { return emulated.faults().count(kind, stage); });
  }

 private:
  static EmulatedSwitchConfig config(Sides sides) {
    EmulatedSwitchConfig config;
    config.ports = kPorts;
    config.sides = sides;
    config.timing = SwitchTiming::fixed(Duration::milliseconds(3));
    return config;
  }

  void join_foreign() {
    device_.with([](EmulatedSwitch& emulated) {
      emulated.request({.add = {{13, 14}, {14, 13}, {15, 16}, {16, 15}}},
                       std::chrono::steady_clock::now());
    });
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }

  /// Where they lead.
  std::vector<std::int64_t> foreign_paths() {
    return device_.with([](EmulatedSwitch& emulated) {
      std::vector<std::int64_t> paths;
      for (int port = kSliceEnd + 1; port <= kPorts; ++port) {
        paths.push_back(emulated.path_from(port));
      }
      return paths;
    });
  }

  void arm(FaultKind kind, FaultStage stage) {
    // Only ports of ours are struck: what befalls another's is not this driver's doing.
    Fault fault;
    fault.kind = kind;
    fault.stage = stage;
    fault.port = is_event(kind) || stage == FaultStage::kIdle
                     ? kMovingEnd + 1 + static_cast<int>(random_.below(kSliceEnd - kMovingEnd))
                     : 0;
    if (kind == FaultKind::kSwapped) fault.with = fault.port - 1;
    if (kind == FaultKind::kSlow || kind == FaultKind::kReboot || kind == FaultKind::kRebootLost) {
      fault.port = 0;
      fault.lasts = Duration::milliseconds(30);
    }
    if (kind == FaultKind::kDrop) fault.port = 0;
    device_.with([&](EmulatedSwitch& emulated) {
      if (stage == FaultStage::kIdle) {
        emulated.strike(fault, std::chrono::steady_clock::now());
      } else {
        emulated.faults().arm(fault);
      }
    });
  }

  void round(FaultKind kind, FaultStage stage) {
    const std::string what = fmt::format("{}@{}", to_string(kind), to_string(stage));
    const std::vector<OpticalCircuit> wanted = random_circuits(random_);
    const std::optional<CrossConnects> standing =
        patiently<CrossConnects>([&] { return driver_->cross_connects(from_now(kPatience)); });
    ASSERT_TRUE(standing) << what;
    const SwitchChange change = reconcile(*standing, wanted);
    arm(kind, stage);
    const auto start = std::chrono::steady_clock::now();
    const MonotonicTime dead_line = from_now(kDeadLine);
    try {
      const ChangeReport report = driver_->apply(change, dead_line);
      // What it says of pairs was so when it was read back; what strikes afterwards is news.
      const bool may_change = is_event(kind) || stage == FaultStage::kAnswered;
      if (report.complete() && !may_change) {
        EXPECT_EQ(ours(), wanted) << what << ": it says that it is so, and it is not";
      }
    } catch (const SwitchError& error) {
      EXPECT_NE(error.fault(), SwitchFault::kMisuse) << what << ": " << error.what();
    }
    EXPECT_LT(std::chrono::steady_clock::now() - start,
              std::chrono::milliseconds(kDeadLine) + kGrace)
        << what;
    reconcile_once(wanted, kind == FaultKind::kSlow ? 35 : 6, what);
    if (kind == FaultKind::kRebootLost) join_foreign();  // lost as well
    EXPECT_EQ(foreign_paths(), foreign_) << what << ": a foreign port was touched";
  }

  /// One read, one change.
  void reconcile_once(const std::vector<OpticalCircuit>& wanted, int settles,
                      const std::string& what) {
    device_.with([](EmulatedSwitch& emulated) { emulated.heal(std::chrono::steady_clock::now()); });
    // A change that was given up may still be under way in the device: its end is awaited.
    std::this_thread::sleep_for(std::chrono::milliseconds(settles));
    const std::optional<CrossConnects> standing =
        patiently<CrossConnects>([&] { return driver_->cross_connects(from_now(kPatience)); });
    ASSERT_TRUE(standing) << what;
    const std::optional<ChangeReport> report = patiently<ChangeReport>(
        [&] { return driver_->apply(reconcile(*standing, wanted), from_now(kPatience)); });
    ASSERT_TRUE(report) << what;
    std::string told;
    for (const PairResult& pair : report->pairs) {
      told += fmt::format(" {}-{} {} {}", pair.circuit.a, pair.circuit.b, to_string(pair.outcome),
                          pair.reason);
    }
    EXPECT_TRUE(report->complete()) << what << told;
    EXPECT_EQ(ours(), wanted) << what;
  }

  /// While the connection is being made again.
  template <typename Result, typename Call>
  std::optional<Result> patiently(Call call) {
    const MonotonicTime until = from_now(kPatience);
    std::string last;
    while (std::chrono::steady_clock::now() < until) {
      try {
        return call();
      } catch (const SwitchError& error) {
        last = error.what();
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    ADD_FAILURE() << "given up: " << last;
    return std::nullopt;
  }

  std::vector<OpticalCircuit> ours() {
    std::vector<OpticalCircuit> ours;
    for (const OpticalCircuit& circuit : device_.circuits()) {
      if (circuit.b <= kSliceEnd) ours.push_back(circuit);
    }
    return ours;
  }

  EmulatedDevice device_;
  SwitchProtocol protocol_;
  Random random_;
  PortSlice slice_;
  std::vector<std::int64_t> foreign_;
  std::unique_ptr<OpticalSwitch> driver_;
};

class OcsFaults : public ::testing::TestWithParam<SwitchProtocol> {};

TEST_P(OcsFaults, EndInATypedErrorOrTheRightState) {
  FaultRounds rounds(GetParam(), Sides::kTwo);
  std::string table = fmt::format("{:>16}", to_string(GetParam()));
  for (const auto& stage : Names<FaultStage>::kTable) table += fmt::format(" {:>9}", stage.name);
  std::set<std::string> reasons;
  for (const auto& kind : Names<FaultKind>::kTable) {
    table += fmt::format("\n{:>16}", kind.name);
    for (const auto& stage : Names<FaultStage>::kTable) {
      const std::string_view why = why_impossible(kind.value, stage.value);
      if (!why.empty()) {
        table += fmt::format(" {:>9}", "-");
        reasons.insert(fmt::format("{}@{}: {}", kind.name, stage.name, why));
        continue;
      }
      rounds.strike_until_hit(kind.value, stage.value);
      if (HasFatalFailure()) return;
      table += fmt::format(" {:>9}", rounds.count(kind.value, stage.value));
    }
  }
  fmt::print("{}\nThose that cannot be:\n", table);
  for (const std::string& reason : reasons) fmt::print("  {}\n", reason);
}

INSTANTIATE_TEST_SUITE_P(Drivers, OcsFaults,
                         ::testing::Values(SwitchProtocol::kTl1, SwitchProtocol::kScpi,
                                           SwitchProtocol::kGnmi),
                         [](const ::testing::TestParamInfo<SwitchProtocol>& tested) {
                           return std::string(to_string(tested.param));
                         });

}  // namespace
}  // namespace mixnet
