// region.yaml: what is where in one region. Its switch, its servers, their NICs, and which position
// of the switch each optical NIC is plugged into. Switch, daemon, testbed and runtime read it.
//
//   switch: tl1://admin@10.0.0.5        # ocs/switch_address.h; may be given elsewhere
//   ports: 1-24                         # our slice of it; default: those of the NICs below
//   servers:
//     - name: gpu-0
//       run: [ssh, gpu-0]               # how to run a command there; default: on this machine
//       nics:
//         - {interface: eth2, ocs: 1}
//         - {interface: eth3, ocs: 2}
//         - {interface: eth0}           # on the packet network
//
// Names of servers are unique, interfaces unique in a server, positions in a region. Plain values.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/env.h"

namespace mixnet {

struct SiteNic {
  std::string interface;
  int ocs = 0;  ///< position on the switch; 0: on the packet network
};

struct SiteServer {
  std::string name;
  std::vector<std::string> run;  ///< words before a command; none: here
  std::vector<SiteNic> nics;
};

struct RegionSite {
  std::string input;       ///< the file, for errors
  std::string switch_url;  ///< empty: not given
  std::vector<int> ports;  ///< the slice, sorted
  std::vector<SiteServer> servers;
};

/// Throws Error, with line and column.
RegionSite parse_region_site(const std::string& text, std::string_view input);
RegionSite read_region_site(const std::filesystem::path& file, Env& env = system_env());

/// "1-4,7" as sorted positions, each once, from 1 to `most`. Throws Error.
std::vector<int> parse_positions(std::string_view text, std::string_view input, int most);
inline constexpr int kMostPositions = 2'048;

}  // namespace mixnet
