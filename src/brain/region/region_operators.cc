// What the regional controller makes of the events of operators: servers that are drained, circuits
// that are pinned, a switch that is held.
#include <algorithm>
#include <utility>

#include "region/region_controller.h"

namespace mixnet {

void RegionController::on(const ServerDrain& drain) {
  if (drain.server < 0 || drain.server >= state_.config.servers) return bad_event(0);
  char& drained = state_.drained[drain.server];
  if ((drained != 0) == drain.drained) return drop();
  drained = drain.drained ? 1 : 0;
  facts_changed(drain.server);
  // The announcement without its circuits is given now; they go dark when senders have had time.
  if (drain.drained) {
    state_.find(state_.owner[drain.server])->clear_at = after(state_.config.drain);
  }
}

void RegionController::on(const CircuitPin& pin) {
  const PortPair ports{std::min(pin.ports.a, pin.ports.b), std::max(pin.ports.a, pin.ports.b)};
  const auto at = std::ranges::lower_bound(state_.pins, ports);
  const bool known = at != state_.pins.end() && *at == ports;
  if (known == pin.pinned) return drop();
  if (!pin.pinned) {
    state_.pins.erase(at);
  } else if (const std::optional<int> port = against(ports)) {
    return alarm(Severity::kMinor, AlarmCode::kPinRefused, 0, *port);
  } else {
    state_.pins.insert(at, ports);
  }
  facts_changed(state_.config.server_of(ports.a));
  facts_changed(state_.config.server_of(ports.b));
}

/// The port for which the pin cannot be.
std::optional<int> RegionController::against(const PortPair& pin) const {
  const RegionConfig& config = state_.config;
  for (const int port : {pin.a, pin.b}) {
    const bool exists = port >= 0 && port < config.ports();
    if (!exists || config.forbids(port) || state_.pinned_to(port) >= 0) return port;
  }
  if (config.server_of(pin.a) == config.server_of(pin.b)) return pin.b;
  return std::nullopt;
}

void RegionController::on(const SwitchHold& hold) {
  if (state_.held == hold.held) return drop();
  state_.held = hold.held;
  for (Slice& slice : state_.slices) {
    slice.replan = true;
    if (hold.held && slice.step == Step::kDraining) settle(slice);
    // Then somebody else has worked on the switch: it is read before anything is planned.
    if (!hold.held && slice.step == Step::kSettled) send_read(slice);
  }
}

}  // namespace mixnet
