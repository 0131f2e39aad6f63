#include "happening_log.h"

#include <fmt/format.h>

#include <chrono>
#include <string>
#include <utility>
#include <variant>

#include "alarm_advice.h"
#include "base/names.h"
#include "daemon/region_words.h"
#include "region_view.h"

namespace mixnet {
namespace {

using Entries = std::vector<LogEntry>;
using nlohmann::ordered_json;

double seconds(MonotonicTime::duration span) { return std::chrono::duration<double>(span).count(); }

// "1-17, 2-18", of positions.
std::string text_of(const std::vector<OpticalCircuit>& circuits) {
  std::string text;
  for (const OpticalCircuit& one : circuits) {
    text += fmt::format("{}{}-{}", text.empty() ? "" : ", ", one.a, one.b);
  }
  return text;
}

ordered_json json_of(const std::vector<OpticalCircuit>& circuits) {
  ordered_json list = ordered_json::array();
  for (const OpticalCircuit& one : circuits) list.push_back({one.a, one.b});
  return list;
}

std::vector<OpticalCircuit> at_positions(const std::vector<PortPair>& pairs,
                                         const DaemonSettings& settings) {
  std::vector<OpticalCircuit> circuits;
  for (const auto& [a, b] : pairs) {
    const auto [least, most] =
        std::minmax(settings.position_of_port[a], settings.position_of_port[b]);
    circuits.push_back({least, most});
  }
  return circuits;
}

// "disconnect 1-2; connect 1-17, 2-18"
std::string change_text(const std::vector<OpticalCircuit>& disconnect,
                        const std::vector<OpticalCircuit>& connect) {
  std::string text;
  if (!disconnect.empty()) text = "disconnect " + text_of(disconnect);
  if (!connect.empty()) text += (text.empty() ? "connect " : "; connect ") + text_of(connect);
  return text.empty() ? "nothing to do" : text;
}

std::string counted(std::size_t count, std::string_view noun) {
  return fmt::format("{} {}{}", count, noun, count == 1 ? "" : "s");
}

// What operators and jobs ask for, which may be refused; empty of the rest.
std::string text_of(const Event& event, const DaemonSettings& settings) {
  if (const auto* add = std::get_if<TenantAdd>(&event)) {
    return fmt::format("tenant {} asks for {}", add->tenant,
                       counted(add->servers.size(), "server"));
  }
  if (const auto* remove = std::get_if<TenantRemove>(&event)) {
    return fmt::format("tenant {} leaves", remove->tenant);
  }
  if (const auto* drain = std::get_if<ServerDrain>(&event)) {
    return fmt::format("{} is {}", server_text(drain->server, settings),
                       drain->drained ? "drained" : "no longer drained");
  }
  if (const auto* pin = std::get_if<CircuitPin>(&event)) {
    const std::string pair = fmt::format("{} to {}", port_text(pin->ports.a, settings),
                                         port_text(pin->ports.b, settings));
    return pin->pinned ? fmt::format("a pin of {} is asked for", pair)
                       : fmt::format("the pin of {} ends", pair);
  }
  if (const auto* hold = std::get_if<SwitchHold>(&event)) {
    return hold->held ? "held: nothing is commanded" : "no longer held";
  }
  if (const auto* health = std::get_if<HealthReport>(&event)) {
    return fmt::format("{} {}", part_text(health->part, health->index, settings),
                       health->failed ? "has failed" : "works again");
  }
  return "";
}

void log_event(const EventHandled& event, const DaemonSettings& settings, Entries& entries) {
  std::string text = text_of(event.event, settings);
  if (text.empty()) return;
  LogEntry entry{.at = event.now, .kind = "event", .code = std::string(kind_of(event.event))};
  entry.text = std::move(text);
  if (const auto* add = std::get_if<TenantAdd>(&event.event)) {
    entry.tenant = add->tenant;
  } else if (const auto* remove = std::get_if<TenantRemove>(&event.event)) {
    entry.tenant = remove->tenant;
  } else if (const auto* drain = std::get_if<ServerDrain>(&event.event)) {
    entry.subject = drain->server;
  } else if (const auto* health = std::get_if<HealthReport>(&event.event)) {
    entry.subject = health->index;
    if (health->failed) entry.severity = Severity::kMinor;
  }
  entry.fields["record"] = event.record;
  entries.push_back(std::move(entry));
}

void log_command(const EventHandled& event, const DeviceCommand& command,
                 const DaemonSettings& settings, Entries& entries) {
  const auto disconnect = at_positions(command.disconnect, settings);
  const auto connect = at_positions(command.connect, settings);
  LogEntry entry{.at = event.now,
                 .kind = "command",
                 .code = settings.observes ? "would-send" : "sent",
                 .tenant = command.tenant};
  entry.text = (settings.observes ? "would " : "") + change_text(disconnect, connect);
  entry.fields = {{"id", command.id},
                  {"record", event.record},
                  {"disconnect", json_of(disconnect)},
                  {"connect", json_of(connect)},
                  {"decide_seconds", seconds(event.times.decided - event.times.received)},
                  {"store_seconds", seconds(event.times.stored - event.times.decided)},
                  {"hand_seconds", seconds(event.times.handed - event.times.stored)}};
  entries.push_back(std::move(entry));
}

void say(const EventHandled& event, const DaemonSettings& settings, Instant, Entries& entries) {
  log_event(event, settings, entries);
  for (const Decision& decision : event.decisions) {
    if (const auto* command = std::get_if<DeviceCommand>(&decision)) {
      log_command(event, *command, settings, entries);
    } else if (const auto* alarm = std::get_if<Alarm>(&decision)) {
      LogEntry entry{.at = event.now,
                     .severity = alarm->severity,
                     .kind = "alarm",
                     .code = std::string(to_string(alarm->code)),
                     .tenant = alarm->tenant,
                     .text = alarm_text(*alarm, settings),
                     .subject = alarm->subject};
      entry.fields = {{"subject", alarm->subject}, {"record", event.record}};
      entries.push_back(std::move(entry));
    } else if (const auto* said = std::get_if<TopologyAnnouncement>(&decision)) {
      LogEntry entry{.at = event.now, .kind = "topology", .code = "announced"};
      entry.tenant = said->tenant;
      entry.text = fmt::format("tenant {}: {}, epoch {}", said->tenant,
                               counted(said->circuits.size(), "circuit"), said->epoch);
      entry.fields = {{"epoch", said->epoch},
                      {"circuits", said->circuits.size()},
                      {"cut", said->cut.size()},
                      {"phase", said->served.sequence}};
      entries.push_back(std::move(entry));
    } else if (const auto* gone = std::get_if<TenantGone>(&decision)) {
      entries.push_back(
          {.at = event.now, .kind = "tenant", .code = "gone", .tenant = gone->tenant});
      entries.back().text = fmt::format("tenant {} has left", gone->tenant);
    }
  }
}

void say(const DeviceDone& done, const DaemonSettings&, Instant now, Entries& entries) {
  if (done.is_read && done.error.empty()) return;
  const bool is_complete = done.error.empty() && done.report.complete();
  LogEntry entry{.at = now,
                 .severity = is_complete ? Severity::kEvent : Severity::kMinor,
                 .kind = done.is_read ? "read" : "answer",
                 .code = is_complete          ? "done"
                         : done.error.empty() ? "incomplete"
                                              : "failed",
                 .tenant = done.tenant};
  entry.fields = {{"id", done.id}};
  if (!done.error.empty()) {
    entry.text = done.error;
  } else {
    ordered_json denied = ordered_json::array();
    std::string what;
    for (const PairResult& pair : done.report.pairs) {
      if (pair.outcome == PairOutcome::kDone || pair.outcome == PairOutcome::kAlready) continue;
      what += fmt::format("; {} {}-{}: {} {}", pair.connect ? "connect" : "disconnect",
                          pair.circuit.a, pair.circuit.b, to_string(pair.outcome), pair.reason);
      denied.push_back({{"positions", {pair.circuit.a, pair.circuit.b}},
                        {"outcome", to_string(pair.outcome)},
                        {"reason", pair.reason}});
    }
    const double took = seconds(done.linked - done.begun);
    entry.text = fmt::format("{} in {:.1f} ms{}", change_text(done.disconnect, done.connect),
                             took * 1e3, what);
    if (!denied.empty()) entry.fields["not_as_asked"] = denied;
  }
  entry.fields["send_seconds"] = seconds(done.sent - done.begun);
  entry.fields["answer_seconds"] = seconds(done.done - done.sent);
  entry.fields["link_seconds"] = seconds(done.linked - done.done);
  entries.push_back(std::move(entry));
}

void say(const SwitchSpoke& spoke, const DaemonSettings& settings, Instant, Entries& entries) {
  const ShownAlarm alarm = shown_alarm(spoke, settings);
  LogEntry entry{.at = spoke.now, .severity = alarm.severity, .kind = "switch"};
  entry.code = alarm.code;
  entry.text = alarm.text;
  entry.subject = spoke.event.port;
  entry.fields = {{"device_code", spoke.event.code}};
  if (spoke.event.port > 0) entry.fields["position"] = spoke.event.port;
  entries.push_back(std::move(entry));
}

void say(const PortsRead&, const DaemonSettings&, Instant, Entries&) {}

void say(const Audited& audited, const DaemonSettings&, Instant, Entries& entries) {
  if (audited.who == "controller") return;  // commands and answers have lines of their own
  LogEntry entry{.at = audited.now,
                 .severity = audited.refused ? Severity::kMinor : Severity::kEvent,
                 .kind = "audit",
                 .code = audited.refused ? "refused" : "taken"};
  entry.text = fmt::format("{}: {}", audited.who, audited.what);
  entry.fields = {{"who", audited.who}, {"what", audited.what}};
  entries.push_back(std::move(entry));
}

void say(const MilestoneReached& reached, const DaemonSettings& settings, Instant,
         Entries& entries) {
  static constexpr const char* kCodes[] = {"started",     "ready",    "device-lost",
                                           "device-back", "stopping", "stopped"};
  LogEntry entry{.at = reached.now, .kind = "daemon"};
  entry.code = kCodes[static_cast<int>(reached.milestone)];
  if (reached.milestone == Milestone::kDeviceLost) entry.severity = Severity::kMajor;
  entry.text = reached.text.empty() ? entry.code : reached.text;
  if (reached.milestone == Milestone::kStarted) {
    entry.fields = {{"switch", settings.address.shown()},
                    {"servers", settings.region.servers},
                    {"policy", to_string(settings.region.policy)},
                    {"observes", settings.observes}};
  }
  entries.push_back(std::move(entry));
}

}  // namespace

void log_of(const Happening& happening, const DaemonSettings& settings, Instant now,
            Entries& entries) {
  std::visit([&](const auto& one) { say(one, settings, now, entries); }, happening);
}

}  // namespace mixnet
