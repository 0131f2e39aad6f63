// What to do about an alarm, in a line or two, and alarms as the page and the log show them; what
// one means: daemon/region_words.h. docs/alarms.md says it at length, under a heading of the same
// code.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "certificates/certificate.h"
#include "daemon/daemon_settings.h"
#include "daemon/happenings.h"
#include "region/region_messages.h"

namespace mixnet {

/// What to do first.
std::string_view alarm_advice(AlarmCode code);
/// The region's port at a position of the switch; -1: none of ours.
int port_at(int position, const DaemonSettings& settings);

/// An alarm as the page lists it: ours, or the switch's own.
struct ShownAlarm {
  Instant at;
  Severity severity = Severity::kEvent;
  std::string code;  ///< of the switch's own: "switch-event"
  int tenant = 0;
  std::string text, advice;
};
ShownAlarm shown_alarm(Instant at, const Alarm& alarm, const DaemonSettings& settings);
ShownAlarm shown_alarm(const SwitchSpoke& spoke, const DaemonSettings& settings);
Severity severity_of(AlarmLevel level);
/// Of the daemon's own certificate; none while certificate_warning() has nothing to say. Critical
/// from 3 days before its end.
std::optional<ShownAlarm> certificate_alarm(const CertificateFacts& facts, Instant now);

}  // namespace mixnet
