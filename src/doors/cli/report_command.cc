#include <CLI/CLI.hpp>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>

#include "cli/commands.h"
#include "cli/sweep_points.h"
#include "report/report.h"
#include "report/report_comparison.h"
#include "report/report_header.h"
#include "shell/output.h"

namespace mixnet::cli {
namespace {

namespace fs = std::filesystem;

struct ReportFlags {
  std::string results;
  std::string html;  ///< default: beside the results
};

/// Beside the results, so that the report of one study never lands on that of another: in their
/// folder, or result.report.html for result.json.
std::string default_file(const fs::path& results, Env& env = system_env()) {
  if (env.kind(results) == Env::FileKind::kFolder) return (results / "report.html").string();
  return fs::path(results).replace_extension(".report.html").string();
}

void run(const ReportFlags& flags) {
  const std::string file = flags.html.empty() ? default_file(flags.results) : flags.html;
  // Where the page could not be written, nothing is done.
  if (!flags.html.empty()) (void)answers_on_stdout(file);
  ReportFolder folder = read_results(flags.results);
  if (const char* epoch = std::getenv("SOURCE_DATE_EPOCH"); epoch != nullptr && *epoch != '\0') {
    folder.newest = parse_epoch(epoch, "SOURCE_DATE_EPOCH");
  }
  write_output(file, html_report(folder, comparison_request));
}

}  // namespace

void add_report_command(Program& app) {
  CLI::App* command =
      app.add_subcommand("report", "Results as one HTML file: verdict, charts, tables");
  command->footer(
      "RESULTS is the folder of 'mixnet sweep', finished or not, or of 'mixnet reproduce', or the\n"
      "file of 'mixnet compare --json'. The page needs no network and nothing beside it\n"
      "(docs/report.md). Its date is that of the results, or SOURCE_DATE_EPOCH.\n\n"
      "Examples:\n"
      "  mixnet sweep studies/fabrics.yaml --out results\n"
      "  mixnet report results            # writes results/report.html\n"
      "  mixnet compare --model mixtral-8x7b --json result.json\n"
      "  mixnet report result.json        # writes result.report.html");
  const auto flags = std::make_shared<ReportFlags>();
  command->add_option("results", flags->results, "Folder, or file, of results")
      ->required()
      ->type_name("RESULTS");
  command
      ->add_option("--html", flags->html,
                   "The file to write; '-' for standard output (default: beside the results)")
      ->type_name("FILE");
  command->callback([flags] { run(*flags); });
}

}  // namespace mixnet::cli
