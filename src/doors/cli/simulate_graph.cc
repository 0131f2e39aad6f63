#include <fmt/format.h>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/env.h"
#include "base/error.h"
#include "cli/answer_flags.h"
#include "cli/chakra_flags.h"
#include "cli/flag_group.h"
#include "cli/network_flags.h"
#include "cli/packet_flags.h"
#include "cli/simulate_ways.h"
#include "cli/timeline_flags.h"
#include "graphs/task_run.h"
#include "graphs/task_trace.h"
#include "hardware/gpu.h"
#include "interop/flexflow_graph.h"
#include "network/flow_list.h"
#include "shell/output.h"
#include "traces/chakra_import.h"
#include "traces/trace_files.h"

namespace mixnet::cli {
namespace {

constexpr Time kLongestReconfiguration = Time::seconds(3600);

/// Where the graph comes from.
enum class Source : std::uint8_t { kFlexFlow, kChakra, kTraces };

struct SimulateFlags {
  Source source = Source::kFlexFlow;
  std::string graph;                   ///< file, or prefix of Chakra traces
  std::vector<std::string> traces;     ///< files and folders
  std::optional<int> ranks;            ///< that did what one Chakra trace says
  std::optional<int> gpus_per_server;  ///< of traces, as the next
  std::string gpu = "h100";
  NetworkFlags network;
  int hosts = 0;
  std::optional<std::string> routing;
  std::uint64_t seed = 1;
  std::string reconfiguration_delay = "25ms";
  std::string fidelity = "packet";
  PacketFlags packets;
  TimelineFlags timeline;
  JsonAnswer json;
};

TaskRunRequest request_from(const SimulateFlags& flags) {
  if (flags.graph.empty() && flags.source != Source::kTraces) {
    throw flags.source == Source::kChakra
        ? Error("--chakra", "is empty", "give Chakra traces: their prefix, folder, or a file")
        : Error("--task-graph", "is required", "give a FlexFlow task graph, a .fbuf file");
  }
  TaskRunRequest request;
  request.network = flags.network.options();
  if (flags.hosts < 0) {
    throw Error("--hosts", fmt::format("{} is out of range", flags.hosts),
                fmt::format("give 2 to {} hosts (NICs)", kMaxFlowHosts));
  }
  request.network.hosts = flags.hosts;
  request.nics_per_server = flags.network.nics_per_server;
  request.fidelity = parse<Fidelity>(flags.fidelity, "--fidelity");
  request.packets = flags.packets.options();
  request.routing = flags.routing;
  request.seed = flags.seed;
  request.reconfiguration = parse_time(flags.reconfiguration_delay, "--reconfiguration-delay");
  if (request.reconfiguration > kLongestReconfiguration) {
    throw Error("--reconfiguration-delay",
                fmt::format("{} is out of range", to_string(request.reconfiguration)),
                "give 0us to an hour");
  }
  request.input = flags.source == Source::kTraces ? "--trace" : flags.graph;
  return request;
}

/// The graph, what it was read from, and what its files do not say.
TraceJob job_from(const SimulateFlags& flags) {
  TraceJob job;
  if (flags.source == Source::kFlexFlow) {
    job.graph = read_flexflow_graph(flags.graph);
    job.format = fmt::format("FlexFlow graph of {} era",
                             job.graph.era == GraphEra::kMixNet ? "MixNet's" : "TopoOpt's");
    return job;
  }
  const ChakraImport options = {.prefix = flags.graph,
                                .ranks = ranks_of(flags.ranks),
                                .gpus_per_node = gpus_per_node(flags.gpus_per_server),
                                .gpu = find_gpu(flags.gpu)};
  if (flags.source == Source::kChakra) {
    job.graph = read_chakra_graph(options, &job.notes);
    job.format = "Chakra traces";
  } else {
    job = read_trace_files(flags.traces, options);
  }
  if (!flags.gpus_per_server) {
    job.notes.push_back(
        fmt::format("traces do not say how many GPUs a server has: {} taken (--gpus-per-server)",
                    options.gpus_per_node));
  }
  return job;
}

std::string count_of(std::int64_t number) { return grouped(static_cast<double>(number)); }
std::string percent(double share) { return fmt::format("{:.1f} %", share * 100); }

std::string what_ran(const TraceJob& job, const TaskRunReport& report, Source source) {
  const TaskGraph& graph = job.graph;
  const FlowNetworkOptions& network = report.network;
  const bool is_mixnet_era = graph.era == GraphEra::kMixNet;
  std::string text = fmt::format("{}: {} {}, {} tasks, {} edges", job.format,
                                 count_of(report.endpoints), is_mixnet_era ? "GPUs" : "nodes",
                                 count_of(static_cast<std::int64_t>(graph.tasks.size())),
                                 count_of(static_cast<std::int64_t>(graph.next.items())));
  if (is_mixnet_era && source == Source::kFlexFlow) {
    text += fmt::format("; dp {}, tp {}, pp {}, ep {}", graph.dp, graph.tp, graph.pp, graph.ep);
  }
  text +=
      fmt::format("\n{} of {} hosts, {} servers: {} a NIC, {} a link", to_string(network.fabric),
                  count_of(network.hosts), count_of(network.servers()),
                  to_string(network.bandwidth), to_string(network.latency));
  if (network.fabric == FabricKind::kMixNet) {
    text += fmt::format(", degree {}, reconfiguration block {}", network.degree(),
                        to_string(report.reconfiguration));
  }
  text += fmt::format("\nfidelity {}", to_string(report.fidelity));
  if (report.packets) {
    text += fmt::format(", {}, MTU {}",
                        report.packet_options.transport == Transport::kDctcp ? "dctcp" : "dcqcn",
                        report.packet_options.mtu);
  }
  if (!report.routing.empty()) text += fmt::format("; routing {}", report.routing);
  for (const std::string& note : report.notes) text += fmt::format("\nnote: {}", note);
  return text + "\n\n";
}

void print_report(const TraceJob& job, const TaskRunReport& report, Source source) {
  write_output("-", what_ran(job, report, source));
  TextTable kinds({{"tasks", Align::kLeft}, {"number"}, {"mean time"}, {"bytes sent"}});
  for (std::size_t kind = 0; kind < kTaskKinds; ++kind) {
    const KindReport& one = report.kinds[kind];
    if (one.tasks == 0) continue;
    const Time mean = Time::from_seconds(one.seconds / static_cast<double>(one.tasks));
    kinds.add_row({std::string(to_string(static_cast<TaskKind>(kind))), count_of(one.tasks),
                   to_string(mean), one.bytes.count == 0 ? "-" : to_string(one.bytes)});
  }
  kinds.print();
  TextTable times({{"iteration"},
                   {"devices"},
                   {"busy"},
                   {"least"},
                   {"most"},
                   {"network in use"},
                   {"only communication"}});
  times.add_row({fmt::format("{:.3f} ms", report.iteration.to_seconds() * 1e3),
                 count_of(report.devices), percent(report.mean_busy), percent(report.least_busy),
                 percent(report.most_busy), percent(report.network_share),
                 percent(report.exposed_share)});
  write_output("-", "\n");
  times.print();
  TextTable tiers({{"links", Align::kLeft}, {"number"}, {"busy"}});
  for (const TaskNetwork::TierUse& tier : report.tiers) {
    tiers.add_row({tier.name, count_of(tier.ports), percent(utilisation(tier, report.iteration))});
  }
  write_output("-", "\n");
  tiers.print();
  std::string end = fmt::format(
      "\n{} between servers in {} flows, {} within", to_string(report.communication.network),
      count_of(report.communication.flows), to_string(report.communication.node));
  if (report.network.fabric == FabricKind::kMixNet) {
    end += fmt::format("; {} reconfigurations", count_of(report.communication.reconfigurations));
  }
  if (report.packets) {
    end +=
        fmt::format("\n{} packets, {} packet-hops, {} drops, {} ECN marks, {} time-outs, {} pauses",
                    count_of(report.packets->data_packets), count_of(report.packets->packet_hops),
                    count_of(report.packets->drops), count_of(report.packets->ecn_marks),
                    count_of(report.packets->time_outs), count_of(report.packets->pauses));
  }
  std::optional<std::int64_t> hops;
  if (report.packets) hops = report.packets->packet_hops;
  end += "\n" + describe_speed(report.wall_seconds, hops);
  write_output("-", end + "\n");
}

void run(const SimulateFlags& flags) {
  flags.timeline.check("nodes");
  const bool quiet = answers_on_stdout(flags.json, flags.timeline.file, "--timeline");
  const TaskRunRequest request = request_from(flags);
  const TraceJob job = job_from(flags);
  const TaskGraph& graph = job.graph;
  const auto begin = system_env().monotonic_now();
  TaskRunReport report = run_task_graph(graph, request);
  report.wall_seconds = std::chrono::duration<double>(system_env().monotonic_now() - begin).count();
  report.notes.insert(report.notes.end(), job.notes.begin(), job.notes.end());
  if (!flags.json.empty()) write_output(flags.json, to_json(graph, report));
  TaskTrace trace;
  if (!flags.timeline.file.empty()) {
    const std::string title =
        fmt::format("{} on {}, {} a NIC", flags.graph.empty() ? job.format : flags.graph,
                    to_string(report.network.fabric), to_string(report.network.bandwidth));
    trace = to_chrome_trace(graph, report, title, TimelineFlags::kMostSpans, flags.timeline.most);
    write_output(flags.timeline.file, trace.text);
  }
  if (quiet) return;
  print_report(job, report, flags.source);
  if (flags.timeline.file.empty()) return;
  write_output("-", describe_timeline(flags.timeline, "nodes", trace.nodes, trace.all_nodes,
                                      trace.text.size()));
}

/// The flags of both ways.
void add_common_flags(const Program& program, CLI::App& command,
                      const std::shared_ptr<SimulateFlags>& flags,
                      const std::string& nics_default) {
  const FlagGroup network(command, "Network"), fidelity(command, "Fidelity");
  add_network_flags(command, flags->network, nics_default);
  network.add("--hosts", flags->hosts, "Hosts, which are NICs (default: as the graph needs)");
  network.add_default("--reconfiguration-delay", flags->reconfiguration_delay,
                      "mixnet: how long a forward dispatch waits for the switch");
  fidelity.add_default("--fidelity", flags->fidelity,
                       "packet (every packet), auto (jumps over the steady state) or fluid");
  add_packet_flags(command, flags->packets);
  add_timeline_flags(command, flags->timeline, "nodes");
  add_json_flag(program, command, flags->json, "Also write the result as JSON");
  command.callback([flags] { run(*flags); });
}

/// The flags of both kinds of traces.
void add_trace_flags(const Program& program, CLI::App& command, const FlagGroup& group,
                     const std::shared_ptr<SimulateFlags>& flags) {
  group.add("--ranks", flags->ranks, kRanksHelp);
  group.add("--gpus-per-server", flags->gpus_per_server, "GPUs of a server (default: 8)");
  group.add_default(
      "--gpu", flags->gpu,
      "Kind of GPU ('mixnet gpus') or FILE.yaml, for NVLink and for work without a time");
  group.add_default("--seed", flags->seed, "Seed of hashed paths");
  add_common_flags(program, command, flags, "as a server has GPUs");
}

}  // namespace

void add_simulate_graph(Program& program) {
  CLI::App* command = program.add_subcommand(
      "simulate", "Execute a FlexFlow task graph on a fabric: iteration time, who was busy");
  command->footer(
      "FILE is a FlatBuffers file as TopoOpt's or MixNet's FlexFlow writes it; the era is found\n"
      "from its content. docs/task-graphs.md has the formats and what is simulated.\n\n"
      "Examples:\n"
      "  mixnet simulate --task-graph dlrm.fbuf --fabric fat-tree --bandwidth 100Gbps\n"
      "  mixnet simulate --task-graph moe.fbuf --fabric mixnet --degree 6 --json -\n"
      "  mixnet simulate --task-graph moe.fbuf --fabric rail-optimized --fidelity fluid \\\n"
      "                  --timeline timeline.json");
  const auto flags = std::make_shared<SimulateFlags>();
  const FlagGroup group(*command, "Graph");
  group.add("--task-graph", flags->graph, "The task graph, a .fbuf file")->type_name("FILE");
  group.add("--routing", flags->routing,
            "Who sends how much in all-to-alls: measured, uniform, dynamic,\n"
            "matrix:FILE or trace:FILE (docs/routing.md; default: measured, and a note)");
  group.add_default("--seed", flags->seed, "Seed of the routing, and of hashed paths");
  add_common_flags(program, *command, flags, "as a node has GPUs");
}

void add_simulate_chakra(Program& program) {
  CLI::App* command = program.add_subcommand(
      "simulate", "Execute Chakra traces on a fabric: iteration time, who was busy");
  command->footer(
      "TRACES is the prefix of PREFIX.0.et, PREFIX.1.et, ..., one a GPU, or their folder, or one\n"
      "file; protobuf or JSON. docs/chakra.md has the format and what is simulated; mixnet "
      "convert\n"
      "--to chakra writes traces.\n\n"
      "Examples:\n"
      "  mixnet simulate --chakra traces/mixtral --fabric mixnet --bandwidth 400Gbps\n"
      "  mixnet simulate --chakra traces/mixtral --fabric fat-tree --fidelity fluid --json -\n"
      "  mixnet simulate --chakra chakra.0.et --ranks 16 --fabric fat-tree");
  const auto flags = std::make_shared<SimulateFlags>();
  flags->source = Source::kChakra;
  const FlagGroup group(*command, "Traces");
  group.add("--chakra", flags->graph, "The traces: what comes before .0.et, a folder, or a file")
      ->type_name("TRACES");
  add_trace_flags(program, *command, group, flags);
}

void add_simulate_trace(Program& program) {
  CLI::App* command = program.add_subcommand(
      "simulate", "Execute people's own traces on a fabric: iteration time, who was busy");
  command->footer(
      "PATH... are traces, folders of them or what a pattern of the shell gives: profiles\n"
      "(export_chrome_trace) and execution traces (ExecutionTraceObserver) of PyTorch, one file a\n"
      "rank, a workload of AICB, or the folder or prefix of Chakra traces. The format is found\n"
      "from the content; docs/traces.md has what is taken from them.\n\n"
      "Examples:\n"
      "  mixnet simulate --trace profiles/ --fabric mixnet --bandwidth 400Gbps\n"
      "  mixnet simulate --trace kineto.rank*.json et.rank*.json --fabric fat-tree --fidelity "
      "fluid\n"
      "  mixnet simulate --trace aicb_gpt13b_tp8.txt --fabric rail-optimized --fidelity fluid\n"
      "  mixnet simulate --trace kineto.json --ranks 16 --fabric fat-tree");
  const auto flags = std::make_shared<SimulateFlags>();
  flags->source = Source::kTraces;
  const FlagGroup group(*command, "Traces");
  group.add("--trace", flags->traces, "Traces of all ranks, or folders of them")->type_name("PATH");
  add_trace_flags(program, *command, group, flags);
}

}  // namespace mixnet::cli
