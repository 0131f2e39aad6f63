// One brain in all its bodies: one sequence of demands gives the same circuits in the simulator, in
// the daemon, and on the switch that the daemon drives, over each driver.
#include <gtest/gtest.h>

#include "live_region.h"
#include "simulated_region.h"

namespace mixnet {
namespace {

class DaemonRegion {
 public:
  DaemonRegion(Reconfiguration policy, AllocatorKind allocator, Time delay, SwitchProtocol protocol)
      : device_(config()), live_(device_, options(policy, allocator, delay, protocol)) {
    live_.add_tenant();
  }

  Used pass(const Layer& layer) {
    const PhaseId phase{sequence_ += 2, 0, 0, layer.backward};
    live_.loop().post(
        DemandReport{1,
                     phase,
                     layer.bytes,
                     {Duration::of(layer.attention), Duration::of(layer.experts), {}, false}});
    live_.await([&](const RegionState& state) { return state.find(1)->announced.served == phase; });
    live_.loop().post(PhaseMark{1, phase.sequence, true});
    Used used;
    used.first = lit();
    live_.loop().post(PhaseMark{1, phase.sequence, false});
    live_.await_settled();
    live_.loop().post(PhaseMark{1, phase.sequence + 1, true});
    used.second = lit();
    live_.loop().post(PhaseMark{1, phase.sequence + 1, false});
    live_.await_settled();
    return used;
  }

 private:
  static EmulatedSwitchConfig config() {
    EmulatedSwitchConfig config;
    config.ports = kServers * kOptical;
    return config;
  }
  static LiveRegionOptions options(Reconfiguration policy, AllocatorKind allocator, Time delay,
                                   SwitchProtocol protocol) {
    LiveRegionOptions options;
    options.servers = kServers;
    options.optical_nics = kOptical;
    options.eps_nics = kEps;
    options.protocol = protocol;
    options.controller = fmt::format(
        "  nic-rate: 400Gbps\n  policy: {}\n  allocator: {}\n  budget: {}\n"
        "  switch-delay: {}us\n",
        to_string(policy), to_string(allocator), PlannerOptions{}.budget, delay.ps / 1'000'000);
    return options;
  }

  /// On the switch, once the daemon says that it is settled; and announced are the same.
  CircuitCounts lit() {
    live_.await_settled();
    CircuitCounts said(kServers, kServers), found(kServers, kServers);
    live_.loop().inspect([&](const RegionState& state) {
      for (const Circuit& c : state.find(1)->announced.circuits) {
        ++said(c.server_a, c.server_b);
        ++said(c.server_b, c.server_a);
      }
    });
    for (const OpticalCircuit& c : device_.circuits()) {
      ++found((c.a - 1) / kOptical, (c.b - 1) / kOptical);
      ++found((c.b - 1) / kOptical, (c.a - 1) / kOptical);
    }
    EXPECT_EQ(text(said), text(found)) << "announced, and on the switch";
    return found;
  }

  EmulatedDevice device_;
  LiveRegion live_;
  std::uint64_t sequence_ = 0;
};

class OneRegion : public ::testing::TestWithParam<SwitchProtocol> {};

TEST_P(OneRegion, SameDemandsSameCircuitsOnTheSwitch) {
  for (const Reconfiguration policy :
       {Reconfiguration::kBlock, Reconfiguration::kReuse, Reconfiguration::kHitless}) {
    for (const AllocatorKind allocator : {AllocatorKind::kGreedy, AllocatorKind::kRefined}) {
      const Time delay = Time::milliseconds(3);
      SimulatedRegion simulated(policy, allocator, delay);
      DaemonRegion daemon(policy, allocator, delay, GetParam());
      const Layer first = layers_of(1).front();
      simulated.light_for(first.bytes);
      daemon.pass(first);
      int at = 0;
      for (const Layer& layer : layers_of(7)) {
        const Used here = simulated.pass(layer);
        const Used there = daemon.pass(layer);
        const std::string where =
            fmt::format("layer {}, {}, {}", at++, to_string(policy), to_string(allocator));
        ASSERT_EQ(text(here.first), text(there.first)) << "first all-to-all of " << where;
        ASSERT_EQ(text(here.second), text(there.second)) << "second all-to-all of " << where;
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Drivers, OneRegion,
                         ::testing::Values(SwitchProtocol::kTl1, SwitchProtocol::kScpi,
                                           SwitchProtocol::kGnmi),
                         [](const auto& one) { return std::string(to_string(one.param)); });

}  // namespace
}  // namespace mixnet
