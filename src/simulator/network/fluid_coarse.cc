#include "network/fluid_coarse.h"

#include "base/caller.h"

namespace mixnet::fluid {
namespace {

/// The level of a link with capacity to spare: above all, yet finite, so that 0 times it is 0.
constexpr double kSpare = 1e30;

bool settles_later(double a, std::uint32_t link_a, double b, std::uint32_t link_b) {
  return a != b ? a > b : link_a > link_b;
}

}  // namespace

/// Drops the classes that are done, and lists for each link the classes that are not.
void CoarseFluidSolver::keep_unfinished(const FluidProblem& problem) {
  std::size_t kept = 0;
  std::uint32_t hop = 0;
  pairs_ = true;
  ending_.clear();
  std::fill(crossing_begin_.begin(), crossing_begin_.end(), 0);
  std::fill(shown_.begin(), shown_.end(), 0.0);
  for (std::size_t s = 0; s < classes_.size(); ++s) {
    const FluidClass& c = problem.classes[classes_[s]];
    if (weights_[s] <= 0 && c.arrive == c.end) continue;
    const std::uint32_t begin = hop_begin_[s];
    const std::uint32_t end = hop_begin_[s + 1];
    classes_[kept] = classes_[s];
    until_[kept] = until_[s];
    weights_[kept] = weights_[s];
    slot_of_[c.slot] = static_cast<std::uint32_t>(kept);
    pairs_ &= end - begin == 2;
    hop_begin_[kept++] = hop;
    for (std::uint32_t h = begin; h != end; ++h) {
      hops_[hop++] = hops_[h];
      ++crossing_begin_[hops_[h] + 1];
    }
  }
  hop_begin_[kept] = hop;
  stopped_ = 0;
  hop_begin_.resize(kept + 1);
  classes_.resize(kept);
  until_.resize(kept);
  weights_.resize(kept);
  hops_.resize(hop);
  crossings_.resize(hop);
  crossing_at_.resize(hop);
  for (std::size_t l = 1; l < crossing_begin_.size(); ++l) {
    crossing_begin_[l] += crossing_begin_[l - 1];
  }
  std::vector<std::uint32_t>& at = ending_;  // scratch; empty between steps
  at.assign(crossing_begin_.begin(), crossing_begin_.end());
  for (std::uint32_t s = 0; s < kept; ++s) {
    for (std::uint32_t h = hop_begin_[s]; h != hop_begin_[s + 1]; ++h) {
      const std::uint32_t* const path = hops_.data() + hop_begin_[s];
      crossing_at_[h] = at[hops_[h]]++;
      crossings_[crossing_at_[h]] = {pairs_ ? path[0] ^ path[1] ^ hops_[h] : s,
                                     static_cast<float>(weights_[s])};
      shown_[hops_[h]] += static_cast<double>(crossings_[crossing_at_[h]].flows);
    }
  }
  at.clear();
}

template <bool Pairs>
void CoarseFluidSolver::fill_as() {
  const auto later = [](const Key& a, const Key& b) {
    return settles_later(a.share, a.link, b.share, b.link);
  };
  const auto links = static_cast<std::uint32_t>(capacities_.size());
  left_ = capacities_;
  waiting_ = shown_;
  heap_.clear();
  for (std::uint32_t l = 0; l < links; ++l) {
    levels_[l] = kSpare;
    if (waiting_[l] > 0) heap_.push_back({left_[l] / waiting_[l], l});
  }
  std::make_heap(heap_.begin(), heap_.end(), later);
  double level = 0;
  while (!heap_.empty()) {
    const std::uint32_t link = heap_.front().link;
    std::pop_heap(heap_.begin(), heap_.end(), later);
    // Fractions leave a little behind where nothing waits.
    if (waiting_[link] <= 1e-9) {
      heap_.pop_back();
      continue;
    }
    const double share = std::max(left_[link], 0.0) / waiting_[link];
    if (share > heap_.back().share && heap_.size() > 1 && share > heap_.front().share) {
      heap_.back().share = share;  // has risen since it was queued
      std::push_heap(heap_.begin(), heap_.end(), later);
      continue;
    }
    heap_.pop_back();
    level = std::max(level, share);
    levels_[link] = level;
    const Crossing* const end = crossings_.data() + crossing_begin_[link + 1];
    for (const Crossing* c = crossings_.data() + crossing_begin_[link]; c != end; ++c) {
      const double flows = c->flows;
      if constexpr (Pairs) {
        // No branch: whether the other link has settled is as good as random. When it has, what is
        // left of it no longer matters.
        left_[c->to] -= flows * level;
        waiting_[c->to] -= flows;
      } else {
        const std::uint32_t* const hops = hops_.data() + hop_begin_[c->to];
        const std::uint32_t count = hop_begin_[c->to + 1] - hop_begin_[c->to];
        bool has_rate = false;
        for (std::uint32_t h = 0; h < count; ++h) {
          has_rate |= hops[h] != link && levels_[hops[h]] < kSpare;
        }
        if (has_rate) continue;
        for (std::uint32_t h = 0; h < count; ++h) {
          left_[hops[h]] -= flows * level;
          waiting_[hops[h]] -= flows;
        }
      }
    }
  }
}

void CoarseFluidSolver::fill() { pairs_ ? fill_as<true>() : fill_as<false>(); }

/// Has fill() count the class as `flows`.
void CoarseFluidSolver::show(std::size_t slot, double flows) {
  const auto rounded = static_cast<float>(flows);
  for (std::uint32_t h = hop_begin_[slot]; h != hop_begin_[slot + 1]; ++h) {
    float& shown = crossings_[crossing_at_[h]].flows;
    shown_[hops_[h]] += static_cast<double>(rounded) - static_cast<double>(shown);
    shown = rounded;
  }
}

/// Counts what is to end within the step as the fraction of the step that it runs.
void CoarseFluidSolver::show_fractions(const FluidProblem& problem, double step) {
  for (const std::uint32_t s : ending_) {
    double level = kSpare;
    for (std::uint32_t h = hop_begin_[s]; h != hop_begin_[s + 1]; ++h) {
      level = std::min(level, levels_[hops_[h]]);
    }
    const FluidClass& c = problem.classes[classes_[s]];
    const double served = problem.next_threshold(classes_[s]) - until_[s];
    double flows = weights_[s];
    for (std::uint32_t m = c.head; m != c.tail; ++m) {
      const double fraction = (problem.members[m].threshold - served) / (level * step);
      if (fraction < 1) flows -= problem.members[m].count * (1 - fraction);
      if (fraction >= 1 && !c.heap) break;
    }
    show(s, flows);
  }
}

/// Calls visit(slot, rate) for all classes, also those that do not run.
template <typename Visit>
void CoarseFluidSolver::for_each_rate(const Visit& visit) {
  const auto count = static_cast<std::uint32_t>(classes_.size());
  const double* const levels = levels_.data();
  const std::uint32_t* hop = hops_.data();
  if (pairs_) {
    for (std::uint32_t s = 0; s < count; ++s, hop += 2) {
      visit(s, std::min(levels[hop[0]], levels[hop[1]]));
    }
    return;
  }
  for (std::uint32_t s = 0; s < count; ++s) {
    double level = kSpare;
    for (std::uint32_t h = hop_begin_[s]; h != hop_begin_[s + 1]; ++h) {
      level = std::min(level, levels[*hop++]);
    }
    visit(s, level);
  }
}

double CoarseFluidSolver::time_to_next_end() {
  double soonest = kInfinity;
  for_each_rate([&, until = until_.data()](std::uint32_t s, double level) {
    if (until[s] < kInfinity) soonest = std::min(soonest, until[s] / level);
  });
  return soonest;
}

/// Moves on by `step` at the rates as they are: ends what ends and lists in ending_ what would, at
/// these rates, end in `next_step` after it.
void CoarseFluidSolver::advance(FluidProblem& problem, double now, double step, double next_step) {
  for (const std::uint32_t s : ending_) show(s, weights_[s]);
  ending_.clear();
  const double reach = step > 0 ? step + event_width(now) : 0;
  const double look = std::max(reach, step + next_step);
  for_each_rate([&, until = until_.data()](std::uint32_t s, double level) {
    if (until[s] <= level * look) [[unlikely]] {
      if (weights_[s] <= 0) return;
      if (until[s] <= level * reach) {
        end_members(problem, s, now, level, reach);
        if (weights_[s] <= 0) return;
      }
      until[s] -= level * step;
      if (until[s] <= level * next_step) ending_.push_back(s);
    } else {
      until[s] -= level * step;
    }
  });
}

void CoarseFluidSolver::end_members(FluidProblem& problem, std::uint32_t slot, double now,
                                    double level, double reach) {
  const std::uint32_t c = classes_[slot];
  const double served = problem.next_threshold(c) - until_[slot];
  const double ended = problem.end_members(c, served + level * reach, now, served, level);
  if (problem.running(c)) {
    weights_[slot] -= ended;
    until_[slot] = problem.next_threshold(c) - served;
  } else {
    weights_[slot] = 0;
    until_[slot] = kInfinity;
    ++stopped_;
    --running_;
  }
  show(slot, weights_[slot]);
}

/// Starts what starts by `limit`. Returns the next start.
double CoarseFluidSolver::start_due(FluidProblem& problem, double limit) {
  for (; next_arrival_ < arrivals_.size(); ++next_arrival_) {
    const auto start = static_cast<double>(arrivals_[next_arrival_].start);
    if (start > limit) return start;
    const std::uint32_t c = arrivals_[next_arrival_].flow_class;
    const std::uint32_t slot = slot_of_[problem.classes[c].slot];
    running_ += weights_[slot] <= 0;
    const double served = problem.running(c) ? problem.next_threshold(c) - until_[slot] : 0;
    weights_[slot] += problem.start_members(c, served);
    show(slot, weights_[slot]);
    until_[slot] = problem.next_threshold(c) - served;
  }
  return kInfinity;
}

void CoarseFluidSolver::run(FluidProblem& problem, const FluidComponent& part, double resolution) {
  const std::size_t links = part.links.size();
  capacities_.resize(links);
  for (std::size_t l = 0; l < links; ++l) capacities_[l] = problem.capacities[part.links[l]];
  levels_.resize(links);
  shown_.assign(links, 0);
  waiting_.resize(links);
  crossing_begin_.resize(links + 1);
  classes_.assign(part.classes.begin(), part.classes.end());
  slot_of_.resize(classes_.size());
  until_.assign(classes_.size(), kInfinity);
  weights_.assign(classes_.size(), 0);
  hop_begin_.clear();
  hops_.clear();
  for (const std::uint32_t c : classes_) {
    hop_begin_.push_back(static_cast<std::uint32_t>(hops_.size()));
    for (const std::uint32_t link : problem.path(c)) hops_.push_back(problem.places[link]);
  }
  hop_begin_.push_back(static_cast<std::uint32_t>(hops_.size()));
  keep_unfinished(problem);
  problem.list_arrivals(part.classes, arrivals_);
  next_arrival_ = 0;
  running_ = 0;

  const auto begin = static_cast<double>(arrivals_.front().start);
  double now = begin;
  double next_start = start_due(problem, now);
  const StopPoint stop_here;
  for (;;) {
    if (running_ == 0 && next_start == kInfinity) return;
    stop_here();
    double step = std::min(resolution * (now - begin), next_start - now);
    if (ending_.empty()) {  // at most one event in such a step: that event, exactly
      fill();
      step = std::min(time_to_next_end(), next_start - now);
    } else {
      show_fractions(problem, step);
      fill();
    }
    const double then = now + step;
    double next_step = std::min(resolution * (then - begin), next_start - then);
    advance(problem, now, step, next_step);
    now = then;
    if (next_start <= now + event_width(now)) {
      next_start = start_due(problem, now + event_width(now));
      next_step = std::min(resolution * (now - begin), next_start - now);
      fill();
      advance(problem, now, 0, next_step);
    }
    if (stopped_ * 8 > classes_.size()) {
      keep_unfinished(problem);
      advance(problem, now, 0, next_step);
    }
  }
}

}  // namespace mixnet::fluid
