#include "cabling/cabling.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

namespace mixnet {
namespace {

/// The position that both circuits have; 0: none, or more than one.
int common_end(const std::set<OpticalCircuit>& circuits) {
  if (circuits.size() < 2) return 0;
  std::map<int, std::size_t> times;
  for (const OpticalCircuit& circuit : circuits) {
    ++times[circuit.a];
    ++times[circuit.b];
  }
  int common = 0;
  for (const auto& [position, count] : times) {
    if (count != circuits.size()) continue;
    if (common != 0) return 0;
    common = position;
  }
  return common;
}

int other_end(OpticalCircuit circuit, int end) { return circuit.a == end ? circuit.b : circuit.a; }
bool has_end(OpticalCircuit circuit, int end) { return circuit.a == end || circuit.b == end; }

/// Carries what is known at one end of a hearing to the other; false when nothing was new.
bool settle(const std::vector<Hearing>& hearings, std::vector<Plugged>& found) {
  bool changed = false;
  for (const Hearing& hearing : hearings) {
    int& from = found[static_cast<std::size_t>(hearing.from)].sends_into;
    int& to = found[static_cast<std::size_t>(hearing.to)].hears_from;
    if (from == 0 && to != 0 && has_end(hearing.lit, to)) {
      from = other_end(hearing.lit, to);
      changed = true;
    } else if (to == 0 && from != 0 && has_end(hearing.lit, from)) {
      to = other_end(hearing.lit, from);
      changed = true;
    }
  }
  return changed;
}

/// Takes the first open hearing as it should be, or as near as it can be.
bool assume(const std::vector<int>& expected, const std::vector<Hearing>& hearings,
            std::vector<Plugged>& found) {
  for (const Hearing& hearing : hearings) {
    int& from = found[static_cast<std::size_t>(hearing.from)].sends_into;
    int& to = found[static_cast<std::size_t>(hearing.to)].hears_from;
    if (from != 0 || to != 0) continue;
    const int wanted = expected[static_cast<std::size_t>(hearing.from)];
    const int heard_at = expected[static_cast<std::size_t>(hearing.to)];
    const bool turned =
        has_end(hearing.lit, wanted) ? hearing.lit.b == wanted : hearing.lit.a == heard_at;
    from = turned ? hearing.lit.b : hearing.lit.a;
    to = other_end(hearing.lit, from);
    return true;
  }
  return false;
}

}  // namespace

std::vector<OpticalCircuit> survey_circuits(std::vector<int> positions) {
  std::ranges::sort(positions);
  std::vector<OpticalCircuit> circuits;
  for (std::size_t i = 0; i + 1 < positions.size(); ++i) {
    circuits.push_back({positions[i], positions[i + 1]});
  }
  if (positions.size() > 2) circuits.push_back({positions.front(), positions.back()});
  return circuits;
}

std::vector<Plugged> locate(const std::vector<int>& expected,
                            const std::vector<Hearing>& hearings) {
  std::vector<Plugged> found(expected.size());
  std::vector<std::set<OpticalCircuit>> heard(expected.size());
  std::vector<std::set<OpticalCircuit>> hears(expected.size());
  for (const Hearing& hearing : hearings) {
    heard[static_cast<std::size_t>(hearing.from)].insert(hearing.lit);
    hears[static_cast<std::size_t>(hearing.to)].insert(hearing.lit);
  }
  for (std::size_t nic = 0; nic < expected.size(); ++nic) {
    found[nic] = {common_end(heard[nic]), common_end(hears[nic])};
  }
  do {
    while (settle(hearings, found)) {
    }
  } while (assume(expected, hearings, found));
  return found;
}

std::vector<Plugged> locate(const std::vector<int>& expected,
                            const std::vector<Carrier>& carriers) {
  std::vector<Plugged> found(expected.size());
  std::vector<std::set<OpticalCircuit>> lit(expected.size());
  for (const Carrier& carrier : carriers) {
    lit[static_cast<std::size_t>(carrier.nic)].insert(carrier.lit);
  }
  for (std::size_t nic = 0; nic < expected.size(); ++nic) {
    found[nic].hears_from = common_end(lit[nic]);
    // One circuit alone: its other neighbour may be dark, so it is taken as it should be.
    if (lit[nic].size() == 1 && has_end(*lit[nic].begin(), expected[nic])) {
      found[nic].hears_from = expected[nic];
    }
  }
  return found;
}

std::string describe_fault(std::size_t nic, const std::vector<int>& expected,
                           const std::vector<Plugged>& found, const std::vector<std::string>& names,
                           bool knows_sender, bool knows_hearer) {
  const auto owner = [&](int position) -> std::string {
    const auto at = std::ranges::find(expected, position);
    if (at == expected.end()) return fmt::format("port {}", position);
    return fmt::format("port {}, which is {}'s", position,
                       names[static_cast<std::size_t>(at - expected.begin())]);
  };
  const Plugged& plugged = found[nic];
  const bool wrong_sender = knows_sender && plugged.sends_into != expected[nic];
  const bool wrong_hearer = knows_hearer && plugged.hears_from != expected[nic];
  if (!wrong_sender && !wrong_hearer) return "";
  const bool same = plugged.sends_into == plugged.hears_from;
  const int elsewhere = knows_sender ? plugged.sends_into : plugged.hears_from;
  if ((same || knows_sender != knows_hearer) && elsewhere != 0) {
    return fmt::format("is plugged into {}", owner(elsewhere));
  }
  if (plugged.sends_into == 0 && plugged.hears_from == 0) return "no light passes either way";
  std::string text;
  if (wrong_sender) {
    text = plugged.sends_into == 0 ? std::string("what it sends is not heard")
                                   : fmt::format("sends into {}", owner(plugged.sends_into));
  }
  if (wrong_hearer) {
    if (!text.empty()) text += "; ";
    text += plugged.hears_from == 0 ? std::string("it hears nothing")
                                    : fmt::format("hears from {}", owner(plugged.hears_from));
  }
  return text;
}

}  // namespace mixnet
