#include "ocs/patch_switch.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "ocs/device_ports.h"

namespace mixnet {

PatchSwitch::PatchSwitch(const SwitchAddress& address, PortSlice slice, Env& env)
    : env_(env), address_(address), device_(address.shown()), slice_(std::move(slice)) {
  std::ranges::sort(slice_);
}

void PatchSwitch::open(MonotonicTime dead_line) {
  connect(dead_line);
  if (numbering_) return;
  const PortNumbering numbering = ask_numbering(dead_line);
  positions_of(slice_, numbering, device_);  // throws where the slice is wider than the device
  numbering_ = numbering;
}

SwitchCapabilities PatchSwitch::known_capabilities() const {
  SwitchCapabilities known;
  known.ports = numbering_->positions;
  known.sides = numbering_->sides;
  known.measured_delay = delays_.median();
  return known;
}

CrossConnects PatchSwitch::cross_connects(MonotonicTime dead_line) {
  open(dead_line);
  return fold(read(slice_, dead_line), *numbering_, slice_);
}

ChangeReport PatchSwitch::apply(const SwitchChange& change, MonotonicTime dead_line) {
  open(dead_line);
  check_change(change, *numbering_, slice_, device_);
  const std::vector<int> positions = positions_of(change);
  if (positions.empty()) return {};
  const std::vector<Patch> standing = read(positions, dead_line);
  const ChangePlan plan = plan_change(change, standing, *numbering_);
  if (plan.remove.empty() && plan.add.empty()) {
    return judge_change(change, plan, standing, {}, *numbering_);
  }
  const MonotonicTime start = env_.monotonic_now();
  const std::map<Patch, std::string> denied = carry_out(plan, dead_line);
  const std::chrono::nanoseconds took = env_.monotonic_now() - start;
  const MonotonicTime sent = last_sent();
  ChangeReport report = judge_change(change, plan, read(positions, dead_line), denied, *numbering_);
  report.turn_around = Duration::nanoseconds(took.count());
  report.sent = sent;
  delays_.add(report.turn_around);
  return report;
}

}  // namespace mixnet
