// Which layers each pipeline stage has, and each of its virtual stages ("chunks").
//
// Of n = pp * vpp chunks in the model's order, chunk c of stage s is number c * pp + s. Layers are
// dealt to them as Megatron-LM is run:
//   1. evenly, where n divides the layers;
//   2. else, without multi-token prediction and where n divides layers + 2: evenly with embedding
//      and loss counted as a layer each, so the first and the last chunk have one layer fewer
//      (--account-for-embedding-in-pipeline-split, --account-for-loss-...): 94 layers on 8 x 4 are
//      2, 3, ..., 3, 2;
//   3. else, without multi-token prediction, as evenly as can be, of which the first chunks have
//   one
//      more: the last stage, which has the head, is not the longest;
//   4. else the same with the head counted as a layer, and each multi-token-prediction layer as two
//      (it runs the head again), of which the last chunk has that much fewer: 61 layers on 16
//      stages with one are 4, ..., 4, 1 (Megatron-Bridge's layout of DeepSeek-V3). A stage has at
//      least one layer.
// Multi-token-prediction layers (Model::mtp_layers) are behind these in the last chunk.
//
// Megatron-LM deals chunk by chunk, so that the layers of a stage are apart; here those of a stage
// are taken to be in a row, and its chunks runs of them. Their number is the same, and only models
// whose first layers are dense ones can tell the difference.
//
// Pure; O(pp * vpp) a call.
#pragma once

#include "moe/model.h"
#include "moe/plan.h"

namespace mixnet {

/// Half-open.
struct LayerRange {
  int first = 0;
  int end = 0;
};

LayerRange stage_layers(const Model& model, const ParallelPlan& plan, int stage);
/// Those of chunk `chunk`, from 0 to vpp - 1, of a stage. May be empty.
LayerRange chunk_layers(const Model& model, const ParallelPlan& plan, int stage, int chunk);
/// As stage_layers(), of MoE layers, counted among the model's MoE layers. O(layers).
LayerRange stage_moe_layers(const Model& model, const ParallelPlan& plan, int stage);

}  // namespace mixnet
