// The flags that say how an iteration is simulated: routing, compute, network, what overlaps.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <optional>
#include <string>

#include "cli/packet_flags.h"
#include "compare/comparison.h"

namespace mixnet::cli {

struct SimulationFlags {
  std::string routing = "dynamic";
  std::optional<double> capacity_factor;  ///< default: dropless
  std::uint64_t seed = 1;
  double compute_scale = 1;
  std::string precision{to_string(Precision::kBf16)};
  std::string layer_wait = std::string(to_string(kLayerWait));
  std::string profile;
  int nics_per_server = 0;    ///< 0: as many as GPUs
  std::optional<int> degree;  ///< default: three quarters of the NICs, 6 of 8
  double oversubscription = NetworkOptions{}.oversubscription;
  std::string paths = "spray";
  int flows_per_pair = 1;
  std::string ep_nics = "rail";
  std::optional<std::string> dispatch;  ///< default: deduplicated, or copies
  std::string dispatch_precision = "bf16";
  bool paper = false;                          ///< for some of the next, the paper's
  std::optional<std::string> ep_split;         ///< default: balanced, or circuits-first
  std::optional<std::string> allocator;        ///< default: refined, or greedy
  std::optional<std::string> reconfiguration;  ///< default: hitless, or block
  std::optional<std::string> gpu_bandwidth;    ///< default: ten times the NIC
  std::optional<std::string> optical_io;       ///< default: half of what the NIC leaves
  int optical_lanes = GpuBandwidthOptions{}.optical_lanes;
  std::string ep_steps = "pipelined";
  std::string reconfiguration_delay = "25ms";
  std::string nic_up = "0s";
  std::string tp_collective = "reduce-scatter";
  std::string schedule = "1f1b";
  std::string dp_overlap = "on";
  int gradient_bytes = 2;
  std::string fidelity = "fluid";
  std::string shortcuts;  ///< default: all for auto, reuse for packet
  std::string packet_budget = "100M";
  PacketFlags packets;

  /// `request` has its model and its GPU. Throws Error on a value that is none of the choices, or
  /// out of range.
  void apply(ComparisonRequest& request) const;

 private:
  FidelityOptions fidelity_options() const;
  void apply_switch(IterationOptions& iteration) const;
  ComputeOptions compute_options(const ComparisonRequest& request) const;
};

/// Adds the flags to `command`; `flags` must outlive it.
void add_simulation_flags(CLI::App& command, SimulationFlags& flags);

}  // namespace mixnet::cli
