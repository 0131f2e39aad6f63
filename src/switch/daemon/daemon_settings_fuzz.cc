// Any text as the daemon's configuration, or its credentials: settings that make sense, or an
// Error.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "base/error.h"
#include "daemon/credentials.h"
#include "daemon/daemon_settings.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  try {
    const mixnet::DaemonSettings settings = mixnet::parse_daemon_settings(text, "region.yaml");
    mixnet::RegionState::fresh(settings.region);
    const auto ports = static_cast<std::size_t>(settings.region.ports());
    if (settings.position_of_port.size() != ports || settings.nic_up.size() != ports) std::abort();
    for (const mixnet::PortPair& pin : settings.pins) {
      if (pin.a < 0 || pin.a >= pin.b || settings.position_of_port[pin.b] == 0) std::abort();
    }
    mixnet::maintenance_at(settings.maintenance, mixnet::Instant::unix_seconds(1'800'000'000));
  } catch (const mixnet::Error&) {
  }
  for (const auto read :
       {+[](const std::string& from) { mixnet::parse_credentials(from, "cred"); },
        +[](const std::string& from) { mixnet::parse_maintenance(from, "maintenance"); },
        +[](const std::string& from) { mixnet::parse_listen_address(from, "api"); }}) {
    try {
      read(text);
    } catch (const mixnet::Error&) {
    }
  }
  return 0;
}
