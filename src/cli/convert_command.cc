#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <memory>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/suggest.h"
#include "cli/commands.h"
#include "cli/output.h"
#include "cli/timeline_flags.h"
#include "interop/flexflow_graph.h"
#include "interop/task_graph_dot.h"
#include "study/task_run.h"
#include "study/task_trace.h"

namespace mixnet::cli {
namespace {

struct ConvertFlags {
  std::string graph;
  std::string to;
  std::string output = "-";
};

/// A format that graphs are written in. A new one is a line in kFormats.
struct GraphFormat {
  std::string_view name;
  std::string_view what;
  /// The whole file. `input` names the graph in errors.
  std::string (*write)(const TaskGraph& graph, std::string_view input);
};

/// As it is executed where only NICs, of simulate's default speed, limit what is sent.
std::string write_chrome(const TaskGraph& graph, std::string_view input) {
  TaskRunRequest request;
  request.network.fabric = FabricKind::kIdeal;
  request.fidelity = Fidelity::kFlow;
  request.input = input;
  const std::string title =
      fmt::format("{} on ideal, {} a NIC", input, to_string(request.network.bandwidth));
  return to_chrome_trace(graph, run_task_graph(graph, request), title, TimelineFlags::kMostSpans)
      .text;
}

constexpr std::array kFormats = {
    GraphFormat{"flexflow", "FlexFlow's FlatBuffers, in the era of the input",
                [](const TaskGraph& graph, std::string_view input) {
                  return to_flexflow_graph(graph, input);
                }},
    GraphFormat{"chrome", "a timeline on an ideal network, for ui.perfetto.dev", write_chrome},
    GraphFormat{"dot", "a picture for Graphviz",
                [](const TaskGraph& graph, std::string_view /*input*/) { return to_dot(graph); }},
};

const GraphFormat& parse_format(const std::string& name) {
  std::vector<std::string> known;
  for (const GraphFormat& format : kFormats) {
    if (format.name == name) return format;
    known.emplace_back(format.name);
  }
  if (name.empty()) throw Error("--to", "is required", "give flexflow, chrome or dot");
  throw Error("--to", fmt::format("unknown format '{}'", name), suggest(name, known));
}

void run(const ConvertFlags& flags) {
  if (flags.graph.empty()) throw Error("convert", "names no task graph", "give its file");
  const GraphFormat& format = parse_format(flags.to);
  const bool on_stdout = flags.output == "-";
  if (on_stdout && format.name == "flexflow" && stdout_is_terminal()) {
    throw Error("--output", "is a terminal, and the format is binary", "give a file");
  }
  if (!on_stdout) answers_on_stdout(flags.output);  // whether it can be written
  const TaskGraph graph = read_flexflow_graph(flags.graph);
  write_output(flags.output, format.write(graph, flags.graph));
}

}  // namespace

void add_convert_command(CLI::App& app) {
  CLI::App* command = app.add_subcommand("convert", "Write a task graph in another format");
  std::string formats;
  for (const GraphFormat& format : kFormats) {
    formats += fmt::format("  {:<10}{}\n", format.name, format.what);
  }
  command->footer("Formats:\n" + formats +
                  "GRAPH is a FlexFlow task graph (docs/task-graphs.md).\n\n"
                  "Examples:\n"
                  "  mixnet convert moe.fbuf --to dot | dot -Tsvg > moe.svg\n"
                  "  mixnet convert moe.fbuf --to chrome --output timeline.json\n"
                  "  mixnet convert moe.fbuf --to flexflow --output again.fbuf");
  const auto flags = std::make_shared<ConvertFlags>();
  command->add_option("graph", flags->graph, "The task graph, a .fbuf file")->type_name("GRAPH");
  command->add_option("--to", flags->to, "Format to write")->type_name("FORMAT");
  command->add_option("--output", flags->output, "File to write ('-': standard output)")
      ->type_name("FILE")
      ->capture_default_str();
  command->callback([flags] { run(*flags); });
}

}  // namespace mixnet::cli
