#include "region_view.h"

#include <cstddef>
#include <iterator>
#include <variant>

namespace mixnet {

std::vector<PortPair> lit_circuits(const RegionState& state, int tenant) {
  std::vector<PortPair> circuits;
  for (int port = 0; port < static_cast<int>(state.lit.size()); ++port) {
    const int other = state.lit[port];
    if (other > port && state.owner_of(port) == tenant) circuits.push_back({port, other});
  }
  return circuits;
}

std::optional<double> served_by_circuits(const RegionState& state, const Slice& slice) {
  const std::size_t n = slice.servers.size();
  if (slice.demand.rows() != n || slice.demand.columns() != n) return std::nullopt;
  std::vector<int> place(state.owner.size(), -1);  // of a server in the slice
  for (std::size_t i = 0; i < n; ++i) place[slice.servers[i]] = static_cast<int>(i);
  Matrix<char> joined(n, n);
  for (const auto& [a, b] : lit_circuits(state, slice.tenant)) {
    const int from = place[state.config.server_of(a)], to = place[state.config.server_of(b)];
    if (from < 0 || to < 0) continue;
    joined(from, to) = joined(to, from) = 1;
  }
  double all = 0, served = 0;
  for (std::size_t from = 0; from < n; ++from) {
    for (std::size_t to = 0; to < n; ++to) {
      if (from == to) continue;
      const auto bytes = static_cast<double>(slice.demand(from, to));
      all += bytes;
      if (joined(from, to) != 0) served += bytes;
    }
  }
  if (all <= 0) return std::nullopt;
  return served / all;
}

std::string_view kind_of(const Event& event) {
  static constexpr std::string_view kKinds[] = {"demand",  "mark",       "health",        "answer",
                                                "reading", "tenant-add", "tenant-remove", "tick",
                                                "drain",   "pin",        "hold"};
  static_assert(std::size(kKinds) == std::variant_size_v<Event>);
  return kKinds[event.index()];
}

}  // namespace mixnet
