#include "network/fluid_network.h"

#include <algorithm>
#include <bit>
#include <cassert>
#include <tuple>
#include <vector>

#include "base/caller.h"
#include "network/fluid_coarse.h"
#include "network/fluid_large.h"
#include "network/fluid_problem.h"
#include "network/fluid_small.h"
#include "network/network_invariants.h"

namespace mixnet {

using fluid::Flow;
using fluid::FluidClass;
using fluid::FluidProblem;
using fluid::kNone;

struct FluidNetwork::State {
  std::uint32_t find_class(std::span<const LinkId> path, std::uint32_t flow);
  void grow_table();
  void list_members();
  void find_components();
  void check_bound(std::int64_t last);
  std::uint32_t root(std::uint32_t link);

  FluidSolver solver = FluidSolver::kAuto;
  double resolution = 0;
  std::vector<Bandwidth> capacities;
  /// Per link, its number among the touched ones, else kNone.
  std::vector<std::uint32_t> numbers;
  std::vector<LinkId> touched;
  FluidProblem problem;
  /// Hash table from path to class, open addressing: generation << 32 | class.
  std::vector<std::uint64_t> table = std::vector<std::uint64_t>(256);
  std::uint32_t generation = 1;
  std::int64_t first_start = 0;

  // Components of the last run: classes and links in runs, one per component.
  std::vector<std::uint32_t> parents;       ///< union-find over touched links
  std::vector<std::uint32_t> component_of;  ///< per root
  std::vector<std::uint32_t> class_begin;
  std::vector<std::uint32_t> link_begin;
  std::vector<std::uint32_t> class_order;
  std::vector<std::uint32_t> link_order;
  std::vector<double> class_bytes;  ///< work space of check_bound()
  std::vector<double> link_bytes;

  fluid::SmallFluidSolver small;
  fluid::LargeFluidSolver large;
  fluid::CoarseFluidSolver coarse;
};

FluidNetwork::FluidNetwork(std::span<const Bandwidth> capacities, FluidSolver solver)
    : state_(std::make_unique<State>()) {
  state_->solver = solver;
  state_->capacities.assign(capacities.begin(), capacities.end());
  state_->numbers.assign(capacities.size(), kNone);
}
FluidNetwork::~FluidNetwork() = default;
FluidNetwork::FluidNetwork(FluidNetwork&&) noexcept = default;
FluidNetwork& FluidNetwork::operator=(FluidNetwork&&) noexcept = default;

void FluidNetwork::set_resolution(double resolution) {
  assert(resolution >= 0);
  state_->resolution = resolution;
}

std::size_t FluidNetwork::links() const { return state_->capacities.size(); }
std::size_t FluidNetwork::flows() const { return state_->problem.flows.size(); }

void FluidNetwork::clear() {
  State& s = *state_;
  for (const LinkId link : s.touched) s.numbers[link] = kNone;
  s.touched.clear();
  s.problem.flows.clear();
  s.problem.classes.clear();
  s.problem.hops.clear();
  s.problem.completions.clear();
  s.problem.staggered = false;
  if (++s.generation == 0) {
    std::fill(s.table.begin(), s.table.end(), 0);
    s.generation = 1;
  }
}

void FluidNetwork::State::grow_table() {
  std::vector<std::uint64_t> larger(table.size() * 2);
  const std::size_t mask = larger.size() - 1;
  for (std::uint32_t c = 0; c < problem.classes.size(); ++c) {
    std::size_t at = problem.classes[c].hash & mask;
    while (larger[at] != 0) at = (at + 1) & mask;
    larger[at] = std::uint64_t{generation} << 32 | c;
  }
  table.swap(larger);
}

/// The class of the flows on `path`; a new one, with its links, when it is the first.
std::uint32_t FluidNetwork::State::find_class(std::span<const LinkId> path, std::uint32_t flow) {
  auto& hops = problem.hops;
  const auto begin = static_cast<std::uint32_t>(hops.size());
  std::uint64_t mixed = path.size();
  for (const LinkId link : path) {
    assert(link < numbers.size());
    std::uint32_t& number = numbers[link];
    if (number == kNone) {
      number = static_cast<std::uint32_t>(touched.size());
      touched.push_back(link);
    }
    hops.push_back(number);
    mixed = (std::rotl(mixed, 23) ^ number) * 0x9e3779b97f4a7c15ULL;
  }
  const auto hash = static_cast<std::uint32_t>(mixed >> 32);
  const std::size_t mask = table.size() - 1;
  std::size_t at = hash & mask;
  for (; table[at] >> 32 == generation; at = (at + 1) & mask) {
    const auto c = static_cast<std::uint32_t>(table[at]);
    FluidClass& found = problem.classes[c];
    if (found.hash != hash || found.hop_count != path.size() ||
        !std::equal(hops.begin() + begin, hops.end(), hops.begin() + found.hop_begin)) {
      continue;
    }
    hops.resize(begin);
    ++found.flow_count;
    return c;
  }
  const auto c = static_cast<std::uint32_t>(problem.classes.size());
  table[at] = std::uint64_t{generation} << 32 | c;
  problem.classes.push_back(
      {begin, static_cast<std::uint32_t>(path.size()), hash, 1, flow, 0, 0, 0, 0, 0, false});
  if (problem.classes.size() * 2 > table.size()) grow_table();
  return c;
}

std::size_t FluidNetwork::add_flow(std::span<const LinkId> path, Bytes bytes, std::uint32_t count,
                                   Time start) {
  assert(count > 0 && bytes.count >= 0 && start.ps >= 0);
#ifndef NDEBUG
  for (std::size_t i = 0; i < path.size(); ++i) {
    assert(std::find(path.begin() + i + 1, path.end(), path[i]) == path.end());
  }
#endif
  State& s = *state_;
  const auto flow = static_cast<std::uint32_t>(s.problem.flows.size());
  std::uint32_t c = kNone;
  if (bytes.count > 0 && !path.empty()) {
    if (s.problem.classes.empty()) s.first_start = start.ps;
    s.problem.staggered |= start.ps != s.first_start;
    c = s.find_class(path, flow);
  }
  s.problem.flows.push_back({bytes.count, start.ps, c, count});
  return flow;
}

std::uint32_t FluidNetwork::State::root(std::uint32_t link) {
  while (parents[link] != link) link = parents[link] = parents[parents[link]];
  return link;
}

/// Puts each class's flows into its queue, sorted by (start, bytes).
void FluidNetwork::State::list_members() {
  const std::vector<Flow>& flows = problem.flows;
  std::vector<std::int64_t>& completions = problem.completions;
  std::vector<FluidClass>& classes = problem.classes;
  std::vector<fluid::Member>& members = problem.members;
  std::uint32_t size = 0;
  for (FluidClass& c : classes) {
    c.head = c.tail = c.arrive = c.end = size;
    size += c.flow_count;
  }
  members.resize(size);
  completions.resize(flows.size());
  if (size == classes.size()) {  // one flow each
    for (FluidClass& c : classes) {
      const Flow& flow = flows[c.first_flow];
      members[c.end++] = {static_cast<double>(flow.bytes), c.first_flow, flow.count};
    }
    if (size == flows.size()) return;
  }
  for (std::uint32_t f = 0; f < flows.size(); ++f) {
    const Flow& flow = flows[f];
    if (flow.flow_class == kNone) {
      completions[f] = flow.start;
    } else if (size != classes.size()) {
      members[classes[flow.flow_class].end++] = {static_cast<double>(flow.bytes), f, flow.count};
    }
  }
  if (size == classes.size()) return;
  for (const FluidClass& c : classes) {
    if (c.flow_count == 1) continue;
    std::sort(members.begin() + c.arrive, members.begin() + c.end,
              [&](const fluid::Member& a, const fluid::Member& b) {
                return std::tie(flows[a.flow].start, a.threshold, a.flow) <
                       std::tie(flows[b.flow].start, b.threshold, b.flow);
              });
  }
}

void FluidNetwork::State::find_components() {
  const auto link_count = static_cast<std::uint32_t>(touched.size());
  auto& classes = problem.classes;
  parents.resize(link_count);
  problem.capacities.resize(link_count);
  problem.places.resize(link_count);
  bool blocked = false;
  for (std::uint32_t i = 0; i < link_count; ++i) {
    parents[i] = i;
    const Bandwidth capacity = capacities[touched[i]];
    blocked |= capacity.bits_per_second <= 0;
    problem.capacities[i] = static_cast<double>(capacity.bits_per_second) / 8e12;
  }
  // Classes that cross a dead link take no part: they never end and carry nothing.
  const auto is_blocked = [&](const FluidClass& c) {
    if (!blocked) return false;
    for (std::uint32_t h = c.hop_begin; h != c.hop_begin + c.hop_count; ++h) {
      if (problem.capacities[problem.hops[h]] <= 0) return true;
    }
    return false;
  };
  for (FluidClass& c : classes) {
    if (is_blocked(c)) {
      for (std::uint32_t i = c.arrive; i != c.end; ++i) {
        problem.completions[problem.members[i].flow] = Time::max().ps;
      }
      c.slot = kNone;
      continue;
    }
    c.slot = 0;
    const std::uint32_t* hop = problem.hops.data() + c.hop_begin;
    const std::uint32_t first = root(hop[0]);
    for (std::uint32_t i = 1; i < c.hop_count; ++i) parents[root(hop[i])] = first;
  }

  // Number the components by their first class; count, then place.
  component_of.assign(link_count, kNone);
  class_begin.assign(1, 0);
  link_begin.assign(1, 0);
  for (FluidClass& c : classes) {
    if (c.slot == kNone) continue;
    std::uint32_t& part = component_of[root(problem.hops[c.hop_begin])];
    if (part == kNone) {
      part = static_cast<std::uint32_t>(class_begin.size() - 1);
      class_begin.push_back(0);
      link_begin.push_back(0);
    }
    c.slot = class_begin[part + 1]++;
  }
  for (std::uint32_t i = 0; i < link_count; ++i) {
    const std::uint32_t part = component_of[root(i)];
    if (part != kNone) problem.places[i] = link_begin[part + 1]++;
  }
  for (std::size_t i = 1; i < class_begin.size(); ++i) {
    class_begin[i] += class_begin[i - 1];
    link_begin[i] += link_begin[i - 1];
  }
  class_order.resize(class_begin.back());
  link_order.resize(link_begin.back());
  for (std::uint32_t c = 0; c < classes.size(); ++c) {
    if (classes[c].slot == kNone) continue;
    const std::uint32_t part = component_of[root(problem.hops[classes[c].hop_begin])];
    class_order[class_begin[part] + classes[c].slot] = c;
  }
  for (std::uint32_t i = 0; i < link_count; ++i) {
    const std::uint32_t part = component_of[root(i)];
    if (part != kNone) link_order[link_begin[part] + problem.places[i]] = i;
  }
}

/// No link carries its bytes faster than it can: a run that ends before that lost some.
void FluidNetwork::State::check_bound(std::int64_t last) {
  if (problem.classes.empty()) return;
  class_bytes.assign(problem.classes.size(), 0);
  std::int64_t first = Time::max().ps;
  for (const Flow& flow : problem.flows) {
    if (flow.flow_class == kNone) continue;
    first = std::min(first, flow.start);
    class_bytes[flow.flow_class] += static_cast<double>(flow.bytes) * flow.count;
  }
  link_bytes.assign(touched.size(), 0);
  for (std::uint32_t c = 0; c < problem.classes.size(); ++c) {
    if (problem.classes[c].slot == kNone) continue;  // crosses a dead link
    for (const std::uint32_t link : problem.path(c)) link_bytes[link] += class_bytes[c];
  }
  double bound = 0;
  for (std::size_t link = 0; link < touched.size(); ++link) {
    if (link_bytes[link] > 0) bound = std::max(bound, link_bytes[link] / problem.capacities[link]);
  }
  check_not_faster({last}, {first}, bound);
}

Time FluidNetwork::run() {
  State& s = *state_;
  s.list_members();
  s.find_components();
  for (std::size_t i = 0; i + 1 < s.class_begin.size(); ++i) {
    stop_point();  // of small ones, which are short, the only
    const fluid::FluidComponent part = {
        std::span(s.class_order).subspan(s.class_begin[i], s.class_begin[i + 1] - s.class_begin[i]),
        std::span(s.link_order).subspan(s.link_begin[i], s.link_begin[i + 1] - s.link_begin[i])};
    if (s.solver == FluidSolver::kAuto && fluid::SmallFluidSolver::fits(part)) {
      s.small.run(s.problem, part);
    } else if (s.resolution > 0) {
      s.coarse.run(s.problem, part, s.resolution);
    } else {
      s.large.run(s.problem, part);
    }
  }
  std::int64_t last = 0;
  for (const std::int64_t end : s.problem.completions) last = std::max(last, end);
  if (s.resolution == 0) s.check_bound(last);
  return {last};
}

Time FluidNetwork::completion(std::size_t flow) const {
  assert(flow < state_->problem.completions.size());
  return {state_->problem.completions[flow]};
}

double FluidNetwork::link_bytes(LinkId link) const {
  const State& s = *state_;
  const std::uint32_t number = s.numbers[link];
  if (number == kNone) return 0;
  double bytes = 0;
  for (std::size_t f = 0; f < s.problem.completions.size(); ++f) {
    const Flow& flow = s.problem.flows[f];
    if (flow.flow_class == kNone || s.problem.classes[flow.flow_class].slot == kNone) continue;
    const auto path = s.problem.path(flow.flow_class);
    if (std::find(path.begin(), path.end(), number) == path.end()) continue;
    bytes += static_cast<double>(flow.bytes) * flow.count;
  }
  return bytes;
}

}  // namespace mixnet
