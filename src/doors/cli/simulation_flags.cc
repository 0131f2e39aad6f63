#include "cli/simulation_flags.h"

#include <fmt/format.h>

#include <cmath>
#include <cstdint>
#include <filesystem>

#include "base/error.h"
#include "base/names.h"
#include "base/text_fields.h"
#include "base/text_file.h"
#include "cli/flag_group.h"
#include "shell/output.h"

namespace mixnet::cli {
namespace {

/// Which of two words a flag carries: true for the first.
bool first_of(std::string_view value, std::string_view flag, std::string_view first,
              std::string_view second) {
  if (value == first) return true;
  if (value == second) return false;
  const std::string known[] = {std::string(first), std::string(second)};
  refuse_name(value, flag, "choice", known);
}

/// "300M", "2G", "5000": a number of packet-hops.
std::int64_t parse_count(const std::string& text, std::string_view flag) {
  double factor = 1;
  std::string_view digits = text;
  if (!digits.empty()) {
    const std::size_t at = std::string_view("kMGT").find(digits.back());
    if (at != std::string_view::npos) {
      factor = std::pow(1000.0, static_cast<double>(at + 1));
      digits.remove_suffix(1);
    }
  }
  const double number = factor * number_in<double>(digits).value_or(0);
  if (!(number >= 1) || number > 1e15) {
    throw Error(flag, fmt::format("'{}' is not a number of packet-hops", text),
                "give one such as 300M or 2G");
  }
  return static_cast<std::int64_t>(number);
}

void apply_shortcuts(const std::string& list, FidelityOptions& options) {
  options.reuse = options.skip_steady = options.fluid = false;
  if (list == "none") return;
  for (const std::string& name : split_list(list, "--shortcuts")) {
    if (name == "reuse") {
      options.reuse = true;
    } else if (name == "steady" || name == "fluid") {
      if (options.fidelity != Fidelity::kAuto) {
        throw Error(
            "--shortcuts",
            fmt::format("'{}' is no part of {} fidelity", name, to_string(options.fidelity)),
            "use --fidelity auto with it");
      }
      (name == "steady" ? options.skip_steady : options.fluid) = true;
    } else {
      const std::string known[] = {"reuse", "steady", "fluid", "none"};
      refuse_name(name, "--shortcuts", "shortcut", known);
    }
  }
}

void add_routing_flags(CLI::App& command, SimulationFlags& flags) {
  const FlagGroup group(command, "Routing");
  group.add_default("--routing", flags.routing,
                    "uniform, measured, dynamic, matrix:FILE or trace:FILE (docs/routing.md)");
  group.add(
      "--capacity-factor,--moe-expert-capacity-factor", flags.capacity_factor,
      "Token copies that a rank sends an expert, at most so many times the mean; the rest is\n"
      "dropped (default: nothing is)");
  group.add_default("--seed", flags.seed,
                    "Seed of the generated routing, of hashed paths and of samples");
}

void add_compute_flags(CLI::App& command, SimulationFlags& flags) {
  const FlagGroup group(command, "Compute");
  group.add_default("--compute-scale", flags.compute_scale, "Factor on all compute times");
  group.add_default("--precision", flags.precision,
                    "Of the matrix products: bf16 or fp8 (scaled by blocks; also MX)");
  group.add_default(
      "--layer-wait", flags.layer_wait,
      "What a layer with experts waits for the host in each pass; 0s with CUDA graphs");
  group.add("--profile", flags.profile,
            "Measured times: a JSON of this plan's, or a CSV of\n"
            "'python3 -m mixnet.profile' (docs/compute.md)");
}

void add_dispatch_flags(CLI::App& command, SimulationFlags& flags) {
  const FlagGroup group(command, "Dispatch");
  group.add("--dispatch", flags.dispatch,
            "deduplicated (default: a token goes once to each server, which forwards it; DeepEP,\n"
            "HybridEP) or copies (one for each expert: plain all-to-all)");
  group.add_default("--dispatch-precision", flags.dispatch_precision,
                    "Of what is dispatched: bf16 or fp8; combine is bf16");
}

void add_fabric_flags(CLI::App& command, SimulationFlags& flags) {
  const FlagGroup group(command, "Network");
  group.add("--nics-per-server", flags.nics_per_server,
            "NICs of a server; divides its GPUs (default: one a GPU)");
  group.add("--degree", flags.degree,
            "mixnet: NICs of a server on the optical switch (default: 3 of 4)");
  group.add(
      "--reconfiguration", flags.reconfiguration,
      "mixnet: hitless (default: ports move while others carry on), block (every FP1 waits\n"
      "for the switch), reuse, copilot (set for a forecast during attention), oracle or hidden\n"
      "(nobody ever waits); docs/iteration.md");
  group.add_default("--reconfiguration-delay", flags.reconfiguration_delay,
                    "mixnet: from command to light");
  group.add_default("--nic-up", flags.nic_up,
                    "mixnet: from light until the NICs are up again (5.67s with the prototype's\n"
                    "transceivers); adds to the delay");
  group.add("--ep-split", flags.ep_split,
            "mixnet: balanced (default: a pair with circuits uses EPS, too) or circuits-first");
  group.add("--allocator", flags.allocator,
            "mixnet: refined (default: knows the EPS), greedy (Algorithm 1) or exact");
  group.add_switch(
      "--paper", flags.paper,
      "As in the paper: mixnet with block, circuits-first and greedy; copies of tokens,\n"
      "all of the scale-up rate, memory not asked about;\n"
      "a network that costs as one of three tiers whatever its size");
  group.add_default("--oversubscription", flags.oversubscription,
                    "oversub-fat-tree: NICs for one uplink of their ToR switch");
  group.add_default(
      "--paths", flags.paths,
      "Packet fabrics: spray (over all paths) or ecmp (one hashed path a connection)");
  group.add_default("--flows-per-pair", flags.flows_per_pair,
                    "ecmp: flows that a connection is split into, each hashed");
  group.add_default(
      "--ep-nics", flags.ep_nics,
      "Packet fabrics: tokens arrive at the NIC of the sender's place (rail) or of the expert's\n"
      "GPU (own)");
}

void add_domain_flags(CLI::App& command, SimulationFlags& flags) {
  const FlagGroup group(
      command,
      "Bandwidth of a GPU, one direction (nvl72, mixnet-optical-io; --bandwidth is its NIC's)");
  group.add("--gpu-bandwidth", flags.gpu_bandwidth,
            "Ethernet, scale-up and optical together, such as 8Tbps (default: ten times\n"
            "--bandwidth); what the others leave is scale-up");
  group.add("--optical-io", flags.optical_io,
            "mixnet-optical-io: on the optical switch, such as 3.6Tbps (default: half of what\n"
            "the NIC leaves)");
  group.add_default(
      "--optical-lanes", flags.optical_lanes,
      "mixnet-optical-io: ports of a GPU on the optical switch; each is the end of a circuit");
}

void add_overlap_flags(CLI::App& command, SimulationFlags& flags) {
  const FlagGroup group(command, "What overlaps");
  group.add_default("--ep-steps", flags.ep_steps,
                    "Gather, network and scatter of an all-to-all: pipelined or sequential");
  group.add_default(
      "--schedule", flags.schedule,
      "Pipeline: 1f1b, or eager-1f1b (twice the micro-batches in flight, which hide PP transfers)");
  group.add_default("--dp-overlap", flags.dp_overlap,
                    "Sum gradients beneath the last micro-batch's backward: on or off");
  group.add_default("--tp-collective", flags.tp_collective,
                    "reduce-scatter (with all-gather: sequence parallel) or all-reduce");
  group.add_default("--gradient-bytes", flags.gradient_bytes, "Bytes of a gradient: 2 or 4");
}

void add_fidelity_flags(CLI::App& command, SimulationFlags& flags) {
  const FlagGroup group(command, "Fidelity");
  group.add_default("--fidelity", flags.fidelity,
                    "fluid, packet (every packet), or auto (packets with shortcuts)");
  group.add("--shortcuts", flags.shortcuts,
            "Of reuse, steady, fluid, comma-separated, or none (default: all for auto, reuse\n"
            "for packet and fluid; docs/packet-network.md)");
  group.add_default(
      "--packet-budget", flags.packet_budget,
      "auto: packet-hops that the all-to-alls of a fabric may take; the rest is fluid");
}

}  // namespace

FidelityOptions SimulationFlags::fidelity_options() const {
  FidelityOptions options;
  options.fidelity = parse<Fidelity>(fidelity, "--fidelity");
  options.packets = packets.options();
  options.sample_seed = seed;
  options.budget = parse_count(packet_budget, "--packet-budget");
  if (!shortcuts.empty()) apply_shortcuts(shortcuts, options);
  return options;
}

void SimulationFlags::apply_switch(IterationOptions& iteration) const {
  if (!paper) best_settings(iteration);
  NetworkOptions& network = iteration.network;
  if (ep_split) network.ep_split = parse<EpSplit>(*ep_split, "--ep-split");
  if (allocator) network.allocator = parse<AllocatorKind>(*allocator, "--allocator");
  if (dispatch) network.dispatch.mode = parse<DispatchMode>(*dispatch, "--dispatch");
  if (reconfiguration) {
    iteration.reconfiguration = parse<Reconfiguration>(*reconfiguration, "--reconfiguration");
  }
  const auto time_of = [](const std::string& text, std::string_view flag) {
    const Time time = parse_time(text, flag);
    if (time <= Time::seconds(60)) return time;
    throw Error(flag, fmt::format("'{}' is too long", text), "give at most 60s");
  };
  iteration.reconfiguration_delay = time_of(reconfiguration_delay, "--reconfiguration-delay");
  iteration.nic_up = time_of(nic_up, "--nic-up");
}

ComputeOptions SimulationFlags::compute_options(const ComparisonRequest& request) const {
  ComputeOptions options;
  options.precision = parse<Precision>(precision, "--precision");
  options.layer_wait = parse_time(layer_wait, "--layer-wait");
  if (options.layer_wait > Time::seconds(1)) {
    throw Error("--layer-wait", fmt::format("'{}' is too long", layer_wait), "give at most 1s");
  }
  (void)compute_rates(request.gpu, options.precision);  // throws where the GPU has it not
  if (profile.empty()) return options;
  // A CSV is of bf16, whatever is simulated: its factors go over to fp8.
  const ComputeRates rates = compute_rates(request.gpu, Precision::kBf16);
  const std::string text = read_text_file(profile);
  const std::filesystem::path path = profile;
  options.profile =
      path.extension() == ".csv"
          ? parse_operations_profile(text, profile, request.model.name, rates, path.parent_path())
          : parse_compute_profile(text, profile);
  return options;
}

void SimulationFlags::apply(ComparisonRequest& request) const {
  request.routing = routing;
  request.capacity_factor = capacity_factor;
  request.seed = seed;
  request.compute_scale = compute_scale;
  IterationOptions& iteration = request.iteration;
  iteration.compute = compute_options(request);
  NetworkOptions& network = iteration.network;
  network.nics_per_server = nics_per_server == 0 ? request.plan.gpus_per_server : nics_per_server;
  const std::int64_t nics = network.nics_per_server;  // not yet checked: any number
  network.optical_degree = degree.value_or(static_cast<int>(nics * 3 / 4));
  network.oversubscription = oversubscription;
  network.paths = parse<PathPolicy>(paths, "--paths");
  network.hashed = {flows_per_pair, seed};
  network.ep_nics = parse<EpNics>(ep_nics, "--ep-nics");
  network.dispatch.is_fp8 =
      parse<Precision>(dispatch_precision, "--dispatch-precision") == Precision::kFp8;
  if (gpu_bandwidth) network.gpu.total = parse_bandwidth(*gpu_bandwidth, "--gpu-bandwidth");
  if (optical_io) network.gpu.optical = parse_bandwidth(*optical_io, "--optical-io");
  network.gpu.optical_lanes = optical_lanes;
  apply_switch(iteration);
  iteration.pipelined_ep_steps = first_of(ep_steps, "--ep-steps", "pipelined", "sequential");
  iteration.sequence_parallel =
      first_of(tp_collective, "--tp-collective", "reduce-scatter", "all-reduce");
  iteration.schedule = parse<PipelineSchedule>(schedule, "--schedule");
  iteration.overlap_dp = first_of(dp_overlap, "--dp-overlap", "on", "off");
  if (gradient_bytes != 2 && gradient_bytes != 4) {
    throw Error("--gradient-bytes", fmt::format("{} is no width of a gradient", gradient_bytes),
                "give 2 (bf16) or 4 (fp32)");
  }
  iteration.gradient_bytes = gradient_bytes;
  iteration.fidelity = fidelity_options();
}

void add_simulation_flags(CLI::App& command, SimulationFlags& flags) {
  add_routing_flags(command, flags);
  add_compute_flags(command, flags);
  add_dispatch_flags(command, flags);
  add_fabric_flags(command, flags);
  add_domain_flags(command, flags);
  add_overlap_flags(command, flags);
  add_fidelity_flags(command, flags);
  add_packet_flags(command, flags.packets);
}

}  // namespace mixnet::cli
