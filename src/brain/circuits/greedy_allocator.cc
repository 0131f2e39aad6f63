#include "circuits/greedy_allocator.h"

#include <fmt/format.h>

#include <algorithm>
#include <climits>
#include <functional>
#include <tuple>

#include "base/error.h"
#include "base/random.h"

namespace mixnet {
namespace {

__extension__ using Wide = unsigned __int128;

constexpr std::uint64_t kNoCeiling = UINT64_MAX;  // a sum of two demands is below it
constexpr std::size_t kFewPairs = 400;            // sorted whole rather than sampled
constexpr std::size_t kSampleSize = 512;
constexpr int kMaxRounds = 12;  // a demand that defeats the sampling is then sorted whole
constexpr std::size_t kTile = 32;

/// Where {a, a + 1} stands in the upper triangle of n x n, stored row by row.
std::size_t row_start(std::size_t n, std::size_t a) { return a * (2 * n - a - 1) / 2; }

}  // namespace

const CircuitCounts& GreedyAllocator::allocate(const ServerDemand& demand, int degree) {
  if (degree < 0) {
    throw Error("optical degree", fmt::format("{} is negative", degree),
                "give the number of OCS NICs of a server");
  }
  start(demand.rows());
  std::ranges::fill(free_, degree);
  return run(demand);
}

const CircuitCounts& GreedyAllocator::allocate(const ServerDemand& demand,
                                               std::span<const int> free_nics) {
  if (free_nics.size() != demand.rows()) {
    throw Error("free NICs",
                fmt::format("has {} entries for {} servers", free_nics.size(), demand.rows()),
                "give one for each server");
  }
  start(demand.rows());
  std::ranges::copy(free_nics, free_.begin());
  return run(demand);
}

void GreedyAllocator::start(std::size_t servers) {
  if (servers > kMaxServers) {
    throw Error("server demand", fmt::format("has {} servers", servers),
                fmt::format("a region has at most {}", kMaxServers));
  }
  servers_ = servers;
  free_.resize(servers);
  if (results_[result_].rows() != servers) {
    const auto same = std::ranges::find(results_, servers, &CircuitCounts::rows);
    if (same != results_.end()) {
      result_ = static_cast<std::size_t>(same - results_.begin());
    } else {
      result_ = (result_ + 1) % results_.size();
      results_[result_] = CircuitCounts(servers, servers);
    }
  }
  std::ranges::fill(results_[result_].cells(), 0);
}

const CircuitCounts& GreedyAllocator::run(const ServerDemand& demand) {
  if (demand.columns() != demand.rows()) {
    throw Error("server demand", fmt::format("is {} x {}", demand.rows(), demand.columns()),
                "give as many columns as rows");
  }
  add_up(demand);
  holders_.clear();
  find_open_servers(1);
  std::size_t nics = 0;
  for (const std::uint16_t server : open_) nics += static_cast<std::size_t>(free_[server]);
  const std::uint64_t floor = choose_floor(kNoCeiling, nics);
  gather(floor, kNoCeiling, listed_);
  for (int level = highest_free_below(INT_MAX); level > 0; level = highest_free_below(level)) {
    serve_listed(level);
    if (floor > 1) serve_rest(level, floor);
    if (listed_.empty() && floor == 1) break;
  }
  deepen();

  CircuitCounts& counts = results_[result_];
  for (const Pair& pair : holders_) {
    counts(pair.a, pair.b) = pair.circuits;
    counts(pair.b, pair.a) = pair.circuits;
  }
  return counts;
}

// In tiles, so that the columns read across the rows stay in the cache.
void GreedyAllocator::add_up(const ServerDemand& demand) {
  const std::size_t n = servers_;
  pair_sums_.resize(n * (n - 1) / 2);
  for (std::size_t a0 = 0; a0 < n; a0 += kTile) {
    const std::size_t a1 = std::min(n, a0 + kTile);
    for (std::size_t b0 = a0; b0 < n; b0 += kTile) {
      const std::size_t b1 = std::min(n, b0 + kTile);
      for (std::size_t a = a0; a < a1; ++a) {
        const std::size_t begin = std::max(b0, a + 1);
        std::size_t at = row_start(n, a) + (begin - a - 1);
        for (std::size_t b = begin; b < b1; ++b, ++at) {
          pair_sums_[at] =
              static_cast<std::uint64_t>(demand(a, b)) + static_cast<std::uint64_t>(demand(b, a));
        }
      }
    }
  }
}

void GreedyAllocator::find_open_servers(int level) {
  open_.clear();
  for (std::size_t server = 0; server < servers_; ++server) {
    if (free_[server] >= level) open_.push_back(static_cast<std::uint16_t>(server));
  }
}

/// The next level: those between hold no other servers than this one, so nothing is left in them.
int GreedyAllocator::highest_free_below(int level) const {
  int highest = 0;
  for (const int nics : free_) {
    if (nics < level) highest = std::max(highest, nics);
  }
  return highest;
}

/// A demand that about `wanted` pairs of open servers reach (below `ceiling`); 1, that is all, when
/// they are few. Only speed depends on it.
std::uint64_t GreedyAllocator::choose_floor(std::uint64_t ceiling, std::size_t wanted) {
  const std::size_t open = open_.size();
  if (open < 2) return 1;
  const std::size_t pairs = open * (open - 1) / 2;
  if (pairs <= kFewPairs || pairs <= 2 * wanted) return 1;

  Random random(derive_seed(0, servers_, open));
  sample_.clear();
  for (std::size_t i = 0; i < kSampleSize; ++i) {
    const std::uint64_t draw = random.next();
    std::size_t x = ((draw >> 32) * open) >> 32;
    std::size_t y = ((draw & 0xffffffff) * open) >> 32;
    if (x == y) continue;
    if (x > y) std::swap(x, y);
    const std::uint64_t sum = pair_sums_[row_start(servers_, open_[x]) + (open_[y] - open_[x] - 1)];
    if (sum > 0 && sum < ceiling) sample_.push_back(sum);
  }
  const std::size_t rank = kSampleSize * wanted / pairs;
  if (sample_.size() <= rank) return 1;
  const auto at = sample_.begin() + static_cast<std::ptrdiff_t>(rank);
  std::ranges::nth_element(sample_, at, std::greater{});
  return *at;
}

/// The pairs of open servers with a demand in [floor, ceiling), by falling demand.
void GreedyAllocator::gather(std::uint64_t floor, std::uint64_t ceiling, std::vector<Pair>& pairs) {
  pairs.clear();
  for (std::size_t i = 0; i < open_.size(); ++i) {
    const std::uint16_t a = open_[i];
    const std::size_t row = row_start(servers_, a) - a - 1;  // wraps at 0, until b is added
    for (std::size_t j = i + 1; j < open_.size(); ++j) {
      const std::uint16_t b = open_[j];
      const std::uint64_t sum = pair_sums_[row + b];
      if (sum >= floor && sum < ceiling) pairs.push_back({sum, a, b, 0});
    }
  }
  if (!std::ranges::is_sorted(pairs, more_demand)) std::ranges::sort(pairs, more_demand);
}

/// The listed pairs whose ends both have `level` free NICs; what can be served no more is dropped.
void GreedyAllocator::serve_listed(int level) {
  auto kept = listed_.begin();
  for (const Pair& pair : listed_) {
    const int nics = std::min(free_[pair.a], free_[pair.b]);
    if (nics >= level) {
      serve(pair);
    } else if (nics > 0) {
      *kept++ = pair;
    }
  }
  listed_.erase(kept, listed_.end());
}

/// After the listed pairs of a level, those with less demand than `ceiling`, which are not listed.
void GreedyAllocator::serve_rest(int level, std::uint64_t ceiling) {
  for (int round = 1; ceiling > 1; ++round) {
    find_open_servers(level);
    if (open_.size() < 2) return;
    const std::uint64_t floor = round < kMaxRounds ? choose_floor(ceiling, open_.size()) : 1;
    gather(floor, ceiling, rest_);
    for (const Pair& pair : rest_) {
      if (std::min(free_[pair.a], free_[pair.b]) < level) continue;
      serve(pair);
      pair_sums_[row_start(servers_, pair.a) + (pair.b - pair.a - 1)] = 0;  // not to be met again
    }
    ceiling = floor;
  }
}

void GreedyAllocator::serve(const Pair& pair) {
  --free_[pair.a];
  --free_[pair.b];
  holders_.push_back({pair.demand, pair.a, pair.b, 1});
}

/// The second phase. The first `waiting` holders are a heap with the longest time on top; those
/// behind are done.
void GreedyAllocator::deepen() {
  const auto waiting = std::partition(holders_.begin(), holders_.end(), [&](const Pair& pair) {
    return free_[pair.a] > 0 && free_[pair.b] > 0;
  });
  heap_size_ = static_cast<std::size_t>(waiting - holders_.begin());
  for (std::size_t at = heap_size_ / 2; at-- > 0;) sift_down(at);
  while (heap_size_ > 0) {
    Pair& top = holders_[0];
    if (free_[top.a] > 0 && free_[top.b] > 0) {
      --free_[top.a];
      --free_[top.b];
      ++top.circuits;
    } else {
      std::swap(top, holders_[--heap_size_]);
    }
    sift_down(0);
  }
}

void GreedyAllocator::sift_down(std::size_t at) {
  while (true) {
    std::size_t child = 2 * at + 1;
    if (child >= heap_size_) return;
    if (child + 1 < heap_size_ && longer_time(holders_[child + 1], holders_[child])) ++child;
    if (!longer_time(holders_[child], holders_[at])) return;
    std::swap(holders_[at], holders_[child]);
    at = child;
  }
}

bool GreedyAllocator::more_demand(const Pair& x, const Pair& y) {
  if (x.demand != y.demand) return x.demand > y.demand;
  return std::tie(x.a, x.b) < std::tie(y.a, y.b);
}

bool GreedyAllocator::longer_time(const Pair& x, const Pair& y) {
  const Wide left = Wide{x.demand} * static_cast<std::uint32_t>(y.circuits);
  const Wide right = Wide{y.demand} * static_cast<std::uint32_t>(x.circuits);
  if (left != right) return left > right;
  return std::tie(x.a, x.b) < std::tie(y.a, y.b);
}

}  // namespace mixnet
