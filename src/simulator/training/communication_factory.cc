#include "training/communication_factory.h"

#include <algorithm>
#include <utility>

#include "training/expected_traffic.h"
#include "training/topoopt_communication.h"

namespace mixnet {

CommunicationFactory::CommunicationFactory(FabricKind kind, const Model& model,
                                           const ParallelPlan& plan, const NetworkOptions& options,
                                           Bandwidth nic_rate, ClusterHealth health)
    : kind_(kind),
      servers_(plan.servers()),
      gpus_per_server_(plan.gpus_per_server),
      region_servers_(plan.region_servers()),
      options_(options),
      health_(std::move(health)) {
  if (divides_gpu_bandwidth(kind)) gpu_ = divide_gpu_bandwidth(kind, options.gpu, nic_rate);
  if (kind == FabricKind::kTopoOpt) {
    topology_ = DirectConnect::find(servers_, options.nics_per_server,
                                    expected_traffic(model, plan, options.dispatch.mode),
                                    health_.dead_nics());
  }
}

/// Of a server, on the packet network.
int CommunicationFactory::eps_nics() const {
  return options_.nics_per_server - (kind_ == FabricKind::kMixNet ? options_.optical_degree : 0);
}

/// NICs of a spare of the pool on a fabric with an optical switch.
int CommunicationFactory::pool_nics() const {
  return options_.spare_nics > 0 ? options_.spare_nics : options_.nics_per_server;
}

bool CommunicationFactory::has_ocs() const {
  return kind_ == FabricKind::kMixNet || kind_ == FabricKind::kMixNetOpticalIo;
}

/// A spare of the pool has all its NICs on the packet network: as many servers' worth there as it
/// takes.
PacketFabric CommunicationFactory::packet_fabric(PathPolicy paths) const {
  const int slots = (options_.nics_per_server + eps_nics() - 1) / eps_nics();
  return PacketFabric(kind_, servers_ + health_.spares() * slots, eps_nics(),
                      options_.oversubscription, paths, health_.dead_links());
}

ServerPlaces CommunicationFactory::server_places() const {
  ServerPlaces places;
  places.region_servers = region_servers_;
  const int usual = eps_nics();
  const int optical = options_.nics_per_server - usual;  // the first ones, as failures count
  const int slots = (options_.nics_per_server + usual - 1) / usual;
  const auto own = [&](int server) {
    std::vector<int> nics;
    for (int nic = 0; nic < usual; ++nic) {
      nics.push_back(health_.nic_works(server, optical + nic) ? server * usual + nic : -1);
    }
    return nics;
  };
  const auto spare = [&](int number) {
    const bool all = has_ocs() && health_.backup() == Backup::kPool;
    std::vector<int> nics;
    for (int nic = 0; nic < (all ? pool_nics() : usual); ++nic) {
      nics.push_back((servers_ + (number - servers_) * slots) * usual + nic);
    }
    return nics;
  };
  for (const auto& [server, nic] : health_.dead_nics()) {
    if (nic >= optical) places.nics[server] = own(server);
  }
  for (const auto& [server, number] : health_.replaced()) places.nics[server] = spare(number);
  for (const auto& [first_server, moved] : health_.moved()) {
    places.nics[moved.spare] = spare(moved.spare);
    places.extra[first_server] = moved.spare;
  }
  if (!has_ocs()) return places;
  // Without a NIC of its own, a server reaches others by circuit, and from there by their NICs.
  for (auto& [server, nics] : places.nics) {
    if (std::ranges::any_of(nics, [](int nic) { return nic >= 0; })) continue;
    const int first = server / region_servers_ * region_servers_;
    if (!health_.ocs_works(first)) continue;
    nics.clear();
    for (int i = 1; i < std::min(region_servers_, options_.optical_degree + 1); ++i) {
      const int neighbour = first + (server - first + i) % region_servers_;
      if (health_.replaced().contains(neighbour)) continue;
      for (const int nic : own(neighbour)) {
        if (nic >= 0) nics.push_back(nic);
      }
    }
  }
  return places;
}

OcsPlaces CommunicationFactory::ocs_places() const {
  OcsPlaces places;
  const int optical = kind_ == FabricKind::kMixNet ? options_.optical_degree : 0;
  places.dark_regions = health_.dark_regions();
  for (const auto& [server, nic] : health_.dead_nics()) {
    if (nic < optical) {
      --places.optical_nics.try_emplace(server, optical).first->second;
    } else {
      --places.eps_nics.try_emplace(server, eps_nics()).first->second;
    }
  }
  if (health_.backup() == Backup::kRegion) return places;
  const auto no_circuits = [&](int server) {
    places.optical_nics[server] = 0;
    places.eps_nics[server] = pool_nics();
  };
  for (const auto& [server, number] : health_.replaced()) no_circuits(server);
  for (const auto& [first_server, moved] : health_.moved()) no_circuits(moved.spare);
  return places;
}

std::unique_ptr<TreeCommunication> CommunicationFactory::make_tree() const {
  auto tree = std::make_unique<TreeCommunication>(packet_fabric(options_.paths), options_.ep_nics,
                                                  options_.hashed, gpus_per_server_);
  tree->use_places(server_places());
  return tree;
}

std::unique_ptr<MixNetCommunication> CommunicationFactory::make_mixnet() const {
  auto mixnet = std::make_unique<MixNetCommunication>(
      packet_fabric(options_.paths), options_.optical_degree, options_.ep_split, options_.hashed,
      gpus_per_server_, options_.allocator);
  mixnet->use_places(server_places(), ocs_places());
  return mixnet;
}

std::unique_ptr<MixNetCommunication> CommunicationFactory::make_mixnet_optical_io() const {
  const int lanes = options_.gpu.optical_lanes;
  const double optical_nics = static_cast<double>(gpu_->optical.bits_per_second) /
                              static_cast<double>(gpu_->ethernet.bits_per_second);
  auto mixnet = std::make_unique<MixNetCommunication>(
      packet_fabric(options_.paths), gpus_per_server_ * lanes, options_.ep_split, options_.hashed,
      gpus_per_server_, options_.allocator, OpticalIo{optical_nics / lanes});
  mixnet->use_places(server_places(), ocs_places());
  return mixnet;
}

std::unique_ptr<CommunicationModel> CommunicationFactory::make_fluid(bool shortcuts) const {
  const auto with_shortcuts = [&](auto network) -> std::unique_ptr<CommunicationModel> {
    if (!shortcuts) network->run_plain();
    return network;
  };
  switch (kind_) {
    case FabricKind::kFatTree:
    case FabricKind::kOversubFatTree:
    case FabricKind::kRailOptimized:
    case FabricKind::kNvl72:
      return with_shortcuts(make_tree());
    case FabricKind::kMixNet:
      return with_shortcuts(make_mixnet());
    case FabricKind::kMixNetOpticalIo:
      return with_shortcuts(make_mixnet_optical_io());
    case FabricKind::kTopoOpt:
      return with_shortcuts(std::make_unique<TopoOptCommunication>(topology_, gpus_per_server_));
    case FabricKind::kIdeal:
      break;
  }
  return nullptr;
}

std::unique_ptr<CommunicationModel> CommunicationFactory::make_packet(
    const FidelityOptions& fidelity, std::shared_ptr<PhaseCache> cache) const {
  switch (kind_) {
    case FabricKind::kFatTree:
    case FabricKind::kOversubFatTree:
    case FabricKind::kRailOptimized:
    case FabricKind::kNvl72: {
      auto tree = make_tree();
      tree->use_packets(packet_fabric(PathPolicy::kEcmp), fidelity, std::move(cache));
      return tree;
    }
    case FabricKind::kMixNet:
    case FabricKind::kMixNetOpticalIo: {
      auto mixnet = kind_ == FabricKind::kMixNet ? make_mixnet() : make_mixnet_optical_io();
      mixnet->use_packets(packet_fabric(PathPolicy::kEcmp), fidelity, std::move(cache));
      return mixnet;
    }
    case FabricKind::kTopoOpt: {
      auto direct = std::make_unique<TopoOptCommunication>(topology_, gpus_per_server_);
      direct->use_packets(fidelity, std::move(cache));
      return direct;
    }
    case FabricKind::kIdeal:
      break;
  }
  return nullptr;
}

}  // namespace mixnet
