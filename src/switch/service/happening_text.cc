#include "service/happening_text.h"

#include <fmt/format.h>

#include "daemon/device_view.h"
#include "wire/region_wire.h"

namespace mixnet {
namespace {

constexpr std::size_t kMostText = 1'024;
constexpr std::size_t kMostCode = 64;

/// The switch's own words may be anything.
std::string plain(std::string text) {
  for (char& c : text) {
    if (c < 0x20 || c > 0x7e) c = '?';
  }
  return text;
}

v1::Happening message(Instant at, std::string_view kind, std::string_view code, std::string text) {
  v1::Happening out;
  out.set_at_ns(at.ns);
  out.set_kind(std::string(kind));
  out.set_code(plain(std::string(code.substr(0, kMostCode))));
  text.resize(std::min(text.size(), kMostText));
  out.set_text(plain(std::move(text)));
  return out;
}

std::string alarm_text(const Alarm& alarm, const DaemonSettings& settings) {
  switch (alarm.code) {
    case AlarmCode::kBadEvent:
      return "an event names what does not exist";
    case AlarmCode::kTenantRefused:
      return fmt::format("tenant {} refused: its servers are in use, unknown, or not dark yet",
                         alarm.tenant);
    case AlarmCode::kContradictoryDemand:
      return fmt::format("two demands for phase {}; the first counts", alarm.subject);
    case AlarmCode::kPhaseOverdue:
      return fmt::format("the end of phase {} did not come", alarm.subject);
    case AlarmCode::kCommandTimedOut:
      return fmt::format("command {} was not answered", alarm.subject);
    case AlarmCode::kCommandDenied:
      return "the switch denied a command";
    case AlarmCode::kDeviceSilent:
      return "the switch does not answer";
    case AlarmCode::kDeviceBack:
      return "the switch answers again";
    case AlarmCode::kContradiction:
      return port_text(alarm.subject, settings) + " is not lit as it was left";
    case AlarmCode::kPortSuspect:
      return port_text(alarm.subject, settings) + " does not obey, and rests";
    case AlarmCode::kServersCut:
      return fmt::format("{} pairs of servers cannot reach each other", alarm.subject);
    case AlarmCode::kPinRefused:
      return "pin refused: " + port_text(alarm.subject, settings) + " stands against it";
    case AlarmCode::kMovesCapped:
      return fmt::format("{} moves wait for the cap on moves per minute", alarm.subject);
  }
  return "an alarm";
}

v1::Severity severity_of(AlarmLevel level) {
  switch (level) {
    case AlarmLevel::kEvent:
      return v1::SEVERITY_EVENT;
    case AlarmLevel::kMinor:
      return v1::SEVERITY_MINOR;
    case AlarmLevel::kMajor:
      return v1::SEVERITY_MAJOR;
    case AlarmLevel::kCritical:
      return v1::SEVERITY_CRITICAL;
  }
  return v1::SEVERITY_EVENT;
}

v1::Happening command_message(const DeviceCommand& command, Instant at,
                              const DaemonSettings& settings) {
  const bool moves = !command.connect.empty() && !command.disconnect.empty();
  v1::Happening out = message(at, "command",
                              moves                      ? "move"
                              : !command.connect.empty() ? "connect"
                                                         : "disconnect",
                              text_of(command, change_of(command, settings, {})));
  out.set_tenant(command.tenant);
  return out;
}

/// One for each kind of happening; fills `out` with what there is to tell.
struct Teller {
  const DaemonSettings& settings;
  Instant now;
  std::vector<v1::Happening>& out;

  void operator()(const EventHandled& handled) const {
    for (const Decision& decision : handled.decisions) {
      if (const auto* alarm = std::get_if<Alarm>(&decision)) {
        out.push_back(alarm_message(*alarm, handled.now, settings));
      } else if (const auto* command = std::get_if<DeviceCommand>(&decision)) {
        out.push_back(command_message(*command, handled.now, settings));
      }
    }
  }
  void operator()(const DeviceDone& done) const {
    const bool is_well = done.error.empty() && (done.is_read || done.report.complete());
    std::string text = !done.error.empty() ? done.error
                       : done.is_read      ? "the switch was read"
                                           : text_of(done.report);
    v1::Happening told = message(now, done.is_read ? "read" : "answer",
                                 is_well              ? "done"
                                 : done.error.empty() ? "incomplete"
                                                      : "failed",
                                 std::move(text));
    told.set_tenant(done.tenant);
    if (!is_well) told.set_severity(v1::SEVERITY_MINOR);
    out.push_back(std::move(told));
  }
  void operator()(const SwitchSpoke& spoke) const {
    v1::Happening told = message(
        spoke.now, "switch", spoke.event.code,
        spoke.event.port > 0 ? fmt::format("position {}: {}", spoke.event.port, spoke.event.text)
                             : spoke.event.text);
    told.set_severity(severity_of(spoke.event.level));
    out.push_back(std::move(told));
  }
  void operator()(const PortsRead& /*ports*/) const {}
  void operator()(const Audited& audited) const {
    out.push_back(audit_message({audited.now, audited.who, audited.what}));
    if (audited.refused) out.back().set_code("refused");
  }
  void operator()(const MilestoneReached& reached) const {
    const auto [kind, code] = names(reached.milestone);
    out.push_back(message(reached.now, kind, code, reached.text));
  }

  static std::pair<std::string_view, std::string_view> names(Milestone milestone) {
    switch (milestone) {
      case Milestone::kStarted:
        return {"start", "started"};
      case Milestone::kReady:
        return {"start", "ready"};
      case Milestone::kDeviceLost:
        return {"switch", "lost"};
      case Milestone::kDeviceBack:
        return {"switch", "back"};
      case Milestone::kStopping:
        return {"stop", "stopping"};
      case Milestone::kStopped:
        return {"stop", "stopped"};
    }
    return {"start", "?"};
  }
};

}  // namespace

std::string port_text(std::int64_t port, const DaemonSettings& settings) {
  const auto ports = static_cast<std::int64_t>(settings.position_of_port.size());
  if (port < 0 || port >= ports || settings.position_of_port[port] == 0) {
    return fmt::format("port {}", port);
  }
  return fmt::format("{} (position {})", settings.port_name(static_cast<int>(port)),
                     settings.position_of_port[port]);
}

std::string server_text(std::int64_t server, const DaemonSettings& settings) {
  return server >= 0 && server < settings.region.servers
             ? settings.server_name(static_cast<int>(server))
             : fmt::format("server {}", server);
}

std::vector<v1::Happening> to_wire(const Happening& happening, const DaemonSettings& settings,
                                   Instant now) {
  std::vector<v1::Happening> out;
  std::visit(Teller{settings, now, out}, happening);
  return out;
}

v1::Happening alarm_message(const Alarm& alarm, Instant at, const DaemonSettings& settings) {
  v1::Happening out = message(at, "alarm", to_string(alarm.code), alarm_text(alarm, settings));
  out.set_severity(to_wire(alarm).severity());
  out.set_tenant(alarm.tenant);
  return out;
}

v1::Happening audit_message(const AuditEntry& entry) {
  v1::Happening out = message(entry.at, "audit", "", entry.what);
  out.set_who(entry.who);
  return out;
}

}  // namespace mixnet
