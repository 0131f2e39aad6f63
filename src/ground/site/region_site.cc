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

SiteNic read_nic(const YamlReader& nic) {
  nic.only_keys({"interface", "ocs"});
  SiteNic read{.interface = nic.at("interface").string(), .ocs = 0};
  const std::string& name = read.interface;
  if (name.size() > kLongestInterface || name.find_first_of("/ :") != std::string::npos) {
    throw Error(nic.at("interface").place(), fmt::format("'{}' is no interface", shown(name)),
                "a name of up to 15 characters, as 'ip link' lists it");
  }
  if (nic.has("ocs")) read.ocs = static_cast<int>(nic.at("ocs").integer(1, kMostPositions));
  return read;
}

class SiteReader {
 public:
  explicit SiteReader(std::string_view input) { site_.input = input; }

  RegionSite read(const YamlReader& root) {
    root.only_keys({"switch", "ports", "servers"});
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
    return site_;
  }

 private:
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
  std::map<int, std::string> owners_;
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
