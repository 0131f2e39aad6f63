// Times of single operations as they were measured on a GPU, and ours beside them: the CSV that
// `mixnet compute` takes and `python3 -m mixnet.profile` writes.
//
//   gpu,model,operation,tp,ep,micro_batch,seq,tokens,forward_ms,backward_ms,flops_forward,note
//
// Needed are model (a name or path as --model takes it; '-' at the optimizer), operation
// (operation_shapes.h) and tokens (what the operation sees; parameters at the optimizer); tp, ep
// and seq where they matter, else 1. An empty or absent time was not measured. A note that begins
// with "loop" means experts one after the other. Other columns are kept as they are.
//
// Plain values. Cost: linear in the text; each model is read once.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "compute/operation_shapes.h"

namespace mixnet {

struct MeasuredOperation {
  std::vector<std::string> cells;  ///< as they were written, by column
  std::string place;               ///< "file.csv:12 (column 'model')", for errors
  std::string model;
  OperationWork work;
  std::optional<double> forward_ms;  ///< above zero
  std::optional<double> backward_ms;
};

struct MeasuredOperations {
  std::vector<std::string> columns;
  std::vector<MeasuredOperation> rows;  ///< at least one
};

/// `input` names the text in errors. Throws Error on columns that are missing or twice there, and
/// on values that are out of range.
MeasuredOperations parse_measured_operations(std::string_view csv, std::string_view input);

struct PredictedOperation {
  OperationTime time;
  std::optional<double> forward_error;  ///< ours / measured - 1
  std::optional<double> backward_error;
};

/// For each row, in their order. A model that is no preset is looked for in `folder`, that of the
/// CSV, as NAME.json and models/NAME.json, before its name is taken for a path. Throws Error at the
/// row when there is no such model or operation in it, when the model cannot be simulated, or its
/// experts cannot be divided by ep.
std::vector<PredictedOperation> predict_operations(const MeasuredOperations& measured,
                                                   const ComputeRates& rates,
                                                   const std::filesystem::path& folder = ".");

/// Of the absolute errors of one kind of operation.
struct OperationErrors {
  std::string operation;  ///< "all" of the last
  std::size_t rows = 0;
  std::optional<double> forward_median;
  std::optional<double> backward_median;
};

/// In the order in which kinds come up; all together last.
std::vector<OperationErrors> operation_errors(const MeasuredOperations& measured,
                                              const std::vector<PredictedOperation>& predicted);

/// The document mixnet.compute/1 (docs/compute.md).
std::string operations_to_json(const MeasuredOperations& measured,
                               const std::vector<PredictedOperation>& predicted, const Gpu& gpu,
                               Precision precision);

}  // namespace mixnet
