#include "circuits/exact_allocator.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <span>
#include <tuple>
#include <utility>
#include <vector>

#include "base/caller.h"
#include "base/error.h"
#include "circuits/balanced_time.h"
#include "circuits/refined_allocator.h"

namespace mixnet {
namespace {

constexpr std::size_t kMaxServers = 64;
constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kLeastGap = 1e-8;
// What sums may be over their limit, in units of T: far above rounding, far below kLeastGap.
constexpr double kRounding = 1e-10;

/// What peers cost a server over the least that their ranges allow. Bytes are in units of T.
struct Cost {
  int circuits = 0;
  double out = 0;
  double in = 0;
};

bool within(const Cost& a, const Cost& b, const Cost& room) {
  return a.out + b.out <= room.out && a.in + b.in <= room.in;
}

/// Circuits of each pair, symmetric.
struct Ranges {
  CircuitCounts least, most;
};

double left(double bytes, int circuits) { return std::max(0.0, bytes - circuits); }

/// A pair without EPS NICs at one end needs a circuit if it has any demand.
bool needs_circuit(const ServerDemand& demand, std::span<const int> electrical, int s, int t) {
  return (demand(s, t) > 0 || demand(t, s) > 0) && (electrical[s] == 0 || electrical[t] == 0);
}

/// The search for circuits within one time.
class Search {
 public:
  Search(const ServerDemand& demand, std::span<const int> optical, std::span<const int> electrical,
         double time, std::int64_t& budget)
      : n_(static_cast<int>(demand.rows())),
        optical_(optical),
        electrical_(electrical),
        bytes_(n_, n_),
        start_{CircuitCounts(n_, n_), CircuitCounts(n_, n_)},
        ahead_(n_),
        new_least_(n_),
        new_most_(n_),
        budget_(budget) {
    for (int s = 0; s < n_; ++s) {
      for (int t = 0; t < n_; ++t) {
        if (s != t) bytes_(s, t) = static_cast<double>(demand(s, t)) / time;
      }
    }
    for (int s = 0; s < n_; ++s) {
      for (int t = 0; t < n_; ++t) {
        if (s == t) continue;
        // More circuits than there are bytes for are of no use.
        const double useful = std::ceil(std::max(bytes_(s, t), bytes_(t, s)));
        const int nics = std::min(optical[s], optical[t]);
        start_.most(s, t) = useful < nics ? static_cast<int>(useful) : nics;
        start_.least(s, t) = needs_circuit(demand, electrical, s, t) ? 1 : 0;
      }
    }
  }

  /// Circuits with a balanced_time() of at most `time`; none if there are none.
  std::optional<CircuitCounts> find() { return find_within(start_, std::vector<bool>(n_, true)); }

 private:
  /// `changed`: servers some of whose ranges are new.
  std::optional<CircuitCounts> find_within(Ranges ranges, std::vector<bool> changed) {
    for (auto next = changed.begin(); next != changed.end();
         next = std::find(changed.begin(), changed.end(), true)) {
      if (!narrow(static_cast<int>(next - changed.begin()), ranges, changed)) return std::nullopt;
    }
    int from = -1;
    int to = -1;
    double largest = -1;
    for (int s = 0; s < n_; ++s) {
      for (int t = s + 1; t < n_; ++t) {
        const double bytes = std::max(bytes_(s, t), bytes_(t, s));
        if (ranges.least(s, t) == ranges.most(s, t) || bytes <= largest) continue;
        std::tie(from, to, largest) = std::tuple(s, t, bytes);
      }
    }
    if (from < 0) return ranges.least;
    const int middle = (ranges.least(from, to) + ranges.most(from, to)) / 2;
    changed[from] = changed[to] = true;
    Ranges upper = ranges;
    upper.least(from, to) = upper.least(to, from) = middle + 1;
    if (auto found = find_within(std::move(upper), changed)) return found;
    ranges.most(from, to) = ranges.most(to, from) = middle;
    return find_within(std::move(ranges), std::move(changed));
  }

  /// Takes from the ranges of a server what is in none of its ways; false if it has no way.
  bool narrow(int s, Ranges& ranges, std::vector<bool>& changed) {
    stop_point();
    changed[s] = false;
    Cost room{optical_[s], electrical_[s] + kRounding, electrical_[s] + kRounding};
    open_.clear();
    for (int t = 0; t < n_; ++t) {
      if (s == t) continue;
      const int least = ranges.least(s, t);
      const int most = ranges.most(s, t);
      if (least > most) return false;
      room.circuits -= least;
      room.out -= left(bytes_(s, t), most);
      room.in -= left(bytes_(t, s), most);
      if (least < most) open_.push_back(t);
    }
    if (room.circuits < 0 || room.out < 0 || room.in < 0) return false;

    // ahead_[i]: what the peers before the i-th cost; behind_: what those after it do.
    ahead_[0] = {Cost{}};
    for (std::size_t i = 0; i + 1 < open_.size(); ++i) {
      list(ahead_[i], s, open_[i], ranges, room, ahead_[i + 1]);
      if (ahead_[i + 1].empty()) return false;
    }
    behind_ = {Cost{}};
    for (std::size_t i = open_.size(); i-- > 0;) {
      const int t = open_[i];
      int least = ranges.least(s, t);
      int most = ranges.most(s, t);
      const auto has_way = [&](int circuits) {
        return fits(ahead_[i], behind_, cost(s, t, circuits, ranges), room);
      };
      while (least <= most && !has_way(least)) ++least;
      if (least > most) return false;
      while (!has_way(most)) --most;
      new_least_[t] = least;
      new_most_[t] = most;
      list(behind_, s, t, ranges, room, listed_);
      std::swap(behind_, listed_);
    }
    for (const int t : open_) {
      if (new_least_[t] == ranges.least(s, t) && new_most_[t] == ranges.most(s, t)) continue;
      ranges.least(s, t) = ranges.least(t, s) = new_least_[t];
      ranges.most(s, t) = ranges.most(t, s) = new_most_[t];
      changed[s] = changed[t] = true;
    }
    return true;
  }

  Cost cost(int s, int t, int circuits, const Ranges& ranges) const {
    const int most = ranges.most(s, t);
    return {circuits - ranges.least(s, t), left(bytes_(s, t), circuits) - left(bytes_(s, t), most),
            left(bytes_(t, s), circuits) - left(bytes_(t, s), most)};
  }

  /// The costs of `before` and one peer more: those within `room` that no other undercuts, by
  /// rising circuits.
  void list(const std::vector<Cost>& before, int s, int t, const Ranges& ranges, const Cost& room,
            std::vector<Cost>& after) {
    all_.clear();
    for (int circuits = ranges.least(s, t); circuits <= ranges.most(s, t); ++circuits) {
      const Cost more = cost(s, t, circuits, ranges);
      for (const Cost& cost : before) {
        if (cost.circuits + more.circuits > room.circuits) break;
        if (!within(cost, more, room)) continue;
        all_.push_back({cost.circuits + more.circuits, cost.out + more.out, cost.in + more.in});
      }
    }
    std::ranges::sort(all_, {}, [](const Cost& c) { return std::tuple(c.circuits, c.out, c.in); });
    after.clear();
    for (const Cost& cost : all_) {
      const auto undercuts = [&](const Cost& other) {
        return other.out <= cost.out && other.in <= cost.in;
      };
      spend(after.size() + 1);
      if (std::ranges::none_of(after, undercuts)) after.push_back(cost);
    }
  }

  /// Whether one of `ahead`, one of `behind` and `own` fit together.
  bool fits(const std::vector<Cost>& ahead, const std::vector<Cost>& behind, const Cost& own,
            const Cost& room) {
    for (const Cost& a : ahead) {
      const Cost both{a.circuits + own.circuits, a.out + own.out, a.in + own.in};
      if (both.circuits > room.circuits) return false;
      if (both.out > room.out || both.in > room.in) continue;
      spend(behind.size());
      for (const Cost& b : behind) {
        if (both.circuits + b.circuits > room.circuits) break;
        if (within(both, b, room)) return true;
      }
    }
    return false;
  }

  void spend(std::size_t comparisons) {
    budget_ -= static_cast<std::int64_t>(comparisons);
    if (budget_ >= 0) return;
    throw Error("exact allocation", "the search is too long",
                "use the refined allocator for a region of this size");
  }

  int n_;
  std::span<const int> optical_, electrical_;
  Matrix<double> bytes_;  // in units of T, so that a circuit carries 1
  Ranges start_;
  std::vector<int> open_;  // peers whose circuits are not decided
  std::vector<std::vector<Cost>> ahead_;
  std::vector<Cost> behind_, listed_, all_;
  std::vector<int> new_least_, new_most_;
  std::int64_t& budget_;
};

void check(const ServerDemand& demand, std::span<const int> optical,
           std::span<const int> electrical) {
  if (demand.rows() > kMaxServers) {
    throw Error("exact allocation", fmt::format("{} servers are too many", demand.rows()),
                fmt::format("give at most {}, or use the refined allocator", kMaxServers));
  }
  if (optical.size() != demand.rows() || electrical.size() != demand.rows()) {
    throw Error("exact allocation", "NICs are not given for each server");
  }
  for (const auto& nics : {optical, electrical}) {
    if (std::ranges::any_of(nics, [](int count) { return count < 0; })) {
      throw Error("exact allocation", "a server cannot have fewer than no NICs");
    }
  }
}

/// One circuit for each pair that has no other way; none if there are too few NICs for that.
std::optional<CircuitCounts> bare_circuits(const ServerDemand& demand, std::span<const int> optical,
                                           std::span<const int> electrical) {
  const int n = static_cast<int>(demand.rows());
  CircuitCounts counts(n, n);
  for (int s = 0; s < n; ++s) {
    int used = 0;
    for (int t = 0; t < n; ++t) {
      if (s != t && needs_circuit(demand, electrical, s, t)) used += counts(s, t) = 1;
    }
    if (used > optical[s]) return std::nullopt;
  }
  return counts;
}

}  // namespace

ExactCircuits allocate_exactly(const ServerDemand& demand, int degree, int eps_nics, double gap,
                               std::int64_t budget) {
  const std::vector<int> optical(demand.rows(), degree);
  const std::vector<int> electrical(demand.rows(), eps_nics);
  return allocate_exactly(demand, optical, electrical, gap, budget);
}

ExactCircuits allocate_exactly(const ServerDemand& demand, std::span<const int> optical,
                               std::span<const int> electrical, double gap, std::int64_t budget) {
  check(demand, optical, electrical);
  gap = std::max(gap, kLeastGap);
  ExactCircuits best;
  best.counts = RefinedAllocator().allocate(demand, optical, electrical);
  best.time = balanced_time(demand, best.counts, electrical);
  if (best.time == kInfinity) {
    const auto bare = bare_circuits(demand, optical, electrical);
    if (!bare) return {best.counts, kInfinity, kInfinity};
    best.counts = *bare;
    best.time = balanced_time(demand, *bare, electrical);
  }
  // Small steps, as the start is nearly the best; larger ones while they succeed.
  double step = gap;
  while (best.time > best.bound * (1 + gap)) {
    const double aim = std::max(best.time / (1 + step), std::sqrt(best.time * best.bound));
    const auto found = Search(demand, optical, electrical, aim, budget).find();
    if (found) {
      best.counts = *found;
      best.time = balanced_time(demand, *found, electrical);
      step *= 2;
    } else {
      best.bound = aim;
      step = gap;
    }
  }
  return best;
}

}  // namespace mixnet
