// What selective recompute (memory/memory_use.h) adds to a backward pass, by operation: all zero
// otherwise. Full recompute runs the forward pass again: layer_times.h.
//
// A norm reads and writes a number of its tokens' width, the product of gate and up reads two and
// writes one: their bytes at the memory bandwidth that is reached. MLA's matrices out of the
// latents take what they take in forward.
//
// Only `backward` is set. Pure; O(1).
#pragma once

#include <cstdint>

#include "training/paced_job.h"

namespace mixnet {

/// With the layer's norms.
OperationTime attention_again(const JobSetup& job);
OperationTime dense_ffn_again(const JobSetup& job);
OperationTime shared_experts_again(const JobSetup& job);
/// Of an EP rank that has `tokens` token copies.
OperationTime experts_again(const JobSetup& job, std::int64_t tokens);

}  // namespace mixnet
