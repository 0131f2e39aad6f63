// Collects what happens in an iteration while TrainingJob computes it, region by region.
//
// Not thread-safe. Memory: a span is 40 bytes.
#pragma once

#include <span>
#include <vector>

#include "training/interrupted_work.h"
#include "training/timeline.h"

namespace mixnet {

/// Forward or backward of a micro-batch on a stage of a replica, or on one of its virtual stages.
struct WorkPlace {
  int stage = 0;
  int replica = 0;
  int micro_batch = 0;
  bool is_backward = false;
  int chunk = 0;  ///< the virtual stage
};

class TimelineRecorder {
 public:
  TimelineRecorder(int stages, int replicas, const TimelineOptions& options);

  bool wants(int stage, int replica) const {
    return std::int64_t{replica} * stages_ + stage < timeline_.regions;
  }

  /// Forgets all: the iteration begins again.
  void begin();

  /// The work went on from `start` to `end`, in `pieces` (end_of_work()). plans[e] has its spans,
  /// as it would go on from zero on at the pace of epoch e; empty where nothing was done then.
  void add_work(const WorkPlace& place, Time start, Time end, std::span<const WorkPiece> pieces,
                std::span<const std::vector<TimelineSpan>> plans, std::span<const Time> lengths);

  /// Something in all regions of a stage, or of all stages (-1), or to one place's next stage.
  void add_everywhere(int stage, TimelineTrack track, TimelinePart part, Time start, Time end);
  void add_send(const WorkPlace& place, Time start, Time end);

  /// Whether circuits are switched at all; with `at_once`, without ever being dark.
  void set_switch(bool at_once) {
    timeline_.has_switch = true;
    switches_at_once_ = at_once;
  }

  /// All that was recorded since begin(), as the invariants want it.
  IterationTimeline take(const IterationTime& time);

 private:
  TimelineSpan& add(const WorkPlace& place, TimelineTrack track, TimelinePart part, Time start,
                    Time end);
  void add_lit(std::span<const TimelineSpan> region, Time end,
               std::vector<TimelineSpan>& lit) const;

  int stages_;
  bool switches_at_once_ = false;
  IterationTimeline timeline_;
};

}  // namespace mixnet
