// What the reader and the writer of FlexFlow's files share: the tasks that each era has, and
// limits. For flexflow_graph.cc and flexflow_write.cc alone.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "flexflow_mixnet_generated.h"
#include "flexflow_topoopt_generated.h"
#include "interop/task_graph.h"

namespace mixnet::flexflow {

namespace mixnet_era = flexflow_mixnet;
namespace topoopt_era = flexflow_topoopt;

inline constexpr std::size_t kMostBytes = std::size_t{1} << 30;
inline constexpr std::size_t kAlignment = 8;    // of the widest number
inline constexpr float kLeastTopoOptSpeed = 2;  // see flexflow_graph.h
inline constexpr std::uint64_t kNoDeviceId = 0;

// By the number in the file.
inline constexpr TaskKind kTopoOptKinds[] = {
    TaskKind::kForward, TaskKind::kBackward,    TaskKind::kComm,     TaskKind::kUpdate,
    TaskKind::kBarrier, TaskKind::kNominalComm, TaskKind::kAllReduce};
inline constexpr TaskKind kMixNetKinds[] = {
    TaskKind::kForward,     TaskKind::kBackward,    TaskKind::kComm,      TaskKind::kUpdate,
    TaskKind::kBarrier,     TaskKind::kNominalComm, TaskKind::kP2p,       TaskKind::kSubAllReduce,
    TaskKind::kDpAllReduce, TaskKind::kTpAllReduce, TaskKind::kAllReduce, TaskKind::kReduceScatter,
    TaskKind::kAllGather,   TaskKind::kAllToAll};

inline std::span<const TaskKind> kinds_of(GraphEra era) {
  if (era == GraphEra::kTopoOpt) return kTopoOptKinds;
  return kMixNetKinds;
}

static_assert(static_cast<int>(mixnet_era::SimTaskType::ALLTOALL) ==
              static_cast<int>(TaskKind::kAllToAll));
static_assert(static_cast<int>(topoopt_era::SimTaskType::NOMINAL_COMM) ==
              static_cast<int>(TaskKind::kNominalComm));
static_assert(static_cast<int>(mixnet_era::DeviceType::NW_NOMINAL) ==
              static_cast<int>(DeviceKind::kNetworkNominal));

}  // namespace mixnet::flexflow
