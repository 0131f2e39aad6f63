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
        free_at[s] = end(PipelinePiece{s, i, is_forward}, std::max(free_at[s], ready));
        (is_forward ? forward_end : backward_end)(s, i) = free_at[s];
      }
      pending |= next[s] < 2 * micro_batches;
    }
  }
  return free_at;
}

/// Interleaved 1F1B.
class Interleaved {
 public:
  explicit Interleaved(const PipelineWork& work)
      : work_(work),
        pieces_(work.micro_batches * work.chunks),
        forward_end_(work.stages, pieces_, kNotYet),
        backward_end_(work.stages, pieces_, kNotYet),
        free_at_(work.stages),
        next_(work.stages) {}

  std::vector<Time> run() {
    // Every sweep completes at least one piece of work: the schedule has no cycle.
    for (bool pending = true; pending;) {
      pending = false;
      for (int s = 0; s < work_.stages; ++s) {
        while (next_[s] < 2 * pieces_ && step(s)) ++next_[s];
        pending |= next_[s] < 2 * pieces_;
      }
    }
    return free_at_;
  }

 private:
  struct Piece {
    int chunk, micro_batch;
  };

  /// The `index`-th of a stage's pieces forward; backward it is the same with chunks reversed.
  Piece piece(int index) const {
    const int round = work_.stages * work_.chunks;
    const int in_round = index % round;
    return {in_round / work_.stages, index / round * work_.stages + in_round % work_.stages};
  }

  int warm_up(int stage) const {
    if (work_.micro_batches == work_.stages) return pieces_;
    const int ahead = 2 * (work_.stages - stage - 1) + (work_.chunks - 1) * work_.stages;
    return std::min(ahead, pieces_);
  }

  std::size_t place(int chunk, int micro_batch) const {
    return static_cast<std::size_t>(chunk) * work_.micro_batches + micro_batch;
  }

  /// Does the next piece of a stage; false while what it waits for is not done.
  bool step(int s) {
    const Work next = work_at(next_[s], warm_up(s), pieces_);
    auto [chunk, i] = piece(next.micro_batch);
    if (!next.forward) chunk = work_.chunks - 1 - chunk;
    // Who did it before: the stage before, or the last one in the chunk before; backward the other
    // way round.
    const int last = work_.stages - 1;
    const bool wraps = s == (next.forward ? 0 : last);
    const int from_chunk = wraps ? (next.forward ? chunk - 1 : chunk + 1) : chunk;
    Time ready = Time::zero();
    if (from_chunk >= 0 && from_chunk < work_.chunks) {
      const int from = wraps ? last - s : next.forward ? s - 1 : s + 1;
      const Time sent = (next.forward ? forward_end_ : backward_end_)(from, place(from_chunk, i));
      if (sent == kNotYet) return false;
      ready = sent + work_.send(wraps ? last : std::min(s, from), sent);
    }
    free_at_[s] = work_.end({s, i, next.forward, chunk}, std::max(free_at_[s], ready));
    (next.forward ? forward_end_ : backward_end_)(s, place(chunk, i)) = free_at_[s];
    return true;
  }

  const PipelineWork& work_;
  int pieces_;  ///< of a stage, one way
  Matrix<Time> forward_end_, backward_end_;
  std::vector<Time> free_at_;
  std::vector<int> next_;
};

}  // namespace

std::vector<Time> run_pipeline(const PipelineTimes& times, PipelineSchedule schedule) {
  const auto send = [](const std::vector<Time>& sends) {
    return [&sends](int boundary, Time) { return sends.empty() ? Time::zero() : sends[boundary]; };
  };
  return run(
      static_cast<int>(times.forward.rows()), static_cast<int>(times.forward.columns()), schedule,
      [&](const PipelinePiece& piece, Time start) {
        const Matrix<Time>& lengths = piece.forward ? times.forward : times.backward;
        return start + lengths(piece.stage, piece.micro_batch);
      },
      send(times.send_forward), send(times.send_backward));
}

std::vector<Time> run_pipeline(const PipelineWork& work, PipelineSchedule schedule) {
  if (work.chunks > 1) return Interleaved(work).run();
  return run(work.stages, work.micro_batches, schedule, work.end, work.send, work.send);
}

}  // namespace mixnet
