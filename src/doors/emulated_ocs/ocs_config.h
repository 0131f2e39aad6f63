// What mixnet-ocs is told to be: its flags, and the file behind --config, which holds the same and
// more. A flag wins over the file.
//
//   ports: 32                 # --ports          sides: one          # --sides
//   timing: polatis           # --timing         seed: 1             # --seed
//   nic-up: 0s                # --nic-up
//   tl1: 127.0.0.1:3082       # --tl1            scpi: 127.0.0.1:5025    # --scpi
//   gnmi: 127.0.0.1:8080      # --gnmi           control: 127.0.0.1:8082 # --control
//   tls: {cert: ocs.pem, key: ocs.key, ca: clients.pem}    # --cert, --key, --ca
//   users: {tl1: {root: root}, gnmi: {admin: admin}}
//   state: ocs.state.json     # --state          carrier: no         # --carrier
//   attach: {eth-a: 1, eth-b: 2}                         # --attach eth-a=1
//   positions:                # what is plugged in, and how well
//     1: {label: "gpu-0:eth2", power-dbm: 0.5, in-loss-db: 0, out-loss-db: 0, dark: no}
//   faults: ["deny@received rate=0.01"]                  # --fault
#pragma once

#include <CLI/CLI.hpp>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "dataplane/data_plane.h"
#include "emulator/emulated_switch.h"

namespace mixnet::ocs {

using Users = std::map<std::string, std::string>;

struct PositionSettings {
  int position = 0;
  std::string label;
  std::optional<double> power_dbm;
  double in_loss_db = 0;
  double out_loss_db = 0;
  bool dark = false;
};

struct OcsConfig {
  EmulatedSwitchConfig device;
  /// ADDRESS:PORT of each server; empty: there is none.
  std::string tl1, scpi, gnmi, control;
  std::string cert, key, ca;
  Users tl1_users = {{"root", "root"}};
  Users gnmi_users = {{"admin", "admin"}};
  std::string state;
  std::vector<PortAttachment> attach;
  bool carrier = false;
  std::vector<PositionSettings> positions;
  std::vector<Fault> faults;
};

/// The flags as they were typed.
struct OcsFlags {
  std::string config, sides, timing, nic_up, tl1, scpi, gnmi, control, cert, key, ca, state;
  std::optional<int> ports;
  std::optional<std::uint64_t> seed;
  std::vector<std::string> attach, faults, tl1_users, gnmi_users;
  bool carrier = false;
};

void add_flags(CLI::App& app, OcsFlags& flags);

/// Throws Error, which names the flag or the file, line and column.
OcsConfig config_of(const OcsFlags& flags);

}  // namespace mixnet::ocs
