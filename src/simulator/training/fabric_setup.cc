#include "training/fabric_setup.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "moe/demand.h"
#include "moe/routing.h"
#include "training/compute.h"
#include "training/topoopt_communication.h"

namespace mixnet {
namespace {

constexpr double kGradientBytes = 2;
constexpr int kMostNvl72Gpus = 72;
constexpr int kAllToAlls = 4;     // per MoE layer and micro-batch
constexpr double kTpPhases = 10;  // of a sequence's activations, per layer and micro-batch, about

/// Servers of one rank's TP group: more than one only when tp exceeds a server.
int tp_servers(const ParallelPlan& plan) { return std::max(1, plan.tp / plan.gpus_per_server); }

}  // namespace

void check_network_options(const NetworkOptions& options, const ParallelPlan& plan) {
  const int nics = options.nics_per_server;
  if (nics < 1 || nics > plan.gpus_per_server || plan.gpus_per_server % nics != 0) {
    throw Error(
        "--nics-per-server",
        fmt::format("{} does not divide the {} GPUs of a server", nics, plan.gpus_per_server),
        "give every NIC the same number of GPUs");
  }
  if (options.optical_degree < 0 || options.optical_degree >= nics) {
    throw Error(
        "--degree",
        fmt::format("{} of a server's {} NICs cannot be optical", options.optical_degree, nics),
        fmt::format("give 0 to {}: pipeline and data parallelism need an electrical NIC",
                    nics - 1));
  }
  if (!(options.oversubscription >= 1 && options.oversubscription <= 1000)) {
    throw Error("--oversubscription", fmt::format("{} is out of range", options.oversubscription),
                "give a ratio from 1 to 1000");
  }
  if (options.spare_nics < 0 || options.spare_nics > nics) {
    throw Error("--spare-nics", fmt::format("{} is out of range", options.spare_nics),
                fmt::format("give 1 to {}", nics));
  }
  if (options.flows_per_pair < 1 || options.flows_per_pair > 1024) {
    throw Error("--flows-per-pair", fmt::format("{} is out of range", options.flows_per_pair),
                "give a whole number from 1 to 1024");
  }
}

void check_domains(std::span<const FabricKind> fabrics, const NetworkOptions& options,
                   const ParallelPlan& plan) {
  for (const FabricKind kind : fabrics) {
    if (!divides_gpu_bandwidth(kind)) continue;
    if (options.nics_per_server != plan.gpus_per_server) {
      throw Error("--nics-per-server",
                  fmt::format("{} NICs for {} GPUs: {} has one a GPU", options.nics_per_server,
                              plan.gpus_per_server, to_string(kind)),
                  "leave the flag out");
    }
    if (kind == FabricKind::kNvl72 && plan.gpus_per_server > kMostNvl72Gpus) {
      throw Error("--gpus-per-server",
                  fmt::format("an nvl72 domain has no {} GPUs", plan.gpus_per_server),
                  fmt::format("give up to {}; 64 are used of them", kMostNvl72Gpus));
    }
  }
}

void check_failures(std::span<const FabricKind> fabrics, const NetworkOptions& options,
                    const ParallelPlan& plan, std::span<const Failure> failures) {
  (void)ClusterHealth(failures, plan, options.nics_per_server, Backup::kPool);
  for (const Failure& failure : failures) {
    if (failure.part != FailedPart::kLink) continue;
    const DeadLink link = {failure.tier, failure.index};
    const bool known = std::ranges::any_of(fabrics, [&](FabricKind kind) {
      if (kind == FabricKind::kTopoOpt || kind == FabricKind::kIdeal) return false;
      const int optical = kind == FabricKind::kMixNet ? options.optical_degree : 0;
      return PacketFabric(kind, plan.servers(), options.nics_per_server - optical,
                          options.oversubscription, PathPolicy::kEcmp, {&link, 1})
                 .dead_links() > 0;
    });
    if (known) continue;
    throw Error("--fail", fmt::format("'{}': no fabric here has that link", failure.text),
                "give a lower number, or a tier of these fabrics (docs/failures.md)");
  }
}

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
                                    expected_traffic(model, plan), health_.dead_nics());
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
                                                    options_.flows_per_pair, gpus_per_server_);
  tree->use_places(server_places());
  return tree;
}

std::unique_ptr<MixNetCommunication> CommunicationFactory::make_mixnet() const {
  auto mixnet = std::make_unique<MixNetCommunication>(
      packet_fabric(options_.paths), options_.optical_degree, options_.ep_split,
      options_.flows_per_pair, gpus_per_server_, options_.allocator);
  mixnet->use_places(server_places(), ocs_places());
  return mixnet;
}

std::unique_ptr<MixNetCommunication> CommunicationFactory::make_mixnet_optical_io() const {
  const int lanes = options_.gpu.optical_lanes;
  const double optical_nics = static_cast<double>(gpu_->optical.bits_per_second) /
                              static_cast<double>(gpu_->ethernet.bits_per_second);
  auto mixnet = std::make_unique<MixNetCommunication>(
      packet_fabric(options_.paths), gpus_per_server_ * lanes, options_.ep_split,
      options_.flows_per_pair, gpus_per_server_, options_.allocator,
      OpticalIo{optical_nics / lanes});
  mixnet->use_places(server_places(), ocs_places());
  return mixnet;
}

std::unique_ptr<CommunicationModel> CommunicationFactory::make_fluid() const {
  switch (kind_) {
    case FabricKind::kFatTree:
    case FabricKind::kOversubFatTree:
    case FabricKind::kRailOptimized:
    case FabricKind::kNvl72:
      return make_tree();
    case FabricKind::kMixNet:
      return make_mixnet();
    case FabricKind::kMixNetOpticalIo:
      return make_mixnet_optical_io();
    case FabricKind::kTopoOpt:
      return std::make_unique<TopoOptCommunication>(topology_, gpus_per_server_);
    case FabricKind::kIdeal:
      break;
  }
  return nullptr;
}

std::unique_ptr<CommunicationModel> CommunicationFactory::make_packet(
    const PacketFidelity& fidelity, std::shared_ptr<PhaseCache> cache) const {
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

GradientGroups gradient_groups(const Model& model, const ParallelPlan& plan, int stage) {
  GradientGroups groups;
  const int replicas = plan.replicas();
  const int region = plan.region_servers();
  const int stage_servers = plan.servers_per_stage();
  const int first = stage * stage_servers;
  const auto [dense, expert] = stage_parameters(model, plan, stage);
  const int gpus = plan.gpus_per_server;
  const int tp_span = tp_servers(plan);
  groups.dense_parameters_per_server = dense / tp_span;
  const std::int64_t expert_span = std::max(1, plan.ep * plan.tp / gpus);
  groups.expert_parameters_per_server = expert / expert_span;

  const bool several_groups_a_server = plan.ep * plan.tp < gpus;
  const int copies = several_groups_a_server ? stage_servers : replicas;
  groups.expert.resize(region);
  for (int place = 0; place < region; ++place) {
    for (int copy = 0; copy < copies; ++copy) {
      groups.expert[place].push_back(first + copy * region + place);
    }
  }
  groups.dense.resize(tp_span);
  for (int place = 0; place < region; ++place) {
    auto& ring = groups.dense[place % tp_span];
    ring.insert(ring.end(), groups.expert[place].begin(), groups.expert[place].end());
  }
  return groups;
}

ExpectedTraffic expected_traffic(const Model& model, const ParallelPlan& plan) {
  ExpectedTraffic traffic;
  const int region = plan.region_servers();
  const int region_starts = plan.servers_per_stage() / region;
  TokenCounts counts;
  RoutingSource::make("uniform", routing_shape(model, plan), 0).counts({}, counts);
  DemandMaker maker(plan, model.hidden);
  const RegionDemand& demand = maker.make(counts);

  for (int stage = 0; stage < plan.pp; ++stage) {
    const auto [first_layer, end_layer] = stage_layers(model.layers, plan.pp, stage);
    const auto sparse =
        std::count(model.is_moe.begin() + first_layer, model.is_moe.begin() + end_layer, true);
    const double exchanges = static_cast<double>(sparse) * kAllToAlls * plan.micro_batches();
    const int first = stage * plan.servers_per_stage();
    for (int start = first; start < first + region_starts * region; start += region) {
      for (int s = 0; s < region; ++s) {
        for (int t = s + 1; t < region; ++t) {
          const auto bytes =
              static_cast<double>(demand.server_bytes(s, t) + demand.server_bytes(t, s));
          traffic.pairs.push_back({start + s, start + t, bytes * exchanges});
        }
      }
    }
    const int span = tp_servers(plan);
    if (span > 1) {
      const double bytes = kTpPhases * (end_layer - first_layer) * plan.micro_batches() *
                           static_cast<double>(plan.tokens_per_micro_batch()) * model.hidden *
                           kBytesPerNumber;
      for (int server = first; server < first + plan.servers_per_stage(); ++server) {
        const int next = server / span * span + (server + 1) % span;
        if (span > 2 || server < next) traffic.pairs.push_back({server, next, bytes});
      }
    }
    if (stage + 1 < plan.pp) {
      for (int server = first; server < first + plan.servers_per_stage(); ++server) {
        traffic.neighbours.emplace_back(server, server + plan.servers_per_stage());
      }
    }
    const GradientGroups groups = gradient_groups(model, plan, stage);
    // Within a region the all-to-alls' circuits close the dense ring, where there are any.
    const auto& rings = region > 1 && sparse > 0 ? groups.expert : groups.dense;
    traffic.rings.insert(traffic.rings.end(), rings.begin(), rings.end());
    traffic.ring_bytes =
        std::max(traffic.ring_bytes, 2 * kGradientBytes *
                                         static_cast<double>(groups.dense_parameters_per_server +
                                                             groups.expert_parameters_per_server));
  }
  return traffic;
}

}  // namespace mixnet
