#include "ocs_config.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

#include "base/error.h"
#include "base/text_fields.h"
#include "base/text_file.h"
#include "base/units.h"
#include "site/yaml_reader.h"

namespace mixnet::ocs {
namespace {

constexpr double kMostLossDb = 60;
constexpr double kLeastDbm = -60;
constexpr double kMostDbm = 30;
constexpr std::int64_t kMostNicUpSeconds = 600;

/// NAME=VALUE, cut at the first or last `mark`.
std::pair<std::string, std::string> halves(std::string_view text, char mark, bool last,
                                           std::string_view input, std::string_view form) {
  const std::size_t at = last ? text.rfind(mark) : text.find(mark);
  if (at == std::string_view::npos || at == 0 || at + 1 == text.size()) {
    throw Error(input, fmt::format("'{}' is no such pair", shown(text)), form);
  }
  return {std::string(text.substr(0, at)), std::string(text.substr(at + 1))};
}

Duration nic_up(Time time, std::string_view input) {
  if (time > Time::seconds(kMostNicUpSeconds)) throw Error(input, "is too long", "10 min at most");
  return Duration::of(time);
}

Users read_users(const YamlReader& users) {
  Users read;
  for (const auto& [name, password] : users.entries()) read[name] = password.string();
  if (read.empty()) throw Error(users.place(), "no user is named", "as in {root: secret}");
  return read;
}

PositionSettings read_position(const std::string& number, const YamlReader& value, int ports) {
  PositionSettings settings;
  const auto position = number_in<int>(number);
  if (!position || *position < 1 || *position > ports) {
    throw Error(value.place(), fmt::format("there is no position '{}'", shown(number)),
                fmt::format("1 to {}", ports));
  }
  settings.position = *position;
  value.only_keys({"label", "power-dbm", "in-loss-db", "out-loss-db", "dark"});
  settings.label = value.string_or("label", "");
  if (settings.label.size() > kMostLabel) {
    throw Error(value.at("label").place(), "is too long", fmt::format("{} bytes", kMostLabel));
  }
  if (value.has("power-dbm")) {
    settings.power_dbm = value.at("power-dbm").number(kLeastDbm, kMostDbm);
  }
  if (value.has("in-loss-db")) settings.in_loss_db = value.at("in-loss-db").number(0, kMostLossDb);
  if (value.has("out-loss-db")) {
    settings.out_loss_db = value.at("out-loss-db").number(0, kMostLossDb);
  }
  if (value.has("dark")) settings.dark = value.at("dark").boolean();
  return settings;
}

/// Faults wait for the number of ports, which a flag may still change.
struct Late {
  std::vector<std::pair<std::string, std::string>> faults;  ///< place, text
  std::vector<std::pair<std::string, YamlReader>> positions;
};

void read_basics(const YamlReader& root, OcsConfig& config) {
  if (root.has("ports")) {
    config.device.ports = static_cast<int>(root.at("ports").integer(1, kMostEmulatedPorts));
  }
  if (root.has("sides")) config.device.sides = root.at("sides").choice<Sides>();
  if (root.has("seed")) {
    config.device.seed = static_cast<std::uint64_t>(root.at("seed").integer(0, kMostInt64));
  }
  if (root.has("timing")) {
    const YamlReader timing = root.at("timing");
    config.device.timing = SwitchTiming::parse(timing.string(), timing.place());
  }
  if (root.has("nic-up")) {
    config.device.nic_up = nic_up(root.at("nic-up").time(), root.at("nic-up").place());
  }
}

void read_file(const std::string& file, OcsConfig& config, Late& late) {
  const YamlReader root = YamlReader::parse(read_text_file(file), file);
  root.only_keys({"ports", "sides", "timing", "seed", "nic-up", "tl1", "scpi", "gnmi", "control",
                  "tls", "users", "state", "carrier", "attach", "positions", "faults"});
  read_basics(root, config);
  config.tl1 = root.string_or("tl1", "");
  config.scpi = root.string_or("scpi", "");
  config.gnmi = root.string_or("gnmi", "");
  config.control = root.string_or("control", "");
  config.state = root.string_or("state", "");
  if (root.has("tls")) {
    const YamlReader tls = root.at("tls");
    tls.only_keys({"cert", "key", "ca"});
    config.cert = tls.at("cert").string();
    config.key = tls.at("key").string();
    config.ca = tls.string_or("ca", "");
  }
  if (root.has("users")) {
    const YamlReader users = root.at("users");
    users.only_keys({"tl1", "gnmi"});
    if (users.has("tl1")) config.tl1_users = read_users(users.at("tl1"));
    if (users.has("gnmi")) config.gnmi_users = read_users(users.at("gnmi"));
  }
  if (root.has("carrier")) config.carrier = root.at("carrier").boolean();
  if (root.has("attach")) {
    for (const auto& [interface, position] : root.at("attach").entries()) {
      config.attach.push_back(
          {interface, static_cast<int>(position.integer(1, kMostEmulatedPorts))});
    }
  }
  if (root.has("positions")) late.positions = root.at("positions").entries();
  if (root.has("faults")) {
    for (const YamlReader& fault : root.at("faults").items()) {
      late.faults.emplace_back(fault.place(), fault.string());
    }
  }
}

void take_if_given(const std::string& flag, std::string& setting) {
  if (!flag.empty()) setting = flag;
}

void take_users(const std::vector<std::string>& given, std::string_view flag, Users& users) {
  if (given.empty()) return;
  users.clear();
  for (const std::string& user : given) {
    const auto [added, is_new] = users.insert(halves(user, ':', false, flag, "NAME:PASSWORD"));
    if (!is_new) throw Error(flag, fmt::format("'{}' is named twice", shown(added->first)), "once");
  }
}

void take_flags(const OcsFlags& flags, OcsConfig& config) {
  EmulatedSwitchConfig& device = config.device;
  if (flags.ports) device.ports = *flags.ports;
  if (device.ports < 1 || device.ports > kMostEmulatedPorts) {
    throw Error("--ports", fmt::format("{} ports are asked for", device.ports),
                fmt::format("1 to {} positions", kMostEmulatedPorts));
  }
  if (!flags.sides.empty()) device.sides = parse<Sides>(flags.sides, "--sides");
  if (flags.seed) device.seed = *flags.seed;
  if (!flags.timing.empty()) device.timing = SwitchTiming::parse(flags.timing, "--timing");
  if (!flags.nic_up.empty()) {
    device.nic_up = nic_up(parse_time(flags.nic_up, "--nic-up"), "--nic-up");
  }
  take_if_given(flags.tl1, config.tl1);
  take_if_given(flags.scpi, config.scpi);
  take_if_given(flags.gnmi, config.gnmi);
  take_if_given(flags.control, config.control);
  take_if_given(flags.cert, config.cert);
  take_if_given(flags.key, config.key);
  take_if_given(flags.ca, config.ca);
  take_if_given(flags.state, config.state);
  take_users(flags.tl1_users, "--tl1-user", config.tl1_users);
  take_users(flags.gnmi_users, "--gnmi-user", config.gnmi_users);
  config.carrier |= flags.carrier;
  if (!flags.attach.empty()) config.attach.clear();
  for (const std::string& attach : flags.attach) {
    const auto [interface, number] =
        halves(attach, '=', true, "--attach", "INTERFACE=POSITION, as in eth-a=1");
    const auto position = number_in<int>(number);
    if (!position) {
      throw Error("--attach", fmt::format("'{}' is no position", shown(number)),
                  fmt::format("1 to {}", device.ports));
    }
    config.attach.push_back({interface, *position});
  }
}

}  // namespace

void add_flags(CLI::App& app, OcsFlags& flags) {
  app.add_option("--config", flags.config, "YAML file with all of these, and what is plugged in");
  app.add_option("--ports", flags.ports, "Positions, each the fibre pair of a NIC: 1 to 1024 (32)");
  app.add_option("--sides", flags.sides,
                 "one: a port carries both directions; two: inputs and outputs apart (one)");
  app.add_option("--timing", flags.timing,
                 "polatis, none, fixed:25ms, sonic:5s, sonic-bypass:70ms, or a CSV file of\n"
                 "pairs,mean_ms,p99_ms (polatis)");
  app.add_option("--nic-up", flags.nic_up, "A NIC is dark so much longer after light returns (0s)");
  app.add_option("--seed", flags.seed, "Of times, losses and faults (1)");
  app.add_option("--tl1", flags.tl1, "Speak TL1 at ADDRESS:PORT; port 0: any that is free");
  app.add_option("--scpi", flags.scpi, "Speak SCPI at ADDRESS:PORT");
  app.add_option("--gnmi", flags.gnmi, "Speak SONiC's gNMI at ADDRESS:PORT");
  app.add_option("--control", flags.control,
                 "Take faults, power and labels by hand at ADDRESS:PORT of the loopback");
  app.add_option("--cert", flags.cert, "gNMI's certificate, PEM; without, the loopback only");
  app.add_option("--key", flags.key, "Its key, PEM");
  app.add_option("--ca", flags.ca, "gNMI: only clients with a certificate of this one, PEM");
  app.add_option("--tl1-user", flags.tl1_users, "NAME:PASSWORD, for each user (root:root)");
  app.add_option("--gnmi-user", flags.gnmi_users, "NAME:PASSWORD, for each user (admin:admin)");
  app.add_option("--state", flags.state, "File in which circuits outlast a restart");
  app.add_option("--attach", flags.attach,
                 "INTERFACE=POSITION: a Linux interface is that position's NIC, for each. Needs\n"
                 "CAP_NET_ADMIN and CAP_BPF");
  app.add_flag("--carrier", flags.carrier, "A NIC in the dark has no carrier at its far end");
  app.add_option("--fault", flags.faults,
                 "KIND@STAGE [port=N] [after=N] [for=TIME] [rate=P], for each: docs/ocs.md");
}

OcsConfig config_of(const OcsFlags& flags) {
  OcsConfig config;
  config.device.timing = SwitchTiming::parse("polatis", "--timing");
  Late late;
  if (!flags.config.empty()) read_file(flags.config, config, late);
  take_flags(flags, config);
  const int ports = config.device.ports;
  for (const auto& [number, value] : late.positions) {
    config.positions.push_back(read_position(number, value, ports));
  }
  for (const auto& [place, text] : late.faults) {
    config.faults.push_back(parse_fault(text, place, ports));
  }
  for (const std::string& text : flags.faults) {
    config.faults.push_back(parse_fault(text, "--fault", ports));
  }
  if (config.tl1.empty() && config.scpi.empty() && config.gnmi.empty()) {
    config.tl1 = "127.0.0.1:3082";
    config.scpi = "127.0.0.1:5025";
    config.gnmi = "127.0.0.1:8080";
  }
  if (config.gnmi.empty() && !(config.cert + config.key + config.ca).empty()) {
    throw Error("--cert", "TLS is gNMI's, which is not spoken", "--gnmi ADDRESS:PORT");
  }
  return config;
}

}  // namespace mixnet::ocs
