// What tests of the emulated switch share: moments, circuits as paths, and a switch to ask.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string_view>
#include <vector>

#include "emulator/emulated_switch.h"

namespace mixnet {

inline MonotonicTime at_ms(double ms) {
  return MonotonicTime(std::chrono::nanoseconds(static_cast<std::int64_t>(ms * 1e6)));
}

/// Both paths of each circuit.
inline std::vector<LightPath> circuits(const std::vector<OpticalCircuit>& list) {
  std::vector<LightPath> paths;
  for (const OpticalCircuit circuit : list) {
    paths.push_back({circuit.a, circuit.b});
    paths.push_back({circuit.b, circuit.a});
  }
  return paths;
}
inline PathRequest connect(const std::vector<OpticalCircuit>& list) {
  return {.remove = {}, .add = circuits(list), .takes = {}};
}
inline PathRequest disconnect(const std::vector<OpticalCircuit>& list) {
  return {.remove = circuits(list), .add = {}, .takes = {}};
}
inline PathRequest change(const std::vector<OpticalCircuit>& remove,
                          const std::vector<OpticalCircuit>& add) {
  return {.remove = circuits(remove), .add = circuits(add), .takes = {}};
}

inline EmulatedSwitchConfig switch_config(std::string_view timing, int ports = 16,
                                          Sides sides = Sides::kOne) {
  EmulatedSwitchConfig config;
  config.ports = ports;
  config.sides = sides;
  config.timing = SwitchTiming::parse(timing, "--timing");
  return config;
}

/// A switch, and where the light of each position leaves, by what it was told.
struct WatchedSwitch {
  explicit WatchedSwitch(EmulatedSwitchConfig config)
      : device(std::move(config), [this](int from, int to, MonotonicTime lit_at) {
          told.push_back({from, to});
          last = lit_at;
          to == 0 ? static_cast<void>(lit.erase(from)) : static_cast<void>(lit[from] = to);
          lit_since[from] = lit_at;
        }) {}

  /// The one answer that is there.
  RequestAnswer answer() {
    const std::vector<RequestAnswer> answers = device.take_answers();
    EXPECT_EQ(answers.size(), 1u);
    return answers.empty() ? RequestAnswer{} : answers.front();
  }
  /// Makes the change, advances until nothing is due, and gives the answer.
  RequestAnswer make(const PathRequest& request, MonotonicTime now) {
    device.request(request, now);
    settle();
    return answer();
  }
  void settle() {
    while (device.next_event()) device.advance(*device.next_event());
  }
  /// Those whose time has come by `now`.
  std::vector<LightPath> lit_paths(MonotonicTime now = MonotonicTime::max()) const {
    std::vector<LightPath> paths;
    for (const auto& [from, to] : lit) {
      if (lit_since.at(from) <= now) paths.push_back({from, to});
    }
    return paths;
  }

  std::map<int, int> lit;
  std::map<int, MonotonicTime> lit_since;
  std::vector<LightPath> told;
  MonotonicTime last;
  EmulatedSwitch device;
};

}  // namespace mixnet
