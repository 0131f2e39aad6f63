#include "daemon/device_view.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <string>

namespace mixnet {
namespace {

PortPair ordered(int a, int b) { return {std::min(a, b), std::max(a, b)}; }

/// The port behind a position; -1: none that the controller may name.
int port_of(const DaemonSettings& settings, int position) {
  if (position < 0 || position >= static_cast<int>(settings.port_of_position.size())) return -1;
  const int port = settings.port_of_position[position];
  return port >= 0 && std::ranges::binary_search(settings.region.forbidden, port) ? -1 : port;
}

int position_of(const DaemonSettings& settings, int port) {
  if (port < 0 || port >= static_cast<int>(settings.position_of_port.size()) ||
      std::ranges::binary_search(settings.region.forbidden, port)) {
    return 0;
  }
  return settings.position_of_port[port];
}

bool is_wanted(const RegionState& state, PortPair pair) {
  if (std::ranges::binary_search(state.pins, pair)) return true;
  return std::ranges::any_of(state.slices, [&](const Slice& slice) {
    return std::ranges::binary_search(slice.target, pair);
  });
}

std::vector<OpticalCircuit> circuits_of(const std::vector<PortPair>& pairs,
                                        const DaemonSettings& settings) {
  std::vector<OpticalCircuit> circuits;
  circuits.reserve(pairs.size());
  for (const PortPair& pair : pairs) {
    const int a = position_of(settings, pair.a);
    const int b = position_of(settings, pair.b);
    if (a > 0 && b > 0) circuits.push_back({std::min(a, b), std::max(a, b)});
  }
  return circuits;
}

}  // namespace

DeviceView view_of(const CrossConnects& read, const DaemonSettings& settings,
                   const RegionState& state) {
  DeviceView view;
  std::set<int> named;
  const auto take = [&](int from, int to, bool is_half) {
    const OpticalCircuit circuit{std::min(from, to), std::max(from, to)};
    const int a = port_of(settings, from);
    const int b = port_of(settings, to);
    const PortPair pair = ordered(a, b);
    if (a < 0 || b < 0 || a == b) {
      view.clutter.push_back(circuit);
    } else if (is_half && is_wanted(state, pair)) {
      return;
    } else if (named.contains(a) || named.contains(b)) {
      view.clutter.push_back(circuit);
    } else {
      named.insert({a, b});
      view.lit.push_back(pair);
    }
  };
  for (const OpticalCircuit& circuit : read.circuits) take(circuit.a, circuit.b, false);
  for (const LightPath& half : read.halves) take(half.from, half.to, true);
  std::ranges::sort(view.lit);
  return view;
}

SwitchChange change_of(const DeviceCommand& command, const DaemonSettings& settings,
                       std::span<const OpticalCircuit> clutter) {
  SwitchChange change{.disconnect = circuits_of(command.disconnect, settings),
                      .connect = circuits_of(command.connect, settings)};
  if (clutter.empty()) return change;
  std::set<int> named;
  for (const OpticalCircuit& circuit : change.connect) named.insert({circuit.a, circuit.b});
  for (const OpticalCircuit& circuit : clutter) {
    if (std::ranges::find(change.connect, circuit) != change.connect.end() ||
        std::ranges::find(change.disconnect, circuit) != change.disconnect.end()) {
      continue;
    }
    if (named.contains(circuit.a) || named.contains(circuit.b)) {
      change.disconnect.push_back(circuit);
    }
  }
  return change;
}

DeviceAnswer answer_of(const DeviceCommand& command, const ChangeReport& report,
                       const DaemonSettings& settings, std::span<const int> taken) {
  DeviceAnswer answer;
  answer.id = command.id;
  answer.ok = report.complete();
  if (answer.ok) {
    answer.has_lit = true;
    answer.lit = command.connect;
    for (PortPair& pair : answer.lit) pair = ordered(pair.a, pair.b);
    return answer;
  }
  for (const PairResult& pair : report.pairs) {
    if (pair.outcome != PairOutcome::kBusy) continue;
    const auto is_taken = [&](int position) { return std::ranges::binary_search(taken, position); };
    if (is_taken(pair.circuit.a) == is_taken(pair.circuit.b)) continue;
    answer.denied_port =
        port_of(settings, is_taken(pair.circuit.a) ? pair.circuit.a : pair.circuit.b);
    break;
  }
  return answer;
}

std::string text_of(std::span<const OpticalCircuit> circuits) {
  std::string text;
  for (const OpticalCircuit& circuit : circuits) {
    fmt::format_to(std::back_inserter(text), "{}{}-{}", text.empty() ? "" : ", ", circuit.a,
                   circuit.b);
  }
  return text;
}

std::string text_of(const DeviceCommand& command, const SwitchChange& change) {
  std::string text = fmt::format("command {}:", command.id);
  if (!change.disconnect.empty()) text += " disconnect " + text_of(change.disconnect);
  if (!change.disconnect.empty() && !change.connect.empty()) text += ";";
  if (!change.connect.empty()) text += " connect " + text_of(change.connect);
  return text;
}

std::string text_of(const ChangeReport& report) {
  if (report.complete()) {
    if (report.turn_around != Duration::zero()) {
      return "done in " + to_string(report.turn_around.to_time());
    }
    const bool has_moved = std::ranges::any_of(report.pairs, [](const PairResult& pair) {
      return pair.outcome == PairOutcome::kDone;  // in no time: on an observer's picture
    });
    return has_moved ? "done" : "done: was so already";
  }
  std::string text;
  for (const PairResult& pair : report.pairs) {
    if (pair.outcome == PairOutcome::kDone || pair.outcome == PairOutcome::kAlready) continue;
    fmt::format_to(std::back_inserter(text), "{}{} {}-{}: {}", text.empty() ? "" : ", ",
                   pair.connect ? "connect" : "disconnect", pair.circuit.a, pair.circuit.b,
                   to_string(pair.outcome));
    if (!pair.reason.empty()) text += " (" + pair.reason + ")";
  }
  return text;
}

}  // namespace mixnet
