// One attempt at a training iteration: all replicas' pipelines from their beginning to the last
// gradient and the optimizer, whether or not it is cut off by a failure that loses the work.
//
// Within it, failures change the pace: paces[e] holds from begins[e] on (interrupted_work.h).
//
// Not thread-safe: it is made, run once and gone. O(layers * micro-batches * replicas) layer times.
#pragma once

#include <span>
#include <vector>

#include "base/matrix.h"
#include "training/interrupted_work.h"
#include "training/iteration_time.h"
#include "training/paced_job.h"
#include "training/timeline_recorder.h"

namespace mixnet {

/// What holds from one moment of an attempt on.
struct Epoch {
  Time begins;
  PacedJob pace;
};

class Attempt {
 public:
  /// `epochs`: at least one, the first from zero on. `recorder`: null where no timeline is asked
  /// for. All outlive the attempt.
  Attempt(const JobSetup& job, std::span<const Epoch> epochs, TimelineRecorder* recorder);

  IterationTime run();

 private:
  /// PassSums of which the means are asked for.
  struct MeanSums {
    MeanTime compute, ep, tp, reconfiguration, dp;

    void add(const PassSums& sums);
  };

  void load(int replica);
  void run_replica(int replica);
  Time send_time(int boundary, Time at) const;
  Time end_of(const WorkPlace& work, Time start);
  void count(const WorkPlace& work);
  void record(const WorkPlace& work, Time start, Time end);
  Time sum_gradients();
  const PassSums& pass(std::size_t epoch, const WorkPlace& work) const;

  const JobSetup& job_;
  std::span<const Epoch> epochs_;
  TimelineRecorder* recorder_;
  std::vector<Time> begins_;              // of epochs
  std::vector<std::vector<Time>> sends_;  // by epoch and stage boundary
  /// Of the replica whose pipeline runs: by epoch, virtual stage (those of a stage in a row) and
  /// micro-batch.
  std::vector<Matrix<StageTimes>> times_;
  // Of the work that end_of() was asked for last: by epoch.
  std::vector<Time> lengths_;
  std::vector<WorkPiece> pieces_;

  MeanSums busy_;              // of all stages, replicas and micro-batches
  Time without_sends_;         // when the slowest replica would end if sends were free
  std::vector<Time> ends_;     // of the slowest replica's backward, by stage
  std::vector<Time> overlap_;  // what of that hides gradients, by stage
};

}  // namespace mixnet
