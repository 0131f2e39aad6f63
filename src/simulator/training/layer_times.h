// What one layer takes for one micro-batch on one pipeline stage, part by part. TrainingJob makes
// it; an iteration adds it up, a timeline lays it out.
//
// The order of the parts, each of which begins when the one before has ended:
//   forward    CP | TP | attention | TP | gate | wait | dispatch | TP | experts | TP | (TP | shared
//              experts | TP) | combine
//   backward   combine | (TP | shared experts | TP) | TP | experts | TP | dispatch | gate | TP |
//              attention | TP | wait
// combine in backward has the traffic and the time of dispatch in forward, and the other way round.
// A dense layer has TP | dense FFN | TP behind or before attention. With full recompute, backward
// begins with the whole forward again, without its waits and over the circuits that backward has.
//
// Pure values.
#pragma once

#include <vector>

#include "compute/compute_model.h"
#include "policy/switch_policy.h"
#include "training/communication.h"
#include "training/timeline.h"

namespace mixnet {

/// Of one pass. `total()` is what it takes.
struct PassSums {
  Time compute, ep, tp, reconfiguration;
  Time dp;  ///< of ZeRO's gathers and scatters, what the rest does not hide

  Time total() const { return compute + ep + tp + reconfiguration + dp; }
  void add(const PassSums& other) {
    compute += other.compute;
    ep += other.ep;
    tp += other.tp;
    reconfiguration += other.reconfiguration;
    dp += other.dp;
  }
  PassSums times(double share) const;
};

struct LayerTimes {
  bool is_moe = false;
  OperationTime attention, dense_ffn, gate, experts, shared_experts;
  /// One all-gather or reduce-scatter around each.
  Time attention_tp, ffn_tp, shared_tp;
  /// One exchange among the GPUs that share out a sequence (context_parallel.h): once in forward.
  Time context;
  int backward_contexts = 2;
  int backward_tp_phases = 2;  ///< around an operation; forward has two
  bool runs_again = false;     ///< forward in backward: full recompute

  const ExchangeTimes* exchange = nullptr;  ///< null: nothing is sent
  Bandwidth nic_rate;                       ///< at which the exchange counts
  SwitchedExchange all_to_alls;             ///< with what they take inside servers
  Time scale_up, dispatch_scale_up;         ///< of one combine, or dispatch, inside servers
  bool pipelined_steps = true;              ///< gather, network and scatter at once
  SwitchCost forward, backward;
  Time delay;  ///< of the switch

  PassSums sums(bool is_backward) const;
};

/// The spans of the layer, from `start` on, but for kLayer and kLit; each has the part, the track
/// and the times. Returns when the pass ends: sums().total() after `start`.
Time lay_out(const LayerTimes& layer, bool is_backward, Time start,
             std::vector<TimelineSpan>& spans);

}  // namespace mixnet
