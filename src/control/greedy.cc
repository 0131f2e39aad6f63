#include "control/greedy.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <numeric>
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
  open_.resize(servers);
  std::iota(open_.begin(), open_.end(), std::uint16_t{0});
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
  std::uint64_t ceiling = kNoCeiling;
  for (int round = 1; ceiling > 1; ++round) {
    drop_full_servers();
    if (open_.size() < 2) break;
    const std::uint64_t floor = round < kMaxRounds ? choose_floor(ceiling) : 1;
    gather(floor, ceiling);
    serve_once();
    ceiling = floor;
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

void GreedyAllocator::drop_full_servers() {
  std::erase_if(open_, [&](std::uint16_t server) { return free_[server] <= 0; });
}

/// A demand that about twice as many pairs reach (below `ceiling`, at open servers) as can still be
/// served; 1, that is all, when they are few. Only speed depends on it.
std::uint64_t GreedyAllocator::choose_floor(std::uint64_t ceiling) {
  const std::size_t open = open_.size();
  const std::size_t pairs = open * (open - 1) / 2;
  if (pairs <= kFewPairs) return 1;
  std::size_t nics = 0;
  for (const std::uint16_t server : open_) nics += static_cast<std::size_t>(free_[server]);
  if (pairs <= 2 * nics) return 1;

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
  const std::size_t rank = kSampleSize * nics / pairs;
  if (sample_.size() <= rank) return 1;
  const auto at = sample_.begin() + static_cast<std::ptrdiff_t>(rank);
  std::ranges::nth_element(sample_, at, std::greater{});
  return *at;
}

/// The pairs of open servers with a demand in [floor, ceiling), by falling demand.
void GreedyAllocator::gather(std::uint64_t floor, std::uint64_t ceiling) {
  candidates_.clear();
  for (std::size_t i = 0; i < open_.size(); ++i) {
    const std::uint16_t a = open_[i];
    const std::uint64_t* sums = pair_sums_.data() + row_start(servers_, a) - a - 1;
    for (std::size_t j = i + 1; j < open_.size(); ++j) {
      const std::uint16_t b = open_[j];
      const std::uint64_t sum = sums[b];
      if (sum >= floor && sum < ceiling) candidates_.push_back({sum, a, b, 0});
    }
  }
  if (!std::ranges::is_sorted(candidates_, more_demand)) {
    std::ranges::sort(candidates_, more_demand);
  }
}

void GreedyAllocator::serve_once() {
  for (const Pair& pair : candidates_) {
    if (free_[pair.a] <= 0 || free_[pair.b] <= 0) continue;
    --free_[pair.a];
    --free_[pair.b];
    holders_.push_back({pair.demand, pair.a, pair.b, 1});
  }
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
