#include "network/fluid_small.h"

#include <bit>
#include <utility>

namespace mixnet::flow_internal {
namespace {

constexpr std::size_t kMinStride = 8;
constexpr std::uint64_t kLinkBits = SmallFluidSolver::kMaxLinks - 1;
/// A key that no link can have: nothing waits there.
constexpr std::uint64_t kNoShare = std::bit_cast<std::uint64_t>(1e300) & ~kLinkBits;

/// The share of a link with the link's number in its lowest bits, so that the smallest key names
/// its link. Shares closer than 2^-46 of themselves may settle in either order. No branch: whether
/// a link has flows left is hard to predict.
inline double share_key(double share, double waiting, std::size_t link) {
  const std::uint64_t some = 0 - static_cast<std::uint64_t>(waiting > 0);
  const std::uint64_t bits = std::bit_cast<std::uint64_t>(share) & ~kLinkBits;
  return std::bit_cast<double>((bits & some) | (kNoShare & ~some) | link);
}

template <std::size_t Count>
[[gnu::always_inline]] inline double smallest(const double* keys) {
  double a = keys[0];
  double b = keys[1];
  double c = keys[2];
  double d = keys[3];
  for (std::size_t i = 4; i < Count; i += 4) {
    a = std::min(a, keys[i]);
    b = std::min(b, keys[i + 1]);
    c = std::min(c, keys[i + 2]);
    d = std::min(d, keys[i + 3]);
  }
  return std::min(std::min(a, b), std::min(c, d));
}

/// Copies a small array in straight lines; the call of memcpy that a loop turns into costs more.
template <typename T, std::size_t... I>
[[gnu::always_inline]] inline void copy_inline(const T* from, T* to, std::index_sequence<I...>) {
  ((to[I] = from[I]), ...);
}

template <typename T>
void grow(std::vector<T>& values, std::size_t size) {
  if (values.size() < size) values.resize(size);
}

}  // namespace

SmallFluidSolver::SmallFluidSolver()
    : levels_(kMaxLinks), finishes_(kMaxLinks), soonest_(kMaxLinks) {}

void SmallFluidSolver::set_up(FluidProblem& problem, const FluidComponent& part) {
  const std::size_t links = part.links.size();
  const std::size_t classes = part.classes.size();
  words_ = (classes + 63) / 64;
  ranks_ = 0;
  grow(slots_, classes);
  std::size_t hop_count = 0;
  for (const std::uint32_t c : part.classes) hop_count += problem.classes[c].hop_count;
  grow(hops_, hop_count);
  sided_ = hop_count == 2 * classes;
  std::uint64_t first = 0;
  std::uint64_t last = 0;
  std::uint32_t hop = 0;
  for (std::uint32_t s = 0; s < classes; ++s) {
    const auto path = problem.path(part.classes[s]);
    slots_[s] = {kInfinity, 1, 0, hop, static_cast<std::uint16_t>(path.size()), 0, 0};
    for (const std::uint32_t link : path) {
      hops_[hop++] = static_cast<std::uint8_t>(problem.places[link]);
    }
    sided_ &= path.size() == 2;
    first |= std::uint64_t{1} << hops_[hop - path.size()];
    last |= std::uint64_t{1} << hops_[hop - 1];
  }
  sided_ &= (first & last) == 0;
  const auto most = static_cast<std::size_t>(std::max(std::popcount(first), std::popcount(last)));
  sided_ &= most <= kMaxLinks / 2;
  stride_ = std::max(kMinStride, sided_ ? 2 * std::bit_ceil(most) : std::bit_ceil(links));

  grow(states_, (links + 1) * stride_);
  grow(waiting_, (links + 1) * words_);
  grow(settled_, links * words_);
  grow(crossing_, stride_ * words_);
  std::fill_n(states_.begin(), stride_, LinkState{0, 0});
  std::fill_n(waiting_.begin(), words_, 0);
  std::fill_n(crossing_.begin(), stride_ * words_, 0);
  std::uint8_t numbers[kMaxLinks];
  for (std::size_t i = 0; i < links; ++i) {
    const std::uint64_t below = (std::uint64_t{1} << i) - 1;
    std::size_t number = i;
    if (sided_) {
      number = (first >> i & 1) != 0
                   ? static_cast<std::size_t>(std::popcount(first & below))
                   : stride_ / 2 + static_cast<std::size_t>(std::popcount(last & below));
    }
    numbers[i] = static_cast<std::uint8_t>(number);
    states_[number][0] = problem.capacities[part.links[i]];
  }
  for (std::uint32_t s = 0; s < classes; ++s) {
    Slot& slot = slots_[s];
    for (std::uint32_t h = slot.hop; h != slot.hop + slot.hops; ++h) {
      hops_[h] = numbers[hops_[h]];
      crossing_[hops_[h] * words_ + s / 64] |= std::uint64_t{1} << (s % 64);
    }
    slot.first = hops_[slot.hop];
    slot.last = hops_[slot.hop + slot.hops - 1];
  }
}

void SmallFluidSolver::change_weight(const Slot& slot, std::uint32_t ranks, double change) {
  for (std::uint32_t i = 0; i < slot.hops; ++i) {
    LinkState* state = states_.data() + hops_[slot.hop + i];
    for (std::uint32_t r = 0; r < ranks; ++r, state += stride_) *state += LinkState{0, change};
  }
}

void SmallFluidSolver::start(FluidProblem& problem, std::uint32_t flow_class, std::uint32_t slot,
                             double now) {
  Slot& s = slots_[slot];
  double served = 0;
  if (s.weight > 0) {
    served = problem.next_threshold(flow_class) - (s.finish - now) * s.rate;
  } else {
    waiting_[slot / 64] |= std::uint64_t{1} << (slot % 64);
    s.rate = 1;
  }
  const double more = problem.start_members(flow_class, served);
  s.finish = now + (problem.next_threshold(flow_class) - served) / s.rate;
  s.weight += more;
  change_weight(s, 1, more);
}

/// Ends the members that are due at `rank`. Their classes stay at their old rates until fill(),
/// which starts at rank `from`: states above it need no care.
void SmallFluidSolver::end_due(FluidProblem& problem, const FluidComponent& part,
                               std::uint32_t rank, std::uint32_t from, double now) {
  const double limit = now + event_width(now);
  for (std::size_t w = 0; w < words_; ++w) {
    const Slot* const slots = slots_.data() + w * 64;
    std::uint64_t due = 0;
    for (std::uint64_t set = settled_[rank * words_ + w]; set != 0; set &= set - 1) {
      const int bit = std::countr_zero(set);
      due |= static_cast<std::uint64_t>(slots[bit].finish <= limit) << bit;
    }
    for (; due != 0; due &= due - 1) {
      const std::size_t slot = w * 64 + static_cast<std::size_t>(std::countr_zero(due));
      Slot& s = slots_[slot];
      const std::uint32_t c = part.classes[slot];
      const double head = problem.next_threshold(c);
      const double ended =
          problem.end_members(c, head + (limit - s.finish) * s.rate, now, head, s.rate);
      change_weight(s, from + 1, -ended);
      s.weight -= ended;
      if (problem.running(c)) {
        s.finish += (problem.next_threshold(c) - head) / s.rate;
        continue;
      }
      s.weight = 0;
      s.finish = kInfinity;
      const std::uint64_t bit = due & -due;
      for (std::uint32_t r = 0; r <= from; ++r) waiting_[r * words_ + w] &= ~bit;
    }
  }
}

template <std::size_t Stride, bool OneWord>
void SmallFluidSolver::fill_one_by_one(std::uint32_t from, double now) {
  const std::size_t words = OneWord ? 1 : words_;
  LinkState* state = states_.data() + from * Stride;
  std::uint64_t* waiting = waiting_.data() + from * words;
  std::uint64_t* settled = settled_.data() + from * words;
  const std::uint64_t* const crossing = crossing_.data();
  Slot* const slots = slots_.data();
  const std::uint8_t* const hops = hops_.data();
  double shares[Stride];
  double keys[Stride];
  for (std::size_t i = 0; i < Stride; ++i) shares[i] = state[i][0] / state[i][1];
  for (std::size_t i = 0; i < Stride; ++i) keys[i] = share_key(shares[i], state[i][1], i);

  double level = from == 0 ? 0 : levels_[from - 1];
  double soonest = from == 0 ? kInfinity : soonest_[from - 1];
  std::uint32_t rank = from;
  for (;; ++rank) {
    const auto key = std::bit_cast<std::uint64_t>(smallest<Stride>(keys));
    if ((key & ~kLinkBits) == kNoShare) break;
    const std::size_t link = key & kLinkBits;
    // Rounding must not let a later level fall below an earlier one.
    level = std::max(level, shares[link]);
    const double per_level = 1 / level;
    levels_[rank] = level;

    LinkState* const next = state + Stride;
    copy_inline(state, next, std::make_index_sequence<Stride>());
    double first = kInfinity;
    for (std::size_t w = 0; w < words; ++w) {
      const std::uint64_t set = waiting[w] & crossing[link * words + w];
      waiting[words + w] = waiting[w] & ~set;
      settled[w] = set;
      for (std::uint64_t rest = set; rest != 0; rest &= rest - 1) {
        Slot& s = slots[w * 64 + static_cast<std::size_t>(std::countr_zero(rest))];
        s.finish = now + (s.finish - now) * (s.rate * per_level);
        s.rate = level;
        first = std::min(first, s.finish);
        const LinkState taken = LinkState{level, 1} * s.weight;
        for (std::uint32_t i = 0; i < s.hops; ++i) {
          const std::size_t to = hops[s.hop + i];
          next[to] -= taken;
          shares[to] = next[to][0] / next[to][1];
          keys[to] = share_key(shares[to], next[to][1], to);
        }
      }
    }
    next[link] = LinkState{0, 0};
    keys[link] = std::bit_cast<double>(kNoShare | link);
    finishes_[rank] = first;
    soonest = soonest_[rank] = std::min(soonest, first);
    state = next;
    waiting += words;
    settled += words;
  }
  ranks_ = rank;
}

template <std::size_t Stride, bool OneWord>
void SmallFluidSolver::fill_by_side(std::uint32_t from, double now) {
  constexpr std::size_t kSide = Stride / 2;
  const std::size_t words = OneWord ? 1 : words_;
  LinkState* state = states_.data() + from * Stride;
  std::uint64_t* waiting = waiting_.data() + from * words;
  std::uint64_t* settled = settled_.data() + from * words;
  const std::uint64_t* const crossing = crossing_.data();
  Slot* const slots = slots_.data();
  double shares[Stride];
  double keys[Stride];
  double levels[Stride];
  double per_level[Stride];
  for (std::size_t i = 0; i < Stride; ++i) shares[i] = state[i][0] / state[i][1];
  for (std::size_t i = 0; i < Stride; ++i) keys[i] = share_key(shares[i], state[i][1], i);

  double floor = from == 0 ? 0 : levels_[from - 1];
  double soonest = from == 0 ? kInfinity : soonest_[from - 1];
  std::uint32_t rank = from;
  for (;; ++rank) {
    const double lowest_first = smallest<kSide>(keys);
    const double lowest_last = smallest<kSide>(keys + kSide);
    const double lowest = std::min(lowest_first, lowest_last);
    const double bound = std::max(lowest_first, lowest_last);
    if ((std::bit_cast<std::uint64_t>(lowest) & ~kLinkBits) == kNoShare) break;
    const std::size_t side = std::bit_cast<std::uint64_t>(lowest) & kSide;
    std::uint64_t links = 0;
    for (std::size_t i = 0; i < kSide; ++i) {
      links |= static_cast<std::uint64_t>(keys[side + i] < bound) << i;
    }

    LinkState* const next = state + Stride;
    copy_inline(state, next, std::make_index_sequence<Stride>());
    std::uint64_t* const next_waiting = waiting + words;
    for (std::size_t w = 0; w < words; ++w) settled[w] = 0;
    double highest = floor;
    for (; links != 0; links &= links - 1) {
      const std::size_t link = side + static_cast<std::size_t>(std::countr_zero(links));
      // Rounding must not let a later level fall below an earlier one.
      levels[link] = std::max(floor, shares[link]);
      per_level[link] = 1 / levels[link];
      highest = std::max(highest, levels[link]);
      for (std::size_t w = 0; w < words; ++w) settled[w] |= crossing[link * words + w];
      next[link] = LinkState{0, 0};
      keys[link] = std::bit_cast<double>(kNoShare | link);
    }
    floor = levels_[rank] = highest;
    double first = kInfinity;
    for (std::size_t w = 0; w < words; ++w) {
      const std::uint64_t set = waiting[w] & settled[w];
      next_waiting[w] = waiting[w] & ~set;
      settled[w] = set;
      for (std::uint64_t rest = set; rest != 0; rest &= rest - 1) {
        Slot& s = slots[w * 64 + static_cast<std::size_t>(std::countr_zero(rest))];
        const std::size_t from_link = side == 0 ? s.first : s.last;
        const std::size_t to = side == 0 ? s.last : s.first;
        const double level = levels[from_link];
        const double flows = s.weight;
        const double finish = now + (s.finish - now) * (s.rate * per_level[from_link]);
        s.finish = finish;
        s.rate = level;
        first = std::min(first, finish);
        const LinkState left = next[to] - LinkState{level, 1} * flows;
        next[to] = left;
        const double share = left[0] / left[1];
        shares[to] = share;
        keys[to] = share_key(share, left[1], to);
      }
    }
    finishes_[rank] = first;
    soonest = soonest_[rank] = std::min(soonest, first);
    state = next;
    waiting = next_waiting;
    settled += words;
  }
  ranks_ = rank;
}

void SmallFluidSolver::fill(std::uint32_t from, double now) {
  const auto with_stride = [&]<std::size_t Stride>() {
    if (words_ == 1) {
      sided_ ? fill_by_side<Stride, true>(from, now) : fill_one_by_one<Stride, true>(from, now);
    } else {
      sided_ ? fill_by_side<Stride, false>(from, now) : fill_one_by_one<Stride, false>(from, now);
    }
  };
  switch (stride_) {
    case 8:
      return with_stride.operator()<8>();
    case 16:
      return with_stride.operator()<16>();
    case 32:
      return with_stride.operator()<32>();
    default:
      return with_stride.operator()<64>();
  }
}

void SmallFluidSolver::run(FluidProblem& problem, const FluidComponent& part) {
  set_up(problem, part);
  problem.list_arrivals(part.classes, arrivals_);
  std::size_t next_arrival = 0;
  double now = 0;
  for (;;) {
    double next = ranks_ == 0 ? kInfinity : soonest_[ranks_ - 1];
    if (next_arrival < arrivals_.size()) {
      next = std::min(next, static_cast<double>(arrivals_[next_arrival].start));
    }
    if (next == kInfinity) return;
    now = std::max(now, next);
    const double limit = now + event_width(now);

    std::uint32_t from = ranks_;
    if (next_arrival < arrivals_.size() &&
        static_cast<double>(arrivals_[next_arrival].start) <= limit) {
      from = 0;
    }
    for (std::uint32_t r = 0; r < ranks_; ++r) {
      if (finishes_[r] > limit) continue;
      from = std::min(from, r);
      end_due(problem, part, r, from, now);
    }
    for (; next_arrival < arrivals_.size(); ++next_arrival) {
      const Arrival& arrival = arrivals_[next_arrival];
      if (static_cast<double>(arrival.start) > limit) break;
      start(problem, arrival.flow_class, problem.classes[arrival.flow_class].slot, now);
    }
    fill(from, now);
  }
}

}  // namespace mixnet::flow_internal
