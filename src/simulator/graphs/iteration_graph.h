// A training iteration as a task graph: what TrainingJob (training/training_job.h) adds up in
// closed form, written down task by task, so that it can be executed, looked at, and given to other
// simulators (FlexFlow's readers, ASTRA-sim).
//
// Same plan, same routing, same compute times. Every GPU has a row of tasks, one after the other:
//   forward    [all-gather] attention [reduce-scatter] gate | dispatch | [all-gather] experts
//              [reduce-scatter] [shared experts likewise] | combine
//   backward   the same in reverse; an all-gather more around each part (sequence parallelism)
// In brackets what only tensor parallelism has (without sequence parallelism: one all-reduce
// around each part). All-to-alls join an EP group, and carry the demand that its gate decided.
// Pieces of work follow each other in the order of pipeline.h's schedule; activations and their
// gradients go from each GPU to the one of the same place in the next stage, and nobody waits but
// the receiver. When a layer's last backward is done its gradients are summed: dense ones over dp,
// experts over dp / ep, inside a server first (reduce-scatter), then one ring for each GPU of a
// server that holds a copy, then all-gather; the embedding's and the head's with the stage's first
// layer. With overlap_dp this runs beneath what is left, else when all backward is done. The
// optimizer waits for it.
//
// What differs from TrainingJob is what an execution knows and a sum does not: communication of
// different kinds that is under way at once shares links; bytes between servers enter at the GPU
// that they are for (as with EpNics::kOwn). docs/chakra.md compares the two.
//
// The graph is of MixNet's era; GPU = rank. Deterministic. Cost: some 20 tasks a GPU, layer and
// micro-batch divided by tp for those that a TP group shares; 100 bytes a task.
#pragma once

#include "hardware/gpu.h"
#include "interop/task_graph.h"
#include "moe/routing.h"
#include "training/training_job.h"

namespace mixnet {

/// Of the options, `compute`, `schedule`, `overlap_dp`, `sequence_parallel` and `gradient_bytes`
/// count. `compute_scale` multiplies all compute times. The plan is one that make_plan() allows,
/// the routing has its shape. Throws Error when the graph would be too large (kMaxGraphTasks).
TaskGraph iteration_graph(const Model& model, const ParallelPlan& plan, const Gpu& gpu,
                          const RoutingSource& routing, const IterationOptions& options,
                          double compute_scale = 1);

}  // namespace mixnet
