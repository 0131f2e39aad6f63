// Servers whose network costs the same: the more of the NICs are optical, the faster all of them
// can be. Parts are sold at a few speeds; here prices lie on the line between those listed.
//
// Pure. Cost: a bisection.
#pragma once

#include "base/units.h"
#include "hardware/prices.h"

namespace mixnet {

struct EqualCost {
  Bandwidth bandwidth;  ///< in steps of 0.1 Gb/s, not above what the money buys
  PriceList prices;     ///< with a row for it
};

/// USD of the network of one server on mixnet, with `optical` of `nics` on the optical switch.
/// `bandwidth`: between the list's slowest and fastest.
double server_usd(int nics, int optical, Bandwidth bandwidth, const PriceList& prices);

/// The speed at which such a server costs `usd`; the nearest of the list's range where none does.
EqualCost at_equal_cost(int nics, int optical, double usd, const PriceList& prices);

}  // namespace mixnet
