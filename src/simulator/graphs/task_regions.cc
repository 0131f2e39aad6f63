#include "graphs/task_regions.h"

#include <algorithm>
#include <numeric>

namespace mixnet {

TaskRegions::TaskRegions(int servers)
    : parents_(static_cast<std::size_t>(servers)), regions_(parents_.size()) {
  std::iota(parents_.begin(), parents_.end(), std::size_t{0});
}

std::size_t TaskRegions::find(int server) {
  auto at = static_cast<std::size_t>(server);
  while (parents_[at] != at) at = parents_[at] = parents_[parents_[at]];
  return at;
}

void TaskRegions::join(int a, int b) {
  const std::size_t one = find(a);
  const std::size_t other = find(b);
  parents_[std::max(one, other)] = std::min(one, other);
}

void TaskRegions::take(Region& region, Holder wanted) {
  if (region.holder != wanted) region.is_set = false;
  if (region.inside == 0) region.is_fresh = true;
  region.holder = wanted;
  ++region.inside;
}

bool TaskRegions::enter(int server, Holder wanted, std::uint32_t task) {
  Region& here = region(server);
  const bool may = here.inside == 0 || here.holder == wanted;
  if (!may || !here.waiting.empty()) {
    here.waiting.push_back({wanted, task});
    return false;
  }
  take(here, wanted);
  return true;
}

bool TaskRegions::claim(int server, bool is_dispatch) {
  Region& here = region(server);
  const bool has_to_set = !here.is_set || (is_dispatch && here.is_fresh);
  here.is_set = true;
  here.is_fresh = false;
  return has_to_set;
}

void TaskRegions::leave(int server, std::vector<std::uint32_t>& entered) {
  Region& here = region(server);
  --here.inside;
  while (!here.waiting.empty()) {
    const Waiting first = here.waiting.front();
    if (here.inside > 0 && here.holder != first.wanted) return;
    here.waiting.erase(here.waiting.begin());
    take(here, first.wanted);
    entered.push_back(first.task);
  }
}

std::vector<int> TaskRegions::servers(int server) {
  std::vector<int> servers;
  const std::size_t root = find(server);
  for (std::size_t one = root; one < parents_.size(); ++one) {
    if (find(static_cast<int>(one)) == root) servers.push_back(static_cast<int>(one));
  }
  return servers;
}

}  // namespace mixnet
