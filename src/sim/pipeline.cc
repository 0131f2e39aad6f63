#include "sim/pipeline.h"

#include <algorithm>

namespace mixnet {
namespace {

constexpr Time kNotYet = {-1};

struct Work {
  bool forward;
  int micro_batch;
};

/// The `index`-th of a stage's 2 m pieces of work, in 1F1B order.
Work work_at(int index, int warm_up, int micro_batches) {
  if (index < warm_up) return {true, index};
  const int steady = index - warm_up;
  const int pairs = micro_batches - warm_up;
  if (steady < 2 * pairs) {
    return steady % 2 == 0 ? Work{true, warm_up + steady / 2} : Work{false, steady / 2};
  }
  return {false, steady - pairs};
}

Time send_time(const std::vector<Time>& sends, int boundary) {
  return sends.empty() ? Time::zero() : sends[boundary];
}

}  // namespace

std::vector<Time> run_pipeline(const PipelineTimes& times, PipelineSchedule schedule) {
  const int in_flight = schedule == PipelineSchedule::kEager1F1B ? 2 : 1;
  const int stages = static_cast<int>(times.forward.rows());
  const int micro_batches = static_cast<int>(times.forward.columns());
  Matrix<Time> forward_end(stages, micro_batches, kNotYet);
  Matrix<Time> backward_end(stages, micro_batches, kNotYet);
  std::vector<Time> free_at(stages);
  std::vector<int> next(stages, 0);

  // Every sweep completes at least one piece of work: the schedule has no cycle.
  for (bool pending = true; pending;) {
    pending = false;
    for (int s = 0; s < stages; ++s) {
      const int warm_up = std::min(in_flight * (stages - s - 1), micro_batches);
      for (; next[s] < 2 * micro_batches; ++next[s]) {
        const auto [is_forward, i] = work_at(next[s], warm_up, micro_batches);
        Time ready = Time::zero();
        if (is_forward && s > 0) {
          if (forward_end(s - 1, i) == kNotYet) break;
          ready = forward_end(s - 1, i) + send_time(times.send_forward, s - 1);
        } else if (!is_forward && s + 1 < stages) {
          if (backward_end(s + 1, i) == kNotYet) break;
          ready = backward_end(s + 1, i) + send_time(times.send_backward, s);
        }
        const Time duration = is_forward ? times.forward(s, i) : times.backward(s, i);
        free_at[s] = std::max(free_at[s], ready) + duration;
        (is_forward ? forward_end : backward_end)(s, i) = free_at[s];
      }
      pending |= next[s] < 2 * micro_batches;
    }
  }
  return free_at;
}

}  // namespace mixnet
