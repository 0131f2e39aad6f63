#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/env.h"
#include "base/error.h"
#include "base/suggest.h"
#include "cli/chakra_flags.h"
#include "cli/commands.h"
#include "cli/iteration_flags.h"
#include "cli/timeline_flags.h"
#include "graphs/task_run.h"
#include "graphs/task_trace.h"
#include "interop/chakra_trace.h"
#include "interop/flexflow_graph.h"
#include "interop/task_graph_dot.h"
#include "moe/routing.h"
#include "shell/output.h"
#include "traces/chakra_export.h"
#include "traces/chakra_import.h"
#include "traces/trace_files.h"

namespace mixnet::cli {
namespace {

struct ConvertFlags {
  std::string graph;  ///< a file, Chakra traces, or a folder of other traces
  std::optional<int> ranks;
  IterationFlags iteration;
  std::string to;
  std::string output = "-";
  std::string gpu = "h100";
  std::optional<std::string> routing;  ///< default: dynamic for a model, measured for a file
  std::string all_to_alls = "splits";
};

/// A format that graphs are written in. A new one is a line in kFormats.
struct GraphFormat {
  std::string_view name;
  std::string_view what;
  /// The whole file. `input` names the graph in errors. Null for Chakra, which is many files.
  std::string (*write)(const TaskGraph& graph, std::string_view input);
};

/// As it is executed where only NICs, of simulate's default speed, limit what is sent.
std::string write_chrome(const TaskGraph& graph, std::string_view input) {
  TaskRunRequest request;
  request.network.fabric = FabricKind::kIdeal;
  request.fidelity = Fidelity::kFluid;
  request.input = input;
  const TaskRunReport report = run_task_graph(graph, request);
  std::string title =
      fmt::format("{} on ideal, {} a NIC", input, to_string(request.network.bandwidth));
  if (!report.routing.empty()) title += ", routing " + report.routing;
  return to_chrome_trace(graph, report, title, TimelineFlags::kMostSpans).text;
}

constexpr std::array kFormats = {
    GraphFormat{"flexflow", "FlexFlow's FlatBuffers, in the era of the input",
                [](const TaskGraph& graph, std::string_view input) {
                  return to_flexflow_graph(graph, input);
                }},
    GraphFormat{"chrome", "a timeline on an ideal network, for ui.perfetto.dev", write_chrome},
    GraphFormat{"dot", "a picture for Graphviz",
                [](const TaskGraph& graph, std::string_view /*input*/) { return to_dot(graph); }},
    GraphFormat{"chakra", "Chakra traces OUTPUT.0.et, OUTPUT.1.et, ..., one a rank", nullptr},
};

const GraphFormat& parse_format(const std::string& name) {
  std::vector<std::string> known;
  for (const GraphFormat& format : kFormats) {
    if (format.name == name) return format;
    known.emplace_back(format.name);
  }
  if (name.empty())
    throw Error("--to", "is required", fmt::format("give {}", fmt::join(known, ", ")));
  throw Error("--to", fmt::format("unknown format '{}'", name), suggest(name, known));
}

TaskGraph graph_from(const ConvertFlags& flags, ImportNotes& notes) {
  const bool is_trace =
      !flags.graph.empty() && (is_trace_file(flags.graph) || is_chakra(flags.graph));
  if (flags.ranks && !is_trace) {
    throw Error("--ranks", "is for one rank's trace that stands for all", "leave it out");
  }
  if (!flags.iteration.model.empty()) {
    IterationFlags iteration = flags.iteration;
    iteration.simulation.routing = flags.routing.value_or("dynamic");
    return iteration.graph(flags.gpu);
  }
  if (!is_trace) return read_flexflow_graph(flags.graph);
  TraceJob job = read_trace_files(
      {&flags.graph, 1}, {.prefix = flags.graph,
                          .ranks = ranks_of(flags.ranks),
                          .gpus_per_node = gpus_per_node(flags.iteration.plan.gpus_per_server),
                          .gpu = find_gpu(flags.gpu)});
  notes = std::move(job.notes);
  return std::move(job.graph);
}

/// The folder that the output needs and that is not there; empty: none.
std::filesystem::path folder_of(const std::string& output) {
  const std::filesystem::path folder = std::filesystem::path(output).parent_path();
  const bool is_there = folder.empty() || system_env().kind(folder) != Env::FileKind::kNone;
  return is_there ? std::filesystem::path() : folder;
}

void make_folder(const std::filesystem::path& folder) {
  if (folder.empty()) return;
  if (const std::error_code reason = system_env().make_folders(folder)) {
    throw Error("--output",
                fmt::format("{} cannot be made ({})", folder.string(), reason.message()),
                "give a folder that may be written");
  }
}

/// What a file does not say and was taken, or what the new one cannot say.
/// Not where the answer itself goes.
void print_notes(const TaskGraph& graph, const ConvertFlags& flags, const GraphFormat& format,
                 const ImportNotes& notes) {
  const auto print = [&](const std::string& note) {
    flags.output == "-" ? print_note(note) : write_output("-", fmt::format("note: {}\n", note));
  };
  for (const std::string& note : notes) print(note);
  if (format.name == "flexflow" && !graph.demands.empty()) {
    const std::string again =
        flags.iteration.model.empty()
            ? "--routing"
            : fmt::format("--routing {} --seed {}", flags.routing.value_or("dynamic"),
                          flags.iteration.simulation.seed);
    print(fmt::format(
        "FlexFlow's format has no place for what all-to-alls send: simulate it with {}", again));
  }
  if (!flags.iteration.model.empty()) {
    if (const std::string note = routing_note(flags.routing.value_or("")); !note.empty())
      print(note);
  }
  if (format.name != "chakra" || flags.routing || !graph.demands.empty()) return;
  if (std::ranges::any_of(graph.tasks,
                          [](const GraphTask& task) { return task.kind == TaskKind::kAllToAll; })) {
    print("the graph does not say what its all-to-alls send: routing measured taken (--routing)");
  }
}

void write_chakra(const TaskGraph& graph, const ConvertFlags& flags, const std::string& input) {
  const ChakraTotals totals = write_chakra_graph(
      graph, {.prefix = flags.output,
              .routing = flags.routing.value_or("measured"),
              .seed = flags.iteration.simulation.seed,
              .all_to_alls = parse<ChakraAllToAlls>(flags.all_to_alls, "--all-to-alls"),
              .input = input});
  write_output(
      "-",
      fmt::format("{0}.0.et to {0}.{1}.et: {2} nodes, {3}; {4} process groups in "
                  "{0}.comm_groups.json\n",
                  flags.output, totals.ranks - 1, grouped(static_cast<double>(totals.nodes)),
                  to_string(Bytes{totals.bytes}), grouped(static_cast<double>(totals.groups))));
  constexpr std::size_t kGroupsOfAstraSim = 500;
  if (totals.groups > kGroupsOfAstraSim) {
    write_output("-",
                 fmt::format("note: ASTRA-sim tells {} process groups apart; those beyond share "
                             "tags there\n",
                             kGroupsOfAstraSim));
  }
}

void run(const ConvertFlags& flags) {
  if (flags.graph.empty() == flags.iteration.model.empty()) {
    throw Error("convert",
                flags.graph.empty() ? "names no task graph" : "names a graph and a model",
                "give its file, Chakra traces, other traces, or --model");
  }
  const GraphFormat& format = parse_format(flags.to);
  const bool on_stdout = flags.output == "-";
  if (format.name == "chakra" && on_stdout) {
    throw Error("--output", "is required: traces are a file for every rank", "give their prefix");
  }
  if (on_stdout && format.name == "flexflow" && stdout_is_terminal()) {
    throw Error("--output", "is a terminal, and the format is binary", "give a file");
  }
  (void)parse<ChakraAllToAlls>(flags.all_to_alls, "--all-to-alls");
  // Whether it can be written.
  if (!on_stdout && folder_of(flags.output).empty()) {
    answers_on_stdout(format.write != nullptr ? flags.output
                                              : chakra_path(flags.output, 0).string());
  }
  ImportNotes notes;
  const TaskGraph graph = graph_from(flags, notes);
  make_folder(folder_of(flags.output));
  const std::string& input = flags.graph.empty() ? flags.iteration.model : flags.graph;
  if (format.write == nullptr) {
    write_chakra(graph, flags, input);
  } else {
    write_output(flags.output, format.write(graph, input));
  }
  print_notes(graph, flags, format, notes);
}

}  // namespace

void add_convert_command(Program& app) {
  CLI::App* command = app.add_subcommand(
      "convert", "Write a task graph, or a simulated iteration, in another format");
  std::string formats;
  for (const GraphFormat& format : kFormats) {
    formats += fmt::format("  {:<10}{}\n", format.name, format.what);
  }
  command->footer(
      "Formats:\n" + formats +
      "GRAPH is a FlexFlow task graph (docs/task-graphs.md), or Chakra traces: their folder, the\n"
      "PREFIX of PREFIX.0.et, PREFIX.1.et, ..., or one .et or .json file (docs/chakra.md); or a\n"
      "folder of PyTorch's traces, or a workload of AICB (docs/traces.md).\n\n"
      "Examples:\n"
      "  mixnet convert moe.fbuf --to dot | dot -Tsvg > moe.svg\n"
      "  mixnet convert moe.fbuf --to chrome --output timeline.json\n"
      "  mixnet convert moe.fbuf --to flexflow --output again.fbuf\n"
      "  mixnet convert moe.fbuf --to chakra --output traces/moe\n"
      "  mixnet convert traces/moe --to flexflow --output moe.fbuf\n"
      "  mixnet convert profiles/ --to chakra --output traces/job\n"
      "  mixnet convert --model mixtral-8x7b --gpus 32 --pp 1 --layers 4 \\\n"
      "      --global-batch-size 128 --to chakra --output traces/mixtral\n"
      "  mixnet convert moe.fbuf --to chakra --all-to-alls messages --output traces/for-astra-sim");
  const auto flags = std::make_shared<ConvertFlags>();
  command->add_option("graph", flags->graph, "The task graph: a .fbuf file, or traces")
      ->type_name("GRAPH");
  command->add_option("--to", flags->to, "Format to write")->type_name("FORMAT");
  command
      ->add_option("--output", flags->output,
                   "File to write ('-': standard output), or prefix of traces")
      ->type_name("FILE")
      ->capture_default_str();
  command
      ->add_option(
          "--routing", flags->routing,
          "Who sends how much in all-to-alls, of a model and of what FlexFlow leaves open\n"
          "(default: dynamic for a model, measured for a file)")
      ->type_name("SPEC");
  command
      ->add_option("--all-to-alls", flags->all_to_alls,
                   "How Chakra traces have uneven all-to-alls: splits, an attribute that mixnet\n"
                   "knows and others take the mean for, or messages, sends and receives, which\n"
                   "all understand")
      ->type_name("FORM")
      ->capture_default_str();
  command->add_option("--ranks", flags->ranks, kRanksHelp)->type_name("N");
  command->add_option("--seed", flags->iteration.simulation.seed, "Seed of the routing")
      ->capture_default_str();
  command
      ->add_option("--gpu", flags->gpu,
                   "Kind of GPU, of a model or traces ('mixnet gpus'), or FILE.yaml")
      ->capture_default_str();
  add_iteration_flags(*command, flags->iteration);
  command->callback([flags] { run(*flags); });
}

}  // namespace mixnet::cli
