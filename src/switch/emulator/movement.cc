#include "emulator/movement.h"

#include <algorithm>
#include <iterator>
#include <set>
#include <utility>

namespace mixnet {
namespace {

void add_ports(const PathRequest& request, NamedPorts& ports) {
  for (const std::vector<LightPath>* paths : {&request.remove, &request.add}) {
    for (const LightPath path : *paths) {
      ports.inputs.push_back(path.from);
      ports.outputs.push_back(path.to);
    }
  }
  ports.inputs.insert(ports.inputs.end(), request.clear_inputs.begin(), request.clear_inputs.end());
  ports.outputs.insert(ports.outputs.end(), request.clear_outputs.begin(),
                       request.clear_outputs.end());
}

NamedPorts sorted(NamedPorts ports) {
  for (std::vector<int>* list : {&ports.inputs, &ports.outputs}) {
    std::ranges::sort(*list);
    list->erase(std::unique(list->begin(), list->end()), list->end());
  }
  return ports;
}

}  // namespace

int count_pairs(std::span<const LightPath> paths, Sides sides) {
  const auto count = static_cast<int>(paths.size());
  return sides == Sides::kOne ? count / 2 : count;
}

int pairs_of(const Movement& movement, Sides sides) {
  int removed = 0;
  int added = 0;
  for (const MovingRequest& moving : movement.requests) {
    removed += count_pairs(moving.request.remove, sides);
    added += count_pairs(moving.request.add, sides);
  }
  return std::max(1, added > 0 ? added : removed);
}

std::vector<LightPath> first_pairs(std::span<const LightPath> paths, int count, Sides sides) {
  std::vector<LightPath> first;
  for (const LightPath path : paths) {
    if (count == 0) break;
    if (sides == Sides::kOne) {
      if (path.from > path.to) continue;
      first.push_back({path.to, path.from});
    }
    first.push_back(path);
    --count;
  }
  return first;
}

PathRequest first_half(const PathRequest& request, Sides sides) {
  const int removals = count_pairs(request.remove, sides);
  const int keep = (removals + count_pairs(request.add, sides)) / 2;
  PathRequest half = request;
  half.remove = first_pairs(request.remove, std::min(keep, removals), sides);
  half.add = first_pairs(request.add, std::max(0, keep - removals), sides);
  if (request.add.empty()) {
    half.clear_inputs.resize(half.clear_inputs.size() / 2);
    half.clear_outputs.resize(half.clear_outputs.size() / 2);
    return half;
  }
  // What is not looked at frees no port either.
  const std::set<LightPath> kept(half.add.begin(), half.add.end());
  for (const LightPath path : request.add) {
    if (kept.contains(path)) continue;
    std::erase(half.clear_inputs, path.from);
    std::erase(half.clear_outputs, path.to);
  }
  return half;
}

NamedPorts ports_of(const PathRequest& request) {
  NamedPorts ports;
  add_ports(request, ports);
  return sorted(std::move(ports));
}

NamedPorts ports_of(const Movement& movement) {
  NamedPorts ports;
  for (const MovingRequest& moving : movement.requests) add_ports(moving.request, ports);
  return sorted(std::move(ports));
}

std::vector<int> positions_of(const NamedPorts& ports) {
  std::vector<int> positions;
  std::ranges::set_union(ports.inputs, ports.outputs, std::back_inserter(positions));
  return positions;
}

std::vector<int> positions_of(const PathRequest& request) {
  return positions_of(ports_of(request));
}

void settle(const Movement& movement, Sides sides, const std::function<bool(int port)>& is_stuck,
            PathTable& table) {
  for (const LightPath path : movement.before) table.add(path);
  const auto moves = [&](LightPath path) { return !is_stuck(path.from) && !is_stuck(path.to); };
  for (const MovingRequest& moving : movement.requests) {
    if (moving.fate == Fate::kReverted) continue;
    std::vector<LightPath> remove = moving.request.remove;
    std::vector<LightPath> add = moving.request.add;
    if (moving.fate == Fate::kDarkened) add.clear();
    if (moving.fate == Fate::kHalf) {
      // Of a request that adds nothing: the first half of what it removes.
      std::vector<LightPath>& cut = add.empty() ? remove : add;
      cut = first_pairs(cut, count_pairs(cut, sides) / 2, sides);
    }
    for (const LightPath path : remove) {
      if (table.holds(path) && moves(path)) table.remove(path);
    }
    for (const LightPath path : add) {
      if (table.is_free(path) && moves(path)) table.add(path);
    }
  }
}

}  // namespace mixnet
