#include "compare/comparison_text.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/csv.h"
#include "base/number_text.h"

namespace mixnet {
namespace {

using Json = nlohmann::ordered_json;

Json packets_json(const FidelityReport& report) {
  return {{"phases", report.phases},
          {"in_packets", report.in_packets},
          {"reused", report.reused},
          {"fluid", report.fluid},
          {"skipped_share", report.skipped},
          {"packet_hops", report.packet_hops},
          {"plain_packet_hops", report.plain_packet_hops},
          {"packet_over_fluid", report.packet_over_fluid},
          {"error_estimate", report.error},
          {"drops", report.totals.drops},
          {"ecn_marks", report.totals.ecn_marks},
          {"retransmissions", report.totals.retransmissions},
          {"time_outs", report.totals.time_outs},
          {"pauses", report.totals.pauses}};
}

Json gpu_json(const GpuBandwidth& gpu) {
  return {{"total", gpu.total().to_gbps()},
          {"ethernet", gpu.ethernet.to_gbps()},
          {"scale_up", gpu.scale_up.to_gbps()},
          {"optical", gpu.optical.to_gbps()}};
}

}  // namespace

std::string describe_job(const Comparison& comparison, const ComparisonRequest& request) {
  const ParallelPlan& plan = comparison.plan;
  return fmt::format(
      "{} on {} {} in {}: {}, {} micro-batches of {} x {} tokens\n"
      "routing {}, seed {}{}; reconfiguration {}{}; circuits {}; all-to-all {}; fidelity {}\n{}\n",
      request.model.title.empty() ? request.model.name : request.model.title,
      grouped(static_cast<double>(plan.world())), request.gpu.title, servers_text(plan),
      to_string(plan) +
          (request.model.mtp_layers > 0 ? fmt::format(", mtp {}", request.model.mtp_layers) : ""),
      plan.micro_batches(), plan.micro_batch_size, plan.seq_length, comparison.routing,
      comparison.seed,
      request.capacity_factor ? fmt::format(", capacity factor {}", *request.capacity_factor) : "",
      comparison.policy,
      needs_of(request.iteration.reconfiguration).delay
          ? fmt::format(" {}", to_string(request.iteration.switching()))
          : "",
      to_string(request.iteration.network.allocator), comparison.ep_split, comparison.fidelity,
      describe_memory(comparison.memory));
}

nlohmann::ordered_json parallel_plan_json(const ParallelPlan& plan) {
  Json json = {{"tp", plan.tp},
               {"pp", plan.pp},
               {"ep", plan.ep},
               {"dp", plan.dp},
               {"gpus_per_server", plan.gpus_per_server},
               {"micro_batch_size", plan.micro_batch_size},
               {"global_batch_size", plan.global_batch_size},
               {"seq_length", plan.seq_length}};
  if (plan.idle_gpus_per_server() > 0) json["server_gpus"] = plan.server_gpus;
  if (plan.cp != 1) json["cp"] = plan.cp;
  if (plan.cp_comm != CpComm::kP2p) json["cp_comm_type"] = to_string(plan.cp_comm);
  if (plan.vpp != 1) json["vpp"] = plan.vpp;
  if (plan.expert_tp() != plan.tp) json["etp"] = plan.expert_tp();
  return json;
}

nlohmann::ordered_json run_json(const Comparison& comparison, const ComparisonRun& run) {
  const auto or_null = [](const std::optional<double>& value) {
    return value ? Json(*value) : Json(nullptr);
  };
  const IterationTime& time = run.time;
  Json json = {
      {"model", comparison.model},
      {"fabric", to_string(run.fabric)},
      {"bandwidth_gbps", run.bandwidth.to_gbps()},
      {"gpus", comparison.plan.world()},
      {"iteration_seconds", time.total.to_seconds()},
      {"tokens_per_second", run.tokens_per_second},
      {"tokens_per_second_per_gpu", run.figures.tokens_per_second_per_gpu},
      {"flops_per_token", run.figures.flops_per_token},
      {"tflops_per_gpu", run.figures.tflops_per_gpu},
      {"mfu", run.figures.mfu},
      {"training_days", or_null(run.figures.days)},
      {"training_usd", or_null(run.figures.usd)},
      {"exposed_seconds",
       {{"ep", time.ep.to_seconds()},
        {"tp", time.tp.to_seconds()},
        {"pp", time.pp.to_seconds()},
        {"dp", time.dp.to_seconds()},
        {"reconfiguration", time.reconfiguration.to_seconds()},
        {"bubble", time.bubble.to_seconds()}}},
      {"compute_seconds", time.compute.to_seconds()},
      {"network_cost_usd", or_null(run.network_cost_usd)},
      {"performance_per_dollar_vs_fat_tree", or_null(run.performance_per_dollar_vs_fat_tree)},
      {"cluster_cost_usd", run.cluster ? Json(run.cluster->total_usd()) : Json(nullptr)},
      {"energy_cost_usd", run.cluster ? Json(run.cluster->energy_usd) : Json(nullptr)},
      {"tokens_per_usd", or_null(run.tokens_per_usd)},
      {"performance_per_total_dollar_vs_fat_tree",
       or_null(run.performance_per_total_dollar_vs_fat_tree)},
      {"routing", comparison.routing},
      {"policy", comparison.policy},
      {"ep_split", comparison.ep_split},
      {"fidelity", comparison.fidelity},
      {"seed", comparison.seed}};
  if (run.gpu_bandwidth) json["gpu_bandwidth_gbps"] = gpu_json(*run.gpu_bandwidth);
  if (run.without_failures) {
    json["iteration_seconds_without_failures"] = run.without_failures->to_seconds();
    json["lost_seconds"] = time.lost.to_seconds();
    json["failures"] = comparison.failures;
    json["backup"] = comparison.backup;
  }
  if (run.packets) json["packets"] = packets_json(*run.packets);
  return json;
}

std::string to_json(const Comparison& comparison, std::string_view program) {
  Json runs = Json::array();
  for (const ComparisonRun& run : comparison.runs) runs.push_back(run_json(comparison, run));
  Json document = {{"schema", "mixnet.compare/1"},
                   {"program", program},
                   {"gpu", comparison.gpu},
                   {"plan", parallel_plan_json(comparison.plan)},
                   {"memory", memory_json(comparison.memory)}};
  if (!comparison.server.gpu.empty()) {
    document["cluster"] = {{"years", comparison.years},
                           {"server_usd", comparison.server.usd},
                           {"server_kw", comparison.server.kw},
                           {"server_price_source", comparison.server.source}};
  }
  document["runs"] = runs;
  for (const LeftOut& one : comparison.left_out) {
    document["left_out"].push_back(
        {{"fabric", to_string(one.fabric)},
         {"bandwidth_gbps", one.bandwidth ? Json(one.bandwidth->to_gbps()) : Json(nullptr)},
         {"reason", one.reason}});
  }
  return document.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

std::string to_csv(const Comparison& comparison) {
  std::string text =
      "model,fabric,bandwidth_gbps,gpus,iteration_seconds,tokens_per_second,ep_seconds,tp_seconds,"
      "pp_seconds,dp_seconds,reconfiguration_seconds,bubble_seconds,compute_seconds,"
      "network_cost_usd,performance_per_dollar_vs_fat_tree,routing,policy,ep_split,fidelity,seed,"
      "cluster_cost_usd,energy_cost_usd,tokens_per_usd,performance_per_total_dollar_vs_fat_tree,"
      "tokens_per_second_per_gpu,flops_per_token,tflops_per_gpu,mfu,training_days,training_usd\n";
  const auto or_empty = [](const std::optional<double>& value) {
    return value ? fmt::format("{}", *value) : std::string();
  };
  for (const ComparisonRun& run : comparison.runs) {
    const IterationTime& time = run.time;
    text += fmt::format(
        "{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{}"
        "\n",
        csv_cell(comparison.model), to_string(run.fabric), run.bandwidth.to_gbps(),
        comparison.plan.world(), time.total.to_seconds(), run.tokens_per_second,
        time.ep.to_seconds(), time.tp.to_seconds(), time.pp.to_seconds(), time.dp.to_seconds(),
        time.reconfiguration.to_seconds(), time.bubble.to_seconds(), time.compute.to_seconds(),
        or_empty(run.network_cost_usd), or_empty(run.performance_per_dollar_vs_fat_tree),
        csv_cell(comparison.routing), comparison.policy, comparison.ep_split, comparison.fidelity,
        comparison.seed, run.cluster ? fmt::format("{}", run.cluster->total_usd()) : "",
        run.cluster ? fmt::format("{}", run.cluster->energy_usd) : "", or_empty(run.tokens_per_usd),
        or_empty(run.performance_per_total_dollar_vs_fat_tree),
        run.figures.tokens_per_second_per_gpu, run.figures.flops_per_token,
        run.figures.tflops_per_gpu, run.figures.mfu, or_empty(run.figures.days),
        or_empty(run.figures.usd));
  }
  return text;
}

}  // namespace mixnet
