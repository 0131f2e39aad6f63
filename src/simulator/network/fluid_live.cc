#include "network/fluid_live.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <functional>
#include <utility>

#include "base/caller.h"

namespace mixnet {
namespace {

constexpr std::size_t kFewEvents = 1024;  // of which outdated ones are not worth looking for
constexpr double kNever = 8e18;           // ps; what a slow link brings later than that

}  // namespace

LiveFluid::LiveFluid(std::span<const Bandwidth> capacities) {
  links_.resize(capacities.size());
  for (std::size_t i = 0; i < capacities.size(); ++i) {
    links_[i].capacity = capacities[i].bytes_per_second() * 1e-12;
  }
}

void LiveFluid::add_flow(std::span<const std::uint32_t> path, Bytes bytes, Time delay,
                         std::uint64_t tag) {
  assert(!path.empty() && bytes.count > 0);
  std::uint32_t index = 0;
  if (free_flows_.empty()) {
    index = static_cast<std::uint32_t>(flows_.size());
    flows_.emplace_back();
  } else {
    index = free_flows_.back();
    free_flows_.pop_back();
  }
  Flow& flow = flows_[index];
  flow.hops.clear();
  for (const std::uint32_t link : path) {
    assert(links_[link].capacity > 0);
    flow.hops.push_back({link, static_cast<std::uint32_t>(links_[link].flows.size())});
    links_[link].flows.push_back({index, static_cast<std::uint32_t>(flow.hops.size() - 1)});
    links_[link].bytes += static_cast<double>(bytes.count);
    changed_.push_back(link);
  }
  flow.left = static_cast<double>(bytes.count);
  flow.rate = 0;
  flow.since = now_.ps;
  flow.delay = delay;
  flow.tag = tag;
  ++running_;
}

void LiveFluid::push(std::int64_t time, std::uint32_t flow, bool is_end) {
  events_.push_back({time, order_++, flow, flows_[flow].version, is_end});
  std::ranges::push_heap(events_, std::greater<>{});
  if (events_.size() < kFewEvents || events_.size() < 4 * running_) return;
  std::erase_if(events_,
                [&](const Event& event) { return event.version != flows_[event.flow].version; });
  std::ranges::make_heap(events_, std::greater<>{});
}

/// Its links are free of it; only its delay is left.
void LiveFluid::take_off(std::uint32_t index) {
  for (const Hop& hop : flows_[index].hops) {
    std::vector<FlowHop>& flows = links_[hop.link].flows;
    const FlowHop last = flows.back();
    flows[hop.place] = last;
    flows_[last.flow].hops[last.hop].place = hop.place;
    flows.pop_back();
    changed_.push_back(hop.link);
  }
  ++flows_[index].version;
}

bool LiveFluid::run_until(Time end) {
  while (running_ > 0) {
    if (!changed_.empty() && (events_.empty() || events_.front().time > now_.ps)) solve();
    const Event event = events_.front();
    if (event.time > end.ps) {
      now_ = std::max(now_, end);
      return false;
    }
    std::ranges::pop_heap(events_, std::greater<>{});
    events_.pop_back();
    if (event.version != flows_[event.flow].version) continue;
    now_ = {event.time};
    if (!event.is_end) {
      take_off(event.flow);
      push((now_ + flows_[event.flow].delay).ps, event.flow, true);
      continue;
    }
    ++flows_[event.flow].version;
    free_flows_.push_back(event.flow);
    --running_;
    if (callback_) callback_(flows_[event.flow].tag, now_);
    if (std::exchange(stopped_, false)) return running_ == 0;
  }
  if (end != Time::max()) now_ = std::max(now_, end);
  return true;
}

void LiveFluid::solve() {
  stop_point();
  ++solution_;
  for (const std::uint32_t link : changed_) {
    if (links_[link].seen == solution_ || links_[link].flows.empty()) continue;
    find_part(link);
    fill_part();
  }
  changed_.clear();
}

/// All links and flows that `link` is connected with.
void LiveFluid::find_part(std::uint32_t link) {
  part_links_.assign(1, link);
  part_flows_.clear();
  links_[link].seen = solution_;
  for (std::size_t at = 0; at < part_links_.size(); ++at) {
    for (const FlowHop& entry : links_[part_links_[at]].flows) {
      Flow& flow = flows_[entry.flow];
      if (flow.seen == solution_) continue;
      flow.seen = solution_;
      flow.settled = false;
      part_flows_.push_back(entry.flow);
      for (const Hop& hop : flow.hops) {
        if (links_[hop.link].seen == solution_) continue;
        links_[hop.link].seen = solution_;
        part_links_.push_back(hop.link);
      }
    }
  }
}

/// The link with the smallest share gives it to its flows, then the next.
void LiveFluid::fill_part() {
  shares_.clear();
  for (const std::uint32_t index : part_links_) {
    Link& link = links_[index];
    link.left = link.capacity;
    link.unsettled = static_cast<std::uint32_t>(link.flows.size());
    shares_.emplace_back(link.capacity / link.unsettled, index);
  }
  std::ranges::make_heap(shares_, std::greater<>{});
  std::size_t unsettled = part_flows_.size();
  while (unsettled > 0) {
    const auto [share, index] = shares_.front();
    std::ranges::pop_heap(shares_, std::greater<>{});
    shares_.pop_back();
    Link& link = links_[index];
    if (link.unsettled == 0) continue;
    // Shares only grow while others settle: an old one is smaller, and comes back with its new.
    if (const double fresh = std::max(0.0, link.left) / link.unsettled; fresh > share) {
      shares_.emplace_back(fresh, index);
      std::ranges::push_heap(shares_, std::greater<>{});
      continue;
    }
    for (const FlowHop& entry : link.flows) {
      Flow& flow = flows_[entry.flow];
      if (flow.settled) continue;
      flow.settled = true;
      --unsettled;
      for (const Hop& hop : flow.hops) {
        links_[hop.link].left -= share;
        --links_[hop.link].unsettled;
      }
      settle(entry.flow, share);
    }
  }
}

void LiveFluid::settle(std::uint32_t index, double rate) {
  Flow& flow = flows_[index];
  if (flow.rate == rate) return;
  flow.left = std::max(0.0, flow.left - flow.rate * static_cast<double>(now_.ps - flow.since));
  flow.since = now_.ps;
  flow.rate = rate;
  ++flow.version;
  const double end = static_cast<double>(now_.ps) + flow.left / rate;
  push(end < kNever ? now_.ps + std::llround(flow.left / rate) : std::llround(kNever), index,
       false);
}

}  // namespace mixnet
