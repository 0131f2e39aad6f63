#include "daemon/region_words.h"

#include <fmt/format.h>

namespace mixnet {

std::string server_text(std::int64_t server, const DaemonSettings& settings) {
  if (server < 0 || server >= settings.region.servers) return fmt::format("server {}", server);
  return settings.server_name(static_cast<int>(server));
}

std::string port_text(std::int64_t port, const DaemonSettings& settings) {
  const auto ports = static_cast<std::int64_t>(settings.position_of_port.size());
  if (port < 0 || port >= ports || settings.position_of_port[port] == 0) {
    return fmt::format("port {}", port);
  }
  return fmt::format("{} (position {})", settings.port_name(static_cast<int>(port)),
                     settings.position_of_port[port]);
}

std::string part_text(Part part, std::int64_t index, const DaemonSettings& settings) {
  const int eps_nics = settings.region.eps_nics;
  switch (part) {
    case Part::kOcsPort:
      return "the switch's port of " + port_text(index, settings);
    case Part::kOpticalNic:
      return port_text(index, settings);
    case Part::kEpsNic:
      if (index < 0 || eps_nics <= 0) return fmt::format("NIC {} beside the switch", index);
      return fmt::format("NIC {} of {} beside the switch", index % eps_nics,
                         server_text(index / eps_nics, settings));
    case Part::kServer:
      return server_text(index, settings);
  }
  return fmt::format("part {}", index);
}

std::string alarm_text(const Alarm& alarm, const DaemonSettings& settings) {
  const std::int64_t subject = alarm.subject;
  const auto at = [&] { return port_text(subject, settings); };
  switch (alarm.code) {
    case AlarmCode::kBadEvent:
      return "an event names what does not exist, and was dropped";
    case AlarmCode::kTenantRefused:
      return fmt::format("tenant {} was refused: its servers are in use, or not dark yet",
                         alarm.tenant);
    case AlarmCode::kContradictoryDemand:
      return fmt::format("tenant {} reported two demands for phase {}; the first counts",
                         alarm.tenant, subject);
    case AlarmCode::kPhaseOverdue:
      return fmt::format("tenant {} did not report the end of phase {}; it is taken as ended",
                         alarm.tenant, subject);
    case AlarmCode::kCommandTimedOut:
      return fmt::format("the switch did not answer command {} in time; it is read back", subject);
    case AlarmCode::kCommandDenied:
      return "the switch refused a command, or carried it out in part";
    case AlarmCode::kDeviceSilent:
      return "the switch does not answer; circuits stay as they are";
    case AlarmCode::kDeviceBack:
      return "the switch answers again";
    case AlarmCode::kContradiction:
      return fmt::format("{} is not joined as it was left; it is put right", at());
    case AlarmCode::kPortSuspect:
      return fmt::format("{} does not obey and rests for a while", at());
    case AlarmCode::kServersCut:
      return fmt::format("{} {} of servers can reach each other by no path", subject,
                         subject == 1 ? "pair" : "pairs");
    case AlarmCode::kPinRefused:
      return fmt::format("a pin was refused: {} stands against it", at());
    case AlarmCode::kMovesCapped:
      return fmt::format("{} {} for the cap on moves per minute", subject,
                         subject == 1 ? "move waits" : "moves wait");
  }
  return std::string(to_string(alarm.code));
}

}  // namespace mixnet
