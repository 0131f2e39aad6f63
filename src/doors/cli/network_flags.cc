#include "cli/network_flags.h"

#include "cli/flag_group.h"

namespace mixnet::cli {

FlowNetworkOptions NetworkFlags::options() const {
  FlowNetworkOptions network;
  network.fabric = parse<FabricKind>(fabric, "--fabric");
  network.nics_per_server = nics_per_server.value_or(network.nics_per_server);
  network.optical_degree = degree;
  network.oversubscription = oversubscription;
  network.paths = parse<PathPolicy>(paths.value_or("ecmp"), "--paths");
  network.bandwidth = parse_bandwidth(bandwidth, "--bandwidth");
  network.latency = parse_time(latency, "--latency");
  return network;
}

void add_network_flags(CLI::App& command, NetworkFlags& flags, const std::string& nics_default) {
  const FlagGroup group(command, "Network");
  group.add("--fabric", flags.fabric, "Fabric ('mixnet fabrics')")->required();
  group.add("--nics-per-server", flags.nics_per_server,
            "NICs of a server (default: " + nics_default + ")");
  group.add_default("--bandwidth", flags.bandwidth, "Speed of a NIC");
  group.add_default("--latency", flags.latency, "Propagation of one link; of a circuit twice that");
  group.add("--degree", flags.degree,
            "mixnet: NICs of a server on the optical switch (default: 3 of 4)");
  group.add_default("--oversubscription", flags.oversubscription,
                    "oversub-fat-tree: NICs for one uplink of their ToR switch");
  group.add("--paths", flags.paths,
            "ecmp (one hashed path a flow, the default as in other packet\n"
            "simulators) or spray (packets over all paths in turn)");
}

}  // namespace mixnet::cli
