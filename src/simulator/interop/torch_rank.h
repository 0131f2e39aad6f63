// What one rank did by a trace of PyTorch, from either format, and the Chakra trace that it
// becomes.
//
// Work and communication are activities on lanes: CUDA streams, threads, process groups. What waits
// for what is not in the files. It is taken from the times, as a reader of a timeline takes it: an
// activity waits for the one before it on its lane, and for one on another lane that ended while
// its own lane was idle before it; a call of a collective waits for all work before it. So what
// overlapped still does, and a bucket of gradients that nobody waited for holds nobody up on a
// slower network.
//
// Between what an activity waits for and its start the host may be busy: with `keeps_gaps` (GPUs'
// profiles) that time passes, on the CPU. Without times (execution traces), one thing follows
// another in the order of the file.
//
// Chakra counts whole microseconds: times are rounded so that the sums of a lane are right, and
// what comes to nothing is left out.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "interop/chakra_trace.h"
#include "interop/torch_comm.h"

namespace mixnet {

enum class TorchWork : std::uint8_t { kGpu, kCpu, kCopy };

struct TorchActivity {
  static constexpr std::uint32_t kNoComm = UINT32_MAX;

  double start_us = 0, end_us = 0;  ///< of communication: from the call until it is done
  std::uint32_t lane = 0;
  std::uint32_t name = 0;  ///< index in TorchRank::names
  std::uint32_t comm = kNoComm;
  TorchWork work = TorchWork::kGpu;
};

struct TorchRank {
  std::string file;
  std::optional<std::uint32_t> rank;  ///< as the file says
  bool has_times = true;
  bool keeps_gaps = false;
  bool is_on_cpu = false;  ///< work is that of the CPU: there is no GPU in the profile
  TorchGroups groups;
  std::vector<std::string> names;
  std::vector<TorchActivity> activities;  ///< in any order
  std::vector<TorchComm> comms;           ///< in the order in which they were called
};

/// The trace of rank `rank` of `ranks`. Each process group that it names is added to `groups`, with
/// its ranks, unless it is that of all. Throws Error where a call does not say enough.
ChakraTrace to_chakra_trace(TorchRank torch, std::uint32_t rank, std::uint32_t ranks,
                            std::map<std::string, std::vector<std::uint32_t>>& groups);

/// The times of `profile` with the calls of `trace`, which says more of them (all splits). Throws
/// Error where they are not calls of one run.
TorchRank merged(TorchRank profile, TorchRank trace);

}  // namespace mixnet
