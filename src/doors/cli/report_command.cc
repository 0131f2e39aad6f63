#include <CLI/CLI.hpp>
#include <filesystem>
#include <memory>
#include <string>

#include "cli/commands.h"
#include "cli/output.h"
#include "cli/sweep_points.h"
#include "report/report.h"

namespace mixnet::cli {
namespace {

struct ReportFlags {
  std::string folder;
  std::string html;  ///< default: report.html in the folder
};

void run(const ReportFlags& flags) {
  // Beside the results, so that the report of one study never lands on that of another.
  const std::string file = flags.html.empty()
                               ? (std::filesystem::path(flags.folder) / "report.html").string()
                               : flags.html;
  // Where the page could not be written, nothing is done.
  if (!flags.html.empty()) (void)answers_on_stdout(file);
  const ReportFolder folder = read_report_folder(flags.folder);
  write_output(file, html_report(folder, comparison_request));
}

}  // namespace

void add_report_command(CLI::App& app) {
  CLI::App* command =
      app.add_subcommand("report", "Results as one HTML file: verdict, charts, tables");
  command->footer(
      "The folder is that of 'mixnet sweep', finished or not, or of 'mixnet reproduce'. The file\n"
      "needs no network and nothing beside it (docs/report.md).\n\n"
      "Example:\n"
      "  mixnet sweep studies/fabrics.yaml --out results\n"
      "  mixnet report results");
  const auto flags = std::make_shared<ReportFlags>();
  command->add_option("results", flags->folder, "Folder of results")
      ->required()
      ->type_name("FOLDER");
  command
      ->add_option("--html", flags->html,
                   "The file to write; '-' for standard output (default: report.html in FOLDER)")
      ->type_name("FILE");
  command->callback([flags] { run(*flags); });
}

}  // namespace mixnet::cli
