#include "moe/context_parallel.h"

#include <gtest/gtest.h>

#include <map>
#include <utility>

namespace mixnet {
namespace {

Model model_of(int heads, int kv_heads) {
  Model model;
  model.attention.heads = heads;
  model.attention.kv_heads = kv_heads;
  model.attention.head_dim = 128;
  return model;
}

/// 64 GPUs of 8 share out a sequence of 65,536 tokens: tp 2, cp 32.
ParallelPlan plan_of(CpComm comm) {
  return {.tp = 2, .cp = 32, .cp_comm = comm, .seq_length = 65'536};
}

TEST(ContextParallel, KeysAndValuesGoRoundOrAreGathered) {
  const Model model = model_of(64, 8);
  // 2,048 tokens of 8 heads' keys and values, half of the heads.
  const std::int64_t own = 2048 * 4 * (128 + 128) * 2;
  EXPECT_EQ(context_bytes(model, plan_of(CpComm::kP2p)), own);
  EXPECT_EQ(context_servers(plan_of(CpComm::kP2p)), 8);
  EXPECT_EQ(backward_contexts(plan_of(CpComm::kP2p)), 2);
  EXPECT_EQ(context_bytes_inside(model, plan_of(CpComm::kP2p), 8), own * 31);
  EXPECT_EQ(context_bytes_inside(model, plan_of(CpComm::kAllGather), 8), own * (31 - 7));
  EXPECT_EQ(context_bytes_inside(model, plan_of(CpComm::kAllGather), 2), own * 31);
  // Of the ring, two GPUs of each server send to the next one's.
  const auto sends = context_sends(model, plan_of(CpComm::kP2p));
  EXPECT_EQ(sends.size(), 8 * 2U);
  for (const GpuSend& send : sends) {
    EXPECT_EQ(send.to_server, (send.from_server + 1) % 8);
    EXPECT_EQ(send.from_gpu, 6 + send.to_gpu);
    EXPECT_EQ(send.bytes.count, own);
  }
}

TEST(ContextParallel, AllToAllsMoveHeadsToTheirGpus) {
  const Model model = model_of(64, 8);
  const ParallelPlan plan = plan_of(CpComm::kA2a);
  // Queries and output of 32 heads; of keys and values one head for each of the 64 GPUs.
  const std::int64_t all = 2048 * (32 + 32) * (128 + 128) * 2;
  EXPECT_EQ(context_bytes(model, plan), all);
  EXPECT_EQ(backward_contexts(plan), 1);
  EXPECT_EQ(context_bytes_inside(model, plan, 8), all / 32 * 3);
  std::map<std::pair<int, int>, std::int64_t> out, in;
  for (const GpuSend& send : context_sends(model, plan)) {
    EXPECT_NE(send.from_server, send.to_server);
    out[{send.from_server, send.from_gpu}] += send.bytes.count;
    in[{send.to_server, send.to_gpu}] += send.bytes.count;
  }
  EXPECT_EQ(out.size(), 64U);
  EXPECT_EQ(in, out);
  // What does not stay with a GPU goes to its server's others, or out.
  for (const auto& [gpu, bytes] : out) {
    EXPECT_EQ(bytes + context_bytes_inside(model, plan, 8) + all / 32, all);
  }
}

TEST(ContextParallel, WithinAServerNothingLeavesIt) {
  const Model model = model_of(64, 8);
  for (const CpComm comm : {CpComm::kP2p, CpComm::kA2a, CpComm::kAllGather}) {
    const ParallelPlan plan{.tp = 2, .cp = 4, .cp_comm = comm};
    EXPECT_EQ(context_servers(plan), 1);
    EXPECT_TRUE(context_sends(model, plan).empty());
    EXPECT_EQ(context_bytes_inside(model, plan, 8),
              context_bytes(model, plan) * 3 / (comm == CpComm::kA2a ? 4 : 1));
  }
}

}  // namespace
}  // namespace mixnet
