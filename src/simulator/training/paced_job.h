// A training job at one pace: on one fabric, with NICs of one speed, between one failure and the
// next. Says how long everything takes that an iteration is made of; attempt.h puts it together.
//
// The scale-up rate is the GPU's own, or its part of the GPU's bandwidth on the fabrics that divide
// that (gpu_bandwidth.h), times what collectives reach of it (IterationOptions::scale_up_share).
//
// Refers to the job and its phases, which outlive it. Immutable; thread-safe. A layer's times are a
// few dozen additions.
#pragma once

#include <vector>

#include "compute/compute_model.h"
#include "fabric/fabric_kind.h"
#include "hardware/gpu.h"
#include "memory/recompute_times.h"
#include "moe/model.h"
#include "moe/plan.h"
#include "training/iteration_options.h"
#include "training/job_phases.h"
#include "training/layer_times.h"
#include "training/timeline_recorder.h"

namespace mixnet {

/// What a training job is, whatever network it runs on.
struct JobSetup {
  Model model;
  ParallelPlan plan;
  Gpu gpu;
  IterationOptions options;
  ComputeModel compute;
};

/// Of one micro-batch on a stage, or on one of its virtual stages.
struct StageTimes {
  PassSums forward, backward;
  Time shared_nics_busy;  ///< by EP, during backward
  Time shards_busy;       ///< likewise, by ZeRO's gathers and scatters
};

class PacedJob {
 public:
  /// `fabric`: one of those of `phases`. `compute_scale` multiplies all compute times.
  PacedJob(const JobSetup& job, const JobPhases& phases, FabricKind fabric, Bandwidth nic_rate,
           double compute_scale);

  LayerTimes layer_times(const WorkPlace& place, int layer) const;
  StageTimes stage_times(const WorkPlace& place) const;
  /// Of activations, or their gradients, by stage boundary; empty where that is free.
  std::vector<Time> send_times() const;
  /// To sum the gradients of a stage at the iteration's end, as far as ZeRO leaves that to it: with
  /// a share of the optimizer each, the sums are scattered, and the parameters gathered.
  Time gradient_time(int stage) const;
  Time optimizer_time() const;

  /// The spans of the work as it goes on from zero, without interruption.
  std::vector<TimelineSpan> plan_work(const WorkPlace& place) const;

 private:
  OperationTime compute(OperationTime time) const;
  void add_shards(const WorkPlace& place, StageTimes& times) const;
  Time all_reduce_time(int stage) const;
  OperationTime head() const;
  LayerTimes common_times(bool is_moe) const;
  double scale_up_rate() const;
  Time tp_phase(double bytes, int tp) const;
  Time context_phase() const;
  Time scale_up_time(std::int64_t bytes) const;
  SwitchedExchange switched_exchange(const ExchangeTimes& exchange, Time inside) const;
  SwitchedExchange expected_exchange(std::size_t place, const ExchangeTimes& exchange,
                                     Time inside) const;
  Time narrow(Time time) const;
  Time with_scale_up(Time network, Time inside) const;
  void add_exchange(const WorkPlace& place, int moe_layer, LayerTimes& times) const;

  const JobSetup& job_;
  const JobPhases& phases_;
  const FabricPhases& fabric_;
  Bandwidth nic_rate_;
  double compute_scale_;
  RecomputeTimes again_;
  LayerTimes dense_layer_, moe_layer_;  ///< before what differs from one to the next
};

}  // namespace mixnet
