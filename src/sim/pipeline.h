// The 1F1B pipeline schedule (PipeDream-Flush; Narayanan et al., SC 2021): who waits for whom, and
// when every stage is done.
//
// Stage s of p first runs min(p - s - 1, m) forwards, then one forward and one backward in turn,
// then the backwards that are left. Forward of micro-batch i on stage s needs that of stage s - 1,
// backward needs that of stage s + 1; between stages lies a transfer that occupies neither (sends
// are asynchronous), it only delays the receiver.
//
// Closed form (tested): equal forward f and backward b everywhere and free transfers take
// (m + p - 1) * (f + b).
//
// Pure; O(p * m) time and memory.
#pragma once

#include <vector>

#include "base/matrix.h"
#include "base/units.h"

namespace mixnet {

struct PipelineTimes {
  Matrix<Time> forward;              ///< stages x micro-batches
  Matrix<Time> backward;             ///< the same shape
  std::vector<Time> send_forward;    ///< stage s to s + 1: size p - 1, or empty when free
  std::vector<Time> send_backward;   ///< stage s + 1 to s: likewise
};

/// When each stage ends its last backward; the start is time zero.
std::vector<Time> run_1f1b(const PipelineTimes& times);

}  // namespace mixnet
