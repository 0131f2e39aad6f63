// Plans, routings and demands for this room's tests.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "moe/demand.h"
#include "moe/model.h"
#include "moe/plan.h"
#include "moe/routing.h"

namespace mixnet {

inline PlanRequest request_of(std::int64_t gpus, int tp, int pp, int ep) {
  PlanRequest request;
  request.gpus = gpus;
  request.tp = tp;
  request.pp = pp;
  request.ep = ep;
  return request;
}

/// The model's default plan for so many GPUs.
inline ParallelPlan default_plan(const Model& model, std::int64_t gpus = 1024) {
  PlanRequest request;
  request.gpus = gpus;
  return make_plan(model, request);
}

/// Plans of Mixtral 8x22B of every kind: regions of 8 servers, of one, several a server, tp of two
/// servers, one replica.
inline std::vector<ParallelPlan> plans_of_every_kind(const Model& model) {
  std::vector<ParallelPlan> all;
  for (const PlanRequest& request :
       {request_of(1024, 8, 8, 8), request_of(256, 1, 4, 8), request_of(256, 1, 4, 2),
        request_of(512, 16, 4, 4), request_of(128, 4, 2, 8), request_of(64, 4, 2, 8)}) {
    all.push_back(make_plan(model, request));
  }
  return all;
}

inline RoutingSource routing_of(std::string_view spec, const Model& model,
                                const ParallelPlan& plan) {
  return RoutingSource::make(spec, routing_shape(model, plan), 1);
}

/// Of servers that each hold one EP rank of tp 8.
inline RegionDemand one_rank_a_server(const TokenCounts& counts, int hidden = 2048) {
  ParallelPlan plan;
  plan.ep = plan.dp = static_cast<int>(counts.rows());
  plan.tp = 8;
  return DemandMaker(plan, hidden).make(counts);
}

template <typename T>
Matrix<T> transposed(const Matrix<T>& matrix) {
  Matrix<T> mirrored(matrix.columns(), matrix.rows());
  for (std::size_t i = 0; i < matrix.rows(); ++i) {
    for (std::size_t j = 0; j < matrix.columns(); ++j) mirrored(j, i) = matrix(i, j);
  }
  return mirrored;
}

}  // namespace mixnet
