#include "network/fluid_large.h"

#include <cmath>

#include "base/caller.h"

namespace mixnet::fluid {
namespace {

constexpr std::uint32_t kOpen = kNone - 1;  ///< runs, has no owner
constexpr std::uint32_t kIdle = kNone - 2;  ///< does not run now, but will
constexpr std::uint32_t kGone = kNone;      ///< will not run again
/// Levels closer than this are the same.
constexpr double kSame = 1e-12;

bool above(double a, double b) { return a > b * (1 + kSame); }

}  // namespace

void LargeFluidSolver::set_up(const FluidProblem& problem, const FluidComponent& part) {
  now_ = 0;
  sweep_ = 0;
  heap_.clear();
  links_.resize(part.links.size());
  slots_.resize(part.classes.size());
  hops_.clear();
  next_end_.reset(part.links.size());
  for (std::size_t i = 0; i < part.links.size(); ++i) {
    links_[i] = {problem.capacities[part.links[i]], 0, 0, 0, kInfinity, kInfinity, 0, 0, 0, 0, 0};
  }
  for (std::size_t s = 0; s < part.classes.size(); ++s) {
    const auto begin = static_cast<std::uint32_t>(hops_.size());
    for (const std::uint32_t link : problem.path(part.classes[s])) {
      hops_.push_back(problem.places[link]);
      ++links_[problem.places[link]].end;
    }
    slots_[s] = {0, 0, kIdle, begin, static_cast<std::uint32_t>(hops_.size()), part.classes[s], 0};
  }
  std::uint32_t begin = 0;
  for (Link& link : links_) {
    const std::uint32_t count = link.end;
    link.begin = link.end = begin;
    begin += count;
  }
  crossing_.resize(hops_.size());
  for (std::uint32_t s = 0; s < slots_.size(); ++s) {
    for (std::uint32_t h = slots_[s].hop_begin; h != slots_[s].hop_end; ++h) {
      crossing_[links_[hops_[h]].end++] = s;
    }
  }
}

void LargeFluidSolver::advance(Link& link) const {
  if (link.own > 0) link.served += link.level * (now_ - link.when);
  link.when = now_;
}

/// Starts members and leaves the class open: its other links may have no flows of their own to slow
/// down for the new ones.
void LargeFluidSolver::start(FluidProblem& problem, std::uint32_t slot) {
  Slot& s = slots_[slot];
  double served = 0;
  if (s.owner < links_.size()) {
    take_from_owner(slot, kNone);
    served = problem.next_threshold(s.flow_class) - s.until;
  }
  const double more = problem.start_members(s.flow_class, served);
  s.owner = kOpen;
  s.weight += more;
  s.until = problem.next_threshold(s.flow_class) - served;
  for (std::uint32_t h = s.hop_begin; h != s.hop_end; ++h) {
    links_[hops_[h]].open += more;
    touched_.push_back(hops_[h]);
  }
}

void LargeFluidSolver::end_due(FluidProblem& problem, std::uint32_t place) {
  Link& link = links_[place];
  advance(link);
  const double reach = link.served + link.level * event_width(now_);
  double first = kInfinity;
  bool ended_some = false;
  for (std::uint32_t i = link.begin; i != link.end; ++i) {
    Slot& s = slots_[crossing_[i]];
    if (s.owner != place) continue;
    if (s.until <= reach) {
      const double head = problem.next_threshold(s.flow_class);
      const double to_class_clock = head - s.until;
      const double ended = problem.end_members(s.flow_class, reach + to_class_clock, now_,
                                               link.served + to_class_clock, link.level);
      ended_some = true;
      s.weight -= ended;
      for (std::uint32_t h = s.hop_begin; h != s.hop_end; ++h) {
        if (hops_[h] == place) continue;
        links_[hops_[h]].taken -= ended * link.level;
        touched_.push_back(hops_[h]);
      }
      link.own -= ended;
      if (!problem.running(s.flow_class)) {
        const FluidClass& c = problem.classes[s.flow_class];
        s.owner = c.arrive == c.end ? kGone : kIdle;
        continue;
      }
      s.until = problem.next_threshold(s.flow_class) - to_class_clock;
    }
    first = std::min(first, s.until);
  }
  if (ended_some) touched_.push_back(place);
  if (link.own <= 0) link.level = kInfinity;
  next_end_.set(place,
                link.own > 0 ? now_ + std::max(first - link.served, 0.0) / link.level : kInfinity);
}

double LargeFluidSolver::key(const Link& link) const {
  if (link.own + link.open <= 0) return kInfinity;
  const double share = link.share();
  if (link.own <= 0) return share;
  if (std::abs(share - link.level) <= kSame * link.level) {
    return link.open > 0 ? link.level : kInfinity;
  }
  return std::min(share, link.level);
}

void LargeFluidSolver::touch(std::uint32_t place) {
  Link& link = links_[place];
  const double level = key(link);
  if (level >= link.queued) return;
  link.queued = level;
  heap_.push_back({level, place});
  std::push_heap(heap_.begin(), heap_.end(), [](const Key& a, const Key& b) {
    return a.level != b.level ? a.level > b.level : a.link > b.link;
  });
}

void LargeFluidSolver::sweep() {
  ++sweep_;
  front_ = 0;
  for (const std::uint32_t place : touched_) touch(place);
  touched_.clear();
  while (!heap_.empty()) {
    const Key top = heap_.front();
    std::pop_heap(heap_.begin(), heap_.end(), [](const Key& a, const Key& b) {
      return a.level != b.level ? a.level > b.level : a.link > b.link;
    });
    heap_.pop_back();
    Link& link = links_[top.link];
    if (top.level != link.queued) continue;
    link.queued = kInfinity;
    const double level = key(link);
    if (level > top.level) {  // has risen since it was queued
      if (level < kInfinity) touch(top.link);
      continue;
    }
    front_ = std::max(front_, level);
    const double share = link.share();
    if (link.own > 0 && above(share, link.level) && link.released != sweep_) {
      link.released = sweep_;
      release(top.link);
    } else {
      settle(top.link, share);
    }
  }
}

void LargeFluidSolver::release(std::uint32_t place) {
  Link& link = links_[place];
  advance(link);
  for (std::uint32_t i = link.begin; i != link.end; ++i) {
    Slot& s = slots_[crossing_[i]];
    if (s.owner != place) continue;
    s.owner = kOpen;
    s.until -= link.served;
    for (std::uint32_t h = s.hop_begin; h != s.hop_end; ++h) {
      if (hops_[h] == place) continue;
      Link& other = links_[hops_[h]];
      other.taken -= s.weight * link.level;
      other.open += s.weight;
      touch(hops_[h]);
    }
  }
  link.open += link.own;
  link.own = 0;
  link.served = 0;
  link.level = kInfinity;
  next_end_.set(place, kInfinity);
  touch(place);
}

void LargeFluidSolver::take_from_owner(std::uint32_t slot, std::uint32_t taker) {
  Slot& s = slots_[slot];
  const std::uint32_t from = s.owner;
  Link& owner = links_[from];
  advance(owner);
  const double rate = owner.level;
  s.until -= owner.served;
  s.owner = kOpen;
  s.opened = sweep_;
  owner.own -= s.weight;
  if (owner.own <= 0) {
    owner.level = kInfinity;
    owner.served = 0;
    next_end_.set(from, kInfinity);
  }
  for (std::uint32_t h = s.hop_begin; h != s.hop_end; ++h) {
    Link& link = links_[hops_[h]];
    if (hops_[h] != from) link.taken -= s.weight * rate;
    link.open += s.weight;
    if (hops_[h] != taker) touch(hops_[h]);
  }
}

void LargeFluidSolver::settle(std::uint32_t place, double share) {
  Link& link = links_[place];
  share = std::max(share, front_);
  // What others take is summed afresh, so that rounding does not build up over many events.
  double taken = 0;
  bool took = false;
  std::uint32_t kept = link.begin;
  for (std::uint32_t i = link.begin; i != link.end; ++i) {
    const std::uint32_t slot = crossing_[i];
    Slot& s = slots_[slot];
    if (s.owner == kGone) continue;
    crossing_[kept++] = slot;
    if (s.owner == place || s.owner == kOpen || s.owner == kIdle) continue;
    const double rate = links_[s.owner].level;
    if (above(rate, share) && s.opened != sweep_) {
      take_from_owner(slot, place);
      took = true;
    } else {
      taken += s.weight * rate;
    }
  }
  link.end = kept;
  link.taken = taken;
  if (took) {
    touch(place);
    return;
  }

  share = std::max(link.share(), front_);
  advance(link);
  double change = 0;
  if (link.own > 0) {
    if (std::abs(share - link.level) <= kSame * link.level) share = link.level;
    change = share - link.level;
  } else {
    link.served = 0;
  }
  double first = kInfinity;
  for (std::uint32_t i = link.begin; i != link.end; ++i) {
    Slot& s = slots_[crossing_[i]];
    if (s.owner == place) {
      first = std::min(first, s.until);
      if (change == 0) continue;
      for (std::uint32_t h = s.hop_begin; h != s.hop_end; ++h) {
        if (hops_[h] == place) continue;
        links_[hops_[h]].taken += s.weight * change;
        touch(hops_[h]);
      }
    } else if (s.owner == kOpen) {
      s.owner = place;
      s.until += link.served;
      first = std::min(first, s.until);
      for (std::uint32_t h = s.hop_begin; h != s.hop_end; ++h) {
        if (hops_[h] == place) continue;
        Link& other = links_[hops_[h]];
        other.open -= s.weight;
        other.taken += s.weight * share;
        touch(hops_[h]);
      }
    }
  }
  link.own += link.open;
  link.open = 0;
  link.level = share;
  next_end_.set(place, now_ + std::max(first - link.served, 0.0) / share);
}

void LargeFluidSolver::run(FluidProblem& problem, const FluidComponent& part) {
  set_up(problem, part);
  problem.list_arrivals(part.classes, arrivals_);
  std::size_t next_arrival = 0;
  const auto next_start = [&] {
    return next_arrival < arrivals_.size() ? static_cast<double>(arrivals_[next_arrival].start)
                                           : kInfinity;
  };
  const StopPoint stop_here;
  for (;;) {
    const double next = std::min(next_end_.earliest(), next_start());
    if (next == kInfinity) return;
    stop_here();
    now_ = std::max(now_, next);
    const double limit = now_ + event_width(now_);
    next_end_.list(limit, due_);
    for (const std::uint32_t place : due_) end_due(problem, place);
    for (; next_start() <= limit; ++next_arrival) {
      start(problem, problem.classes[arrivals_[next_arrival].flow_class].slot);
    }
    sweep();
  }
}

}  // namespace mixnet::fluid
