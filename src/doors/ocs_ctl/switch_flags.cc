#include "switch_flags.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "base/error.h"
#include "base/instant.h"
#include "base/text_fields.h"
#include "base/units.h"
#include "drivers/open_switch.h"
#include "site/region_site.h"

namespace mixnet::ocs {

void SwitchFlags::add(CLI::App& app) {
  app.add_option("--switch", address,
                 "tl1://, scpi://, gnmi:// or gnmi+tls:// [USER:PASSWORD@]HOST[:PORT]\n"
                 "(tl1://127.0.0.1:3082, a mixnet-ocs on this machine)");
  app.add_option("--ports", ports, "The slice that may be touched, as in 1-24,30 (all)");
  app.add_option("--limit", limit, "Give up after so long (60s)");
}

PortSlice SwitchFlags::slice() const {
  return ports.empty() ? PortSlice() : parse_positions(ports, "--ports", kMostPositions);
}

std::unique_ptr<OpticalSwitch> SwitchFlags::open() const {
  return open_switch(parse_switch_address(address, "--switch"), slice());
}

MonotonicTime SwitchFlags::dead_line() const {
  const Time time = parse_time(limit, "--limit");
  if (time > Time::seconds(86'400)) throw Error("--limit", "is too long", "a day at most");
  return system_env().monotonic_now() + std::chrono::nanoseconds(Duration::of(time).ns);
}

OpticalCircuit parse_circuit(const std::string& word, const std::string& input) {
  const std::size_t dash = word.find('-');
  const auto a = number_in<int>(std::string_view(word).substr(0, dash));
  const auto b = dash == std::string::npos
                     ? std::nullopt
                     : number_in<int>(std::string_view(word).substr(dash + 1));
  if (!a || !b) throw Error(input, fmt::format("'{}' is no circuit", shown(word)), "as in 1-17");
  return {std::min(*a, *b), std::max(*a, *b)};
}

}  // namespace mixnet::ocs
