#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "base/error.h"
#include "emulator/emulated_switch.h"

namespace {

/// What is read as a fault is written as one that is read the same.
void try_fault(std::string_view text) {
  try {
    const mixnet::Fault fault = mixnet::parse_fault(text, "fuzz", 8);
    if (mixnet::parse_fault(to_string(fault), "fuzz", 8) != fault) std::abort();
  } catch (const mixnet::Error&) {
  }
}

/// What is restored is a state that a snapshot repeats, and in which a change can be made.
void try_snapshot(std::string_view text, mixnet::Sides sides) {
  mixnet::EmulatedSwitchConfig config;
  config.ports = 8;
  config.sides = sides;
  mixnet::EmulatedSwitch device(config);
  try {
    device.restore(text, "fuzz", {});
  } catch (const mixnet::Error&) {
    return;
  }
  mixnet::EmulatedSwitch again(config);
  again.restore(device.snapshot(), "fuzz", {});
  if (again.snapshot() != device.snapshot()) std::abort();
  device.request({.remove = {}, .add = {{1, 2}, {2, 1}}, .takes = {}}, {});
  if (device.take_answers().size() != 1) std::abort();
  device.heal({});
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  try_fault(text);
  try_snapshot(text, mixnet::Sides::kOne);
  try_snapshot(text, mixnet::Sides::kTwo);
  return 0;
}
