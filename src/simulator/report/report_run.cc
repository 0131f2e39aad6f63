#include "report/report_run.h"

#include <fmt/format.h>

#include <cmath>

#include "base/error.h"

namespace mixnet {
namespace {

constexpr double kMostSeconds = 9e6;  // that a Time holds
constexpr double kMostGbps = 9e9;     // that a Bandwidth holds

Time time_at(const JsonReader& parent, std::string_view key) {
  const JsonReader value = parent.at(key);
  const double seconds = value.number();
  if (seconds > kMostSeconds) {
    throw Error(value.place(), fmt::format("{} s is no time of an iteration", seconds));
  }
  return Time::from_seconds(seconds);
}

std::optional<double> number_or_none(const JsonReader& parent, std::string_view key) {
  if (!parent.has(key)) return std::nullopt;
  return parent.at(key).number();
}

}  // namespace

ParallelPlan read_report_plan(const JsonReader& json) {
  const auto size = [&](std::string_view key) {
    return static_cast<int>(json.at(key).integer(1, 1 << 30));
  };
  ParallelPlan plan;
  plan.tp = size("tp");
  plan.pp = size("pp");
  plan.ep = size("ep");
  plan.cp = json.has("cp") ? size("cp") : 1;
  plan.vpp = json.has("vpp") ? size("vpp") : 1;
  plan.etp = json.has("etp") ? size("etp") : 0;
  plan.dp = size("dp");
  plan.gpus_per_server = size("gpus_per_server");
  plan.micro_batch_size = json.at("micro_batch_size").integer(1);
  plan.global_batch_size = json.at("global_batch_size").integer(1);
  plan.seq_length = json.at("seq_length").integer(1);
  return plan;
}

ReportRun read_report_run(const JsonReader& json, const ParallelPlan& plan) {
  ReportRun run;
  run.plan = plan;
  run.model = json.at("model").string();
  run.fabric = parse<FabricKind>(json.at("fabric").string(), json.at("fabric").place());
  const JsonReader speed = json.at("bandwidth_gbps");
  const double gbps = speed.number();
  if (!(gbps * 1e9 >= 1 && gbps <= kMostGbps)) {
    throw Error(speed.place(), fmt::format("{} Gb/s is no speed of a NIC", gbps));
  }
  run.bandwidth.bits_per_second = std::llround(gbps * 1e9);
  run.gpus = json.at("gpus").integer(1);
  run.iteration = time_at(json, "iteration_seconds");
  if (run.iteration == Time::zero()) {
    throw Error(json.at("iteration_seconds").place(), "an iteration takes longer than 0 s");
  }
  run.compute = time_at(json, "compute_seconds");
  const JsonReader exposed = json.at("exposed_seconds");
  run.ep = time_at(exposed, "ep");
  run.tp = time_at(exposed, "tp");
  run.pp = time_at(exposed, "pp");
  run.dp = time_at(exposed, "dp");
  run.reconfiguration = time_at(exposed, "reconfiguration");
  run.bubble = time_at(exposed, "bubble");
  if (json.has("lost_seconds")) run.lost = time_at(json, "lost_seconds");
  run.tokens_per_second = json.at("tokens_per_second").number();
  run.network_cost_usd = number_or_none(json, "network_cost_usd");
  run.performance_per_dollar = number_or_none(json, "performance_per_dollar_vs_fat_tree");
  run.cluster_cost_usd = number_or_none(json, "cluster_cost_usd");
  run.tokens_per_usd = number_or_none(json, "tokens_per_usd");
  run.performance_per_total_dollar =
      number_or_none(json, "performance_per_total_dollar_vs_fat_tree");
  run.tflops_per_gpu = number_or_none(json, "tflops_per_gpu");
  run.mfu = number_or_none(json, "mfu");
  run.training_days = number_or_none(json, "training_days");
  run.routing = json.at("routing").string();
  run.policy = json.at("policy").string();
  run.fidelity = json.at("fidelity").string();
  run.seed = json.at("seed").integer();
  return run;
}

}  // namespace mixnet
