#include "daemon/observed_switch.h"

#include <algorithm>
#include <set>

namespace mixnet {
namespace {

/// Positions of which two readings tell otherwise, halves and what is taken included.
std::set<int> changed(const CrossConnects& before, const CrossConnects& after) {
  std::set<int> positions;
  const auto differ = [&](const auto& one, const auto& other, const auto& name) {
    for (const auto& item : one) {
      if (!std::ranges::binary_search(other, item)) name(item);
    }
  };
  const auto ends = [&](const OpticalCircuit& circuit) {
    positions.insert({circuit.a, circuit.b});
  };
  const auto halves = [&](const LightPath& half) { positions.insert({half.from, half.to}); };
  const auto single = [&](int position) { positions.insert(position); };
  differ(before.circuits, after.circuits, ends);
  differ(after.circuits, before.circuits, ends);
  differ(before.halves, after.halves, halves);
  differ(after.halves, before.halves, halves);
  differ(before.taken, after.taken, single);
  differ(after.taken, before.taken, single);
  return positions;
}

OpticalCircuit pair_of(const LightPath& half) {
  return {std::min(half.from, half.to), std::max(half.from, half.to)};
}

/// Whether it is in another cross-connect than a half of this circuit.
bool is_busy(const CrossConnects& table, int position, const OpticalCircuit& circuit) {
  const auto meets = [&](int one, int other) { return one == position || other == position; };
  return std::ranges::any_of(table.circuits, [&](const auto& c) { return meets(c.a, c.b); }) ||
         std::ranges::any_of(table.halves,
                             [&](const auto& half) {
                               return meets(half.from, half.to) && pair_of(half) != circuit;
                             }) ||
         std::ranges::binary_search(table.taken, position);
}

}  // namespace

ObservedSwitch::ObservedSwitch(OpticalSwitch& real) : real_(real) {}

SwitchCapabilities ObservedSwitch::capabilities(MonotonicTime dead_line) {
  return real_.capabilities(dead_line);
}

CrossConnects ObservedSwitch::cross_connects(MonotonicTime dead_line) {
  CrossConnects now = real_.cross_connects(dead_line);
  if (!has_seen_) {
    picture_ = now;
  } else {
    const std::set<int> moved = changed(seen_, now);
    const auto is_moved = [&](int position) { return moved.contains(position); };
    std::erase_if(picture_.circuits, [&](const auto& c) { return is_moved(c.a) || is_moved(c.b); });
    std::erase_if(picture_.halves,
                  [&](const auto& h) { return is_moved(h.from) || is_moved(h.to); });
    std::erase_if(picture_.taken, is_moved);
    // Both ends of what is new have moved, so nothing of the picture is at them any more.
    for (const auto& c : now.circuits) {
      if (is_moved(c.a) && is_moved(c.b)) picture_.circuits.push_back(c);
    }
    for (const auto& h : now.halves) {
      if (is_moved(h.from) && is_moved(h.to)) picture_.halves.push_back(h);
    }
    for (const int position : now.taken) {
      if (is_moved(position)) picture_.taken.push_back(position);
    }
    std::ranges::sort(picture_.circuits);
    std::ranges::sort(picture_.halves);
    std::ranges::sort(picture_.taken);
  }
  seen_ = std::move(now);
  has_seen_ = true;
  return picture_;
}

ChangeReport ObservedSwitch::apply(const SwitchChange& change, MonotonicTime dead_line) {
  if (!has_seen_) cross_connects(dead_line);
  ChangeReport report;
  for (const OpticalCircuit& circuit : change.disconnect) {
    const auto gone = std::erase(picture_.circuits, circuit) +
                      std::erase_if(picture_.halves, [&](const LightPath& half) {
                        return pair_of(half) == circuit;
                      });
    report.pairs.push_back({.circuit = circuit,
                            .connect = false,
                            .outcome = gone > 0 ? PairOutcome::kDone : PairOutcome::kAlready});
  }
  for (const OpticalCircuit& circuit : change.connect) {
    PairResult result{.circuit = circuit, .connect = true, .outcome = PairOutcome::kDone};
    if (std::ranges::binary_search(picture_.circuits, circuit)) {
      result.outcome = PairOutcome::kAlready;
    } else if (is_busy(picture_, circuit.a, circuit) || is_busy(picture_, circuit.b, circuit)) {
      result.outcome = PairOutcome::kBusy;
    } else {
      std::erase_if(picture_.halves,
                    [&](const LightPath& half) { return pair_of(half) == circuit; });
      picture_.circuits.insert(std::ranges::upper_bound(picture_.circuits, circuit), circuit);
    }
    report.pairs.push_back(std::move(result));
  }
  return report;
}

std::vector<PortReading> ObservedSwitch::ports(std::span<const int> ports,
                                               MonotonicTime dead_line) {
  return real_.ports(ports, dead_line);
}

std::vector<SwitchEvent> ObservedSwitch::events(MonotonicTime dead_line) {
  return real_.events(dead_line);
}

}  // namespace mixnet
