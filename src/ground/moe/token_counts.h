// What routing produces: how many token copies each EP rank sends to each expert in one all-to-all.
//
// The unit is one copy of one token: a token that visits top_k experts counts top_k times. Expert e
// lives on EP rank e / (experts / ep). Plain values.
#pragma once

#include <cstdint>

#include "base/matrix.h"
#include "moe/model.h"
#include "moe/plan.h"

namespace mixnet {

/// Rows: EP ranks as senders. Columns: routed experts, as placed. Cell: token copies sent.
using TokenCounts = Matrix<std::int32_t>;

struct RoutingShape {
  int ep = 1;
  int experts = 1;  ///< as placed; a multiple of ep
  int top_k = 1;
  int layers = 1;           ///< layers with experts
  std::int64_t tokens = 1;  ///< of one EP rank in one micro-batch

  std::int64_t row_total() const { return tokens * top_k; }
};

/// The shape of the all-to-alls of `model` by `plan`.
RoutingShape routing_shape(const Model& model, const ParallelPlan& plan);

/// Which all-to-all: the counts of one place are one gate's decision.
struct RoutingPlace {
  int iteration = 0;
  int layer = 0;  ///< index among the layers with experts
  int micro_batch = 0;
  int replica = 0;  ///< of the EP group (data-parallel copies of every expert)

  friend bool operator==(const RoutingPlace&, const RoutingPlace&) = default;
};

}  // namespace mixnet
