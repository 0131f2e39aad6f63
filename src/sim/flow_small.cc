#include "sim/flow_small.h"

#include <bit>

namespace mixnet::flow_internal {
namespace {

constexpr std::size_t kPad = 4;
constexpr std::uint64_t kLinkBits = SmallFlowSolver::kMaxLinks - 1;
/// A key that no link can have: nothing waits there.
constexpr double kNoShare = 1e300;

/// A share with the link's number in its lowest bits, so that the smallest key names its link.
/// Shares that differ by less than 2^-46 of themselves may settle in either order.
double key_of(double share, std::size_t link) {
  return std::bit_cast<double>((std::bit_cast<std::uint64_t>(share) & ~kLinkBits) | link);
}

double share_key(double left, double weight, std::size_t link) {
  return key_of(weight > 0 ? std::max(left, 0.0) / weight : kNoShare, link);
}

double smallest(const double* keys, std::size_t count) {
  double a = keys[0];
  double b = keys[1];
  double c = keys[2];
  double d = keys[3];
  for (std::size_t i = kPad; i < count; i += kPad) {
    a = std::min(a, keys[i]);
    b = std::min(b, keys[i + 1]);
    c = std::min(c, keys[i + 2]);
    d = std::min(d, keys[i + 3]);
  }
  return std::min(std::min(a, b), std::min(c, d));
}

template <typename T>
void grow(std::vector<T>& values, std::size_t size) {
  if (values.size() < size) values.resize(size);
}

}  // namespace

void SmallFlowSolver::set_up(FlowProblem& problem, const FlowComponent& part) {
  const std::size_t links = part.links.size();
  stride_ = (links + kPad - 1) / kPad * kPad;
  words_ = (part.classes.size() + 63) / 64;
  ranks_ = 0;
  grow(left_, (links + 1) * stride_);
  grow(weights_, (links + 1) * stride_);
  grow(waiting_, (links + 1) * words_);
  grow(settled_, links * words_);
  grow(crossing_, links * words_);
  grow(levels_, links);
  grow(finishes_, links);
  grow(keys_, stride_);
  grow(slots_, part.classes.size());
  std::fill_n(left_.begin(), stride_, 0.0);
  std::fill_n(weights_.begin(), stride_, 0.0);
  std::fill_n(waiting_.begin(), words_, 0);
  std::fill_n(crossing_.begin(), links * words_, 0);
  for (std::size_t i = 0; i < links; ++i) left_[i] = problem.capacities[part.links[i]];

  std::size_t hop_count = 0;
  for (const std::uint32_t c : part.classes) hop_count += problem.classes[c].hop_count;
  grow(hops_, hop_count);
  std::uint8_t* hop = hops_.data();
  for (std::uint32_t s = 0; s < part.classes.size(); ++s) {
    const auto path = problem.path(part.classes[s]);
    slots_[s] = {hop, static_cast<std::uint32_t>(path.size()), part.classes[s], 0, 0, 1, kInfinity};
    for (const std::uint32_t link : path) {
      const std::uint32_t place = problem.places[link];
      *hop++ = static_cast<std::uint8_t>(place);
      crossing_[place * words_ + s / 64] |= std::uint64_t{1} << (s % 64);
    }
  }
}

void SmallFlowSolver::change_weight(std::uint32_t slot, std::uint32_t ranks, double change) {
  const Slot& s = slots_[slot];
  for (std::uint32_t i = 0; i < s.hops; ++i) {
    double* weight = weights_.data() + s.links[i];
    for (std::uint32_t r = 0; r < ranks; ++r) weight[r * stride_] += change;
  }
}

void SmallFlowSolver::set_waiting(std::uint32_t slot, std::uint32_t ranks, bool waiting) {
  const std::uint64_t bit = std::uint64_t{1} << (slot % 64);
  std::uint64_t* word = waiting_.data() + slot / 64;
  for (std::uint32_t r = 0; r < ranks; ++r) {
    word[r * words_] = waiting ? word[r * words_] | bit : word[r * words_] & ~bit;
  }
}

void SmallFlowSolver::start(FlowProblem& problem, std::uint32_t slot, double now) {
  Slot& s = slots_[slot];
  double served = 0;
  if (s.weight > 0) {
    served = problem.next_threshold(s.flow_class) - (s.finish - now) * s.rate;
  } else {
    set_waiting(slot, 1, true);
    s.rate = 1;
  }
  const double more = problem.start_members(s.flow_class, served);
  s.finish = now + (problem.next_threshold(s.flow_class) - served) / s.rate;
  s.weight += more;
  change_weight(slot, 1, more);
}

/// Ends the members that are due at `rank`, whose classes stay at their old rates until fill().
void SmallFlowSolver::end_due(FlowProblem& problem, std::uint32_t rank, double now) {
  const double limit = now + event_width(now);
  for (std::size_t w = 0; w < words_; ++w) {
    for (std::uint64_t set = settled_[rank * words_ + w]; set != 0; set &= set - 1) {
      const auto slot = static_cast<std::uint32_t>(w * 64 + std::countr_zero(set));
      Slot& s = slots_[slot];
      if (s.finish > limit) continue;
      const double head = problem.next_threshold(s.flow_class);
      const double ended =
          problem.end_members(s.flow_class, head + (limit - s.finish) * s.rate, now);
      change_weight(slot, rank + 1, -ended);
      s.weight -= ended;
      if (problem.running(s.flow_class)) {
        s.finish += (problem.next_threshold(s.flow_class) - head) / s.rate;
      } else {
        s.weight = 0;
        s.finish = kInfinity;
        set_waiting(slot, rank + 1, false);
      }
    }
  }
}

void SmallFlowSolver::fill(std::uint32_t from, double now) {
  const double* left = left_.data() + from * stride_;
  const double* weight = weights_.data() + from * stride_;
  const std::uint64_t* waiting = waiting_.data() + from * words_;
  double* keys = keys_.data();
  for (std::size_t i = 0; i < stride_; ++i) keys[i] = share_key(left[i], weight[i], i);

  double level = from == 0 ? 0 : levels_[from - 1];
  std::uint32_t rank = from;
  for (;; ++rank) {
    const double key = smallest(keys, stride_);
    const std::size_t link = std::bit_cast<std::uint64_t>(key) & kLinkBits;
    if (weight[link] <= 0) break;
    // Rounding must not let a later level fall below an earlier one.
    level = std::max(level, left[link] / weight[link]);
    const double per_level = 1 / level;
    levels_[rank] = level;
    keys[link] = key_of(kNoShare, link);

    double* next_left = left_.data() + (rank + 1) * stride_;
    double* next_weight = weights_.data() + (rank + 1) * stride_;
    std::uint64_t* next_waiting = waiting_.data() + (rank + 1) * words_;
    std::copy_n(left, stride_, next_left);
    std::copy_n(weight, stride_, next_weight);
    double first = kInfinity;
    for (std::size_t w = 0; w < words_; ++w) {
      const std::uint64_t set = waiting[w] & crossing_[link * words_ + w];
      next_waiting[w] = waiting[w] & ~set;
      settled_[rank * words_ + w] = set;
      for (std::uint64_t rest = set; rest != 0; rest &= rest - 1) {
        Slot& s = slots_[w * 64 + static_cast<std::size_t>(std::countr_zero(rest))];
        s.finish = now + (s.finish - now) * (s.rate * per_level);
        s.rate = level;
        first = std::min(first, s.finish);
        const double used = s.weight * level;
        for (std::uint32_t i = 0; i < s.hops; ++i) {
          const std::size_t other = s.links[i];
          if (other == link) continue;
          next_left[other] -= used;
          next_weight[other] -= s.weight;
          keys[other] = share_key(next_left[other], next_weight[other], other);
        }
      }
    }
    next_weight[link] = 0;
    finishes_[rank] = first;
    left = next_left;
    weight = next_weight;
    waiting = next_waiting;
  }
  ranks_ = rank;
}

void SmallFlowSolver::run(FlowProblem& problem, const FlowComponent& part) {
  set_up(problem, part);
  problem.list_arrivals(part.classes, arrivals_);
  std::size_t next_arrival = 0;
  double now = 0;
  for (;;) {
    double next = kInfinity;
    for (std::uint32_t r = 0; r < ranks_; ++r) next = std::min(next, finishes_[r]);
    if (next_arrival < arrivals_.size()) {
      next = std::min(next, static_cast<double>(arrivals_[next_arrival].start));
    }
    if (next == kInfinity) return;
    now = std::max(now, next);
    const double limit = now + event_width(now);

    std::uint32_t from = ranks_;
    for (std::uint32_t r = 0; r < ranks_; ++r) {
      if (finishes_[r] > limit) continue;
      from = std::min(from, r);
      end_due(problem, r, now);
    }
    while (next_arrival < arrivals_.size() &&
           static_cast<double>(arrivals_[next_arrival].start) <= limit) {
      from = 0;
      start(problem, problem.classes[arrivals_[next_arrival++].flow_class].slot, now);
    }
    fill(from, now);
  }
}

}  // namespace mixnet::flow_internal
