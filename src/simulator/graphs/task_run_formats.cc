// An executed task graph as JSON.
#include <nlohmann/json.hpp>

#include "graphs/task_run.h"

namespace mixnet {
namespace {

using Json = nlohmann::ordered_json;

Json kinds_json(const TaskRunReport& report) {
  Json kinds = Json::array();
  for (std::size_t kind = 0; kind < kTaskKinds; ++kind) {
    const KindReport& one = report.kinds[kind];
    if (one.tasks == 0) continue;
    kinds.push_back({{"kind", to_string(static_cast<TaskKind>(kind))},
                     {"tasks", one.tasks},
                     {"task_seconds", one.seconds},
                     {"bytes", one.bytes.count}});
  }
  return kinds;
}

Json graph_json(const TaskGraph& graph, const TaskRunReport& report) {
  const bool is_mixnet = graph.era == GraphEra::kMixNet;
  const auto if_mixnet = [&](auto value) { return is_mixnet ? Json(value) : Json(nullptr); };
  return {{"era", to_string(graph.era)},
          {"endpoints", report.endpoints},
          {"gpus_per_node", graph.gpus_per_node},
          {"devices", report.devices},
          {"tasks", graph.tasks.size()},
          {"edges", graph.next.items()},
          {"dp", if_mixnet(graph.dp)},
          {"tp", if_mixnet(graph.tp)},
          {"pp", if_mixnet(graph.pp)},
          {"ep", if_mixnet(graph.ep)},
          {"kinds", kinds_json(report)}};
}

Json packets_json(const TaskRunReport& report) {
  if (!report.packets) return nullptr;
  const PacketTotals& totals = *report.packets;
  const double rate =
      report.wall_seconds > 0 ? static_cast<double>(totals.packet_hops) / report.wall_seconds : 0.0;
  return {{"transport", report.packet_options.transport == Transport::kDctcp ? "dctcp" : "dcqcn"},
          {"mtu", report.packet_options.mtu},
          {"packets", totals.data_packets},
          {"packet_hops", totals.packet_hops},
          {"events", totals.events},
          {"drops", totals.drops},
          {"ecn_marks", totals.ecn_marks},
          {"retransmissions", totals.retransmissions},
          {"time_outs", totals.time_outs},
          {"pauses", totals.pauses},
          {"skipped_packets", totals.skipped_packets},
          {"packet_hops_per_second", rate}};
}

}  // namespace

std::string to_json(const TaskGraph& graph, const TaskRunReport& report) {
  const FlowNetworkOptions& network = report.network;
  const bool is_mixnet = network.fabric == FabricKind::kMixNet;
  const bool has_paths =
      network.fabric != FabricKind::kTopoOpt && network.fabric != FabricKind::kIdeal;
  Json tiers = Json::array();
  for (const TaskNetwork::TierUse& tier : report.tiers) {
    tiers.push_back({{"name", tier.name},
                     {"ports", tier.ports},
                     {"mean_utilisation", utilisation(tier, report.iteration)}});
  }
  const Json document = {
      {"schema", "mixnet.simulate/1"},
      {"graph", graph_json(graph, report)},
      {"fabric", to_string(network.fabric)},
      {"hosts", network.hosts},
      {"nics_per_server", network.nics_per_server},
      {"degree", is_mixnet ? Json(network.degree()) : Json(nullptr)},
      {"bandwidth_gbps", network.bandwidth.to_gbps()},
      {"latency_us", static_cast<double>(network.latency.ps) / 1e6},
      {"paths",
       has_paths ? Json(network.paths == PathPolicy::kSpray ? "spray" : "ecmp") : Json(nullptr)},
      {"fidelity", to_string(report.fidelity)},
      {"routing", report.routing.empty() ? Json(nullptr) : Json(report.routing)},
      {"seed", report.seed},
      {"reconfiguration_delay_ms",
       is_mixnet ? Json(report.reconfiguration.to_seconds() * 1e3) : Json(nullptr)},
      {"iteration_seconds", report.iteration.to_seconds()},
      {"busy",
       {{"mean", report.mean_busy}, {"least", report.least_busy}, {"most", report.most_busy}}},
      {"network_share", report.network_share},
      {"exposed_share", report.exposed_share},
      {"network_bytes", report.communication.network.count},
      {"node_bytes", report.communication.node.count},
      {"flows", report.communication.flows},
      {"reconfigurations", report.communication.reconfigurations},
      {"tiers", tiers},
      {"packets", packets_json(report)},
      {"notes", report.notes},
      {"wall_seconds", report.wall_seconds}};
  return document.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

}  // namespace mixnet
