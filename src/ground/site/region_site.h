// region.yaml: what is where in one region. Its switch, its servers, their NICs, and which position
// of the switch each optical NIC is plugged into. Switch, daemon, testbed and runtime read it.
//
//   name: pod-7-row-3                   # default: the file's name
//   switch: tl1://admin@10.0.0.5        # ocs/switch_address.h; may be given elsewhere
//   ports: 1-24                         # our slice of it; default: those of the NICs below
//   pins: [1-17]                        # circuits that stay lit
//   forbidden: [23]                     # ports of the slice that are never touched
//   nic-up: 2s                          # from light to link, of every NIC; or `measured`
//   servers:
//     - name: gpu-0
//       run: [ssh, gpu-0]               # how to run a command there; default: on this machine
//       nics:
//         - {interface: eth2, ocs: 1, numa: 0, up: 3s}
//         - {interface: eth3, ocs: 2}
//         - {interface: eth0}           # on the packet network
//   controller: {...}                   # of the daemon alone (daemon/daemon_settings.h)
//
// Names of servers are unique, interfaces unique in a server, positions in a region. Plain values.
#pragma once

#include <compare>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/env.h"
#include "base/instant.h"

namespace mixnet {

struct SiteNic {
  std::string interface;
  int ocs = 0;                      ///< position on the switch; 0: on the packet network
  int numa = 0;                     ///< node that it is nearest to
  std::optional<Duration> up = {};  ///< from light to link, up to kLongestNicUp; none: the region's
};

struct SiteServer {
  std::string name;
  std::vector<std::string> run;  ///< words before a command; none: here
  std::vector<SiteNic> nics;
};

/// Two positions of the switch, a < b.
struct PositionPair {
  int a = 0;
  int b = 0;
  auto operator<=>(const PositionPair&) const = default;
};

struct RegionSite {
  std::string input;       ///< the file, for errors
  std::string name;        ///< up to 64 letters, digits, '-', '_' and '.', a letter or digit first
  std::string switch_url;  ///< empty: not given
  std::vector<int> ports;  ///< the slice, sorted
  std::vector<PositionPair> pins;  ///< sorted: of NICs of two servers each, none in two
  std::vector<int> forbidden;      ///< sorted
  Duration nic_up;                 ///< of NICs that do not say their own
  bool nic_up_measured = false;    ///< nic_up holds until it was
  std::vector<SiteServer> servers;
};

inline constexpr Duration kLongestNicUp = Duration::seconds(600);

/// Throws Error, with line and column.
RegionSite parse_region_site(const std::string& text, std::string_view input);
RegionSite read_region_site(const std::filesystem::path& file, Env& env = system_env());

/// "1-4,7" as sorted positions, each once, from 1 to `most`. Throws Error.
std::vector<int> parse_positions(std::string_view text, std::string_view input, int most);
inline constexpr int kMostPositions = 2'048;

}  // namespace mixnet
