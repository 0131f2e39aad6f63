#include "ocs/change_plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "ocs/switch_error.h"

namespace mixnet {
namespace {

constexpr std::size_t kDelaysKept = 64;

[[noreturn]] void refuse(std::string_view device, std::string problem, std::string_view remedy) {
  throw SwitchError(SwitchFault::kMisuse, device, problem, remedy);
}

void check_position(int position, const PortNumbering& numbering, const PortSlice& slice,
                    std::string_view device) {
  if (position < 1 || position > numbering.positions) {
    refuse(device, fmt::format("port {} is asked for", position),
           fmt::format("ports are 1 to {}", numbering.positions));
  }
  if (!in_slice(slice, position)) {
    refuse(device, fmt::format("port {} is asked for", position),
           "it is not in the slice given to this driver");
  }
}

void check_list(const std::vector<OpticalCircuit>& circuits, const PortNumbering& numbering,
                const PortSlice& slice, std::string_view device) {
  for (const OpticalCircuit& circuit : circuits) {
    for (const int position : {circuit.a, circuit.b}) {
      check_position(position, numbering, slice, device);
    }
    if (circuit.a > circuit.b) {
      refuse(device, fmt::format("circuit {}-{} is asked for", circuit.a, circuit.b),
             "the smaller number comes first");
    }
  }
}

void check_connects(const std::vector<OpticalCircuit>& circuits, std::string_view device) {
  std::set<int> named;
  for (const OpticalCircuit& circuit : circuits) {
    if (circuit.a == circuit.b) {
      refuse(device, fmt::format("port {} is to be connected with itself", circuit.a),
             "a circuit joins two ports");
    }
    for (const int position : {circuit.a, circuit.b}) {
      if (!named.insert(position).second) {
        refuse(device, fmt::format("port {} is in two circuits to connect", position),
               "one circuit a port");
      }
    }
  }
}

/// Which patch each port of the device is in.
using Standing = std::map<int, Patch>;

Standing by_port(std::span<const Patch> patches) {
  Standing standing;
  for (const Patch& patch : patches) {
    standing.emplace(patch.in, patch);
    standing.emplace(patch.out, patch);
  }
  return standing;
}

bool stands(const Standing& standing, Patch patch) {
  const auto found = standing.find(patch.in);
  return found != standing.end() && found->second == patch;
}

/// One pair's part of a disconnect: its patches that stand.
PairOutcome plan_disconnect(OpticalCircuit circuit, const PortNumbering& numbering,
                            Standing& standing, std::vector<Patch>& remove) {
  PairOutcome outcome = PairOutcome::kAlready;
  for (const Patch& patch : numbering.patches(circuit)) {
    if (!stands(standing, patch)) continue;
    remove.push_back(patch);
    standing.erase(patch.in);
    standing.erase(patch.out);
    outcome = PairOutcome::kDone;
  }
  return outcome;
}

PairOutcome plan_connect(OpticalCircuit circuit, const PortNumbering& numbering,
                         const Standing& standing, std::vector<Patch>& add) {
  std::vector<Patch> missing;
  for (const Patch& patch : numbering.patches(circuit)) {
    if (stands(standing, patch)) continue;
    if (standing.contains(patch.in) || standing.contains(patch.out)) return PairOutcome::kBusy;
    missing.push_back(patch);
  }
  add.insert(add.end(), missing.begin(), missing.end());
  return missing.empty() ? PairOutcome::kAlready : PairOutcome::kDone;
}

std::vector<Patch> all_ordered(std::span<const Patch> patches, const PortNumbering& numbering) {
  std::vector<Patch> ordered;
  ordered.reserve(patches.size());
  for (const Patch& patch : patches) ordered.push_back(numbering.ordered(patch));
  return ordered;
}

}  // namespace

bool ChangeReport::complete() const {
  return std::ranges::all_of(pairs, [](const PairResult& pair) {
    return pair.outcome == PairOutcome::kDone || pair.outcome == PairOutcome::kAlready;
  });
}

void check_change(const SwitchChange& change, const PortNumbering& numbering,
                  const PortSlice& slice, std::string_view device) {
  check_list(change.disconnect, numbering, slice, device);
  check_list(change.connect, numbering, slice, device);
  check_connects(change.connect, device);
}

ChangePlan plan_change(const SwitchChange& change, std::span<const Patch> standing,
                       const PortNumbering& numbering) {
  ChangePlan plan;
  Standing left = by_port(all_ordered(standing, numbering));
  for (const OpticalCircuit& circuit : change.disconnect) {
    plan.before.push_back(plan_disconnect(circuit, numbering, left, plan.remove));
  }
  for (const OpticalCircuit& circuit : change.connect) {
    plan.before.push_back(plan_connect(circuit, numbering, left, plan.add));
  }
  return plan;
}

ChangeReport judge_change(const SwitchChange& change, const ChangePlan& plan,
                          std::span<const Patch> standing_after,
                          const std::map<Patch, std::string>& denied,
                          const PortNumbering& numbering) {
  const Standing after = by_port(all_ordered(standing_after, numbering));
  ChangeReport report;
  const auto judge = [&](OpticalCircuit circuit, bool connect) {
    PairResult result{.circuit = circuit, .connect = connect};
    const std::vector<Patch> patches = numbering.patches(circuit);
    const bool as_asked = std::ranges::all_of(
        patches, [&](const Patch& patch) { return stands(after, patch) == connect; });
    const PairOutcome before = plan.before.at(report.pairs.size());
    for (const Patch& patch : patches) {
      const auto why = denied.find(patch);
      if (why != denied.end() && result.reason.empty()) result.reason = why->second;
    }
    if (as_asked) {
      // An answer that says no, where the state says yes, is a matter of who asked first.
      result.outcome = before == PairOutcome::kAlready ? PairOutcome::kAlready : PairOutcome::kDone;
      result.reason.clear();
    } else if (before == PairOutcome::kBusy) {
      result.outcome = PairOutcome::kBusy;
      result.reason = "a port is in another cross-connect";
    } else {
      result.outcome = result.reason.empty() ? PairOutcome::kDisobeyed : PairOutcome::kDenied;
    }
    report.pairs.push_back(std::move(result));
  };
  for (const OpticalCircuit& circuit : change.disconnect) judge(circuit, false);
  for (const OpticalCircuit& circuit : change.connect) judge(circuit, true);
  return report;
}

SwitchChange reconcile(const CrossConnects& standing, std::span<const OpticalCircuit> wanted) {
  SwitchChange change;
  const std::set<OpticalCircuit> want(wanted.begin(), wanted.end());
  std::set<OpticalCircuit> have;
  std::set<OpticalCircuit> drop;
  for (const OpticalCircuit& circuit : standing.circuits) {
    if (want.contains(circuit)) {
      have.insert(circuit);
    } else {
      drop.insert(circuit);
    }
  }
  for (const LightPath& half : standing.halves) {
    const OpticalCircuit circuit{std::min(half.from, half.to), std::max(half.from, half.to)};
    // A half of a wanted circuit is made whole by its connect.
    if (!want.contains(circuit)) drop.insert(circuit);
  }
  change.disconnect.assign(drop.begin(), drop.end());
  for (const OpticalCircuit& circuit : want) {
    const bool taken = std::ranges::binary_search(standing.taken, circuit.a) ||
                       std::ranges::binary_search(standing.taken, circuit.b);
    if (!taken && !have.contains(circuit)) change.connect.push_back(circuit);
  }
  return change;
}

void DelayMeter::add(Duration delay) {
  if (last_.size() < kDelaysKept) {
    last_.push_back(delay);
    return;
  }
  last_[next_] = delay;
  next_ = (next_ + 1) % kDelaysKept;
}

Duration DelayMeter::median() const {
  if (last_.empty()) return Duration::zero();
  std::vector<Duration> sorted = last_;
  const auto middle = sorted.begin() + static_cast<std::ptrdiff_t>(sorted.size() / 2);
  std::ranges::nth_element(sorted, middle);
  return *middle;
}

}  // namespace mixnet
