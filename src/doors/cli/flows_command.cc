#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/alltoallv_matrix.h"
#include "base/env.h"
#include "base/error.h"
#include "cli/answer_flags.h"
#include "cli/collective_flags.h"
#include "cli/commands.h"
#include "cli/flag_group.h"
#include "cli/network_flags.h"
#include "cli/packet_flags.h"
#include "graphs/flow_study.h"
#include "interop/connection_matrix.h"
#include "interop/flow_csv.h"
#include "shell/output.h"

namespace mixnet::cli {
namespace {

constexpr int kBins = 10;      // of the histogram
constexpr int kBarWidth = 40;  // of its longest bar

struct FlowsFlags {
  NetworkFlags network;
  std::optional<int> hosts;
  std::optional<int> servers;
  std::string flows;
  std::string alltoallv;
  std::optional<double> scale;  ///< of that
  CollectiveFlags collective;
  std::optional<std::string> fidelity;
  std::uint64_t seed = 1;
  std::string until;
  JsonAnswer json;
  std::string fct;
  PacketFlags packets;
};

int parse_hosts(const FlowsFlags& flags, int nics_per_server) {
  if (flags.hosts && flags.servers) {
    throw Error("--servers", "stands beside --hosts",
                "give one of them: hosts are servers times --nics-per-server");
  }
  const std::int64_t nics = flags.servers ? nics_per_server : 1;
  const std::string_view flag = flags.servers ? "--servers" : "--hosts";
  const std::optional<int>& count = flags.servers ? flags.servers : flags.hosts;
  if (!count) return 0;
  if (*count < 1 || nics < 1 || nics > kMaxFlowHosts || *count * nics > kMaxFlowHosts) {
    throw Error(nics < 1 ? "--nics-per-server" : flag,
                fmt::format("{} is out of range", nics < 1 ? nics : *count),
                fmt::format("give what makes 2 to {} hosts (NICs)", kMaxFlowHosts));
  }
  return static_cast<int>(*count * nics);
}

double scale_of(const FlowsFlags& flags) {
  constexpr double kMost = 1e15;
  const double scale = flags.scale.value_or(1);
  if (scale > 0 && scale <= kMost) return scale;
  throw Error("--scale", fmt::format("{} is out of range", scale), "give over 0, to 1e15");
}

void read_traffic(const FlowsFlags& flags, FlowStudyRequest& request) {
  if (flags.flows.empty() == flags.alltoallv.empty()) {
    throw Error(flags.flows.empty() ? "flows" : "--flows",
                flags.flows.empty() ? "names nothing to send" : "stands beside --alltoallv",
                "give one of --flows FILE, --alltoallv FILE and --collective NAME");
  }
  request.input = flags.flows.empty() ? flags.alltoallv : flags.flows;
  if (flags.scale && flags.alltoallv.empty()) {
    throw Error("--scale", "stands beside --flows",
                "give it with --alltoallv, whose values it is of");
  }
  if (flags.flows.empty()) {
    request.traffic = read_alltoallv_matrix(flags.alltoallv, scale_of(flags));
    return;
  }
  const std::string extension = std::filesystem::path(flags.flows).extension().string();
  if (extension == ".cm") {
    request.traffic = read_connection_matrix(flags.flows);
  } else if (extension == ".csv") {
    request.traffic = read_flow_csv(flags.flows);
  } else {
    throw Error(flags.flows, "does not end in .cm or .csv",
                "name a htsim connection matrix .cm, a list of flows .csv; a matrix of bytes goes "
                "with --alltoallv");
  }
}

FlowStudyRequest request_from(const FlowsFlags& flags) {
  FlowStudyRequest request;
  FlowNetworkOptions& network = request.network;
  network = flags.network.options();
  network.hosts = parse_hosts(flags, network.nics_per_server);
  request.fidelity = parse<Fidelity>(flags.fidelity.value_or("packet"), "--fidelity");
  request.packets = flags.packets.options();
  request.seed = flags.seed;
  if (!flags.until.empty()) request.until = parse_time(flags.until, "--until");
  // What can be wrong with flags is said before a large file is read.
  FlowNetworkOptions sized = network;
  if (sized.hosts == 0) sized.hosts = 2 * std::clamp(sized.nics_per_server, 1, 1024);
  check_flow_network_options(sized);
  read_traffic(flags, request);
  return request;
}

bool check_answers(const FlowsFlags& flags) {
  const auto place = [](std::string_view path) {
    return std::filesystem::absolute(path).lexically_normal();
  };
  if (!flags.json.empty() && !flags.fct.empty() && place(flags.json) == place(flags.fct)) {
    throw Error("--fct", "cannot go where --json goes", "give another file to one of them");
  }
  const bool json_on_stdout = answers_on_stdout(flags.json);
  return answers_on_stdout(flags.fct) || json_on_stdout;
}

std::string count_of(std::int64_t number) { return grouped(static_cast<double>(number)); }

std::string queue_of(const FlowReport& report, const TierReport& tier) {
  if (!report.packets) return "-";
  return tier.deepest_queue.count == 0 ? "0" : to_string(tier.deepest_queue);
}

std::string percent(double share) { return fmt::format("{:.1f} %", share * 100); }

void print_histogram(const FlowReport& report) {
  std::vector<Time> fcts;
  for (std::size_t f = 0; f < report.flows.size(); ++f) {
    if (report.completions[f] == FlowReport::kNever) continue;
    fcts.push_back(report.completions[f] - report.flows[f].start);
  }
  if (fcts.empty()) return;
  const auto [least, most] = std::ranges::minmax(fcts);
  if (least == most) return;
  const double width = static_cast<double>((most - least).ps) / kBins;
  std::vector<std::int64_t> bins(kBins);
  for (const Time fct : fcts) {
    const auto bin = static_cast<int>(static_cast<double>((fct - least).ps) / width);
    ++bins[static_cast<std::size_t>(std::min(bin, kBins - 1))];
  }
  const auto largest = static_cast<double>(std::ranges::max(bins));
  TextTable table({{"FCT up to"}, {"flows"}, {"", Align::kLeft}});
  for (int bin = 0; bin < kBins; ++bin) {
    const auto count = static_cast<double>(bins[static_cast<std::size_t>(bin)]);
    const auto bar = static_cast<std::size_t>(std::ceil(count / largest * kBarWidth));
    table.add_row({to_string(Time{least.ps + static_cast<std::int64_t>(width * (bin + 1))}),
                   grouped(count), std::string(bar, '#')});
  }
  write_output("-", "\n");
  table.print();
}

std::string what_ran(const FlowReport& report) {
  const FlowNetworkOptions& network = report.network;
  std::string text =
      fmt::format("{} of {} hosts, {} servers: {} a NIC, {} a link", to_string(network.fabric),
                  count_of(network.hosts), count_of(network.servers()),
                  to_string(network.bandwidth), to_string(network.latency));
  if (report.circuits) text += fmt::format(", {} circuits", count_of(*report.circuits));
  text += fmt::format("\nfidelity {}", to_string(report.fidelity));
  if (report.packets) {
    text += fmt::format(", {}, MTU {}",
                        report.packet_options.transport == Transport::kDctcp ? "dctcp" : "dcqcn",
                        report.packet_options.mtu);
  }
  return text + "\n\n";
}

void print_report(const FlowReport& report) {
  write_output("-", what_ran(report));
  TextTable flows({{"flows"},
                   {"completed"},
                   {"payload"},
                   {"makespan"},
                   {"FCT mean"},
                   {"FCT p50"},
                   {"FCT p99"},
                   {"FCT max"}});
  std::vector<std::string> cells = {count_of(static_cast<std::int64_t>(report.flows.size())),
                                    count_of(report.completed), to_string(report.bytes),
                                    to_string(report.makespan)};
  if (const auto& fct = report.fct) {
    for (const Time time : {Time{std::llround(fct->mean_ps)}, fct->p50, fct->p99, fct->max}) {
      cells.push_back(to_string(time));
    }
  }
  flows.add_row(cells);
  flows.print();
  const auto left = static_cast<std::int64_t>(report.flows.size()) - report.completed;
  if (report.inside > Bytes::zero()) {
    write_output(
        "-", fmt::format("{} stayed inside servers and took no NIC\n", to_string(report.inside)));
  }
  if (left > 0) write_output("-", fmt::format("{} flows had not ended then\n", count_of(left)));
  if (report.packets) {
    const PacketTotals& totals = *report.packets;
    TextTable packets({{"packets"},
                       {"packet-hops"},
                       {"drops"},
                       {"ECN marks"},
                       {"sent again"},
                       {"time-outs"},
                       {"pauses"},
                       {"skipped"}});
    packets.add_row({count_of(totals.data_packets), count_of(totals.packet_hops),
                     count_of(totals.drops), count_of(totals.ecn_marks),
                     count_of(totals.retransmissions), count_of(totals.time_outs),
                     count_of(totals.pauses), percent(report.skipped_share())});
    write_output("-", "\n");
    packets.print();
  }
  TextTable tiers({{"links", Align::kLeft}, {"number"}, {"busy"}, {"busiest"}, {"deepest queue"}});
  for (const TierReport& tier : report.tiers) {
    tiers.add_row({tier.name, count_of(tier.ports), percent(tier.mean_utilisation),
                   percent(tier.max_utilisation), queue_of(report, tier)});
  }
  write_output("-", "\n");
  tiers.print();
  print_histogram(report);
  std::optional<std::int64_t> hops;
  if (report.packets) hops = report.packets->packet_hops;
  write_output("-", "\n" + describe_speed(report.wall_seconds, hops) + "\n");
}

void run_one_collective(const FlowsFlags& flags) {
  for (const auto& [flag, given] : {std::pair("--flows", !flags.flows.empty()),
                                    {"--alltoallv", !flags.alltoallv.empty()},
                                    {"--scale", flags.scale.has_value()},
                                    {"--hosts", flags.hosts.has_value()},
                                    {"--servers", flags.servers.has_value()},
                                    {"--until", !flags.until.empty()},
                                    {"--fct", !flags.fct.empty()}}) {
    if (given) throw Error(flag, "stands beside --collective", "leave one of them out");
  }
  CollectiveRequest request = flags.collective.request();
  NetworkFlags network = flags.network;
  if (network.fabric.empty()) network.fabric = to_string(FabricKind::kFatTree);
  if (!network.paths) network.paths = to_string(PathPolicy::kSpray);
  if (!network.nics_per_server) network.nics_per_server = request.gpus_per_server;
  request.network = network.options();
  request.fidelity = parse<Fidelity>(flags.fidelity.value_or("fluid"), "--fidelity");
  request.packets = flags.packets.options();
  request.seed = flags.seed;
  const bool quiet = answers_on_stdout(flags.json);
  const CollectiveReport report = run_collective(request);
  if (!flags.json.empty()) write_output(flags.json, to_json(report));
  if (!quiet) write_output("-", table_of(report));
}

void run(const FlowsFlags& flags) {
  if (flags.collective.given()) {
    run_one_collective(flags);
    return;
  }
  const bool quiet = check_answers(flags);
  if (flags.network.fabric.empty()) {
    throw Error("--fabric", "is required", "name one of 'mixnet fabrics'");
  }
  FlowStudy study(request_from(flags));
  const auto begin = system_env().monotonic_now();
  FlowReport report = study.run();
  report.wall_seconds = std::chrono::duration<double>(system_env().monotonic_now() - begin).count();
  if (!flags.json.empty()) write_output(flags.json, to_json(report));
  if (!flags.fct.empty()) write_output(flags.fct, to_fct_csv(report));
  if (!quiet) print_report(report);
}

}  // namespace

void add_flows_command(Program& app) {
  CLI::App* command = app.add_subcommand(
      "flows", "Play flows on a fabric, packet by packet: completion times, queues, losses");
  command->footer(
      "FILE of --flows ends in .cm (a connection matrix of htsim) or .csv (src,dst,bytes,start);\n"
      "--alltoallv takes a matrix of bytes as nccl-tests does. docs/flows.md has the formats.\n\n"
      "Examples:\n"
      "  mixnet flows --fabric fat-tree --hosts 1024 --flows permutation.cm --json -\n"
      "  mixnet flows --fabric mixnet --servers 8 --degree 6 --alltoallv matrix.txt\n"
      "  mixnet flows --fabric rail-optimized --flows flows.csv --transport dcqcn --fct fct.csv\n"
      "  mixnet flows --fabric fat-tree --collective all_to_all --bytes 64MB --gpus 64");
  const auto flags = std::make_shared<FlowsFlags>();
  const FlagGroup played(*command, "Flows"), network(*command, "Network"),
      fidelity(*command, "Fidelity");
  played.add("--flows", flags->flows, "Flows between hosts: a .cm or .csv file")->type_name("FILE");
  played.add("--alltoallv", flags->alltoallv, "Bytes from rank to rank: hosts, or servers")
      ->type_name("FILE");
  played.add("--scale", flags->scale, "Factor of the values of --alltoallv (default: 1)");
  add_collective_flags(*command, flags->collective);

  add_network_flags(*command, flags->network, "8; of a collective one a GPU");
  command->get_option("--fabric")
      ->required(false)
      ->description("Fabric ('mixnet fabrics'); of a collective fat-tree if not given");
  network.add("--hosts", flags->hosts, "Hosts, which are NICs (default: those the file names)");
  network.add("--servers", flags->servers, "The same in servers of --nics-per-server");
  network.add_default("--seed", flags->seed,
                      "Seed of hashed paths, of which every flow has its own");

  fidelity.add("--fidelity", flags->fidelity,
               "packet (every packet; of flows the default), auto (jumps over the steady state)\n"
               "or fluid (of a collective the default)");
  fidelity.add("--until", flags->until, "Stop at this time; flows may be left")->type_name("TIME");
  add_packet_flags(*command, flags->packets);
  add_json_flag(app, *command, flags->json, "Also write the result as JSON");
  add_answer_flag(*command, "--fct", flags->fct, "Also write each flow's completion time as CSV");
  command->callback([flags] { run(*flags); });
}

}  // namespace mixnet::cli
