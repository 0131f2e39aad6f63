// Bytes between the servers of a region, hop by hop, when some servers have lost their electrical
// (EPS) NICs: what has no circuit then goes by circuit to neighbours, and on from there by circuit
// or by their EPS NICs (Liao et al., SIGCOMM 2025, section 5.4). A pair's bytes are dealt to all
// neighbours that can pass them on, in proportion to the circuits to them.
//
// Pure. O(n^2 + servers without EPS * n^2).
#pragma once

#include <span>

#include "circuits/circuits.h"

namespace mixnet {

/// `bytes` as they cross links: entry (s, t) is what s sends straight to t, its own and others'.
/// eps_nics[s] that work at server s. A pair that nothing can relay stays as it was. Sums of a
/// column or row of `bytes` that goes where it can go straight do not change.
ServerDemand relayed(const ServerDemand& bytes, const CircuitCounts& circuits,
                     std::span<const double> eps_nics);

}  // namespace mixnet
