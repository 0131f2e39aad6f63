#include "traces/chakra_dependencies.h"

#include <algorithm>
#include <unordered_map>

namespace mixnet {
namespace {

using Lists = std::vector<std::vector<std::uint32_t>>;

bool has_circle(const Lists& before) {
  std::vector<std::uint32_t> waits(before.size());
  Lists after(before.size());
  for (std::uint32_t node = 0; node < before.size(); ++node) {
    waits[node] = static_cast<std::uint32_t>(before[node].size());
    for (const std::uint32_t one : before[node]) after[one].push_back(node);
  }
  std::vector<std::uint32_t> ready;
  for (std::uint32_t node = 0; node < before.size(); ++node) {
    if (waits[node] == 0) ready.push_back(node);
  }
  for (std::size_t seen = 0; seen < ready.size(); ++seen) {
    for (const std::uint32_t node : after[ready[seen]]) {
      if (--waits[node] == 0) ready.push_back(node);
    }
  }
  return ready.size() < before.size();
}

class Dependencies {
 public:
  explicit Dependencies(const ChakraTrace& trace) : trace_(trace) {
    for (std::uint32_t place = 0; place < trace.nodes.size(); ++place) {
      place_.emplace(trace.nodes[place].id, place);
    }
  }

  NodeDependencies run() {
    NodeDependencies deps;
    const bool with_control = !trace_.control_deps_order_only;
    deps.of = lists(with_control, deps.passed_over);
    const bool has_control =
        with_control && std::ranges::any_of(trace_.nodes, [](const auto& node) {
          return !node.control_deps.empty();
        });
    if (!has_control || !has_circle(deps.of)) return deps;
    std::size_t passed_over = 0;
    Lists data = lists(false, passed_over);
    if (has_circle(data)) return deps;  // the graph's check names it
    deps.of = std::move(data);
    deps.is_call_stack = true;
    return deps;
  }

 private:
  Lists lists(bool with_control, std::size_t& passed_over) const {
    Lists lists(trace_.nodes.size());
    for (std::uint32_t place = 0; place < lists.size(); ++place) {
      const ChakraNode& node = trace_.nodes[place];
      const auto add = [&](const std::vector<std::uint64_t>& ids) {
        for (const std::uint64_t id : ids) {
          const auto found = place_.find(id);
          if (found == place_.end() || found->second == place) {
            ++passed_over;
          } else {
            lists[place].push_back(found->second);
          }
        }
      };
      if (with_control) add(node.control_deps);
      add(node.data_deps);
      std::ranges::sort(lists[place]);
      lists[place].erase(std::unique(lists[place].begin(), lists[place].end()), lists[place].end());
    }
    return lists;
  }

  const ChakraTrace& trace_;
  std::unordered_map<std::uint64_t, std::uint32_t> place_;
};

}  // namespace

NodeDependencies dependencies_of(const ChakraTrace& trace) { return Dependencies(trace).run(); }

}  // namespace mixnet
