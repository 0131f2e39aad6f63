#include "policy/switch_policy.h"

namespace mixnet {
namespace {

/// Over the circuits that are lit when the gate has run.
struct Lit {
  LitCircuits which;
  Time dispatch, combine;
  bool is_wanted;
};

SwitchMoves stay(LitCircuits lit) { return {.dispatch_over = lit, .combine_over = lit}; }

void keep_shorter(SwitchCost& best, const SwitchCost& other) {
  if (other.total() < best.total()) best = other;
}

/// FP1 over what is lit, and the switch set beneath the experts.
SwitchCost corrected(Time delay, Time combine, const Lit& lit, Time experts) {
  return {lit.dispatch + combine,
          beyond(delay, experts),
          {.beneath_experts = true, .dispatch_over = lit.which}};
}

/// The demand is known: a, b or c, what is over first.
SwitchCost best_from(Time delay, Time dispatch, Time combine, const Lit& lit, Time experts) {
  if (lit.is_wanted) return {dispatch + combine, Time::zero()};
  SwitchCost best = {dispatch + combine, delay, {.after_gate = true}};
  keep_shorter(best, corrected(delay, combine, lit, experts));
  keep_shorter(best, {lit.dispatch + lit.combine, Time::zero(), stay(lit.which)});
  return best;
}

SwitchCost copilot_cost(Time delay, const SwitchedExchange& times, const Lit& present,
                        Time attention, Time experts) {
  if (!moves_before_gate(delay, times.forecast, attention)) {
    return best_from(delay, times.dispatch, times.combine, present, experts);
  }
  const Lit predicted = {LitCircuits::kPredicted, times.predicted_dispatch, times.predicted_combine,
                         times.predicted_is_wanted};
  SwitchCost cost = best_from(delay, times.dispatch, times.combine, predicted, experts);
  cost.wait += beyond(delay, attention);
  cost.moves.beneath_attention = true;
  return cost;
}

/// Both all-to-alls, over the circuits that the moves leave them.
Time exchange_over(const SwitchMoves& moves, const SwitchedExchange& times) {
  const auto over = [](LitCircuits which, Time wanted, Time present, Time predicted, Time moving) {
    return which == LitCircuits::kPresent     ? present
           : which == LitCircuits::kPredicted ? predicted
           : which == LitCircuits::kMoving    ? moving
                                              : wanted;
  };
  return over(moves.dispatch_over, times.dispatch, times.present_dispatch, times.predicted_dispatch,
              times.moving_dispatch) +
         over(moves.combine_over, times.combine, times.present_combine, times.predicted_combine,
              times.combine);
}

}  // namespace

SwitchCost cost_of(const SwitchMoves& moves, Time delay, const SwitchedExchange& times,
                   Time attention, Time experts) {
  Time wait;
  if (moves.beneath_attention) wait += beyond(delay, attention);
  if (moves.after_gate) wait += delay;
  if (moves.beneath_experts) wait += beyond(delay, experts);
  if (moves.during_dispatch) wait += beyond(delay, times.moving_dispatch + experts);
  return {exchange_over(moves, times), wait, moves};
}

SwitchCost cost_of_backward(const SwitchMoves& moves, Time delay, const SwitchedExchange& times,
                            Time hiding) {
  return {exchange_over(moves, times),
          moves.beneath_backward ? beyond(delay, hiding) : Time::zero(), moves};
}

Rewire rewire(const SwitchMoves& moves) {
  if (moves.beneath_experts) return Rewire::kBehindDispatch;
  if (moves.during_dispatch) return Rewire::kDuring;
  const bool now = moves.beneath_attention || moves.after_gate || moves.beneath_backward;
  return now ? Rewire::kNow : Rewire::kNot;
}

bool moves_before_gate(Time delay, const SwitchForecast& forecast, Time attention) {
  if (forecast.is_present) return false;
  // By the forecast, the circuits for it are the wanted ones.
  const Time wanted = forecast.over_predicted;
  const Lit present = {LitCircuits::kPresent, forecast.over_present, forecast.over_present, false};
  return wanted * 2 + beyond(delay, attention) <
         best_from(delay, wanted, wanted, present, forecast.experts).total();
}

SwitchCost forward_cost(Reconfiguration policy, Time delay, const SwitchedExchange& times,
                        Time attention, Time experts) {
  const Time wanted = times.dispatch + times.combine;
  const Lit present = {LitCircuits::kPresent, times.present_dispatch, times.present_combine,
                       !times.changes};
  if (policy == Reconfiguration::kBlock) return {wanted, delay, {.after_gate = true}};
  if (policy == Reconfiguration::kCopilot) {
    return copilot_cost(delay, times, present, attention, experts);
  }
  if (policy == Reconfiguration::kHidden || !times.changes) return {wanted, Time::zero()};
  if (policy == Reconfiguration::kOracle) {
    return {wanted, beyond(delay, attention), {.beneath_attention = true}};
  }
  if (policy == Reconfiguration::kReuse) return corrected(delay, times.combine, present, experts);

  SwitchCost best = best_from(delay, times.dispatch, times.combine, present, experts);
  if (times.moving_dispatch != Time::max()) {
    // FP2 needs the ports that move.
    keep_shorter(best, {times.moving_dispatch + times.combine,
                        beyond(delay, times.moving_dispatch + experts),
                        {.during_dispatch = true, .dispatch_over = LitCircuits::kMoving}});
  }
  return best;
}

SwitchCost backward_cost(Reconfiguration policy, Time delay, const SwitchedExchange& times,
                         Time hiding) {
  const Time wanted = times.dispatch + times.combine;
  const bool moves =
      policy == Reconfiguration::kBlock || (policy != Reconfiguration::kHidden && times.changes);
  SwitchCost best = {
      wanted, moves ? beyond(delay, hiding) : Time::zero(), {.beneath_backward = moves}};
  if (policy == Reconfiguration::kHitless || policy == Reconfiguration::kCopilot) {
    keep_shorter(best, {times.present_dispatch + times.present_combine, Time::zero(),
                        stay(LitCircuits::kPresent)});
  }
  return best;
}

}  // namespace mixnet
