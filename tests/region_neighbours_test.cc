// Two daemons on one switch with a slice each, under load and faults: neither ever touches a port
// of the other's, or of a third's.
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "base/random.h"
#include "live_region.h"

namespace mixnet {
namespace {

constexpr int kServers = 4;
constexpr int kNics = 4;
constexpr int kSlice = kServers * kNics;
constexpr int kPositions = 2 * kSlice + 8;

LiveRegionOptions slice_of(int which) {
  LiveRegionOptions options;
  options.servers = kServers;
  options.optical_nics = kNics;
  options.first_position = 1 + which * kSlice;
  options.protocol = which == 0 ? SwitchProtocol::kTl1 : SwitchProtocol::kGnmi;
  options.controller =
      "  policy: block\n  allocator: greedy\n  switch-delay: 2ms\n  command-timeout: 150ms\n"
      "  read-timeout: 150ms\n  audit: 100ms\n  suspect-hold: 50ms\n";
  return options;
}

int owner_of(int position) { return position > 2 * kSlice ? 2 : (position - 1) / kSlice; }

TEST(RegionNeighbours, NeverTouchEachOthersPorts) {
  EmulatedSwitchConfig config;
  config.ports = kPositions;
  config.sides = Sides::kTwo;
  config.timing = SwitchTiming::fixed(Duration::milliseconds(2));
  // Every light that the switch ever lets through, by whoever asked for it.
  std::set<std::pair<int, int>> strangers;
  EmulatedDevice device(config, [&](int from, int to, MonotonicTime) {
    if (to != 0 && owner_of(from) != owner_of(to)) strangers.emplace(from, to);
  });
  const auto third = [&] {
    return device.with([](EmulatedSwitch& emulated) {
      std::vector<std::int64_t> all;
      for (int port = 2 * kSlice + 1; port <= kPositions; ++port) {
        all.push_back(emulated.path_from(port));
        all.push_back(emulated.wear(port));
      }
      return all;
    });
  };
  device.with([](EmulatedSwitch& emulated) {
    PathRequest request;
    for (int port = 2 * kSlice + 1; port < kPositions; port += 2) {
      request.add.push_back({port, port + 1});
      request.add.push_back({port + 1, port});
    }
    emulated.request(request, std::chrono::steady_clock::now());
  });
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  const std::vector<std::int64_t> before = third();

  LiveRegion left(device, slice_of(0)), right(device, slice_of(1));
  left.add_tenant();
  right.add_tenant();
  Random random(5);
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(4);
  std::uint64_t sequence = 0;
  while (std::chrono::steady_clock::now() < until) {
    ++sequence;
    for (LiveRegion* region : {&left, &right}) {
      DemandReport report{1, {sequence, 0, 0, false}, ServerDemand(kServers, kServers), {}};
      for (std::int64_t& cell : report.bytes.cells()) {
        cell = static_cast<std::int64_t>(random.below(1'000'000));
      }
      region->loop().post(std::move(report));
    }
    if (sequence % 16 == 0) {
      Fault fault;
      constexpr FaultKind kKinds[] = {FaultKind::kDeny, FaultKind::kSilence,
                                      FaultKind::kHalfApplied, FaultKind::kDrop, FaultKind::kSlow};
      fault.kind = kKinds[random.below(std::size(kKinds))];
      fault.stage = random.below(2) == 0 && fault.kind != FaultKind::kHalfApplied
                        ? FaultStage::kReading
                        : FaultStage::kMoving;
      if (fault.kind == FaultKind::kSlow) fault.lasts = Duration::milliseconds(20);
      device.with([&](EmulatedSwitch& emulated) { emulated.faults().arm(fault); });
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  device.with([](EmulatedSwitch& emulated) { emulated.heal(std::chrono::steady_clock::now()); });
  for (LiveRegion* region : {&left, &right}) {
    region->await([&](const RegionState& state) {
      return state.find(1)->step == Step::kSettled && state.find(1)->served.sequence == sequence;
    });
  }
  EXPECT_EQ(third(), before) << "ports of a third were touched";
  EXPECT_TRUE(device.with([&](EmulatedSwitch&) { return strangers.empty(); }))
      << "light between slices";
  std::map<int, int> circuits;
  for (const OpticalCircuit& circuit : device.circuits()) {
    EXPECT_EQ(owner_of(circuit.a), owner_of(circuit.b));
    ++circuits[owner_of(circuit.a)];
  }
  EXPECT_GT(circuits[0], 0);
  EXPECT_GT(circuits[1], 0);
}

}  // namespace
}  // namespace mixnet
