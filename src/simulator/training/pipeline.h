// The 1F1B pipeline schedules (PipeDream-Flush; Narayanan et al., SC 2021): who waits for whom, and
// when every stage is done.
//
// Stage s of p first runs min(p - s - 1, m) forwards, then one forward and one backward in turn,
// then the backwards that are left. Forward of micro-batch i on stage s needs that of stage s - 1,
// backward needs that of stage s + 1; between stages lies a transfer that occupies neither (sends
// are asynchronous), it only delays the receiver.
//
// Plain 1F1B has just enough micro-batches in flight to keep busy when transfers are free; each
// transfer's time is then waited for again and again. Eager 1F1B (Zhuang et al., MLSys 2023) runs
// 2 (p - s - 1) forwards first: twice the activations in memory, and transfers shorter than a
// forward hide beneath other micro-batches.
//
// With v virtual stages (interleaved 1F1B, Narayanan et al., SC 2021, as Megatron-LM runs it),
// stage s has v chunks, of which chunk c follows on chunk c - 1 of the last stage. A stage takes p
// micro-batches through its first chunk, then the same through its second, ..., then the next p;
// it first runs 2 (p - s - 1) + (v - 1) p chunks forward (all, where there are p micro-batches
// alone). m must be a multiple of p. Bubbles are a v-th, transfers v times as many.
//
// Closed forms (tested): equal forward f and backward b everywhere and free transfers take
// (m + p - 1) * (f + b), either way, and interleaved (m + (p - 1) / v) * (f + b).
//
// Pure; O(p * m * v) memory, and time O(p * (p + m * v)): a look at every stage for each step of
// the slowest.
#pragma once

#include <functional>
#include <vector>

#include "base/matrix.h"
#include "base/names.h"
#include "base/units.h"

namespace mixnet {

struct PipelineTimes {
  Matrix<Time> forward;             ///< stages x micro-batches
  Matrix<Time> backward;            ///< the same shape
  std::vector<Time> send_forward;   ///< stage s to s + 1: size p - 1, or empty when free
  std::vector<Time> send_backward;  ///< stage s + 1 to s: likewise
};

enum class PipelineSchedule { k1F1B, kEager1F1B };

template <>
struct Names<PipelineSchedule> {
  static constexpr std::string_view kWhat = "schedule";
  static constexpr NamedValue<PipelineSchedule> kTable[] = {
      {"1f1b", PipelineSchedule::k1F1B}, {"eager-1f1b", PipelineSchedule::kEager1F1B}};
};

/// When each stage ends its last backward; the start is time zero.
std::vector<Time> run_pipeline(const PipelineTimes& times, PipelineSchedule schedule);

/// Forward or backward of a micro-batch through one chunk of a stage.
struct PipelinePiece {
  int stage = 0;
  int micro_batch = 0;
  bool forward = true;
  int chunk = 0;
};

/// The same where lengths depend on when a piece of work begins, and chunks differ.
struct PipelineWork {
  int stages = 1;
  int micro_batches = 1;
  /// When a piece ends that begins at `start`. Asked once for each.
  std::function<Time(const PipelinePiece& piece, Time start)> end;
  /// Between stages `boundary` and boundary + 1, or the last and the first, of a transfer that
  /// begins at `at`.
  std::function<Time(int boundary, Time at)> send;
  int chunks = 1;  ///< virtual stages of a stage; over 1 the schedule is the interleaved one
};
std::vector<Time> run_pipeline(const PipelineWork& work, PipelineSchedule schedule);

}  // namespace mixnet
