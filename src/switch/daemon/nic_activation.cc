#include "daemon/nic_activation.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text_fields.h"

namespace mixnet {
namespace {

std::string value_name(int port) { return fmt::format("nic-up/{}", port); }

Duration median(std::vector<Duration> times) {
  const auto middle = times.begin() + static_cast<std::ptrdiff_t>(times.size() / 2);
  std::ranges::nth_element(times, middle);
  return *middle;
}

}  // namespace

NicActivation::NicActivation(const DaemonSettings& settings, RegionStore& store)
    : settings_(settings),
      store_(store),
      measured_(settings.position_of_port.size()),
      wait_(settings.nic_up) {
  wait_.resize(measured_.size());
  if (!settings.nic_up_measured) return;
  for (int port = 0; port < static_cast<int>(measured_.size()); ++port) {
    const auto text = store_.value(value_name(port));
    const auto ns = text ? number_in<std::int64_t>(*text) : std::nullopt;
    if (!ns || !makes_sense(settings, port, Duration{*ns})) continue;
    measured_[port].push_back(Duration{*ns});
    wait_[port] = Duration{*ns};
  }
}

bool NicActivation::makes_sense(const DaemonSettings& settings, int port, Duration took) {
  return port >= 0 && port < static_cast<int>(settings.position_of_port.size()) &&
         settings.position_of_port[port] > 0 && took >= Duration::zero() && took <= kLongest;
}

void NicActivation::report(int port, Duration took) {
  if (!settings_.nic_up_measured || !makes_sense(settings_, port, took)) return;
  std::vector<Duration>& measured = measured_[port];
  measured.push_back(took);
  if (measured.size() > kKept) measured.erase(measured.begin());
  const Duration now = median(measured);
  if (now == wait_[port]) return;
  wait_[port] = now;
  store_.put_value(value_name(port), fmt::format("{}", now.ns));
}

Duration NicActivation::wait(int port) const {
  const RegionConfig& region = settings_.region;
  const Duration room = region.command_timeout - region.switch_delay;
  return std::clamp(wait_[port], Duration::zero(), std::max(room, Duration::zero()));
}

}  // namespace mixnet
