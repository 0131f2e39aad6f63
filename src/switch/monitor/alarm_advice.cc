#include "alarm_advice.h"

#include <fmt/format.h>

#include <utility>

#include "base/text_fields.h"
#include "region_view.h"

namespace mixnet {

int port_at(int position, const DaemonSettings& settings) {
  if (position <= 0 || position >= static_cast<int>(settings.port_of_position.size())) return -1;
  return settings.port_of_position[position];
}

std::string port_text(int port, const DaemonSettings& settings) {
  if (port < 0 || port >= static_cast<int>(settings.position_of_port.size()) ||
      settings.position_of_port[port] == 0) {
    return fmt::format("port {}", port);
  }
  return fmt::format("{} (position {})", settings.port_name(port), settings.position_of_port[port]);
}

std::string alarm_text(const Alarm& alarm, const DaemonSettings& settings) {
  const std::int64_t subject = alarm.subject;
  const int port =
      subject >= 0 && subject < settings.region.ports() ? static_cast<int>(subject) : -1;
  const std::string at = port_text(port, settings);
  switch (alarm.code) {
    case AlarmCode::kBadEvent:
      return "an event names what does not exist, and was dropped";
    case AlarmCode::kTenantRefused:
      return fmt::format("tenant {} was refused: its servers are in use, or not dark yet",
                         alarm.tenant);
    case AlarmCode::kContradictoryDemand:
      return fmt::format("tenant {} reported two demands for one phase; the first counts",
                         alarm.tenant);
    case AlarmCode::kPhaseOverdue:
      return fmt::format("tenant {} did not report the end of a phase; it is taken as ended",
                         alarm.tenant);
    case AlarmCode::kCommandTimedOut:
      return "the switch did not answer a command in time; it is read back";
    case AlarmCode::kCommandDenied:
      return "the switch refused a command, or carried it out in part";
    case AlarmCode::kDeviceSilent:
      return "the switch does not answer; circuits stay as they are";
    case AlarmCode::kDeviceBack:
      return "the switch answers again";
    case AlarmCode::kContradiction:
      return fmt::format("{} is not joined as it was left; it is put right", at);
    case AlarmCode::kPortSuspect:
      return fmt::format("{} does not obey and rests for a while", at);
    case AlarmCode::kServersCut:
      return fmt::format("{} {} of servers can reach each other by no path", subject,
                         subject == 1 ? "pair" : "pairs");
    case AlarmCode::kPinRefused:
      return fmt::format("a pin was refused: {} stands against it", at);
    case AlarmCode::kMovesCapped:
      return fmt::format("{} {} for the cap on moves per minute", subject,
                         subject == 1 ? "move waits" : "moves wait");
  }
  return std::string(to_string(alarm.code));
}

std::string_view alarm_advice(AlarmCode code) {
  static constexpr std::pair<AlarmCode, std::string_view> kAdvice[] = {
      {AlarmCode::kBadEvent, "Compare the job's region file with the daemon's."},
      {AlarmCode::kTenantRefused,
       "Remove the job that holds the servers, or ask again in a second."},
      {AlarmCode::kContradictoryDemand, "Look for two programs that report for the same tenant."},
      {AlarmCode::kPhaseOverdue, "See whether the job hangs; remove the tenant if it is gone."},
      {AlarmCode::kCommandTimedOut,
       "Nothing, once. If it repeats, look at the switch and the way to it."},
      {AlarmCode::kCommandDenied,
       "Read the reason in the log; see whether somebody else holds the ports."},
      {AlarmCode::kDeviceSilent,
       "Ping the switch's management port; check its power, sessions and password."},
      {AlarmCode::kDeviceBack, "Nothing."},
      {AlarmCode::kContradiction,
       "Ask who else works on the switch; hold the daemon while they do."},
      {AlarmCode::kPortSuspect,
       "Check the fibre, the NIC and the light of that port; it is tried again by itself."},
      {AlarmCode::kServersCut, "Mend a NIC of one of the servers, or lift drains, pins and holds."},
      {AlarmCode::kPinRefused, "Take back the drain or the other pin, or name other ports."},
      {AlarmCode::kMovesCapped, "Nothing, or raise moves-per-minute."},
  };
  for (const auto& [known, advice] : kAdvice) {
    if (known == code) return advice;
  }
  return "";
}

Severity severity_of(AlarmLevel level) {
  switch (level) {
    case AlarmLevel::kEvent:
      return Severity::kEvent;
    case AlarmLevel::kMinor:
      return Severity::kMinor;
    case AlarmLevel::kMajor:
      return Severity::kMajor;
    case AlarmLevel::kCritical:
      return Severity::kCritical;
  }
  return Severity::kEvent;
}

ShownAlarm shown_alarm(Instant at, const Alarm& alarm, const DaemonSettings& settings) {
  return {.at = at,
          .severity = alarm.severity,
          .code = std::string(to_string(alarm.code)),
          .tenant = alarm.tenant,
          .text = alarm_text(alarm, settings),
          .advice = std::string(alarm_advice(alarm.code))};
}

ShownAlarm shown_alarm(const SwitchSpoke& spoke, const DaemonSettings& settings) {
  const SwitchEvent& event = spoke.event;
  std::string at;
  if (event.port > 0) {
    const int port = port_at(event.port, settings);
    at = " at " + (port >= 0 ? port_text(port, settings) : fmt::format("position {}", event.port));
  }
  return {.at = spoke.now,
          .severity = severity_of(event.level),
          .code = "switch-event",
          .tenant = 0,
          .text = fmt::format("the switch says {}{}: {}", event.code, at, event.text),
          .advice = "Look it up in the switch's manual."};
}

std::optional<ShownAlarm> certificate_alarm(const CertificateFacts& facts, Instant now) {
  const std::string warning = certificate_warning(facts, now);
  if (warning.empty()) return std::nullopt;
  const bool is_near = facts.ends - now <= Duration::days(3);
  return ShownAlarm{.at = now,
                    .severity = is_near ? Severity::kCritical : Severity::kMajor,
                    .code = "certificate-expires",
                    .tenant = 0,
                    .text = fmt::format("the daemon's certificate ({}) {}", facts.subject, warning),
                    .advice = "Make a new one with mixnet ctl certs, and restart the daemon."};
}

}  // namespace mixnet
