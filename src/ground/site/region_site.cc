#include "site/region_site.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "base/error.h"
#include "base/text_fields.h"
#include "base/text_file.h"
#include "site/yaml_reader.h"

namespace mixnet {
namespace {

constexpr std::size_t kLongestInterface = 15;  // IFNAMSIZ less the zero

constexpr int kMostNuma = 1'023;
constexpr std::size_t kLongestName = 64;

Duration nic_up(const YamlReader& value) {
  const Duration up = Duration::of(value.time());
  if (up > kLongestNicUp) throw Error(value.place(), "is too long", "10 min at most");
  return up;
}

bool is_region_name(std::string_view name) {
  const auto is_plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
  };
  return !name.empty() && name.size() <= kLongestName && is_plain(name.front()) &&
         std::ranges::all_of(
             name, [&](char c) { return is_plain(c) || c == '-' || c == '_' || c == '.'; });
}

/// Of a file: "pod-7" of "/etc/mixnet/pod-7.yaml".
std::string name_of_file(std::string_view input) {
  std::string name = std::filesystem::path(input).stem().string();
  return is_region_name(name) ? name : "region";
}

SiteNic read_nic(const YamlReader& nic) {
  nic.only_keys({"interface", "ocs", "numa", "up"});
  SiteNic read{.interface = nic.at("interface").string(), .ocs = 0, .numa = 0, .up = {}};
  const std::string& name = read.interface;
  if (name.size() > kLongestInterface || name.find_first_of("/ :") != std::string::npos) {
    throw Error(nic.at("interface").place(), fmt::format("'{}' is no interface", shown(name)),
                "a name of up to 15 characters, as 'ip link' lists it");
  }
  if (nic.has("ocs")) read.ocs = static_cast<int>(nic.at("ocs").integer(1, kMostPositions));
  if (nic.has("numa")) read.numa = static_cast<int>(nic.at("numa").integer(0, kMostNuma));
  if (nic.has("up")) read.up = nic_up(nic.at("up"));
  return read;
}

/// "1-17"
PositionPair read_pair(const YamlReader& value) {
  const std::string text = value.string();
  const std::size_t dash = text.find('-');
  const auto number = [&](std::string_view part) {
    return number_in<int>(trimmed(part)).value_or(0);
  };
  const std::string_view whole = text;
  const int a = number(whole.substr(0, dash));
  const int b = dash == std::string::npos ? 0 : number(whole.substr(dash + 1));
  if (a < 1 || b < 1 || a > kMostPositions || b > kMostPositions || a == b) {
    throw Error(value.place(), fmt::format("'{}' is no circuit", shown(text)),
                "two ports, as in 1-17");
  }
  return {std::min(a, b), std::max(a, b)};
}

class SiteReader {
 public:
  explicit SiteReader(std::string_view input) { site_.input = input; }

  RegionSite read(const YamlReader& root) {
    root.only_keys(
        {"name", "switch", "ports", "pins", "forbidden", "nic-up", "servers", "controller"});
    site_.name = root.string_or("name", name_of_file(site_.input));
    if (!is_region_name(site_.name)) {
      throw Error(root.at("name").place(), fmt::format("'{}' is no name", shown(site_.name)),
                  "up to 64 letters, digits, '-', '_' and '.', a letter or digit first");
    }
    site_.switch_url = root.string_or("switch", "");
    for (const YamlReader& server : root.at("servers").items()) add(server);
    if (site_.servers.empty()) throw Error(root.at("servers").place(), "no server is named", "");
    std::vector<int> plugged;
    for (const auto& [position, owner] : owners_) plugged.push_back(position);
    site_.ports = plugged;
    if (root.has("ports")) {
      const YamlReader ports = root.at("ports");
      site_.ports = parse_positions(ports.string(), ports.place(), kMostPositions);
      for (const auto& [position, owner] : owners_) {
        if (std::ranges::binary_search(site_.ports, position)) continue;
        throw Error(ports.place(),
                    fmt::format("port {}, of {}, is not among them", position, owner),
                    "the slice holds every port that a NIC is plugged into");
      }
    }
    read_forbidden(root);
    read_pins(root);
    read_nic_up(root);
    return site_;
  }

 private:
  void read_forbidden(const YamlReader& root) {
    if (!root.has("forbidden")) return;
    std::set<int> named;
    const YamlReader list = root.at("forbidden");
    for (const YamlReader& item : list.is_sequence() ? list.items() : std::vector{list}) {
      for (const int position : parse_positions(item.string(), item.place(), kMostPositions)) {
        check_in_slice(position, item);
        if (!named.insert(position).second) {
          throw Error(item.place(), fmt::format("port {} is named twice", position), "once");
        }
      }
    }
    site_.forbidden.assign(named.begin(), named.end());
  }

  void check_in_slice(int position, const YamlReader& value) const {
    if (std::ranges::binary_search(site_.ports, position)) return;
    throw Error(value.place(), fmt::format("port {} is not in the slice", position),
                "a port that is not ours is not touched anyway");
  }

  void read_pins(const YamlReader& root) {
    if (!root.has("pins")) return;
    std::set<int> named;
    for (const YamlReader& item : root.at("pins").items()) {
      const PositionPair pin = read_pair(item);
      for (const int position : {pin.a, pin.b}) {
        const auto refuse = [&](std::string_view what, std::string_view remedy) {
          throw Error(item.place(), fmt::format("port {} {}", position, what), remedy);
        };
        if (!owners_.contains(position)) refuse("is that of no NIC", "pins join NICs");
        if (std::ranges::binary_search(site_.forbidden, position)) refuse("is forbidden", "");
        if (!named.insert(position).second) refuse("is in two pins", "one circuit a port");
      }
      if (server_of_.at(pin.a) == server_of_.at(pin.b)) {
        throw Error(item.place(), fmt::format("both ports are those of {}", server_of_.at(pin.a)),
                    "a circuit joins two servers");
      }
      site_.pins.push_back(pin);
    }
    std::ranges::sort(site_.pins);
  }

  void read_nic_up(const YamlReader& root) {
    if (!root.has("nic-up")) return;
    const YamlReader value = root.at("nic-up");
    site_.nic_up_measured = value.string() == "measured";
    if (!site_.nic_up_measured) site_.nic_up = nic_up(value);
  }

  void add(const YamlReader& server) {
    server.only_keys({"name", "run", "nics"});
    SiteServer read{.name = server.at("name").string(), .run = {}, .nics = {}};
    if (!names_.insert(read.name).second) {
      throw Error(server.at("name").place(), fmt::format("a second server '{}'", shown(read.name)),
                  "a name of its own");
    }
    if (server.has("run")) {
      for (const YamlReader& word : server.at("run").items()) read.run.push_back(word.string());
    }
    std::set<std::string> interfaces;
    for (const YamlReader& nic : server.at("nics").items()) {
      read.nics.push_back(read_nic(nic));
      const SiteNic& added = read.nics.back();
      if (!interfaces.insert(added.interface).second) {
        throw Error(nic.place(), fmt::format("a second NIC '{}' of {}", added.interface, read.name),
                    "each interface once");
      }
      if (added.ocs == 0) continue;
      const std::string owner = fmt::format("{}:{}", read.name, added.interface);
      server_of_.emplace(added.ocs, read.name);
      const auto [other, is_new] = owners_.emplace(added.ocs, owner);
      if (!is_new) {
        throw Error(nic.place(),
                    fmt::format("port {} is that of {} already", added.ocs, other->second),
                    "one NIC a port");
      }
    }
    site_.servers.push_back(std::move(read));
  }

  RegionSite site_;
  std::set<std::string> names_;
  std::map<int, std::string> owners_;     ///< "gpu-0:eth2", by position
  std::map<int, std::string> server_of_;  ///< by position
};

}  // namespace

RegionSite parse_region_site(const std::string& text, std::string_view input) {
  return SiteReader(input).read(YamlReader::parse(text, input));
}

RegionSite read_region_site(const std::filesystem::path& file, Env& env) {
  return parse_region_site(read_text_file(file, env), file.string());
}

std::vector<int> parse_positions(std::string_view text, std::string_view input, int most) {
  const auto refuse = [&](std::string_view what) {
    throw Error(input, fmt::format("'{}' names no ports", shown(what)),
                fmt::format("as in 1-4,7, from 1 to {}", most));
  };
  std::set<int> named;
  std::string_view rest = text;
  for (bool more = true; more;) {
    const std::size_t comma = rest.find(',');
    more = comma != std::string_view::npos;
    const std::string_view part = trimmed(rest.substr(0, comma));
    if (more) rest.remove_prefix(comma + 1);
    const std::size_t dash = part.find('-');
    const auto first = number_in<int>(trimmed(part.substr(0, dash)));
    const auto last =
        dash == std::string_view::npos ? first : number_in<int>(trimmed(part.substr(dash + 1)));
    if (!first || !last || *first < 1 || *last < *first || *last > most) refuse(part);
    for (int position = *first; position <= *last; ++position) {
      if (!named.insert(position).second) {
        throw Error(input, fmt::format("port {} is named twice", position), "once");
      }
    }
  }
  return {named.begin(), named.end()};
}

}  // namespace mixnet
