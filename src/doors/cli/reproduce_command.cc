#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/parallel.h"
#include "cli/answer_flags.h"
#include "cli/commands.h"
#include "figures/figure_folder.h"
#include "figures/reproduction.h"
#include "shell/output.h"

namespace mixnet::cli {
namespace {

struct ReproduceFlags {
  std::vector<std::string> figures;
  std::string out;
  std::optional<int> threads;
  std::uint64_t seed = 1;
  std::string json;
};

void print_figures(const std::vector<Figure>& figures) {
  std::array<int, 3> counts{};
  for (const Figure& figure : figures) {
    write_output("-", fmt::format("\n{}: {}\n", figure.name, figure.title));
    TextTable table({{"claim", Align::kLeft},
                     {"published", Align::kLeft},
                     {"ours", Align::kLeft},
                     {"holds", Align::kLeft}});
    for (const FigureVerdict& verdict : figure.verdicts) {
      table.add_row(
          {verdict.claim, verdict.published, verdict.ours, std::string(to_string(verdict.holds))});
      ++counts[static_cast<std::size_t>(verdict.holds)];
    }
    table.print();
    if (figure.checks.empty()) continue;
    write_output("-", "\n");
    TextTable checks({{"in packets", Align::kLeft}, {"fluid"}, {"packets"}, {"difference"}});
    for (const FigureCheck& check : figure.checks) {
      checks.add_row({check.what, fmt::format("{:.4g} {}", check.fluid, check.unit),
                      fmt::format("{:.4g} {}", check.packets, check.unit),
                      fmt::format("{:+.2f} %", 100 * check.difference())});
    }
    checks.print();
  }
  write_output(
      "-", fmt::format("\n{} claims: {} hold, {} partly, {} do not; docs/reproduce.md says why\n",
                       counts[0] + counts[1] + counts[2], counts[0], counts[1], counts[2]));
}

void run(const ReproduceFlags& flags) {
  const bool quiet = answers_on_stdout(flags.json);
  ReproductionRequest request;
  for (const std::string& list : flags.figures) {
    for (std::string& name : split_list(list, "--figure")) {
      request.figures.push_back(std::move(name));
    }
  }
  request.seed = flags.seed;
  request.threads = flags.threads.value_or(default_threads());
  if (request.threads < 1 || request.threads > 1024) {
    throw Error("--threads", fmt::format("{} is out of range", request.threads), "give 1 to 1024");
  }
  std::vector<Figure> before = read_figure_folder(flags.out);
  const std::vector<Figure> figures = reproduce(request);
  write_figure_folder(flags.out, merged(std::move(before), figures, figure_names()));
  if (!flags.json.empty()) write_output(flags.json, to_figures_json(figures));
  if (quiet) return;
  print_figures(figures);
  write_output(
      "-",
      fmt::format(
          "written to {}: figures.json, verdicts.csv, checks.csv; NAME.csv and NAME.svg of each\n",
          flags.out));
}

}  // namespace

void add_reproduce_command(Program& app) {
  CLI::App* command =
      app.add_subcommand("reproduce", "Every quantitative figure of the paper, beside ours");
  std::string names;
  for (const std::string& name : figure_names()) names += (names.empty() ? "" : ", ") + name;
  command->footer(fmt::format(
      "Figures: {}.\n"
      "The folder gets figures.json, verdicts.csv, checks.csv and, of each figure, a CSV and an\n"
      "SVG. Where it holds figures, those made anew take their place and the others stay.\n"
      "Ends with status 0 whether claims hold or not: docs/reproduce.md says why.\n\n"
      "Examples:\n"
      "  mixnet reproduce --out results\n"
      "  mixnet reproduce --figure cost,delay --out results",
      names));
  const auto flags = std::make_shared<ReproduceFlags>();
  command
      ->add_option("--figure", flags->figures,
                   "Figures to make, comma-separated or repeated (default: all)")
      ->type_name("NAMES");
  command->add_option("--out", flags->out, "Folder of the results")
      ->required()
      ->type_name("FOLDER");
  command->add_option("--threads", flags->threads, "Threads (default: all cores)");
  command->add_option("--seed", flags->seed, "Of routing")->capture_default_str();
  add_answer_flag(*command, "--json", flags->json, "Also write the figures made");
  command->callback([flags] { run(*flags); });
}

}  // namespace mixnet::cli
