// A flow study as JSON, and its flows as CSV.
#include <fmt/format.h>

#include <iterator>
#include <nlohmann/json.hpp>

#include "graphs/flow_study.h"

namespace mixnet {
namespace {

using Json = nlohmann::ordered_json;

double microseconds(double ps) { return ps / 1e6; }
double microseconds(Time time) { return microseconds(static_cast<double>(time.ps)); }

Json fct_json(const std::optional<FctStats>& fct) {
  if (!fct) return {{"max", nullptr}, {"mean", nullptr}, {"p50", nullptr}, {"p99", nullptr}};
  return {{"max", microseconds(fct->max)},
          {"mean", microseconds(fct->mean_ps)},
          {"p50", microseconds(fct->p50)},
          {"p99", microseconds(fct->p99)}};
}

Json tiers_json(const FlowReport& report) {
  Json tiers = Json::array();
  for (const TierReport& tier : report.tiers) {
    tiers.push_back(
        {{"name", tier.name},
         {"ports", tier.ports},
         {"mean_utilisation", tier.mean_utilisation},
         {"max_utilisation", tier.max_utilisation},
         {"deepest_queue_bytes", report.packets ? Json(tier.deepest_queue.count) : Json(nullptr)}});
  }
  return tiers;
}

/// Picoseconds as microseconds, all digits: 1234567 is "1.234567".
void append_microseconds(std::string& text, Time time) {
  fmt::format_to(std::back_inserter(text), "{}", time.ps / 1'000'000);
  if (const std::int64_t rest = time.ps % 1'000'000; rest != 0) {
    fmt::format_to(std::back_inserter(text), ".{:06}", rest);
    text.erase(text.find_last_not_of('0') + 1);
  }
}

}  // namespace

std::string to_json(const FlowReport& report) {
  const FlowNetworkOptions& network = report.network;
  const bool switched =
      network.fabric != FabricKind::kTopoOpt && network.fabric != FabricKind::kIdeal;
  const auto if_packets = [&](auto value) { return report.packets ? Json(value) : Json(nullptr); };
  const PacketTotals totals = report.packets.value_or(PacketTotals{});
  const bool is_mixnet = network.fabric == FabricKind::kMixNet;
  const bool is_dctcp = report.packet_options.transport == Transport::kDctcp;
  const Json document = {
      {"schema", "mixnet.flows/1"},
      {"fabric", to_string(network.fabric)},
      {"hosts", network.hosts},
      {"nics_per_server", network.nics_per_server},
      {"degree", is_mixnet ? Json(network.degree()) : Json(nullptr)},
      {"circuits", report.circuits ? Json(*report.circuits) : Json(nullptr)},
      {"bandwidth_gbps", network.bandwidth.to_gbps()},
      {"latency_us", microseconds(network.latency)},
      {"paths",
       switched ? Json(network.paths == PathPolicy::kSpray ? "spray" : "ecmp") : Json(nullptr)},
      {"fidelity", to_string(report.fidelity)},
      {"transport", if_packets(is_dctcp ? "dctcp" : "dcqcn")},
      {"mtu", if_packets(report.packet_options.mtu)},
      {"flows", report.flows.size()},
      {"completed", report.completed},
      {"bytes", report.bytes.count},
      {"inside_bytes", report.inside.count},
      {"makespan_us", microseconds(report.makespan)},
      {"fct_us", fct_json(report.fct)},
      {"packets", if_packets(totals.data_packets)},
      {"packet_hops", if_packets(totals.packet_hops)},
      {"drops", if_packets(totals.drops)},
      {"ecn_marks", if_packets(totals.ecn_marks)},
      {"retransmissions", if_packets(totals.retransmissions)},
      {"time_outs", if_packets(totals.time_outs)},
      {"pauses", if_packets(totals.pauses)},
      {"events", if_packets(totals.events)},
      {"skipped_packets", if_packets(totals.skipped_packets)},
      {"skipped_share", if_packets(report.skipped_share())},
      {"tiers", tiers_json(report)},
      {"wall_seconds", report.wall_seconds},
      {"packet_hops_per_second",
       if_packets(report.wall_seconds > 0
                      ? static_cast<double>(totals.packet_hops) / report.wall_seconds
                      : 0.0)}};
  return document.dump(2) + "\n";
}

std::string to_fct_csv(const FlowReport& report) {
  std::string text = "src,dst,bytes,start_us,fct_us\n";
  for (std::size_t f = 0; f < report.flows.size(); ++f) {
    const FlowRecord& flow = report.flows[f];
    fmt::format_to(std::back_inserter(text), "{},{},{},", flow.from, flow.to, flow.bytes.count);
    if (flow.start != FlowReport::kNever) append_microseconds(text, flow.start);
    text += ',';
    if (report.completions[f] != FlowReport::kNever) {
      append_microseconds(text, report.completions[f] - flow.start);
    }
    text += '\n';
  }
  return text;
}

}  // namespace mixnet
