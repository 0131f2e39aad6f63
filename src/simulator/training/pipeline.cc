#include "training/pipeline.h"

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

template <typename End, typename SendForward, typename SendBackward>
std::vector<Time> run(int stages, int micro_batches, PipelineSchedule schedule, End&& end,
                      SendForward&& send_forward, SendBackward&& send_backward) {
  const int in_flight = schedule == PipelineSchedule::kEager1F1B ? 2 : 1;
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
          const Time sent = forward_end(s - 1, i);
          if (sent == kNotYet) break;
          ready = sent + send_forward(s - 1, sent);
        } else if (!is_forward && s + 1 < stages) {
          const Time sent = backward_end(s + 1, i);
          if (sent == kNotYet) break;
          ready = sent + send_backward(s, sent);
        }
        free_at[s] = end(s, i, is_forward, std::max(free_at[s], ready));
        (is_forward ? forward_end : backward_end)(s, i) = free_at[s];
      }
      pending |= next[s] < 2 * micro_batches;
    }
  }
  return free_at;
}

}  // namespace

std::vector<Time> run_pipeline(const PipelineTimes& times, PipelineSchedule schedule) {
  const auto send = [](const std::vector<Time>& sends) {
    return [&sends](int boundary, Time) { return sends.empty() ? Time::zero() : sends[boundary]; };
  };
  return run(
      static_cast<int>(times.forward.rows()), static_cast<int>(times.forward.columns()), schedule,
      [&](int stage, int i, bool forward, Time start) {
        return start + (forward ? times.forward(stage, i) : times.backward(stage, i));
      },
      send(times.send_forward), send(times.send_backward));
}

std::vector<Time> run_pipeline(const PipelineWork& work, PipelineSchedule schedule) {
  return run(work.stages, work.micro_batches, schedule, work.end, work.send, work.send);
}

}  // namespace mixnet
