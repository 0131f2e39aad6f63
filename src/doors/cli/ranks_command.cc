// `mixnet ranks`: where each rank of a plan sits.
#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "cli/answer_flags.h"
#include "cli/commands.h"
#include "cli/parallel_plan_flags.h"
#include "moe/model_catalog.h"
#include "moe/rank_place.h"
#include "shell/output.h"

namespace mixnet::cli {
namespace {

struct Flags {
  std::string model;
  ParallelPlanFlags plan;
  JsonAnswer json;
  std::string csv;
};

constexpr int kServerGpus = 8;
constexpr std::int64_t kMostShown = 64;  // ranks of the table

nlohmann::ordered_json to_json(const RankPlace& place) {
  return {{"rank", place.rank},    {"server", place.server},
          {"gpu", place.gpu},      {"pp", place.stage},
          {"dp", place.dp},        {"cp", place.cp},
          {"tp", place.tp},        {"expert_dp", place.replica},
          {"ep", place.ep},        {"etp", place.etp},
          {"region", place.region}};
}

std::string csv_of(const ParallelPlan& plan) {
  std::string text = "rank,server,gpu,pp,dp,cp,tp,expert_dp,ep,etp,region\n";
  for (std::int64_t rank = 0; rank < plan.world(); ++rank) {
    const RankPlace p = rank_place(plan, rank);
    text += fmt::format("{},{},{},{},{},{},{},{},{},{},{}\n", p.rank, p.server, p.gpu, p.stage,
                        p.dp, p.cp, p.tp, p.replica, p.ep, p.etp, p.region);
  }
  return text;
}

void print(const ParallelPlan& plan) {
  write_output("-", fmt::format("{} on {} GPUs in {}; EP groups of {} GPUs, {} a stage\n\n",
                                to_string(plan), grouped(static_cast<double>(plan.world())),
                                servers_text(plan), plan.group_gpus(), plan.replicas()));
  TextTable table({{"rank"},
                   {"server"},
                   {"GPU"},
                   {"pp"},
                   {"dp"},
                   {"cp"},
                   {"tp"},
                   {"expert dp"},
                   {"ep"},
                   {"etp"},
                   {"region"}});
  const std::int64_t shown = std::min(plan.world(), kMostShown);
  for (std::int64_t rank = 0; rank < shown; ++rank) {
    const RankPlace p = rank_place(plan, rank);
    std::vector<std::string> row;
    for (const std::int64_t value :
         {p.rank, p.server, std::int64_t{p.gpu}, std::int64_t{p.stage}, std::int64_t{p.dp},
          std::int64_t{p.cp}, std::int64_t{p.tp}, std::int64_t{p.replica}, std::int64_t{p.ep},
          std::int64_t{p.etp}, p.region}) {
      row.push_back(std::to_string(value));
    }
    table.add_row(std::move(row));
  }
  table.print();
  if (shown == plan.world()) return;
  write_output("-", fmt::format("\nThe first {} of {} ranks; all of them: --csv -\n", shown,
                                grouped(static_cast<double>(plan.world()))));
}

void run(const Flags& flags) {
  const bool quiet = answers_on_stdout(flags.json, flags.csv);
  const ParallelPlan plan =
      make_plan(flags.plan.model(flags.model), flags.plan.request(kServerGpus));
  if (!flags.json.empty()) {
    nlohmann::ordered_json document = {{"schema", "mixnet.ranks/1"},
                                       {"plan", to_string(plan)},
                                       {"ranks", nlohmann::ordered_json::array()}};
    for (std::int64_t rank = 0; rank < plan.world(); ++rank) {
      document["ranks"].push_back(to_json(rank_place(plan, rank)));
    }
    write_output(flags.json, document.dump(2) + "\n");
  }
  if (!flags.csv.empty()) write_output(flags.csv, csv_of(plan));
  if (!quiet) print(plan);
}

}  // namespace

void add_ranks_command(Program& app) {
  CLI::App* command = app.add_subcommand(
      "ranks", "Where each rank of a plan sits: server, and place in each of its groups");
  command->footer(
      "Ranks are in Megatron-LM's orders: tp fastest, then cp, dp, pp; of experts etp, ep, expert\n"
      "dp, pp (docs/plans.md). A region is an EP group: the reach of one optical switch.\n\n"
      "Examples:\n"
      "  mixnet ranks --model mixtral-8x22b --gpus 128 --tp 2 --pp 8 --ep 8 --etp 1\n"
      "  mixnet ranks --model deepseek-v3 --gpus 1024 --tp 2 --pp 8 --ep 64 --etp 1 --csv "
      "ranks.csv");
  const auto flags = std::make_shared<Flags>();
  command->add_option("--model", flags->model, "Model: a preset, or a config.json")
      ->type_name("MODEL")
      ->required();
  add_parallel_plan_flags(*command, flags->plan);
  add_json_flag(app, *command, flags->json, "Also write all ranks as JSON");
  add_answer_flag(*command, "--csv", flags->csv, "Also write all ranks as CSV");
  command->callback([flags] { run(*flags); });
}

}  // namespace mixnet::cli
