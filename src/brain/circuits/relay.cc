#include "circuits/relay.h"

#include <vector>

namespace mixnet {
namespace {

/// Whether `from` reaches `to` without help.
bool straight(const CircuitCounts& circuits, std::span<const double> eps_nics, std::size_t from,
              std::size_t to) {
  return circuits(from, to) > 0 || (eps_nics[from] > 0 && eps_nics[to] > 0);
}

/// Deals hops(s, t) to neighbours of the end that has no EPS: of the sender, or of the receiver.
void relay(ServerDemand& hops, const CircuitCounts& circuits, std::span<const double> eps_nics,
           std::size_t s, std::size_t t, bool by_sender) {
  const std::size_t n = hops.rows();
  const std::size_t end = by_sender ? s : t;
  const std::size_t other = by_sender ? t : s;
  // A sender's neighbour need not reach the receiver itself: that one may have neighbours, too.
  const auto passes_on = [&](std::size_t r) {
    if (r == other || circuits(end, r) == 0) return false;
    if (straight(circuits, eps_nics, r, other)) return true;
    return by_sender && eps_nics[r] > 0 && eps_nics[t] == 0;
  };
  std::int64_t lanes = 0;
  for (std::size_t r = 0; r < n; ++r) lanes += passes_on(r) ? circuits(end, r) : 0;
  if (lanes == 0) return;
  const std::int64_t all = hops(s, t);
  hops(s, t) = 0;
  std::int64_t seen = 0;
  std::int64_t given = 0;
  for (std::size_t r = 0; r < n; ++r) {
    if (!passes_on(r)) continue;
    seen += circuits(end, r);
    const std::int64_t upto = all / lanes * seen + all % lanes * seen / lanes;
    hops(s, r) += upto - given;
    hops(r, t) += upto - given;
    given = upto;
  }
}

}  // namespace

ServerDemand relayed(const ServerDemand& bytes, const CircuitCounts& circuits,
                     std::span<const double> eps_nics) {
  ServerDemand hops = bytes;
  const std::size_t n = bytes.rows();
  for (const bool by_sender : {true, false}) {
    for (std::size_t s = 0; s < n; ++s) {
      for (std::size_t t = 0; t < n; ++t) {
        if (s == t || hops(s, t) == 0 || straight(circuits, eps_nics, s, t)) continue;
        if (eps_nics[by_sender ? s : t] == 0) relay(hops, circuits, eps_nics, s, t, by_sender);
      }
    }
  }
  return hops;
}

}  // namespace mixnet
