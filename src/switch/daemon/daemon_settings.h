// What mixnetd is told: region.yaml, which has the region (site/region_site.h) and, under
// `controller:`, how it is to be run. Everything but the servers and the switch has a default.
//
//   name: pod-7-row-3                  # default: the file's name
//   switch: tl1://ocs-3.example        # user and password: from `credentials`
//   ports: 1-24                        # our slice of the switch
//   pins: [1-17]                       # circuits between positions that stay lit
//   forbidden: [23]                    # positions of the slice that are never touched
//   nic-up: 0s                         # from light to link, of every NIC; or `measured`
//   servers:
//     - name: gpu-0
//       nics: [{interface: eth2, ocs: 1, numa: 0, up: 2s}, {interface: eth0}]
//   controller:
//     store: /var/lib/mixnet/pod-7       # a folder of this region's own
//     credentials: switch.cred           # `user: ...`, `password: ...`; ours alone to read
//     policy: hitless                    # block, reuse, copilot, oracle, hitless, hidden
//     allocator: refined                 # or greedy
//     budget: 25000                      # of the refined allocator: moves looked at
//     nic-rate: 400Gbps
//     switch-delay: 25ms                 # from command to light, as expected
//     drain: 0s                          # from the announcement to the command
//     command-timeout: 500ms             # at least switch-delay and the longest nic-up
//     read-timeout: 500ms                # at least the longest nic-up
//     phase-limit: 30s
//     audit: 10s                         # how often the whole slice is read
//     suspect-hold: 30s
//     attempts: 3
//     durability: process                # or power: a sync of the disk for each event
//     moves-per-minute: 0                # 0: no cap
//     maintenance: ["Sun 02:00-04:00 UTC", "2026-12-24 00:00 / 2026-12-27 00:00 UTC"]
//     api: 127.0.0.1:7411                # ADDRESS:PORT, or none; port 0: any that is free
//     page: 127.0.0.1:7412
//     tls: {cert: d.pem, key: d.key, ca: ca.pem}
//     peers: [10.0.0.0/8, "fd00::/8"]    # default: the loopback, and with TLS anybody
//
// Relative paths are from the file's folder. Where the slowest NIC or the switch needs more, the
// time-outs are longer by default: 2 x switch-delay + nic-up + 250 ms, and nic-up + 250 ms; with
// nic-up `measured` there is room for 5 s.
//
// SECRETS. A password in the URL of `switch:` makes region.yaml a secret: it is refused when others
// may read it. `credentials` is the better place. Neither is in what settings show: site.switch_url
// is without them.
//
// Ports of the region (region_messages.h) are server * optical_nics + k, where optical_nics is the
// largest number of optical NICs that a server has, in the order of the file; those that do not
// exist are forbidden. NIC k is on the same NUMA node in every server. eps_nics is the largest
// number of other NICs; those that a server lacks are told to the controller as failed. Plain
// values.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/env.h"
#include "daemon/maintenance.h"
#include "ocs/optical_switch.h"
#include "ocs/switch_address.h"
#include "region/region_state.h"
#include "site/region_site.h"
#include "store/region_store.h"

namespace mixnet {

/// Where to listen.
struct ListenAddress {
  std::string host;  ///< numeric, without brackets
  int port = 0;      ///< 0: any that is free
  bool is_loopback() const;
};
/// "127.0.0.1:7411", "[::1]:0". Throws Error.
ListenAddress parse_listen_address(std::string_view text, std::string_view input);

struct TlsFiles {
  std::string cert, key, ca;  ///< PEM; all or none
  bool given() const { return !cert.empty(); }
};

struct DaemonSettings {
  std::string input;  ///< the file, for errors
  RegionSite site;
  SwitchAddress address;              ///< with user and password
  std::filesystem::path credentials;  ///< empty: none
  bool has_password = false;          ///< in the file itself
  RegionConfig region;
  std::vector<int> position_of_port;  ///< by port; 0: there is none
  std::vector<int> port_of_position;  ///< by position; -1: none of ours
  std::vector<PortPair> pins;         ///< ports
  std::vector<Duration> nic_up;       ///< by port: from light to link
  bool nic_up_measured = false;       ///< nic_up holds until something was measured
  std::vector<MaintenanceWindow> maintenance;
  std::filesystem::path store;
  StoreOptions store_options;
  std::string api = "127.0.0.1:7411", page = "127.0.0.1:7412";  ///< "": none
  TlsFiles tls;
  std::vector<std::string> peers;  ///< address prefixes that may connect
  bool observes = false;           ///< --observe
  bool insecure = false;           ///< --insecure: no TLS, on the loopback only

  std::string server_name(int server) const { return site.servers[server].name; }
  /// "gpu-0:eth2", of a port that exists.
  std::string port_name(int port) const;
  /// The positions that the driver may name.
  std::vector<int> slice() const;
};

/// Throws Error with line and column. `store` is "" where the file does not say: the caller's
/// default.
DaemonSettings parse_daemon_settings(const std::string& text, std::string_view input);
/// The same, and the credentials, whose file must be nobody else's to read.
DaemonSettings read_daemon_settings(const std::filesystem::path& file, Env& env = system_env());

/// Throws Error where it would listen off the loopback without TLS, or on it without being told
/// that this is meant (insecure).
void check_exposure(const DaemonSettings& settings);

}  // namespace mixnet
