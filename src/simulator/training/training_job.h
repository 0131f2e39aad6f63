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
// Failures (failure.h): what had failed before makes a slower cluster, no more. What fails under
// way does so from then on: a piece of work (forward or backward of a micro-batch on a stage) that
// it slows down stands still for a moment, and its rest goes on at the new pace
// (interrupted_work.h). A server or GPU takes its activations with it: the iteration is lost, and
// begins again on the spare. Loading the spare with weights and the like is not counted.
//
// A TrainingJob does all that depends on traffic once, when made (job_phases.h): the demand of
// every layer, micro-batch and replica, and its time on every fabric. simulate() then costs
// O(layers * micro-batches * replicas) additions for any compute speed and, when the phases are
// fluid, any bandwidth; in packets, for the one bandwidth that they were run at. What a layer takes
// is in paced_job.h, how an iteration goes in attempt.h.
//
// Thread-safe once made.
#pragma once

#include <span>
#include <vector>

#include "fabric/fabric_kind.h"
#include "hardware/gpu.h"
#include "moe/demand_cache.h"
#include "moe/model.h"
#include "moe/plan.h"
#include "moe/routing.h"
#include "training/iteration_options.h"
#include "training/iteration_time.h"
#include "training/job_phases.h"
#include "training/paced_job.h"
#include "training/timeline.h"
#include "training/timeline_recorder.h"

namespace mixnet {

class TrainingJob {
 public:
  /// `fabrics`: those that simulate() will be asked about. `demands`: with kMixNet alone, of jobs
  /// of the same plan, routing and dispatch; it is used while the job is made. Shows a progress bar
  /// on a terminal. Throws Error when the network options do not fit the plan.
  TrainingJob(Model model, ParallelPlan plan, Gpu gpu, const RoutingSource& routing,
              std::span<const FabricKind> fabrics, IterationOptions options,
              DemandCache* demands = nullptr);

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

  const Model& model() const { return job_.model; }
  const ParallelPlan& plan() const { return job_.plan; }

 private:
  /// From one failure to the next.
  struct Period {
    Time begins;
    bool loses_work = false;  ///< the iteration has to begin again
    JobPhases phases;
  };

  IterationTime simulate(FabricKind fabric, Bandwidth nic_rate, double compute_scale,
                         TimelineRecorder* recorder) const;
  const FabricPhases& phases_on(const Period& period, FabricKind fabric) const;
  [[noreturn]] void refuse_endless(FabricKind fabric, Bandwidth nic_rate) const;

  JobSetup job_;
  std::vector<Period> periods_;  // at least one
};

}  // namespace mixnet
