#include "training/attempt.h"

#include <algorithm>

#include "base/caller.h"
#include "moe/stage_layers.h"

namespace mixnet {

namespace {

WorkPlace place_of(const PipelinePiece& piece, int replica) {
  return {piece.stage, replica, piece.micro_batch, !piece.forward, piece.chunk};
}

}  // namespace

Attempt::Attempt(const JobSetup& job, std::span<const Epoch> epochs, TimelineRecorder* recorder)
    : job_(job),
      epochs_(epochs),
      recorder_(recorder),
      times_(epochs.size(),
             Matrix<StageTimes>(job.plan.pp * job.plan.vpp, job.plan.micro_batches())),
      lengths_(epochs.size()),
      pieces_(epochs.size()),
      ends_(job.plan.pp),
      overlap_(job.plan.pp, Time::max()) {
  for (const Epoch& epoch : epochs) {
    begins_.push_back(epoch.begins);
    sends_.push_back(epoch.pace.send_times());
  }
}

void Attempt::MeanSums::add(const PassSums& sums) {
  compute.add(sums.compute);
  ep.add(sums.ep);
  tp.add(sums.tp);
  reconfiguration.add(sums.reconfiguration);
  dp.add(sums.dp);
}

IterationTime Attempt::run() {
  if (recorder_ != nullptr) recorder_->begin();
  for (int replica = 0; replica < job_.plan.replicas(); ++replica) run_replica(replica);
  const Time with_sends = std::ranges::max(ends_);
  const Time with_gradients = sum_gradients();
  const Time optimizer = epochs_.front().pace.optimizer_time();

  const std::int64_t pipelines = std::int64_t{job_.plan.pp} * job_.plan.replicas();
  IterationTime time;
  time.total = with_gradients + optimizer;
  time.compute = busy_.compute.over(pipelines) + optimizer;
  time.ep = busy_.ep.over(pipelines);
  time.tp = busy_.tp.over(pipelines);
  time.reconfiguration = busy_.reconfiguration.over(pipelines);
  time.pp = with_sends - without_sends_;
  time.dp = with_gradients - with_sends + busy_.dp.over(pipelines);
  time.bubble =
      time.total - time.compute - time.ep - time.tp - time.reconfiguration - time.pp - time.dp;
  if (recorder_ != nullptr) {
    recorder_->add_everywhere(-1, TimelineTrack::kCompute, TimelinePart::kOptimizer, with_gradients,
                              time.total);
  }
  return time;
}

void Attempt::load(int replica) {
  for (std::size_t e = 0; e < epochs_.size(); ++e) {
    for (int row = 0; row < job_.plan.pp * job_.plan.vpp; ++row) {
      for (int i = 0; i < job_.plan.micro_batches(); ++i) {
        times_[e](row, i) = epochs_[e].pace.stage_times(
            {row / job_.plan.vpp, replica, i, false, row % job_.plan.vpp});
      }
    }
  }
}

/// Twice: as if sends were free, and as it is, which is what counts.
void Attempt::run_replica(int replica) {
  stop_point();
  load(replica);
  const int stages = job_.plan.pp;
  const int micro_batches = job_.plan.micro_batches();
  const PipelineWork free_sends = {stages, micro_batches,
                                   [&](const PipelinePiece& piece, Time start) {
                                     return end_of(place_of(piece, replica), start);
                                   },
                                   [](int, Time) { return Time::zero(); }, job_.plan.vpp};
  const PipelineWork with_all = {
      stages, micro_batches,
      [&](const PipelinePiece& piece, Time start) {
        const WorkPlace work = place_of(piece, replica);
        const Time end = end_of(work, start);
        count(work);
        if (recorder_ != nullptr && recorder_->wants(work.stage, replica)) record(work, start, end);
        return end;
      },
      [&](int boundary, Time at) { return send_time(boundary, at); }, job_.plan.vpp};

  const PipelineSchedule schedule = job_.options.schedule;
  without_sends_ = std::max(without_sends_, std::ranges::max(run_pipeline(free_sends, schedule)));
  const std::vector<Time> ends = run_pipeline(with_all, schedule);
  for (int stage = 0; stage < stages; ++stage) {
    ends_[stage] = std::max(ends_[stage], ends[stage]);
    const Matrix<StageTimes>& times = times_[epoch_at(ends[stage], begins_)];
    Time last;  // of the last micro-batch's backward, what leaves the NICs to the gradients
    for (int chunk = 0; chunk < job_.plan.vpp; ++chunk) {
      const StageTimes& piece = times(stage * job_.plan.vpp + chunk, micro_batches - 1);
      last += piece.backward.total() - piece.shared_nics_busy - piece.shards_busy;
    }
    const auto [first_layer, end_layer] = stage_layers(job_.model, job_.plan, stage);
    const std::int64_t layers = end_layer - first_layer;
    overlap_[stage] =
        std::min(overlap_[stage], std::max(Time::zero(), last) / layers * (layers - 1));
  }
}

Time Attempt::send_time(int boundary, Time at) const {
  const std::vector<Time>& sends = sends_[epoch_at(at, begins_)];
  return sends.empty() ? Time::zero() : sends[boundary];
}

const PassSums& Attempt::pass(std::size_t epoch, const WorkPlace& work) const {
  const StageTimes& times =
      times_[epoch](work.stage * job_.plan.vpp + work.chunk, work.micro_batch);
  return work.is_backward ? times.backward : times.forward;
}

/// And how: lengths_ and pieces_.
Time Attempt::end_of(const WorkPlace& work, Time start) {
  for (std::size_t e = 0; e < epochs_.size(); ++e) {
    lengths_[e] = pass(e, work).total();
  }
  return end_of_work(start, begins_, lengths_, job_.options.failures.outage, pieces_);
}

/// After end_of().
void Attempt::count(const WorkPlace& work) {
  for (std::size_t e = 0; e < epochs_.size(); ++e) {
    if (pieces_[e].share > 0) busy_.add(pass(e, work).times(pieces_[e].share));
  }
}

/// After end_of().
void Attempt::record(const WorkPlace& work, Time start, Time end) {
  std::vector<std::vector<TimelineSpan>> plans(epochs_.size());
  for (std::size_t e = 0; e < epochs_.size(); ++e) {
    if (pieces_[e].share > 0) plans[e] = epochs_[e].pace.plan_work(work);
  }
  recorder_->add_work(work, start, end, pieces_, plans, lengths_);
  // To the next stage, or from the last one to the first one's next chunk; backward the other way.
  const int last = job_.plan.pp - 1;
  const bool is_end = work.is_backward ? work.stage == 0 && work.chunk == 0
                                       : work.stage == last && work.chunk + 1 == job_.plan.vpp;
  if (is_end) return;
  const int before = work.stage > 0 ? work.stage - 1 : last;
  const int boundary = work.is_backward ? before : work.stage;
  recorder_->add_send(work, end, end + send_time(boundary, end));
}

/// Returns when all are summed, beneath backward as far as that is asked for.
Time Attempt::sum_gradients() {
  Time summed = std::ranges::max(ends_);
  for (int stage = 0; stage < job_.plan.pp; ++stage) {
    const Time hidden = job_.options.overlap_dp ? overlap_[stage] : Time::zero();
    const Time start = ends_[stage] - hidden;
    const PacedJob& pace = epochs_[epoch_at(ends_[stage], begins_)].pace;
    const Time end = start + pace.gradient_time(stage);
    summed = std::max({summed, ends_[stage], end});
    if (recorder_ != nullptr) {
      recorder_->add_everywhere(stage, TimelineTrack::kGradients, TimelinePart::kAllReduce, start,
                                end);
    }
  }
  return summed;
}

}  // namespace mixnet
