#include "interop/torch_rank.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/error.h"
#include "interop/task_graph.h"

namespace mixnet {
namespace {

/// A time in whole microseconds, so that those of one lane add up.
class Rounded {
 public:
  std::uint64_t take(double us) {
    exact_ += us;
    const auto whole = static_cast<std::uint64_t>(std::max(0.0, exact_ - given_ + 0.5));
    given_ += static_cast<double>(whole);
    return whole;
  }

 private:
  double exact_ = 0, given_ = 0;
};

struct Done {
  double end = 0;
  std::vector<std::uint64_t> nodes;  ///< that stand for it
};

struct Lane {
  std::optional<Done> last;   ///< of those that have ended, the one that did so last
  std::vector<Done> running;  ///< begun, and not known to have ended
  Rounded busy, gaps;
  bool communicates = false;

  void advance(double now) {
    std::erase_if(running, [&](Done& one) {
      if (one.end > now) return false;
      if (!last || one.end >= last->end) last = std::move(one);
      return true;
    });
  }
};

class Scheduler {
 public:
  Scheduler(TorchRank& torch, std::uint32_t rank, std::uint32_t ranks,
            std::map<std::string, std::vector<std::uint32_t>>& groups)
      : torch_(torch), rank_(rank) {
    for (TorchComm& comm : torch_.comms) {
      names_.push_back(settle_group(comm, torch_.groups, rank, ranks));
      if (!names_.back().empty()) {
        auto& members = groups[names_.back()];
        members = comm.ranks;
        std::ranges::sort(members);
      }
    }
  }

  ChakraTrace run() {
    std::ranges::stable_sort(torch_.activities, [](const TorchActivity& a, const TorchActivity& b) {
      return a.start_us < b.start_us || (a.start_us == b.start_us && a.end_us < b.end_us);
    });
    std::uint32_t lanes = 0;
    for (const TorchActivity& one : torch_.activities) lanes = std::max(lanes, one.lane + 1);
    lanes_.resize(lanes);
    for (const TorchActivity& one : torch_.activities) add(one);
    return std::move(trace_);
  }

 private:
  void add(const TorchActivity& one) {
    for (Lane& lane : lanes_) lane.advance(one.start_us);
    Lane& own = lanes_[one.lane];
    own.communicates = own.communicates || one.comm != TorchActivity::kNoComm;
    std::vector<std::uint64_t> deps;
    double ready = -1;
    for (const Lane& lane : lanes_) {
      if (!lane.last) continue;
      // What ended before the last one of its own lane did was waited for by that, if at all. A
      // call, though, was made by a thread, after all work that it may send.
      const bool is_input = one.comm != TorchActivity::kNoComm && !lane.communicates;
      if (&lane != &own && !is_input && own.last && lane.last->end <= own.last->end) continue;
      deps.insert(deps.end(), lane.last->nodes.begin(), lane.last->nodes.end());
      ready = std::max(ready, lane.last->end);
    }
    std::ranges::sort(deps);
    deps.erase(std::unique(deps.begin(), deps.end()), deps.end());
    if (torch_.keeps_gaps && ready >= 0) deps = after_gap(own, one.start_us - ready, deps);
    own.running.push_back({one.end_us, nodes_for(one, own, deps)});
  }

  std::vector<std::uint64_t> after_gap(Lane& lane, double us, std::vector<std::uint64_t> deps) {
    const std::uint64_t whole = lane.gaps.take(us);
    if (whole == 0) return deps;
    ChakraNode node;
    node.name = "host";
    node.kind = ChakraKind::kCompute;
    node.is_cpu_op = true;
    node.duration_us = whole;
    return {put(std::move(node), deps)};
  }

  /// Those that stand for the activity: what it waits for itself, where it comes to nothing.
  std::vector<std::uint64_t> nodes_for(const TorchActivity& one, Lane& lane,
                                       const std::vector<std::uint64_t>& deps) {
    if (one.comm != TorchActivity::kNoComm) {
      std::vector<std::uint64_t> made;
      for (ChakraNode& node : chakra_nodes(torch_.comms[one.comm], names_[one.comm], rank_)) {
        made.push_back(put(std::move(node), deps));
      }
      return made.empty() ? deps : made;
    }
    ChakraNode node;
    node.duration_us = lane.busy.take(one.end_us - one.start_us);
    if (node.duration_us == 0) return deps;
    node.name = torch_.names[one.name].substr(0, kMaxGraphName);
    node.kind = one.work == TorchWork::kCopy ? ChakraKind::kMemoryLoad : ChakraKind::kCompute;
    node.is_cpu_op = one.work == TorchWork::kCpu;
    return {put(std::move(node), deps)};
  }

  std::uint64_t put(ChakraNode node, const std::vector<std::uint64_t>& deps) {
    node.id = trace_.nodes.size();
    node.data_deps = deps;
    trace_.nodes.push_back(std::move(node));
    return trace_.nodes.back().id;
  }

  TorchRank& torch_;
  std::uint32_t rank_;
  std::vector<std::string> names_;  ///< of the groups, by call
  std::vector<Lane> lanes_;
  ChakraTrace trace_;
};

}  // namespace

ChakraTrace to_chakra_trace(TorchRank torch, std::uint32_t rank, std::uint32_t ranks,
                            std::map<std::string, std::vector<std::uint32_t>>& groups) {
  return Scheduler(torch, rank, ranks, groups).run();
}

TorchRank merged(TorchRank profile, TorchRank trace) {
  if (profile.comms.size() != trace.comms.size()) {
    throw Error(trace.file,
                fmt::format("has {} calls of torch.distributed, and {} has {}", trace.comms.size(),
                            profile.file, profile.comms.size()),
                "give the two of one run, or one of them");
  }
  for (std::size_t i = 0; i < trace.comms.size(); ++i) {
    if (trace.comms[i].name != profile.comms[i].name) {
      throw Error(
          trace.comms[i].where,
          fmt::format("is a '{}', and there a '{}'", trace.comms[i].name, profile.comms[i].name),
          fmt::format("make it agree with {}", profile.comms[i].where));
    }
    TorchComm& comm = trace.comms[i];
    const TorchComm& other = profile.comms[i];
    if (comm.ranks.empty()) comm.ranks = other.ranks;
    if (!comm.group) comm.group = other.group;
  }
  profile.comms = std::move(trace.comms);
  for (auto& [name, group] : trace.groups) profile.groups.try_emplace(name, std::move(group));
  return profile;
}

}  // namespace mixnet
