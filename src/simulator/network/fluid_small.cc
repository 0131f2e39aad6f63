#include "network/fluid_small.h"

#include <bit>
#include <utility>

namespace mixnet::fluid {
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

/// A filling under way: the state before the rank that settles next, and each link's share in it.
/// All of it is inlined, so that it lives in registers and on the stack.
template <std::size_t Stride, bool OneWord>
struct SmallFluidSolver::Filling {
  [[gnu::always_inline]] Filling(SmallFluidSolver& of, std::uint32_t from)
      : solver(of),
        words(OneWord ? 1 : of.words_),
        rank(from),
        state(of.states_.data() + from * Stride),
        waiting(of.waiting_.data() + from * words),
        settled(of.settled_.data() + from * words),
        slots(of.slots_.data()),
        level(from == 0 ? 0 : of.levels_[from - 1]),
        soonest(from == 0 ? kInfinity : of.soonest_[from - 1]) {
    for (std::size_t i = 0; i < Stride; ++i) shares[i] = state[i][0] / state[i][1];
    for (std::size_t i = 0; i < Stride; ++i) keys[i] = share_key(shares[i], state[i][1], i);
  }

  /// The state behind this rank, before anything settles.
  [[gnu::always_inline]] LinkState* next_state() const {
    copy_inline(state, state + Stride, std::make_index_sequence<Stride>());
    return state + Stride;
  }

  [[gnu::always_inline]] void close(LinkState* next, std::size_t link) {
    next[link] = LinkState{0, 0};
    keys[link] = std::bit_cast<double>(kNoShare | link);
  }

  /// Leaves `left` of a link.
  [[gnu::always_inline]] void leave(LinkState* next, std::size_t link, LinkState left) {
    next[link] = left;
    shares[link] = left[0] / left[1];
    keys[link] = share_key(shares[link], left[1], link);
  }

  /// Settles those of the 64 classes from w * 64 on that wait and are in `set`.
  template <typename Settle>
  [[gnu::always_inline]] void settle_waiting(std::size_t w, std::uint64_t set,
                                             const Settle& settle) {
    set &= waiting[w];
    waiting[words + w] = waiting[w] & ~set;
    settled[w] = set;
    for (; set != 0; set &= set - 1) {
      settle(slots[w * 64 + static_cast<std::size_t>(std::countr_zero(set))]);
    }
  }

  /// On to the next rank: in this one, `finish` is the first.
  [[gnu::always_inline]] void advance(double finish) {
    solver.finishes_[rank] = finish;
    soonest = solver.soonest_[rank] = std::min(soonest, finish);
    state += Stride;
    waiting += words;
    settled += words;
    ++rank;
  }

  SmallFluidSolver& solver;
  const std::size_t words;
  std::uint32_t rank;
  LinkState* state;
  std::uint64_t* waiting;
  std::uint64_t* settled;
  Slot* const slots;
  double level;  ///< the highest so far: rounding must not let a later one fall below it
  double soonest;
  double shares[Stride];
  double keys[Stride];
};

template <std::size_t Stride, bool OneWord>
void SmallFluidSolver::fill_one_by_one(std::uint32_t from, double now) {
  Filling<Stride, OneWord> filling(*this, from);
  const std::uint64_t* const crossing = crossing_.data();
  const std::uint8_t* const hops = hops_.data();
  for (;;) {
    const auto key = std::bit_cast<std::uint64_t>(smallest<Stride>(filling.keys));
    if ((key & ~kLinkBits) == kNoShare) break;
    const std::size_t link = key & kLinkBits;
    const double level = filling.level = std::max(filling.level, filling.shares[link]);
    const double per_level = 1 / level;
    levels_[filling.rank] = level;

    LinkState* const next = filling.next_state();
    double first = kInfinity;
    for (std::size_t w = 0; w < filling.words; ++w) {
      filling.settle_waiting(w, crossing[link * filling.words + w], [&](Slot& s) {
        s.finish = now + (s.finish - now) * (s.rate * per_level);
        s.rate = level;
        first = std::min(first, s.finish);
        const LinkState taken = LinkState{level, 1} * s.weight;
        for (std::uint32_t i = 0; i < s.hops; ++i) {
          const std::size_t to = hops[s.hop + i];
          filling.leave(next, to, next[to] - taken);
        }
      });
    }
    filling.close(next, link);
    filling.advance(first);
  }
  ranks_ = filling.rank;
}

template <std::size_t Stride, bool OneWord>
void SmallFluidSolver::fill_by_side(std::uint32_t from, double now) {
  constexpr std::size_t kSide = Stride / 2;
  Filling<Stride, OneWord> filling(*this, from);
  const std::uint64_t* const crossing = crossing_.data();
  double levels[Stride];
  double per_level[Stride];
  for (;;) {
    const double lowest_first = smallest<kSide>(filling.keys);
    const double lowest_last = smallest<kSide>(filling.keys + kSide);
    const double lowest = std::min(lowest_first, lowest_last);
    const double bound = std::max(lowest_first, lowest_last);
    if ((std::bit_cast<std::uint64_t>(lowest) & ~kLinkBits) == kNoShare) break;
    const std::size_t side = std::bit_cast<std::uint64_t>(lowest) & kSide;
    std::uint64_t links = 0;
    for (std::size_t i = 0; i < kSide; ++i) {
      links |= static_cast<std::uint64_t>(filling.keys[side + i] < bound) << i;
    }

    LinkState* const next = filling.next_state();
    for (std::size_t w = 0; w < filling.words; ++w) filling.settled[w] = 0;
    double highest = filling.level;
    for (; links != 0; links &= links - 1) {
      const std::size_t link = side + static_cast<std::size_t>(std::countr_zero(links));
      levels[link] = std::max(filling.level, filling.shares[link]);
      per_level[link] = 1 / levels[link];
      highest = std::max(highest, levels[link]);
      for (std::size_t w = 0; w < filling.words; ++w) {
        filling.settled[w] |= crossing[link * filling.words + w];
      }
      filling.close(next, link);
    }
    filling.level = levels_[filling.rank] = highest;
    double first = kInfinity;
    for (std::size_t w = 0; w < filling.words; ++w) {
      filling.settle_waiting(w, filling.settled[w], [&](Slot& s) {
        const std::size_t from_link = side == 0 ? s.first : s.last;
        const std::size_t to = side == 0 ? s.last : s.first;
        const double level = levels[from_link];
        const double flows = s.weight;
        const double finish = now + (s.finish - now) * (s.rate * per_level[from_link]);
        s.finish = finish;
        s.rate = level;
        first = std::min(first, finish);
        filling.leave(next, to, next[to] - LinkState{level, 1} * flows);
      });
    }
    filling.advance(first);
  }
  ranks_ = filling.rank;
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

}  // namespace mixnet::fluid
