// The flags that say how a model is laid over GPUs, by Megatron-LM's names and their short forms.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "moe/plan.h"

namespace mixnet::cli {

struct ParallelPlanFlags {
  std::int64_t gpus = 1024;
  std::optional<int> gpus_per_server;
  std::optional<int> tp, cp, pp, vpp, ep, etp, mtp;
  std::string cp_comm = "p2p";
  std::optional<std::int64_t> micro_batch_size, global_batch_size, seq_length;

  /// `gpus_per_server_default`: unless the flag says otherwise.
  PlanRequest request(int gpus_per_server_default) const;
  /// find_model() with the multi-token-prediction layers that are trained with it.
  Model model(const std::string& name) const;
};

/// Adds the flags to `command`; `flags` must outlive it.
void add_parallel_plan_flags(CLI::App& command, ParallelPlanFlags& flags);

}  // namespace mixnet::cli
