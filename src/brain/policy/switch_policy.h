// What the optical switch costs the forward pass of one MoE layer, by policy: when the circuits
// move, and over which ones the first all-to-all (FP1) goes.
//
//   block    the gate has run, then the switch is set: FP1 waits the whole delay (the paper's).
//   reuse    FP1 goes over the circuits of the layer before; the switch is set for FP2 while the
//            experts compute, and FP2 waits for what is longer than that.
//   copilot  before the gate has run, Copilot forecasts the demand. During attention the switch is
//            set for that, and FP1 waits for what is longer; or it is left as it is, where by the
//            forecast that is over sooner. The gate has run: then the demand is known, and what is
//            over first is done:
//              a  FP1 over what is lit, then the circuits are corrected beneath the experts;
//              b  nothing moves (any more);
//              c  the forecast was so far off that waiting for the switch is better (as block).
//            So it is never slower than block but for what a move before the gate makes FP1 wait,
//            and where it did not move then, never slower than reuse either (tested).
//   oracle   the demand is known before the gate has run; the switch is set during attention, and
//            FP1 waits for what is longer.
//   hitless  FP1 starts at once, over the circuits that are lit and the EPS; and whether ports move
//            is decided by what is over first: a, b or c as above over the present circuits, or
//              d  ports that change move at once, those that do not stay lit, and FP1 goes on over
//                 what is lit and the EPS and flows onto the others as they light up; FP2 waits
//                 for what of the delay is longer than FP1 and the experts.
//            So it is never slower than block.
//   hidden   nobody ever waits for the switch: what perfect prediction and early moves could reach.
//
// Where the wanted circuits are those that are lit, only block waits (the paper's accounting); and
// copilot, where its forecast had it move away from them.
// Pure.
#pragma once

#include <algorithm>
#include <cstdint>

#include "base/names.h"
#include "base/units.h"

namespace mixnet {

enum class Reconfiguration { kBlock, kReuse, kCopilot, kOracle, kHitless, kHidden };

template <>
struct Names<Reconfiguration> {
  static constexpr std::string_view kWhat = "policy";
  static constexpr NamedValue<Reconfiguration> kTable[] = {
      {"block", Reconfiguration::kBlock},     {"reuse", Reconfiguration::kReuse},
      {"copilot", Reconfiguration::kCopilot}, {"oracle", Reconfiguration::kOracle},
      {"hitless", Reconfiguration::kHitless}, {"hidden", Reconfiguration::kHidden}};
};

/// What a policy has to know, and so what is worth finding out.
struct PolicyNeeds {
  bool delay = true;          ///< how long the switch takes
  bool present = false;       ///< which circuits are lit...
  bool over_present = false;  ///< ...and what the all-to-alls take over them
  bool moving = false;        ///< ...and while ports move, which depends on the speed of the NICs
  bool forecast = false;      ///< of the demand, before the gate has run
};
constexpr PolicyNeeds needs_of(Reconfiguration policy) {
  switch (policy) {
    case Reconfiguration::kBlock:
      break;
    case Reconfiguration::kReuse:
      return {.present = true, .over_present = true};
    case Reconfiguration::kCopilot:
      return {.present = true, .over_present = true, .forecast = true};
    case Reconfiguration::kOracle:
      return {.present = true};
    case Reconfiguration::kHitless:
      return {.present = true, .over_present = true, .moving = true};
    case Reconfiguration::kHidden:
      return {.delay = false};
  }
  return {};
}

/// What Copilot knows of a layer before its gate has run.
struct SwitchForecast {
  // One all-to-all over either circuits, at best. Circuits go both ways, so combine, which is
  // dispatch in the mirror, takes as long.
  Time over_predicted, over_present;
  Time experts;
  bool is_present = true;  ///< whether the circuits for the forecast are those that are lit
};

/// Times of one layer's forward all-to-alls at one NIC speed.
struct SwitchedExchange {
  Time dispatch, combine;                  ///< over the wanted circuits
  Time present_dispatch, present_combine;  ///< over those that are lit when the gate has run
  Time moving_dispatch;                    ///< while ports move (d); Time::max() where they cannot
  bool changes = true;                     ///< whether wanted and lit ones differ
  // copilot only
  Time predicted_dispatch = {}, predicted_combine = {};  ///< over the circuits for the forecast
  bool predicted_is_wanted = false;
  SwitchForecast forecast = {};

  /// Every time of an all-to-all but the forecast's becomes change(time).
  template <typename Change>
  SwitchedExchange with_times(Change&& change) const {
    SwitchedExchange times = *this;
    for (Time* time :
         {&times.dispatch, &times.combine, &times.present_dispatch, &times.present_combine,
          &times.moving_dispatch, &times.predicted_dispatch, &times.predicted_combine}) {
      *time = change(*time);
    }
    return times;
  }
};

/// Over which circuits an all-to-all goes.
enum class LitCircuits : std::uint8_t { kWanted, kPresent, kPredicted, kMoving };

/// When ports move, each time for the whole delay, and over what the all-to-alls go.
struct SwitchMoves {
  bool beneath_attention = false;
  bool after_gate = false;
  bool during_dispatch = false;  ///< those that change (d)
  bool beneath_experts = false;
  bool beneath_backward = false;
  LitCircuits dispatch_over = LitCircuits::kWanted;
  LitCircuits combine_over = LitCircuits::kWanted;
};

/// When a switch has to be set for a demand that is known: what the moves above come to for one who
/// only gives commands to it.
enum class Rewire : std::uint8_t {
  kNow,             ///< at once, and the all-to-all waits for it
  kDuring,          ///< at once, and the all-to-all starts over what stays lit
  kBehindDispatch,  ///< when the all-to-all at hand has ended
  kNot              ///< what is lit serves it best
};
Rewire rewire(const SwitchMoves& moves);

struct SwitchCost {
  Time exchange;  ///< both all-to-alls
  Time wait;      ///< for the switch
  SwitchMoves moves = {};
  Time total() const { return exchange + wait; }
};

/// What of the delay is longer than what hides it.
inline Time beyond(Time delay, Time hidden) { return std::max(Time::zero(), delay - hidden); }

/// Whether copilot sets the switch for its forecast during attention.
bool moves_before_gate(Time delay, const SwitchForecast& forecast, Time attention);

/// What the forward pass costs when the moves are given, as they were decided by times that were
/// expected, and `times` are what the all-to-alls really take.
SwitchCost cost_of(const SwitchMoves& moves, Time delay, const SwitchedExchange& times,
                   Time attention, Time experts);
/// The same of the backward pass, whose computation is `hiding`.
SwitchCost cost_of_backward(const SwitchMoves& moves, Time delay, const SwitchedExchange& times,
                            Time hiding);

/// The policy's choice, and what it costs if `times` are what the all-to-alls take.
/// `attention` and `experts`: computation that lies before FP1 and between FP1 and FP2. Backward,
/// where demand is known, is backward_cost().
SwitchCost forward_cost(Reconfiguration policy, Time delay, const SwitchedExchange& times,
                        Time attention, Time experts);

/// The backward pass of the layer: the switch is set beneath its computation, `hiding`, and what is
/// longer waits. hitless and copilot leave the switch as it is where that is over sooner.
SwitchCost backward_cost(Reconfiguration policy, Time delay, const SwitchedExchange& times,
                         Time hiding);

}  // namespace mixnet
