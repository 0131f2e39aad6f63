// Which NIC is plugged into which position, from what is heard while one circuit at a time is lit.
//
// Every NIC has two fibres: it sends into one position and hears from one, the same when all is
// well. Circuits are lit around a ring over the positions, p0-p1, p1-p2, ..., so that each position
// is lit with two others. While a-b is lit, what is sent into a is heard from b and the other way
// round, and nothing else is heard: so who is heard in both of p's circuits sends into p. What one
// circuit leaves open (a-b or b-a), the other end of a hearing settles; what stays open is taken as
// it should be. With two positions a swap of the two cables cannot be told, and does no harm.
//
// Pure; O(positions + hearings).
#pragma once

#include <string>
#include <vector>

#include "ocs/optical_switch.h"

namespace mixnet {

/// While `lit` was lit, NIC `to` heard NIC `from`. NICs are counted from 0.
struct Hearing {
  OpticalCircuit lit;
  int from = 0;
  int to = 0;
};

/// While `lit` was lit, this NIC had carrier: it hears from one of its ends.
struct Carrier {
  OpticalCircuit lit;
  int nic = 0;
};

/// Where a NIC's two fibres lead; 0: not found.
struct Plugged {
  int sends_into = 0;
  int hears_from = 0;
  bool operator==(const Plugged&) const = default;
};

/// The circuits to light, one after the other: none for one position, one for two.
std::vector<OpticalCircuit> survey_circuits(std::vector<int> positions);

/// By frames. `expected`: the position of each NIC.
std::vector<Plugged> locate(const std::vector<int>& expected, const std::vector<Hearing>& hearings);

/// By carrier, which tells nothing of the fibre that a NIC sends by: sends_into stays 0.
std::vector<Plugged> locate(const std::vector<int>& expected, const std::vector<Carrier>& carriers);

/// What is wrong with a NIC's cables, in words for people; empty: nothing. `names` of the NICs, as
/// `expected`. `knows_sender`, `knows_hearer`: which of the two was looked for.
std::string describe_fault(std::size_t nic, const std::vector<int>& expected,
                           const std::vector<Plugged>& found, const std::vector<std::string>& names,
                           bool knows_sender, bool knows_hearer);

}  // namespace mixnet
