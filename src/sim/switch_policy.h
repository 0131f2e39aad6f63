// What the optical switch costs the forward pass of one MoE layer, by policy: when the circuits
// move, and over which ones the first all-to-all (FP1) goes.
//
//   block    the gate has run, then the switch is set: FP1 waits the whole delay (the paper's).
//   reuse    FP1 goes over the circuits of the layer before; the switch is set for FP2 while the
//            experts compute, and FP2 waits for what is longer than that.
//   oracle   the demand is known before the gate has run; the switch is set during attention, and
//   FP1
//            waits for what is longer.
//   hitless  FP1 starts at once, over the circuits that are lit and the EPS; and whether ports move
//   is
//            decided by what is over first:
//              a  FP1 over the present circuits, then they move beneath the experts (as reuse, but
//                 pairs split their bytes over circuits and EPS);
//              b  wait for the switch (as block);
//              c  ports that change move at once, those that do not stay lit, and FP1 goes on over
//                 what is lit and the EPS and flows onto the others as they light up;
//              d  nothing moves.
//            So it is never slower than block.
//   hidden   nobody ever waits for the switch: what perfect prediction and early moves could reach.
//
// Where the wanted circuits are those that are lit, only block waits (the paper's accounting).
// Pure.
#pragma once

#include "base/units.h"

namespace mixnet {

enum class Reconfiguration { kBlock, kReuse, kOracle, kHitless, kHidden };

/// Times of one layer's forward all-to-alls at one NIC speed.
struct SwitchedExchange {
  Time dispatch, combine;                  ///< over the wanted circuits
  Time present_dispatch, present_combine;  ///< over those that are lit when the gate has run
  Time moving_dispatch;                    ///< while ports move (c); Time::max() where not known
  bool changes = true;                     ///< whether wanted and lit ones differ
};

struct SwitchCost {
  Time exchange;  ///< both all-to-alls
  Time wait;      ///< for the switch
  Time total() const { return exchange + wait; }
};

/// `attention` and `experts`: computation that lies before FP1 and between FP1 and FP2.
SwitchCost forward_cost(Reconfiguration policy, Time delay, const SwitchedExchange& times,
                        Time attention, Time experts);

}  // namespace mixnet
