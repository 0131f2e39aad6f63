// What must hold after every run of a network, whatever ran: checked always, since it costs next to
// nothing beside the run. Broken, it is a fault of this program: std::logic_error, which the
// programs print as an internal error with the way to report it.
#pragma once

#include "base/units.h"
#include "network/packet_network.h"

namespace mixnet {

/// A phase that began at `start` and ended at `end` had a link that is busy for `least` picoseconds
/// at full rate. Rounding and 1e-9 of the time are allowed; Time::max() is never too early.
void check_not_faster(Time end, Time start, double least);

/// What NICs sent was received, dropped, or is on its way.
void check_bytes_kept(const PacketTotals& totals);

}  // namespace mixnet
