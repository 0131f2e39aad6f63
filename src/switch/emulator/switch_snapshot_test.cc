#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "emulator/emulated_switch.h"
#include "emulator/test_switch.h"

namespace mixnet {
namespace {

using nlohmann::json;
using testing::HasSubstr;

/// With something of everything.
std::string a_snapshot() {
  EmulatedSwitch device(switch_config("none", 8, Sides::kTwo));
  PathRequest request;
  request.add = {{1, 5}, {5, 1}, {2, 2}};
  device.request(request, at_ms(0));
  device.set_shutter(3, true, at_ms(0));
  device.light().set_label(4, "server-2 nic 1");
  device.light().set_fibre_loss(4, FibreEnd::kOut, 6);
  device.light().set_input(6, std::nullopt);
  device.light().swap(7, 8, FibreEnd::kIn);
  for (const std::string_view fault :
       {"stuck@idle port=2 for=10s", "dark@idle port=1", "swapped@idle port=5 with=6 for=3s"}) {
    device.strike(parse_fault(fault, "--fault", 8), at_ms(0));
  }
  device.advance(at_ms(1000));
  return device.snapshot();
}

std::string error_of(const std::string& text, Sides sides = Sides::kTwo) {
  WatchedSwitch watched(switch_config("none", 8, sides));
  const std::string before = watched.device.snapshot();
  try {
    watched.device.restore(text, "state.json", at_ms(0));
  } catch (const Error& error) {
    EXPECT_EQ(watched.device.snapshot(), before);
    EXPECT_TRUE(watched.told.empty());
    return error.what();
  }
  return "";
}

/// The snapshot with one thing changed.
std::string error_with(std::string_view pointer, const json& value) {
  json document = json::parse(a_snapshot());
  document[json::json_pointer(std::string(pointer))] = value;
  return error_of(document.dump());
}

TEST(SwitchSnapshot, WhatIsRestoredIsWhatWas) {
  WatchedSwitch watched(switch_config("none", 8, Sides::kTwo));
  watched.device.restore(a_snapshot(), "state.json", at_ms(50'000));
  EXPECT_EQ(watched.device.snapshot(), a_snapshot());
  EXPECT_EQ(watched.device.wear(1), 1);
  EXPECT_EQ(watched.device.state(2), PortState::kFailed);
  EXPECT_EQ(watched.device.state(3), PortState::kBlocked);
  EXPECT_EQ(watched.device.light().label(4), "server-2 nic 1");
  EXPECT_EQ(watched.device.light().fibre_loss(4, FibreEnd::kOut), 6);
  EXPECT_EQ(watched.device.reading(6).input_dbm, kDarkDbm);
  // Light is told of: of 1 none enters, and fibres 5 and 6 are swapped.
  EXPECT_EQ(watched.lit, (std::map<int, int>{{2, 2}, {5, 1}}));
  // Faults end when they would have: 1 s of them had passed.
  EXPECT_EQ(watched.device.next_event(), at_ms(52'000));
  watched.settle();
  EXPECT_EQ(watched.device.state(2), PortState::kOpen);
  EXPECT_EQ(watched.device.light().exit_of(5), 5);
}

TEST(SwitchSnapshot, WhatWasMovingIsDark) {
  WatchedSwitch watched(switch_config("fixed:25ms"));
  watched.make(connect({{1, 9}, {2, 10}}), at_ms(0));
  watched.device.request(change({{1, 9}}, {{1, 11}}), at_ms(100));
  WatchedSwitch again(switch_config("fixed:25ms"));
  again.device.restore(watched.device.snapshot(), "state.json", at_ms(0));
  EXPECT_EQ(again.device.path_from(1), 0);
  EXPECT_EQ(again.device.path_from(2), 10);
  EXPECT_EQ(again.make(connect({{1, 11}}), at_ms(10)).refusal, Refusal::kNone);
}

TEST(SwitchSnapshot, SaysWhatIsDamaged) {
  EXPECT_THAT(error_of("{"), HasSubstr("state.json"));
  EXPECT_THAT(error_of("{}"), HasSubstr("format"));
  EXPECT_THAT(error_with("/format", "other"), HasSubstr("is another file's"));
  EXPECT_EQ(error_with("/version", 2),
            "state.json (key 'version'): is not known; version 1, as this program writes it");
  EXPECT_THAT(error_with("/ports", 9), HasSubstr("state of a switch of 9 ports"));
  EXPECT_THAT(error_of(a_snapshot(), Sides::kOne), HasSubstr("this one has 8 ports, sides: one"));
  EXPECT_THAT(error_with("/paths/0", json({1, 9})), HasSubstr("paths[0][1]"));
  EXPECT_THAT(error_with("/paths/0", json({1})), HasSubstr("[from, to]"));
  EXPECT_THAT(error_with("/paths/0", json({1, 2})), HasSubstr("meets another"));
  EXPECT_THAT(error_with("/positions/0/at", 0), HasSubstr("positions[0].at"));
  EXPECT_THAT(error_with("/positions/0/wear", -1), HasSubstr("wear"));
  EXPECT_THAT(error_with("/positions/0/loss_in", 1e9), HasSubstr("at most 1000 dB"));
  EXPECT_THAT(error_with("/positions/0/label", std::string(3 * kMostLabel + 1, 'x')),
              HasSubstr("765 bytes"));
  EXPECT_THAT(error_with("/positions/0/output", 5), HasSubstr("two fibres lead to"));
  EXPECT_THAT(error_with("/faults/0/kind", "deny"), HasSubstr("does not last"));
  EXPECT_THAT(error_with("/faults/2/with", 4), HasSubstr("not exchanged"));
  json twice = json::parse(a_snapshot());
  twice["faults"].push_back(twice["faults"][0]);
  EXPECT_THAT(error_of(twice.dump()), HasSubstr("each once"));
}

TEST(SwitchSnapshot, ADeviceOfOneSideHasNoHalfCircuit) {
  EmulatedSwitch device(switch_config("none", 8));
  device.request(connect({{1, 2}}), at_ms(0));
  json half = json::parse(device.snapshot());
  half["paths"].erase(0);
  EXPECT_THAT(error_of(half.dump(), Sides::kOne), HasSubstr("path 2-1 is half a circuit"));
}

TEST(SwitchSnapshot, ALabelMayBeAnyBytes) {
  EmulatedSwitch device(switch_config("none", 8));
  device.light().set_label(1, "\xff\"\n");
  EmulatedSwitch again(switch_config("none", 8));
  again.restore(device.snapshot(), "state.json", at_ms(0));
  EXPECT_EQ(again.light().label(1), "\xEF\xBF\xBD\"\n");
}

TEST(SwitchSnapshot, HoldsTheLongestLabelWhateverItIsMadeOf) {
  EmulatedSwitch device(switch_config("none"));
  device.set_label(3, std::string(kMostLabel, '\xff'));  // three bytes each in JSON
  EmulatedSwitch again(switch_config("none"));
  again.restore(device.snapshot(), "state.json", at_ms(0));
  EXPECT_FALSE(again.light().label(3).empty());
}

}  // namespace
}  // namespace mixnet
