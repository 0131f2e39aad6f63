#include "training/layer_times.h"

#include <algorithm>

namespace mixnet {
namespace {

constexpr int kForwardTpPhases = 2;

/// Where the times of an all-to-all over some circuits are.
struct TimesOver {
  Time SwitchedExchange::*whole;      ///< with what it takes inside servers
  PhaseTime ExchangeTimes::*network;  ///< between servers
};

TimesOver dispatch_over(LitCircuits circuits) {
  switch (circuits) {
    case LitCircuits::kPresent:
      return {&SwitchedExchange::present_dispatch, &ExchangeTimes::present_dispatch};
    case LitCircuits::kPredicted:
      return {&SwitchedExchange::predicted_dispatch, &ExchangeTimes::predicted_dispatch};
    case LitCircuits::kMoving:
      return {&SwitchedExchange::moving_dispatch, &ExchangeTimes::moving_dispatch};
    case LitCircuits::kWanted:
      break;
  }
  return {&SwitchedExchange::dispatch, &ExchangeTimes::dispatch};
}

/// Ports have stopped moving by then.
TimesOver combine_over(LitCircuits circuits) {
  switch (circuits) {
    case LitCircuits::kPresent:
      return {&SwitchedExchange::present_combine, &ExchangeTimes::present_combine};
    case LitCircuits::kPredicted:
      return {&SwitchedExchange::predicted_combine, &ExchangeTimes::predicted_combine};
    case LitCircuits::kWanted:
    case LitCircuits::kMoving:
      break;
  }
  return {&SwitchedExchange::combine, &ExchangeTimes::combine};
}

/// One pass of a layer as it goes on.
class Layout {
 public:
  Layout(const LayerTimes& layer, bool is_backward, Time start, std::vector<TimelineSpan>& spans)
      : layer_(layer),
        is_backward_(is_backward),
        backward_times_(is_backward),
        now_(start),
        spans_(spans) {}

  Time forward() {
    const Time begin = now_;
    share_context();
    around(layer_.attention_tp, TimelinePart::kAttention, layer_.attention);
    if (!layer_.is_moe) {
      around(layer_.ffn_tp, TimelinePart::kDenseFfn, layer_.dense_ffn);
      return now_;
    }
    const SwitchMoves& moves = layer_.forward.moves;
    const Time attention_begin = begin + layer_.context + layer_.attention_tp;
    compute(TimelinePart::kGate, layer_.gate);
    if (moves.beneath_attention) {
      wait_and_move(beyond(layer_.delay, layer_.attention.forward), attention_begin);
    }
    if (moves.after_gate) wait_and_move(layer_.delay, now_);
    const Time dispatch_begin = now_;
    exchange(TimelinePart::kDispatch, dispatch_over(moves.dispatch_over));
    const Time experts_begin = now_ + layer_.ffn_tp;
    around(layer_.ffn_tp, TimelinePart::kExperts, layer_.experts);
    around(layer_.shared_tp, TimelinePart::kSharedExperts, layer_.shared_experts);
    if (moves.beneath_experts) {
      wait_and_move(beyond(layer_.delay, layer_.experts.forward), experts_begin);
    }
    if (moves.during_dispatch) {
      add(TimelineTrack::kSwitch, TimelinePart::kPartlyDark, dispatch_begin,
          std::min(dispatch_begin + layer_.delay, now_));
    }
    exchange(TimelinePart::kCombine, combine_over(moves.combine_over));
    return now_;
  }

  Time backward() {
    if (layer_.runs_again) forward_again();
    if (!layer_.is_moe) {
      around(layer_.ffn_tp, TimelinePart::kDenseFfn, layer_.dense_ffn);
      share_context();
      around(layer_.attention_tp, TimelinePart::kAttention, layer_.attention);
      return now_;
    }
    const SwitchMoves& moves = layer_.backward.moves;
    exchange(TimelinePart::kCombine, dispatch_over(moves.dispatch_over));
    around(layer_.shared_tp, TimelinePart::kSharedExperts, layer_.shared_experts);
    const Time experts_begin = now_ + layer_.ffn_tp * (layer_.backward_tp_phases - 1);
    around(layer_.ffn_tp, TimelinePart::kExperts, layer_.experts);
    exchange(TimelinePart::kDispatch, combine_over(moves.combine_over));
    const Time last_use = now_;
    compute(TimelinePart::kGate, layer_.gate);
    share_context();
    around(layer_.attention_tp, TimelinePart::kAttention, layer_.attention);
    if (!moves.beneath_backward) return now_;
    wait(layer_.backward.wait);
    const Time free = now_ - last_use;
    if (layer_.delay > free) {
      add(TimelineTrack::kSwitch, TimelinePart::kDarkAsCounted, experts_begin,
          experts_begin + layer_.delay - free);
    }
    const Time dark = std::min(layer_.delay, free);
    const Time dark_begin = layer_.backward.wait > Time::zero() ? now_ - dark : last_use;
    add(TimelineTrack::kSwitch, TimelinePart::kDark, dark_begin, dark_begin + dark);
    return now_;
  }

 private:
  /// In backward, over the circuits that it has.
  void forward_again() {
    backward_times_ = false;
    share_context();
    around(layer_.attention_tp, TimelinePart::kAttention, layer_.attention);
    if (layer_.is_moe) {
      const SwitchMoves& moves = layer_.backward.moves;
      compute(TimelinePart::kGate, layer_.gate);
      exchange(TimelinePart::kDispatch, dispatch_over(moves.dispatch_over));
      around(layer_.ffn_tp, TimelinePart::kExperts, layer_.experts);
      around(layer_.shared_tp, TimelinePart::kSharedExperts, layer_.shared_experts);
      exchange(TimelinePart::kCombine, combine_over(moves.combine_over));
    } else {
      around(layer_.ffn_tp, TimelinePart::kDenseFfn, layer_.dense_ffn);
    }
    backward_times_ = true;
  }

  void add(TimelineTrack track, TimelinePart part, Time start, Time end) {
    if (end <= start) return;
    TimelineSpan& span = spans_.emplace_back();
    span.track = track;
    span.part = part;
    span.is_backward = is_backward_;
    span.start = start;
    span.end = end;
  }

  void step(TimelineTrack track, TimelinePart part, Time length) {
    add(track, part, now_, now_ + length);
    now_ += length;
  }

  void compute(TimelinePart part, const OperationTime& time) {
    step(TimelineTrack::kCompute, part, backward_times_ ? time.backward : time.forward);
  }

  void share_context() {
    step(TimelineTrack::kScaleUp, TimelinePart::kTensorParallel,
         layer_.context * (backward_times_ ? layer_.backward_contexts : 1));
  }

  /// An operation with its TP.
  void around(Time tp, TimelinePart part, const OperationTime& time) {
    const std::int64_t phases = backward_times_ ? layer_.backward_tp_phases : kForwardTpPhases;
    step(TimelineTrack::kScaleUp, TimelinePart::kTensorParallel, tp * (phases - 1));
    compute(part, time);
    step(TimelineTrack::kScaleUp, TimelinePart::kTensorParallel, tp);
  }

  void wait(Time length) { step(TimelineTrack::kAllToAll, TimelinePart::kWait, length); }

  /// The switch is dark from `earliest` on, or, where it is waited for, until the wait is over.
  void wait_and_move(Time length, Time earliest) {
    wait(length);
    const Time begin = length > Time::zero() ? now_ - layer_.delay : earliest;
    add(TimelineTrack::kSwitch, TimelinePart::kDark, begin, begin + layer_.delay);
  }

  void exchange(TimelinePart part, const TimesOver& over) {
    if (layer_.exchange == nullptr) return;
    const Time begin = now_;
    now_ += layer_.all_to_alls.*over.whole;
    const Time network = (layer_.exchange->*over.network).at(layer_.nic_rate);
    Time network_begin = begin;
    const Time inside =
        part == TimelinePart::kDispatch ? layer_.dispatch_scale_up : layer_.scale_up;
    if (layer_.pipelined_steps) {
      add(TimelineTrack::kScaleUp, TimelinePart::kGatherScatter, begin, begin + inside);
    } else {
      const Time gather = inside / 2;
      add(TimelineTrack::kScaleUp, TimelinePart::kGatherScatter, begin, begin + gather);
      network_begin += gather;
      add(TimelineTrack::kScaleUp, TimelinePart::kGatherScatter, network_begin + network, now_);
    }
    add(TimelineTrack::kAllToAll, part, network_begin, network_begin + network);
    if (!layer_.exchange->switched) return;
    const Time both =
        PhaseTime{layer_.exchange->shared_nics_busy, Time::zero()}.at(layer_.nic_rate);
    add(TimelineTrack::kEps, part, network_begin, network_begin + std::min(network, both / 2));
  }

  const LayerTimes& layer_;
  bool is_backward_;
  bool backward_times_;  ///< not of what runs again
  Time now_;
  std::vector<TimelineSpan>& spans_;
};

}  // namespace

PassSums PassSums::times(double share) const {
  if (share == 1) return *this;
  return {scaled(compute, share), scaled(ep, share), scaled(tp, share),
          scaled(reconfiguration, share), scaled(dp, share)};
}

PassSums LayerTimes::sums(bool is_backward) const {
  const auto of = [&](const OperationTime& time) {
    return is_backward ? time.backward : time.forward;
  };
  const std::int64_t phases = is_backward ? backward_tp_phases : kForwardTpPhases;
  const SwitchCost& cost = is_backward ? backward : forward;
  PassSums sums = {of(attention) + of(dense_ffn) + of(gate) + of(experts) + of(shared_experts),
                   cost.exchange,
                   (attention_tp + ffn_tp + shared_tp) * phases +
                       context * (is_backward ? backward_contexts : 1),
                   cost.wait, Time::zero()};
  if (!is_backward || !runs_again) return sums;
  PassSums again = this->sums(false);
  again.ep = cost.exchange;
  again.reconfiguration = Time::zero();
  sums.add(again);
  return sums;
}

Time lay_out(const LayerTimes& layer, bool is_backward, Time start,
             std::vector<TimelineSpan>& spans) {
  Layout layout(layer, is_backward, start, spans);
  return is_backward ? layout.backward() : layout.forward();
}

}  // namespace mixnet
