// A region as the simulator has it, and layers to feed it with: what other bodies are held against.
//
// SimulatedRegion does what a training job does for a layer: what is expected of the circuits that
// are wanted, lit or forecast (MixNetCommunication), and what the policy makes of it.
#pragma once

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cmath>
#include <set>
#include <string>
#include <vector>

#include "base/random.h"
#include "policy/switch_policy.h"
#include "training/mixnet_communication.h"

namespace mixnet {

inline constexpr int kServers = 8;
inline constexpr int kOptical = 6;
inline constexpr int kEps = 2;
inline constexpr Bandwidth kRate = Bandwidth::gbps(400);

/// One pass of one layer.
struct Layer {
  ServerDemand bytes, forecast;
  bool backward = false;
  Time attention, experts;  ///< backward: `attention` hides the switch
};

/// Circuits that the two all-to-alls of a layer have.
struct Used {
  CircuitCounts first, second;
  bool operator==(const Used&) const = default;
};

class SimulatedRegion {
 public:
  SimulatedRegion(Reconfiguration policy, AllocatorKind allocator, Time delay)
      : policy_(policy),
        delay_(delay),
        network_(PacketFabric(FabricKind::kMixNet, kServers, kEps, 1, PathPolicy::kSpray), kOptical,
                 EpSplit::kBalanced, {}, 8, allocator) {}

  Used pass(const Layer& layer) {
    RegionDemand demand;
    demand.servers = kServers;
    demand.server_bytes = layer.bytes;
    SwitchState state;
    state.lit = &lit_;
    state.delay = delay_;
    state.nic_rate = kRate;
    if (policy_ == Reconfiguration::kCopilot && !layer.backward) state.forecast = &layer.forecast;
    const ExchangeTimes exchange = network_.exchange_switched(0, demand, state);
    SwitchedExchange expected = exchange.expected_at(kRate);
    expected.changes = exchange.circuits_change;
    expected.forecast = {exchange.expected_predicted.at(kRate), exchange.expected_present.at(kRate),
                         layer.experts, exchange.predicted_is_present};
    const SwitchMoves moves =
        layer.backward
            ? backward_cost(policy_, delay_, expected, layer.attention).moves
            : forward_cost(policy_, delay_, expected, layer.attention, layer.experts).moves;
    seen_.insert(static_cast<int>(moves.dispatch_over) * 4 + static_cast<int>(moves.combine_over));
    const CircuitCounts predicted = network_.circuits_for(0, layer.forecast);
    const CircuitCounts wanted = network_.circuits_for(0, layer.bytes);
    const auto over = [&](LitCircuits which) {
      return which == LitCircuits::kPresent     ? lit_
             : which == LitCircuits::kPredicted ? predicted
                                                : wanted;
    };
    const Used used = {over(moves.dispatch_over), over(moves.combine_over)};
    lit_ = used.second;
    return used;
  }

  /// As after a first layer, whichever way that one went.
  void light_for(const ServerDemand& demand) { lit_ = network_.circuits_for(0, demand); }

  /// How many different pairs of circuits a layer's two all-to-alls went over.
  std::size_t ways() const { return seen_.size(); }

 private:
  Reconfiguration policy_;
  Time delay_;
  MixNetCommunication network_;
  CircuitCounts lit_{kServers, kServers};
  std::set<int> seen_;
};

inline ServerDemand skewed(Random& random) {
  ServerDemand bytes(kServers, kServers);
  for (std::size_t s = 0; s < kServers; ++s) {
    for (std::size_t t = 0; t < kServers; ++t) {
      if (s == t) continue;
      const double load = std::exp2(static_cast<double>(random.below(4'000)) / 1'000);
      bytes(s, t) = static_cast<std::int64_t>(load * 20e6);
    }
  }
  return bytes;
}

/// Layers after each other, forward and backward, whose demand changes a little or altogether.
inline std::vector<Layer> layers_of(std::uint64_t seed) {
  Random random(seed);
  std::vector<Layer> layers;
  ServerDemand last = skewed(random);
  for (int i = 0; i < 30; ++i) {
    Layer layer;
    layer.bytes = random.below(4) == 0 ? last : skewed(random);
    layer.forecast = random.below(2) == 0 ? layer.bytes : skewed(random);
    layer.backward = random.below(4) == 0;
    layer.attention = Time::milliseconds(static_cast<std::int64_t>(random.below(40)));
    layer.experts = Time::milliseconds(static_cast<std::int64_t>(random.below(40)));
    last = layer.bytes;
    layers.push_back(std::move(layer));
  }
  return layers;
}

inline std::string text(const CircuitCounts& counts) {
  std::string rows;
  for (std::size_t s = 0; s < counts.rows(); ++s) {
    rows += fmt::format("{}\n", fmt::join(counts.row(s), " "));
  }
  return rows;
}

}  // namespace mixnet
