// One training iteration of an MoE model on any of the fabrics, at any bandwidth.
//
// What happens, per MoE layer and micro-batch on a pipeline stage (section 2 of docs/iteration.md):
//   forward    attention | TP | gate | [reconfigure] | dispatch | TP | experts | TP | shared
//              experts | combine
//   backward   the same in reverse; backward of combine has dispatch's traffic, backward of
//              dispatch has combine's
// A layer's parts follow each other; the EP group waits for its slowest rank and its busiest expert
// rank. Micro-batches run through the stages in 1F1B order (pipeline.h) in every replica; at the
// end gradients are summed over replicas, as far as possible beneath the last micro-batch's
// backward, and the optimizer steps. What may overlap is in IterationOptions.
//
// Reconfiguration (MixNet, with NICs or optical I/O on the switch; regions of several servers):
// forward as switch_policy.h says. In backward the demand is known, so the switch is set beneath a
// layer's backward computation (attention and experts), and only what is longer than that waits;
// never with kHidden, and in regions of two servers, where nothing can move, only with kBlock.
//
// The scale-up rate is the GPU's own, or its part of the GPU's bandwidth on the fabrics that divide
// that (gpu_bandwidth.h).
//
// Failures (failure.h): what had failed before makes a slower cluster, no more. What fails under
// way does so from then on: a piece of work (forward or backward of a micro-batch on a stage) that
// it slows down stands still for a moment, and its rest goes on at the new pace
// (interrupted_work.h). A server or GPU takes its activations with it: the iteration is lost, and
// begins again on the spare. Loading the spare with weights and the like is not counted.
//
// A TrainingJob does all that depends on traffic once, when made (job_phases.h): the demand of
// every layer, micro-batch and replica, and its time on every fabric. simulate() then costs
// O(layers * micro-batches * replicas) additions for any compute speed and, when the phases are
// fluid, any bandwidth; in packets, for the one bandwidth that they were run at.
//
// Thread-safe once made.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "hardware/gpu.h"
#include "moe/routing.h"
#include "policy/switch_policy.h"
#include "training/cluster_health.h"
#include "training/compute.h"
#include "training/fabric_setup.h"
#include "training/iteration_time.h"
#include "training/job_phases.h"
#include "training/layer_times.h"
#include "training/pipeline.h"
#include "training/timeline.h"
#include "training/timeline_recorder.h"

namespace mixnet {

struct FailureOptions {
  std::vector<Failure> failures;
  Backup backup = Backup::kPool;
  /// How long what fails in mid-iteration stands still, until it is noticed and routed around.
  Time outage = Time::milliseconds(10);
};

struct IterationOptions {
  NetworkOptions network;
  ComputeOptions compute;
  Reconfiguration reconfiguration = Reconfiguration::kBlock;
  Time reconfiguration_delay = Time::milliseconds(25);
  /// The steps of an all-to-all (gather, between servers, scatter) work on successive chunks at
  /// once, so the slowest step counts; else they follow each other.
  bool pipelined_ep_steps = true;
  PipelineSchedule schedule = PipelineSchedule::k1F1B;
  /// Gradients are summed while the last micro-batch's backward still runs.
  bool overlap_dp = true;
  /// TP by reduce-scatter + all-gather around each part (Megatron's sequence parallelism, which
  /// repeats the all-gather in backward), else by all-reduce.
  bool sequence_parallel = true;
  int gradient_bytes = 2;  ///< a parameter: 2 (bf16) or 4 (fp32)
  FidelityOptions fidelity;
  FailureOptions failures;
};

class TrainingJob {
 public:
  /// `fabrics`: those that simulate() will be asked about. Shows a progress bar on a terminal.
  /// Throws Error when the network options do not fit the plan.
  TrainingJob(Model model, ParallelPlan plan, Gpu gpu, const RoutingSource& routing,
              std::span<const FabricKind> fabrics, IterationOptions options);

  /// `nic_rate`: that of IterationOptions::fidelity unless that is kFluid (and a GPU's bandwidth is
  /// not divided by figures that do not scale with the NIC). `compute_scale` multiplies all compute
  /// times. Throws Error that names the phase when one never ends.
  IterationTime simulate(FabricKind fabric, Bandwidth nic_rate, double compute_scale = 1) const;

  /// The same, and what happened when.
  IterationTimeline record(FabricKind fabric, Bandwidth nic_rate,
                           const TimelineOptions& options = {}, double compute_scale = 1) const;

  /// One pass through one layer, which begins at zero.
  std::vector<TimelineSpan> record_layer(FabricKind fabric, Bandwidth nic_rate,
                                         const LayerPass& pass, double compute_scale = 1) const;

  /// How the phases on `fabric` were had (until something fails in mid-iteration); all zero for
  /// kFluid.
  const FidelityReport& fidelity(FabricKind fabric) const;

  const Model& model() const { return model_; }
  const ParallelPlan& plan() const { return plan_; }

 private:
  struct Durations;
  /// From one failure to the next.
  struct Epoch {
    Time begins;
    bool loses_work = false;  ///< the iteration has to begin again
    JobPhases phases;
  };
  struct Epochs;

  const FabricPhases& phases_on(std::size_t epoch, FabricKind fabric) const;
  /// In which circumstances something is computed.
  struct Pace {
    const JobPhases& job;
    const FabricPhases& phases;
    Bandwidth nic_rate;
    double compute_scale = 1;
  };

  IterationTime simulate(FabricKind fabric, Bandwidth nic_rate, double compute_scale,
                         TimelineRecorder* recorder) const;
  IterationTime run(FabricKind fabric, Bandwidth nic_rate, double compute_scale,
                    const Epochs& epochs, TimelineRecorder* recorder) const;
  [[noreturn]] void refuse_endless(FabricKind fabric, Bandwidth nic_rate) const;
  /// Of one GPU, in bytes a second.
  double scale_up_rate(const Pace& pace) const;
  Time tp_phase(const Pace& pace, double bytes) const;
  Time scale_up_time(const Pace& pace, std::int64_t bytes) const;
  SwitchedExchange switched_exchange(const Pace& pace, std::size_t place,
                                     const ExchangeTimes& exchange, Time inside) const;
  LayerTimes layer_times(const Pace& pace, const WorkPlace& place, int layer) const;
  Durations stage_durations(const Pace& pace, int stage, int replica, int micro_batch) const;
  Time gradient_time(const Pace& pace, int stage) const;
  std::vector<TimelineSpan> plan_work(const Pace& pace, const WorkPlace& place) const;

  Model model_;
  ParallelPlan plan_;
  Gpu gpu_;
  IterationOptions options_;
  ComputeModel compute_;
  std::vector<Epoch> epochs_;  // at least one
};

}  // namespace mixnet
