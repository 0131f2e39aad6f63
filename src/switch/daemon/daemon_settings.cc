#include "daemon/daemon_settings.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "base/error.h"
#include "base/text_fields.h"
#include "base/text_file.h"
#include "circuits/refined_allocator.h"
#include "daemon/credentials.h"
#include "site/yaml_reader.h"

namespace mixnet {
namespace {

constexpr std::int64_t kMostBudget = 1'000'000'000;
constexpr std::int64_t kMostAttempts = 1'000;
constexpr std::int64_t kMostMoves = 1'000'000;
constexpr std::size_t kMostWindows = 1'000;
constexpr std::size_t kMostPeers = 1'000;
constexpr Duration kRoom = Duration::milliseconds(250);
constexpr Duration kRoomToMeasure = Duration::seconds(5);

Duration span(const YamlReader& value, Duration least) {
  const Duration time = Duration::of(value.time());
  if (time < least) throw Error(value.place(), "is zero", "as in 500ms");
  if (time > RegionConfig::kLongestSpan)
    throw Error(value.place(), "is too long", "100000s at most");
  return time;
}

/// "10.0.0.0/8", "::1"
std::string peer(const YamlReader& value) {
  const std::string text = value.string();
  const std::size_t slash = text.find('/');
  const std::string address = text.substr(0, slash);
  std::array<unsigned char, sizeof(in6_addr)> bytes{};
  const int most = ::inet_pton(AF_INET, address.c_str(), bytes.data()) == 1    ? 32
                   : ::inet_pton(AF_INET6, address.c_str(), bytes.data()) == 1 ? 128
                                                                               : -1;
  const auto length = slash == std::string::npos
                          ? std::optional(most)
                          : number_in<int>(std::string_view(text).substr(slash + 1));
  if (most < 0 || !length || *length < 0 || *length > most) {
    throw Error(value.place(), fmt::format("'{}' is no address prefix", shown(text)),
                "as in 10.0.0.0/8 or fd00::/8");
  }
  return text;
}

class SettingsReader {
 public:
  SettingsReader(const std::string& text, std::string_view input)
      : root_(YamlReader::parse(text, input)) {
    settings_.input = input;
    settings_.site = parse_region_site(text, input);
  }

  DaemonSettings read() {
    read_address();
    number_ports();
    find_numa_nodes();
    RegionConfig& region = settings_.region;
    region.policy = Reconfiguration::kHitless;
    region.allocator = AllocatorKind::kRefined;
    region.budget = RefinedAllocator::kDefaultBudget;
    if (root_.has("controller")) {
      const YamlReader controller = root_.at("controller");
      controller.only_keys({"store",
                            "credentials",
                            "policy",
                            "allocator",
                            "budget",
                            "nic-rate",
                            "switch-delay",
                            "drain",
                            "command-timeout",
                            "read-timeout",
                            "phase-limit",
                            "audit",
                            "suspect-hold",
                            "attempts",
                            "durability",
                            "moves-per-minute",
                            "maintenance",
                            "api",
                            "page",
                            "tls",
                            "peers"});
      read_policy(controller);
      read_times(controller);
      read_place(controller);
      read_listening(controller);
    }
    choose_time_outs();
    check_config(region);
    return std::move(settings_);
  }

 private:
  void read_address() {
    const YamlReader url = root_.at("switch");  // throws where there is none
    settings_.address = parse_switch_address(settings_.site.switch_url, url.place());
    std::string_view rest = settings_.site.switch_url;
    if (const std::size_t scheme = rest.find("://"); scheme != std::string_view::npos) {
      rest.remove_prefix(scheme + 3);
    }
    const std::size_t at = rest.substr(0, rest.find('?')).rfind('@');
    settings_.has_password =
        at != std::string_view::npos && rest.substr(0, at).find(':') != std::string_view::npos;
    settings_.site.switch_url = settings_.address.shown();
  }

  void number_ports() {
    const RegionSite& site = settings_.site;
    RegionConfig& region = settings_.region;
    region.optical_nics = region.eps_nics = 0;
    for (const SiteServer& server : site.servers) {
      const auto optical = static_cast<int>(
          std::ranges::count_if(server.nics, [](const SiteNic& nic) { return nic.ocs > 0; }));
      region.optical_nics = std::max(region.optical_nics, optical);
      region.eps_nics = std::max(region.eps_nics, static_cast<int>(server.nics.size()) - optical);
    }
    check_size();
    region.servers = static_cast<int>(site.servers.size());
    settings_.position_of_port.assign(static_cast<std::size_t>(region.ports()), 0);
    settings_.port_of_position.assign(static_cast<std::size_t>(site.ports.back()) + 1, -1);
    settings_.nic_up.assign(settings_.position_of_port.size(), site.nic_up);
    settings_.nic_up_measured = site.nic_up_measured;
    int port = 0;
    for (const SiteServer& server : site.servers) {
      const int first = port;
      for (const SiteNic& nic : server.nics) {
        if (nic.ocs == 0) continue;
        settings_.position_of_port[port] = nic.ocs;
        settings_.port_of_position[nic.ocs] = port;
        if (nic.up) settings_.nic_up[port] = *nic.up;
        ++port;
      }
      port = first + region.optical_nics;
    }
    for (int p = 0; p < region.ports(); ++p) {
      const int position = settings_.position_of_port[p];
      if (position == 0 || std::ranges::binary_search(site.forbidden, position)) {
        region.forbidden.push_back(p);
      }
    }
    for (const PositionPair& pin : site.pins) {
      const int a = settings_.port_of_position[pin.a];
      const int b = settings_.port_of_position[pin.b];
      settings_.pins.push_back({std::min(a, b), std::max(a, b)});
    }
    std::ranges::sort(settings_.pins);
  }

  void check_size() const {
    const YamlReader servers = root_.at("servers");
    const RegionConfig& region = settings_.region;
    if (settings_.site.servers.size() > RegionConfig::kMaxServers) {
      throw Error(servers.place(), "too many servers",
                  fmt::format("{} at most", RegionConfig::kMaxServers));
    }
    if (region.optical_nics == 0) {
      throw Error(servers.place(), "no NIC is plugged into the switch", "as in {ocs: 1}");
    }
    if (std::max(region.optical_nics, region.eps_nics) > RegionConfig::kMaxNics) {
      throw Error(servers.place(), "a server has too many NICs",
                  fmt::format("{} on the switch, {} beside it", RegionConfig::kMaxNics,
                              RegionConfig::kMaxNics));
    }
  }

  /// The planner knows one node for the k-th NIC of all servers.
  void find_numa_nodes() {
    std::vector<std::optional<int>> nodes(static_cast<std::size_t>(settings_.region.optical_nics));
    for (const YamlReader& server : root_.at("servers").items()) {
      std::size_t k = 0;
      for (const YamlReader& nic : server.at("nics").items()) {
        if (!nic.has("ocs")) continue;
        const int node = nic.has("numa") ? static_cast<int>(nic.at("numa").integer(0, 1'023)) : 0;
        if (nodes[k].value_or(node) != node) {
          throw Error(nic.place(),
                      fmt::format("NIC {} of a server is on NUMA node {} elsewhere, and on {} here",
                                  k + 1, *nodes[k], node),
                      "list the NICs of all servers in the same order of nodes");
        }
        nodes[k++] = node;
      }
    }
    for (const std::optional<int>& node : nodes) {
      settings_.region.numa_of_nic.push_back(node.value_or(0));
    }
  }

  void read_policy(const YamlReader& from) {
    RegionConfig& region = settings_.region;
    if (from.has("policy")) region.policy = from.at("policy").choice<Reconfiguration>();
    if (from.has("allocator")) {
      region.allocator = from.at("allocator").choice<AllocatorKind>();
      if (region.allocator == AllocatorKind::kExact) {
        throw Error(from.at("allocator").place(), "is 'exact', whose time has no bound",
                    "greedy or refined");
      }
    }
    if (from.has("budget")) region.budget = from.at("budget").integer(0, kMostBudget);
    if (from.has("nic-rate")) {
      const YamlReader rate = from.at("nic-rate");
      region.nic_rate = parse_bandwidth(rate.string(), rate.place());
      if (region.nic_rate == Bandwidth{}) throw Error(rate.place(), "is zero", "as in 400Gbps");
    }
    if (from.has("attempts")) {
      region.attempts = static_cast<int>(from.at("attempts").integer(1, kMostAttempts));
    }
    if (from.has("moves-per-minute")) {
      region.moves_per_minute =
          static_cast<int>(from.at("moves-per-minute").integer(0, kMostMoves));
    }
  }

  void read_times(const YamlReader& from) {
    RegionConfig& region = settings_.region;
    constexpr Duration kLeast = Duration::nanoseconds(1);
    const auto take = [&](std::string_view key, Duration least, Duration& into) {
      if (from.has(key)) into = span(from.at(key), least);
    };
    take("switch-delay", Duration::zero(), region.switch_delay);
    take("drain", Duration::zero(), region.drain);
    take("phase-limit", kLeast, region.phase_limit);
    take("audit", kLeast, region.audit_period);
    take("suspect-hold", kLeast, region.suspect_hold);
    const auto late = [&](std::string_view key, std::optional<Duration>& into, std::string& place) {
      if (!from.has(key)) return;
      into = span(from.at(key), kLeast);
      place = from.at(key).place();
    };
    late("command-timeout", command_timeout_, command_place_);
    late("read-timeout", read_timeout_, read_place_);
    if (!from.has("maintenance")) return;
    for (const YamlReader& window : from.at("maintenance").items()) {
      if (settings_.maintenance.size() >= kMostWindows) {
        throw Error(window.place(), "too many windows", fmt::format("{} at most", kMostWindows));
      }
      settings_.maintenance.push_back(parse_maintenance(window.string(), window.place()));
    }
  }

  /// There must be room for the switch and the NICs.
  void choose_time_outs() {
    RegionConfig& region = settings_.region;
    Duration up = *std::ranges::max_element(settings_.nic_up);
    const Duration needed = region.switch_delay + up;
    if (command_timeout_ && *command_timeout_ < needed) {
      throw Error(command_place_, "is less than switch-delay and nic-up together",
                  fmt::format("{} or more", to_string(needed.to_time())));
    }
    if (read_timeout_ && *read_timeout_ < up) {
      throw Error(read_place_, "is less than nic-up",
                  fmt::format("{} or more", to_string(up.to_time())));
    }
    if (settings_.nic_up_measured) up = std::max(up, kRoomToMeasure);
    const auto bounded = [](Duration time) { return std::min(time, RegionConfig::kLongestSpan); };
    region.command_timeout = command_timeout_.value_or(
        bounded(std::max(region.command_timeout, region.switch_delay * 2 + up + kRoom)));
    region.read_timeout =
        read_timeout_.value_or(bounded(std::max(region.read_timeout, up + kRoom)));
  }

  std::filesystem::path beside_file(const std::string& path) const {
    return std::filesystem::path(settings_.input).parent_path() / path;
  }

  void read_place(const YamlReader& from) {
    if (from.has("store")) settings_.store = beside_file(from.at("store").string());
    if (from.has("durability")) {
      settings_.store_options.durability = from.at("durability").choice<Durability>();
    }
    if (!from.has("credentials")) return;
    settings_.credentials = beside_file(from.at("credentials").string());
    if (settings_.has_password) {
      throw Error(from.at("credentials").place(), "the switch's URL has a password already",
                  "in one place only");
    }
  }

  void read_listening(const YamlReader& from) {
    const auto address = [&](std::string_view key, std::string& into) {
      if (!from.has(key)) return;
      into = from.at(key).string();
      if (into == "none") {
        into.clear();
      } else {
        parse_listen_address(into, from.at(key).place());
      }
    };
    address("api", settings_.api);
    address("page", settings_.page);
    if (from.has("tls")) {
      const YamlReader tls = from.at("tls");
      tls.only_keys({"cert", "key", "ca"});
      const auto file = [&](std::string_view key) {
        return beside_file(tls.at(key).string()).string();
      };
      settings_.tls = {file("cert"), file("key"), file("ca")};
    }
    if (!from.has("peers")) return;
    for (const YamlReader& item : from.at("peers").items()) {
      if (settings_.peers.size() >= kMostPeers) {
        throw Error(item.place(), "too many prefixes", fmt::format("{} at most", kMostPeers));
      }
      settings_.peers.push_back(peer(item));
    }
  }

  YamlReader root_;
  DaemonSettings settings_;
  std::optional<Duration> command_timeout_, read_timeout_;
  std::string command_place_, read_place_;
};

}  // namespace

bool ListenAddress::is_loopback() const { return host == "::1" || host.starts_with("127."); }

ListenAddress parse_listen_address(std::string_view text, std::string_view input) {
  const std::size_t colon = text.rfind(':');
  std::string_view host = text.substr(0, colon);
  const bool is_v6 = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (is_v6) host = host.substr(1, host.size() - 2);
  ListenAddress address{.host = std::string(host)};
  std::array<unsigned char, sizeof(in6_addr)> bytes{};
  const bool is_address =
      ::inet_pton(is_v6 ? AF_INET6 : AF_INET, address.host.c_str(), bytes.data()) == 1;
  const auto port =
      colon == std::string_view::npos ? std::nullopt : number_in<int>(text.substr(colon + 1));
  if (!is_address || !port || *port < 0 || *port > 65'535) {
    throw Error(input, fmt::format("'{}' is no ADDRESS:PORT", shown(text)),
                "as in 127.0.0.1:7411 or [::1]:7411");
  }
  address.port = *port;
  return address;
}

std::string DaemonSettings::port_name(int port) const {
  const SiteServer& server = site.servers.at(static_cast<std::size_t>(region.server_of(port)));
  int k = port % region.optical_nics;
  for (const SiteNic& nic : server.nics) {
    if (nic.ocs > 0 && k-- == 0) return fmt::format("{}:{}", server.name, nic.interface);
  }
  return fmt::format("{}:(none)", server.name);
}

std::vector<int> DaemonSettings::slice() const {
  std::vector<int> slice;
  std::ranges::set_difference(site.ports, site.forbidden, std::back_inserter(slice));
  return slice;
}

DaemonSettings parse_daemon_settings(const std::string& text, std::string_view input) {
  return SettingsReader(text, input).read();
}

DaemonSettings read_daemon_settings(const std::filesystem::path& file, Env& env) {
  DaemonSettings settings = parse_daemon_settings(read_text_file(file, env), file.string());
  if (settings.has_password) check_private(file);
  if (!settings.credentials.empty()) {
    SwitchCredentials found = read_credentials(settings.credentials);
    settings.address.user = std::move(found.user);
    settings.address.password = std::move(found.password);
  }
  return settings;
}

void check_exposure(const DaemonSettings& settings) {
  if (settings.tls.given()) return;
  for (const auto& [key, text] : {std::pair{"api", settings.api}, {"page", settings.page}}) {
    if (text.empty()) continue;
    const std::string place = fmt::format("{}: controller.{}", settings.input, key);
    if (!parse_listen_address(text, place).is_loopback()) {
      throw Error(place, fmt::format("{} is not the loopback, and there is no TLS", text),
                  "give 'tls: {cert: ..., key: ..., ca: ...}', or an address of the loopback");
    }
    if (!settings.insecure) {
      throw Error(place, "there is no TLS, so whoever is on this machine would be an operator",
                  "give 'tls: {cert: ..., key: ..., ca: ...}', or --insecure if that is meant");
    }
  }
}

}  // namespace mixnet
