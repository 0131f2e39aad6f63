#include "region_view.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <ctime>

namespace mixnet::ctl {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;

const v1::ServerStatus* server_of(int port, const v1::Status& status, const RegionNames& names) {
  const int server = names.server_of(port);
  const auto found = std::ranges::find(status.servers(), server, &v1::ServerStatus::server);
  return found == status.servers().end() ? nullptr : &*found;
}

}  // namespace

std::string port_text(int port, const RegionNames& names) {
  const int position = names.position(port);
  return position == 0 ? names.port_name(port)
                       : fmt::format("{} ({})", names.port_name(port), position);
}

Json port_json(int port, const RegionNames& names) {
  return {{"port", port}, {"name", names.port_name(port)}, {"position", names.position(port)}};
}

std::string trouble_of(const v1::Status& status) {
  if (status.device_silent()) return "the switch does not answer";
  return status.ready() ? "" : "the switch was not read yet, or does not answer";
}

bool holds(const google::protobuf::RepeatedPtrField<v1::PortPair>& pairs,
           const v1::PortPair& pair) {
  return std::ranges::any_of(pairs, [&](const v1::PortPair& one) {
    return std::minmax({one.a(), one.b()}) == std::minmax({pair.a(), pair.b()});
  });
}

std::string why_dark(const v1::PortPair& pin, const v1::Status& status, const RegionNames& names) {
  const v1::ServerStatus* const a = server_of(pin.a(), status, names);
  const v1::ServerStatus* const b = server_of(pin.b(), status, names);
  if (a == nullptr || b == nullptr || a->tenant() == b->tenant()) return "";
  return fmt::format("{} is of {}, {} of {}", names.server_name(a->server()),
                     tenant_text(a->tenant()), names.server_name(b->server()),
                     tenant_text(b->tenant()));
}

std::string counted(std::int64_t count, std::string_view noun) {
  return fmt::format("{} {}{}", count, noun, count == 1 ? "" : "s");
}

std::string time_text(std::int64_t unix_ns) {
  if (unix_ns == 0) return "-";
  std::int64_t seconds = unix_ns / kSecond;
  if (unix_ns % kSecond < 0) --seconds;
  const std::int64_t milliseconds = (unix_ns - seconds * kSecond) / 1'000'000;
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z", fmt::gmtime(static_cast<std::time_t>(seconds)),
                     milliseconds);
}

std::string tenant_text(int tenant) {
  return tenant == 0 ? "the pool" : fmt::format("tenant {}", tenant);
}

std::string phase_text(const v1::PhaseId& phase) {
  if (phase.sequence() == 0) return "-";
  return fmt::format("iteration {}, layer {}{}", phase.iteration(), phase.layer(),
                     phase.backward() ? ", backward" : "");
}

std::string circuit_text(const v1::Circuit& circuit, const RegionNames& names) {
  return fmt::format("{} - {}", port_text(names.port(circuit.server_a(), circuit.nic_a()), names),
                     port_text(names.port(circuit.server_b(), circuit.nic_b()), names));
}

std::string ports_text(const v1::PortPair& ports, const RegionNames& names) {
  return fmt::format("{} - {}", port_text(ports.a(), names), port_text(ports.b(), names));
}

std::string_view severity_text(v1::Severity severity) {
  switch (severity) {
    case v1::SEVERITY_MINOR:
      return "minor";
    case v1::SEVERITY_MAJOR:
      return "major";
    case v1::SEVERITY_CRITICAL:
      return "critical";
    default:
      return "event";
  }
}

std::string alarm_text(const v1::Alarm& alarm, const RegionNames& names) {
  const int subject = static_cast<int>(alarm.subject());
  if (alarm.code() == "pin-refused") {
    return fmt::format("pin-refused: {} stands against it", port_text(subject, names));
  }
  if (alarm.code() == "tenant-refused") {
    if (alarm.subject() == alarm.tenant()) {
      return fmt::format(
          "tenant-refused: there is a tenant {} with other servers, or one of its "
          "servers ({}) is not free",
          alarm.tenant(), names.server_name(subject));
    }
    return fmt::format("tenant-refused: {} is another tenant's, or not dark yet",
                       names.server_name(subject));
  }
  if (alarm.code() == "bad-event") return "bad-event: it names what does not exist";
  return fmt::format("{} ({}, {})", alarm.code(), tenant_text(alarm.tenant()), alarm.subject());
}

std::string happening_text(const v1::Happening& happening) {
  std::string text;
  if (happening.lost() > 0) {
    text = fmt::format("{} missed: too many to show\n", counted(happening.lost(), "happening"));
  }
  text += fmt::format("{} {}", time_text(happening.at_ns()), happening.kind());
  if (happening.severity() != v1::SEVERITY_EVENT || happening.kind() == "alarm") {
    text += fmt::format(" {}", severity_text(happening.severity()));
  }
  if (!happening.code().empty()) text += " " + happening.code();
  if (happening.tenant() != 0) text += fmt::format(" tenant {}", happening.tenant());
  if (!happening.who().empty()) text += fmt::format(" by {}", happening.who());
  if (!happening.text().empty()) text += ": " + happening.text();
  return text + "\n";
}

Json to_json(const v1::PhaseId& phase) {
  return {{"sequence", phase.sequence()},
          {"iteration", phase.iteration()},
          {"layer", phase.layer()},
          {"backward", phase.backward()}};
}

Json to_json(const v1::PortPair& ports, const RegionNames& names) {
  return {{"a", port_json(ports.a(), names)}, {"b", port_json(ports.b(), names)}};
}

Json to_json(const v1::Circuit& circuit, const RegionNames& names) {
  v1::PortPair ports;
  ports.set_a(names.port(circuit.server_a(), circuit.nic_a()));
  ports.set_b(names.port(circuit.server_b(), circuit.nic_b()));
  Json both = to_json(ports, names);
  both["a"]["server"] = names.server_name(circuit.server_a());
  both["b"]["server"] = names.server_name(circuit.server_b());
  return both;
}

Json to_json(const v1::Topology& topology, const RegionNames& names) {
  Json circuits = Json::array();
  for (const v1::Circuit& circuit : topology.circuits()) {
    circuits.push_back(to_json(circuit, names));
  }
  Json relays = Json::array();
  for (const v1::Relay& relay : topology.relays()) {
    Json via = Json::array();
    for (const int server : relay.via()) via.push_back(names.server_name(server));
    relays.push_back({{"from", names.server_name(relay.from())},
                      {"to", names.server_name(relay.to())},
                      {"via", via}});
  }
  Json cut = Json::array();
  for (const v1::PortPair& pair : topology.cut()) {
    cut.push_back({names.server_name(pair.a()), names.server_name(pair.b())});
  }
  return {{"tenant", topology.tenant()},
          {"epoch", topology.epoch()},
          {"run", topology.run()},
          {"served", to_json(topology.served())},
          {"closed", topology.closed()},
          {"observes", topology.observes()},
          {"circuits", circuits},
          {"relays", relays},
          {"cut", cut}};
}

Json to_json(const v1::Alarm& alarm, const RegionNames& names) {
  return {{"severity", severity_text(alarm.severity())},
          {"code", alarm.code()},
          {"tenant", alarm.tenant()},
          {"subject", alarm.subject()},
          {"text", alarm_text(alarm, names)}};
}

Json to_json(const v1::Happening& happening) {
  return {{"at_ns", happening.at_ns()},   {"severity", severity_text(happening.severity())},
          {"kind", happening.kind()},     {"code", happening.code()},
          {"tenant", happening.tenant()}, {"text", happening.text()},
          {"who", happening.who()},       {"lost", happening.lost()}};
}

}  // namespace mixnet::ctl
