// Where each rank of a plan sits: on which server, and at which place of each of its groups. The
// orders are Megatron-LM's (plan.h): two ranks are in one group of a kind when all their other
// places of that mesh are the same.
//
// Pure; O(1) a rank.
#pragma once

#include <cstdint>

#include "moe/plan.h"

namespace mixnet {

struct RankPlace {
  std::int64_t rank = 0;
  std::int64_t server = 0;
  int gpu = 0;  ///< of the server
  int stage = 0;
  // In the mesh of attention and dense parts: rank = tp + |tp| (cp + |cp| (dp + |dp| stage)).
  int tp = 0, cp = 0, dp = 0;
  // In that of experts: rank = etp + |etp| (ep + |ep| (replica + replicas stage)).
  int etp = 0, ep = 0, replica = 0;
  std::int64_t region = 0;  ///< of the EP group: stage * replicas + replica
  bool operator==(const RankPlace&) const = default;
};

/// `rank` is from 0 to plan.world() - 1.
RankPlace rank_place(const ParallelPlan& plan, std::int64_t rank);

}  // namespace mixnet
