// A loop whose steps are independent, over all cores.
//
// Steps must write to places of their own; then the result does not depend on the number of threads
// or on who ran what. If steps throw, every step still runs or is skipped, and the exception of the
// lowest step that threw is thrown again, so errors are the same for any number of threads too.
// Every step begins with a stop point, on whatever thread (caller.h).
#pragma once

#include <cstddef>
#include <functional>

namespace mixnet {

/// Threads that this machine runs at once; at least 1. MIXNET_THREADS overrides it.
int default_threads();

/// step(i, worker) for every i below `count`, on up to `threads` threads, which are numbered from
/// 0: a worker is never in two steps at once. In ascending order on the caller's thread when there
/// is one thread or one step.
void parallel_for(std::size_t count, int threads,
                  const std::function<void(std::size_t step, int worker)>& step);

}  // namespace mixnet
