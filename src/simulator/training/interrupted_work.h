// When a piece of work ends whose length changes under way, because something it needs failed.
//
// Time is cut into epochs: epoch e begins at begins[e] (the first at zero, then rising), and in it
// the whole work would take lengths[e]. What is done of it stays done: the rest goes on in the next
// epoch at that one's pace. Work that a change makes longer or shorter stands still for `outage`
// from the change on (until the failure is noticed and routed around), also where it would begin
// within that time; other work does not notice. Work that would never end (Time::max()) gets
// nowhere in that epoch, and ends when a later one lets it.
//
// Pure. O(epochs).
#pragma once

#include <span>

#include "base/units.h"

namespace mixnet {

/// The part of the work that was done in one epoch.
struct WorkPiece {
  double share = 0;
  Time start;  ///< when it goes on in that epoch, where it does
};

/// pieces[e] becomes what was done in epoch e; the shares' sum is 1. All three have as many entries
/// as there are epochs. With one epoch, exactly start + lengths[0].
Time end_of_work(Time start, std::span<const Time> begins, std::span<const Time> lengths,
                 Time outage, std::span<WorkPiece> pieces);

/// The epoch that `time` lies in.
std::size_t epoch_at(Time time, std::span<const Time> begins);

}  // namespace mixnet
