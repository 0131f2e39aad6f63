#include "circuits/balanced_time.h"

#include <algorithm>
#include <limits>
#include <vector>

namespace mixnet {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

/// For one server and direction: sum over peers of max(0, bytes - circuits * T) <= eps_nics * T.
/// The left side falls in T and is convex, so Newton from below (`time`) climbs to the root.
template <typename BytesOf, typename CircuitsOf>
double server_time(std::size_t peers, double eps_nics, double time, BytesOf&& bytes_of,
                   CircuitsOf&& circuits_of) {
  while (time < kInfinity) {
    double rest = 0;
    double slope = eps_nics;
    for (std::size_t peer = 0; peer < peers; ++peer) {
      const double left = bytes_of(peer) - circuits_of(peer) * time;
      if (left <= 0) continue;
      rest += left;
      slope += circuits_of(peer);
    }
    const double excess = rest - eps_nics * time;
    if (excess <= 0) return time;
    if (slope == 0) return kInfinity;
    const double next = time + excess / slope;
    if (next == time) return time;  // what is left of the excess is rounding
    time = next;
  }
  return kInfinity;
}

/// `eps_nics_of`: a server's EPS NICs.
template <typename EpsNicsOf>
double longest_server_time(const ServerDemand& bytes, const CircuitCounts& circuits,
                           EpsNicsOf&& eps_nics_of) {
  const std::size_t n = bytes.rows();
  double time = 0;
  for (std::size_t s = 0; s < n; ++s) {
    const auto circuits_to = [&](std::size_t t) { return static_cast<double>(circuits(s, t)); };
    time = server_time(
        n, eps_nics_of(s), time,
        [&](std::size_t t) { return s == t ? 0.0 : static_cast<double>(bytes(s, t)); },
        circuits_to);
    time = server_time(
        n, eps_nics_of(s), time,
        [&](std::size_t t) { return s == t ? 0.0 : static_cast<double>(bytes(t, s)); },
        circuits_to);
  }
  return time;
}

}  // namespace

double balanced_time(const ServerDemand& bytes, const CircuitCounts& circuits,
                     std::span<const int> eps_nics) {
  return longest_server_time(bytes, circuits,
                             [&](std::size_t s) { return static_cast<double>(eps_nics[s]); });
}

double balanced_time(const ServerDemand& bytes, const CircuitCounts& circuits,
                     std::span<const double> eps_nics) {
  return longest_server_time(bytes, circuits, [&](std::size_t s) { return eps_nics[s]; });
}

double balanced_time(const ServerDemand& bytes, const CircuitCounts& circuits, double eps_nics) {
  return longest_server_time(bytes, circuits, [&](std::size_t) { return eps_nics; });
}

double balanced_time_while_moving(const ServerDemand& bytes, const CircuitCounts& lit,
                                  const CircuitCounts& dark, double lit_at,
                                  std::span<const double> eps_nics) {
  const std::size_t n = bytes.rows();
  double time = 0;
  for (std::size_t s = 0; s < n; ++s) {
    for (const bool in : {false, true}) {
      const auto bytes_of = [&](std::size_t t) {
        return s == t ? 0.0 : static_cast<double>(in ? bytes(t, s) : bytes(s, t));
      };
      const double without = server_time(n, eps_nics[s], time, bytes_of, [&](std::size_t t) {
        return static_cast<double>(lit(s, t));
      });
      if (without <= lit_at) {
        time = without;
        continue;
      }
      // From then on it is as if all had carried from the start and had that much more to do.
      time = server_time(
          n, eps_nics[s], std::max(time, lit_at),
          [&](std::size_t t) { return bytes_of(t) + dark(s, t) * lit_at; },
          [&](std::size_t t) { return static_cast<double>(lit(s, t) + dark(s, t)); });
    }
  }
  return time;
}

double balanced_time_while_moving(const ServerDemand& bytes, const CircuitCounts& lit,
                                  const CircuitCounts& dark, double lit_at, double eps_nics) {
  const std::vector<double> same(bytes.rows(), eps_nics);
  return balanced_time_while_moving(bytes, lit, dark, lit_at, same);
}

}  // namespace mixnet
