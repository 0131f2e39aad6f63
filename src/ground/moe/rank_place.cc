#include "moe/rank_place.h"

namespace mixnet {

RankPlace rank_place(const ParallelPlan& plan, std::int64_t rank) {
  RankPlace place;
  place.rank = rank;
  place.server = rank / plan.gpus_per_server;
  place.gpu = static_cast<int>(rank % plan.gpus_per_server);
  place.stage = static_cast<int>(rank / plan.stage_gpus());
  const std::int64_t in_stage = rank % plan.stage_gpus();
  place.tp = static_cast<int>(in_stage % plan.tp);
  place.cp = static_cast<int>(in_stage / plan.tp % plan.cp);
  place.dp = static_cast<int>(in_stage / plan.tp / plan.cp);
  place.etp = static_cast<int>(in_stage % plan.expert_tp());
  place.ep = static_cast<int>(in_stage / plan.expert_tp() % plan.ep);
  place.replica = static_cast<int>(in_stage / plan.group_gpus());
  place.region = std::int64_t{place.stage} * plan.replicas() + place.replica;
  return place;
}

}  // namespace mixnet
