// One brain, several bodies: the simulator and the region's controller are fed the same demands,
// one layer after another, and have the same circuits for every all-to-all, policy by policy.
//
// The simulator's side is simulated_region.h. The controller's side is events in, commands out,
// with a switch that obeys at once. (one_region_test.cc: the same with daemon and switch.)
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "region/region_controller.h"
#include "simulated_region.h"

namespace mixnet {
namespace {

class ControlledRegion {
 public:
  ControlledRegion(Reconfiguration policy, AllocatorKind allocator, Time delay)
      : policy_(policy), controller_(config(policy, allocator, delay)) {
    table_.assign(static_cast<std::size_t>(kServers * kOptical), -1);
    give(Tick{});
    obey();
    give(TenantAdd{1, {0, 1, 2, 3, 4, 5, 6, 7}});
    obey();
  }

  Used pass(const Layer& layer) {
    const PhaseId phase{sequence_ += 2, 0, 0, layer.backward};
    PhaseOutlook outlook = {Duration::of(layer.attention), Duration::of(layer.experts), false};
    if (policy_ == Reconfiguration::kCopilot && !layer.backward) {
      outlook.expected = true;
      give(DemandReport{1, phase, layer.forecast, outlook});
      obey();
      outlook.expected = false;
    }
    give(DemandReport{1, phase, layer.bytes, outlook});
    // Where the all-to-all does not wait, it begins while the switch moves.
    if (!may_start(phase)) obey();
    EXPECT_TRUE(may_start(phase));
    give(PhaseMark{1, phase.sequence, true});
    obey();
    Used used{lit(), {}};
    give(PhaseMark{1, phase.sequence, false});
    obey();
    give(PhaseMark{1, phase.sequence + 1, true});
    obey();
    used.second = lit();
    give(PhaseMark{1, phase.sequence + 1, false});
    obey();
    return used;
  }

 private:
  static RegionConfig config(Reconfiguration policy, AllocatorKind allocator, Time delay) {
    RegionConfig config;
    config.servers = kServers;
    config.optical_nics = kOptical;
    config.eps_nics = kEps;
    config.nic_rate = kRate;
    config.allocator = allocator;
    config.budget = PlannerOptions{}.budget;  // the simulator's
    config.policy = policy;
    config.switch_delay = Duration::of(delay);
    return config;
  }

  bool may_start(const PhaseId& phase) const {
    return controller_.state().find(1)->announced.served == phase;
  }

  void give(const Event& event) {
    now_ += Duration::microseconds(10);
    for (const Decision& decision : controller_.handle(now_, event)) orders_.push_back(decision);
  }

  /// Carries out what was ordered, as the switch does, until nothing is.
  void obey() {
    while (!orders_.empty()) {
      const Decision order = orders_.front();
      orders_.erase(orders_.begin());
      if (const auto* command = std::get_if<DeviceCommand>(&order)) {
        for (const PortPair& pair : command->disconnect) table_[pair.a] = table_[pair.b] = -1;
        for (const PortPair& pair : command->connect) {
          EXPECT_LT(std::max(table_[pair.a], table_[pair.b]), 0) << "a busy port";
          table_[pair.a] = pair.b;
          table_[pair.b] = pair.a;
        }
        give(DeviceAnswer{command->id, true, -1, false, {}});
      } else if (const auto* read = std::get_if<ReadState>(&order)) {
        DeviceState seen{read->id, {}};
        for (int p = 0; p < static_cast<int>(table_.size()); ++p) {
          if (table_[p] > p) seen.lit.push_back({p, table_[p]});
        }
        give(seen);
      } else {
        EXPECT_FALSE(std::holds_alternative<Alarm>(order));
      }
    }
  }

  CircuitCounts lit() const {
    CircuitCounts counts(kServers, kServers);
    for (std::size_t p = 0; p < table_.size(); ++p) {
      if (table_[p] >= 0) ++counts(p / kOptical, static_cast<std::size_t>(table_[p]) / kOptical);
    }
    return counts;
  }

  Reconfiguration policy_;
  RegionController controller_;
  Instant now_ = Instant::unix_seconds(1'795'766'400);
  std::vector<Decision> orders_;
  std::vector<int> table_;
  std::uint64_t sequence_ = 0;
};

struct Case {
  Reconfiguration policy;
  std::size_t least_ways;  ///< that the policy is to be seen to take, over all delays
};

void PrintTo(const Case& one, std::ostream* out) { *out << to_string(one.policy); }

class OneBrain : public ::testing::TestWithParam<Case> {};

TEST_P(OneBrain, SameDemandsSameCircuits) {
  std::size_t ways = 0;
  for (const AllocatorKind allocator : {AllocatorKind::kGreedy, AllocatorKind::kRefined}) {
    for (const Time delay :
         {Time::microseconds(10), Time::milliseconds(3), Time::milliseconds(25)}) {
      SimulatedRegion simulated(GetParam().policy, allocator, delay);
      ControlledRegion controlled(GetParam().policy, allocator, delay);
      const Layer first = layers_of(1).front();
      simulated.light_for(first.bytes);
      controlled.pass(first);
      int at = 0;
      for (const Layer& layer : layers_of(7)) {
        const Used here = simulated.pass(layer);
        const Used there = controlled.pass(layer);
        const std::string where =
            fmt::format("layer {}, {}, delay {}", at, to_string(allocator), to_string(delay));
        ASSERT_EQ(text(here.first), text(there.first)) << "first all-to-all of " << where;
        ASSERT_EQ(text(here.second), text(there.second)) << "second all-to-all of " << where;
        ++at;
      }
      ways = std::max(ways, simulated.ways());
    }
  }
  EXPECT_GE(ways, GetParam().least_ways);
}

INSTANTIATE_TEST_SUITE_P(
    Policies, OneBrain,
    ::testing::Values(Case{Reconfiguration::kBlock, 1}, Case{Reconfiguration::kReuse, 2},
                      Case{Reconfiguration::kCopilot, 3}, Case{Reconfiguration::kOracle, 1},
                      Case{Reconfiguration::kHitless, 3}, Case{Reconfiguration::kHidden, 1}),
    [](const auto& one) { return std::string(to_string(one.param.policy)); });

}  // namespace
}  // namespace mixnet
