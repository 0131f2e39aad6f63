#include "alarm_advice.h"

#include <fmt/format.h>

#include <utility>

#include "base/text_fields.h"
#include "daemon/region_words.h"
#include "region_view.h"

namespace mixnet {

int port_at(int position, const DaemonSettings& settings) {
  if (position <= 0 || position >= static_cast<int>(settings.port_of_position.size())) return -1;
  return settings.port_of_position[position];
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
