#include "moe/context_parallel.h"

#include <algorithm>

namespace mixnet {

std::int64_t context_bytes(const Model& model, const ParallelPlan& plan) {
  const Attention& a = model.attention;
  const std::int64_t value = a.v_head_dim > 0 ? a.v_head_dim : a.head_dim;
  const std::int64_t tokens = plan.tokens_per_micro_batch() / plan.cp;
  std::int64_t width = std::int64_t{a.kv_heads} * (a.head_dim + value);
  if (plan.cp_comm == CpComm::kA2a) {
    const int kv_heads = std::max(a.kv_heads, plan.tp * plan.cp);
    width = (std::int64_t{a.heads} + kv_heads) * (a.head_dim + value);  // q, output; k, v
  }
  return kBytesPerNumber * width * tokens / plan.tp;
}

int backward_contexts(const ParallelPlan& plan) { return plan.cp_comm == CpComm::kA2a ? 1 : 2; }

int context_servers(const ParallelPlan& plan) {
  if (plan.cp == 1) return 1;
  return static_cast<int>(
      std::max<std::int64_t>(1, std::int64_t{plan.tp} * plan.cp / plan.gpus_per_server));
}

std::int64_t context_bytes_inside(const Model& model, const ParallelPlan& plan, int nics) {
  const std::int64_t own = context_bytes(model, plan);
  const int servers = context_servers(plan);
  if (plan.cp_comm == CpComm::kA2a) return own / plan.cp * (plan.cp / servers - 1);
  // The ring's steps are those of its slowest member, inside a server or between two.
  const bool by_own_nic =
      plan.cp_comm == CpComm::kAllGather && servers > 1 && nics == plan.gpus_per_server;
  return own * (plan.cp - 1 - (by_own_nic ? servers - 1 : 0));
}

std::vector<GpuSend> context_sends(const Model& model, const ParallelPlan& plan) {
  const std::int64_t own = context_bytes(model, plan);
  const bool to_all = plan.cp_comm == CpComm::kA2a;
  std::vector<GpuSend> sends;
  for (int from = 0; from < plan.cp; ++from) {
    for (int step = 1; step < (to_all ? plan.cp : 2); ++step) {
      const int to = (from + step) % plan.cp;
      for (int t = 0; t < plan.tp; ++t) {
        const GpuSend send =
            send_between(plan, std::int64_t{from} * plan.tp + t, std::int64_t{to} * plan.tp + t,
                         Bytes{to_all ? own / plan.cp : own});
        if (send.from_server != send.to_server) sends.push_back(send);
      }
    }
  }
  return sends;
}

}  // namespace mixnet
