// What one GPU keeps of a forward pass for its backward pass (Korthikanti et al., "Reducing
// activation recomputation in large transformer models", MLSys 2023, section 4, with
// FlashAttention, without dropout, and with what that paper has not: gated feed-forward parts,
// experts, MLA).
//
// Of n tokens of a micro-batch, a GPU has n / (tp * cp) between its parts (n / cp without sequence
// parallelism), and n / cp within them, an tp-th as wide. h is the model's width; bf16 is 2 bytes a
// number. Kept for a layer:
//                                                                              selective
//   attention     input of the norm 2h; its output 2h                          the first
//     queries, keys, values 2 (q + k + v), again before a norm on q, k         all
//     output 2 o, and softmax's sums 4 heads                                   all
//     MLA: latents 2 (2 (q_lora + kv_lora) + rope)                             all
//          queries, keys, values of all heads 2 (q + k + v)                    none
//   feed-forward  input of the norm 2h; its output 2h                          the first
//     dense, shared   gate and up 4 I; their product 2 I                       the first
//     router          logits, probabilities, mask 9 experts                    all
//     experts         for each token copy: input 2h, gate and up 4 I / etp,    the first two
//                     their product 2 I / etp (scaled by the gate's weight, so that the output need
//                     not be kept, as Megatron-LM does since 0.12)
//   full: the input of the layer 2h.
// Token copies are as many as balanced routing brings; what imbalance adds is not known before the
// gate has run. What is recomputed lies there for one layer at a time. At the head, for one
// micro-batch: input and normed 4h, logits in bf16 and in fp32 for the loss 6 vocab / tp.
//
// A stage s of p keeps as many micro-batches as have run forward and not yet backward: min(p - s,
// m) of m in 1F1B, min(2 (p - s) - 1, m) in eager 1F1B; with v virtual stages, 2 (p - s - 1) + (v -
// 1) p + 1 of v * m chunks, each a v-th of the stage.
//
// In doubles: sizes may be any. Pure; O(1).
#pragma once

#include "memory/memory_use.h"

namespace mixnet {

/// Bytes of one layer and micro-batch.
double layer_activations(const Model& model, const ParallelPlan& plan, const MemoryOptions& options,
                         bool is_moe);
/// Of the output of the last stage.
double head_activations(const Model& model, const ParallelPlan& plan, const MemoryOptions& options);
/// Micro-batches in flight, times vpp.
std::int64_t chunks_in_flight(const ParallelPlan& plan, bool eager_schedule, int stage);
/// All of a stage at its peak, in bytes.
double stage_activations(const Model& model, const ParallelPlan& plan, const MemoryOptions& options,
                         int stage);
/// Buffers of communication and of backward, in bytes; without those of ZeRO.
double activation_buffers(const Model& model, const ParallelPlan& plan,
                          const MemoryOptions& options, int stage);

}  // namespace mixnet
