#include "service/plan_preview.h"

#include <algorithm>
#include <iterator>
#include <set>
#include <utility>

#include "wire/region_wire.h"

namespace mixnet {
namespace {

constexpr std::size_t kMostAlarms = 100;

/// A switch that does what it is told, before it is asked again.
class ObedientSwitch {
 public:
  /// As last read, with what is on its way.
  explicit ObedientSwitch(const RegionState& state) : lit_(state.lit.size(), -1) {
    for (std::size_t port = 0; port < lit_.size(); ++port) {
      const int peer = state.lit[port];
      if (peer >= 0 && state.lit[peer] == static_cast<int>(port)) lit_[port] = peer;
    }
    for (const Slice& slice : state.slices) {
      if (slice.step == Step::kSwitching || slice.step == Step::kReading) {
        carry_out(slice.disconnect, slice.connect);
      }
    }
  }

  void carry_out(const std::vector<PortPair>& disconnect, const std::vector<PortPair>& connect) {
    for (const PortPair& pair : disconnect) {
      if (lit_[pair.a] == pair.b) darken(pair.a);
    }
    for (const PortPair& pair : connect) {
      darken(pair.a);
      darken(pair.b);
      lit_[pair.a] = pair.b;
      lit_[pair.b] = pair.a;
    }
  }
  std::vector<PortPair> lit() const {
    std::vector<PortPair> pairs;
    for (int port = 0; port < static_cast<int>(lit_.size()); ++port) {
      if (lit_[port] > port) pairs.push_back({port, lit_[port]});
    }
    return pairs;
  }

 private:
  void darken(int port) {
    if (lit_[port] >= 0) lit_[lit_[port]] = -1;
    lit_[port] = -1;
  }
  std::vector<int> lit_;
};

class Dream {
 public:
  Dream(RegionState state, Instant now)
      : switch_(state), controller_(std::move(state)), now_(now) {}

  void give(const Event& event) {
    for (const Decision& decision : controller_.handle(now_, event)) {
      if (const auto* command = std::get_if<DeviceCommand>(&decision)) {
        switch_.carry_out(command->disconnect, command->connect);
      } else if (const auto* alarm = std::get_if<Alarm>(&decision)) {
        if (alarms_.size() < kMostAlarms) alarms_.push_back(*alarm);
      }
    }
  }
  /// The next thing that happens. False: the tenant's slice has come to rest.
  bool step(int tenant) {
    for (const Slice& slice : state().slices) {
      if (slice.step == Step::kSwitching) {
        give(DeviceAnswer{slice.awaited, true, -1, false, {}});
        return true;
      }
      if (slice.step == Step::kReading) {
        give(DeviceState{slice.awaited, switch_.lit()});
        return true;
      }
    }
    const Slice* slice = state().find(tenant);
    if (slice == nullptr) return false;
    if (slice->step == Step::kDraining || is_capped(*slice)) {
      now_ = controller_.next_deadline();
      give(Tick{});
      return true;
    }
    const std::uint64_t ends = slice->running != 0 ? slice->running : slice->phase.sequence;
    const bool waits = slice->next_phase.sequence != 0 || slice->held;
    if (!waits || ends == 0 || slice->ended >= ends) return false;
    give(PhaseMark{tenant, ends, false});
    return true;
  }
  const RegionState& state() const { return controller_.state(); }
  const std::vector<Alarm>& alarms() const { return alarms_; }
  std::vector<PortPair> lit() const { return switch_.lit(); }

 private:
  /// It has moves left that a cap on moves alone makes wait.
  bool is_capped(const Slice& slice) const {
    if (state().config.moves_per_minute == 0 || state().held) return false;
    return std::ranges::any_of(slice.target, [&](const PortPair& pair) {
      return state().lit[pair.a] != pair.b && state().usable(pair.a) && state().usable(pair.b);
    });
  }

  ObedientSwitch switch_;
  RegionController controller_;
  Instant now_;
  std::vector<Alarm> alarms_;
};

std::uint64_t latest_of(const RegionState& state, int tenant) {
  const Slice* slice = state.find(tenant);
  if (slice == nullptr) return 0;
  return std::max(
      {slice->phase.sequence, slice->next_phase.sequence, slice->running, slice->ended});
}

std::vector<PortPair> less(const std::vector<PortPair>& from, const std::vector<PortPair>& what) {
  std::vector<PortPair> rest;
  std::ranges::set_difference(from, what, std::back_inserter(rest));
  return rest;
}

v1::PortPair to_wire(const PortPair& pair) {
  v1::PortPair wire;
  wire.set_a(pair.a);
  wire.set_b(pair.b);
  return wire;
}

}  // namespace

PlanPreview preview_plan(RegionState state, DemandReport demand, Instant now) {
  if (demand.phase.sequence == 0) demand.phase.sequence = latest_of(state, demand.tenant) + 1;
  const int tenant = demand.tenant;
  Dream dream(std::move(state), now);
  const std::vector<PortPair> before = dream.lit();
  dream.give(std::move(demand));
  for (int steps = 0; steps < PlanPreview::kMostSteps && dream.step(tenant); ++steps) {
  }

  PlanPreview preview;
  const std::vector<PortPair> after = dream.lit();
  const auto is_others = [&](const PortPair& pair) {
    const int owner = dream.state().owner_of(pair.a);
    return owner != tenant || dream.state().owner_of(pair.b) != tenant;
  };
  preview.disconnect = less(before, after);
  preview.connect = less(after, before);
  std::erase_if(preview.disconnect, is_others);
  std::erase_if(preview.connect, is_others);
  std::set<int> moved;
  for (const auto* pairs : {&preview.disconnect, &preview.connect}) {
    for (const PortPair& pair : *pairs) moved.insert({pair.a, pair.b});
  }
  preview.ports_moved = static_cast<int>(moved.size());
  if (const Slice* slice = dream.state().find(tenant)) preview.circuits = slice->announced.circuits;
  preview.alarms = dream.alarms();
  return preview;
}

v1::PlanReply to_wire(const PlanPreview& preview) {
  v1::PlanReply wire;
  for (const PortPair& pair : preview.disconnect) *wire.add_disconnect() = to_wire(pair);
  for (const PortPair& pair : preview.connect) *wire.add_connect() = to_wire(pair);
  TopologyAnnouncement afterwards;
  afterwards.circuits = preview.circuits;
  *wire.mutable_circuits() = std::move(*to_wire(afterwards).mutable_circuits());
  wire.set_ports_moved(preview.ports_moved);
  for (const Alarm& alarm : preview.alarms) *wire.add_alarms() = to_wire(alarm);
  return wire;
}

}  // namespace mixnet
