// Runs the points of a plan that a results folder does not have yet, on the threads of this process
// and, under MPI, on those of others.
//
// Rank 0 plans, hands out batches and alone writes the folder; it works as well. Every rank, 0
// among them, has a PointPool and gets its next batch when one ends, so fast ranks run more. Others
// know nothing of the study: a batch brings the command lines of its points.
//
// Batches are made of points of the same group (cheaper to run together), in the order of the
// points. When there are fewer batches than threads, each batch may use several. Rows do not depend
// on any of this.
//
// A rank that is not heard from for `rank_timeout` is given up, and its batches go to others. A
// batch that was lost twice has failed: it may be what kills. (MPI must let the other ranks live
// for that: Open MPI does with mpirun --enable-recovery; otherwise it ends all, and starting again
// goes on.)
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "base/env.h"
#include "sweep/point_pool.h"
#include "sweep/ranks.h"
#include "sweep/sweep_folder.h"
#include "sweep/sweep_plan.h"

namespace mixnet {

struct SweepOptions {
  int threads = 1;         ///< of this process
  Ranks* ranks = nullptr;  ///< null: this process alone
  std::chrono::milliseconds rank_timeout{60'000};
  /// Asked on rank 0 several times a second. Once it is true, for good, the sweep ends early:
  /// points under way are waited for and lost (they may give up, too, and any outcome), what is
  /// finished stays in the folder. Null: never.
  std::function<bool()> interrupted = {};
  Env* env = &system_env();  ///< whose clock tells silent ranks; not null
};

/// Points with the same text may be run together.
using PointGroup = std::function<std::string(const std::vector<std::string>& arguments)>;

/// On rank 0: runs what is not finished, and completes the folder unless it was interrupted. Shows
/// a progress bar on a terminal. Returns the ranks that were given up. Throws Error when the folder
/// cannot be written.
std::vector<int> run_sweep(const SweepPlan& plan, SweepFolder& folder, const PointGroup& group,
                           const PointRunner& runner, const SweepOptions& options);

/// On other ranks: runs what rank 0 sends, until it says that there is no more.
void serve_sweep(const PointRunner& runner, const SweepOptions& options);

/// On rank 0, in place of run_sweep(), where there is nothing to run: lets the other ranks go.
void dismiss_ranks(Ranks& ranks);

}  // namespace mixnet
