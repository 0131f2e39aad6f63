// Threads that run the points of a sweep, while their owner does something else.
//
// A batch is a few points that are cheaper to run together. Batches are begun in the order in
// which they are submitted and end in any. The owner's calls are those of one thread.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "sweep/sweep_row.h"

namespace mixnet {

/// The command-line words of some points.
using PointArguments = std::vector<std::vector<std::string>>;

/// Runs points, using up to `threads` threads: one outcome each, in their order. Called by several
/// threads at once. What it throws becomes the outcome of all its points.
using PointRunner = std::function<std::vector<PointOutcome>(const PointArguments&, int threads)>;

class PointPool {
 public:
  struct Batch {
    std::size_t number = 0;
    int threads = 1;  ///< for the runner
    PointArguments points;
  };
  struct Result {
    std::size_t number = 0;
    std::vector<PointOutcome> outcomes;
  };

  PointPool(int threads, PointRunner runner);
  /// Waits for the batches that run; those that have not begun never will.
  ~PointPool();
  PointPool(const PointPool&) = delete;
  PointPool& operator=(const PointPool&) = delete;

  int threads() const { return static_cast<int>(crew_.size()); }
  void submit(Batch batch);
  /// The result of a batch that ended; waits for one, for at most `patience`.
  std::optional<Result> take(std::chrono::milliseconds patience);

 private:
  void work();

  PointRunner runner_;
  std::mutex mutex_;
  std::condition_variable submitted_, ended_;
  std::deque<Batch> waiting_;
  std::deque<Result> results_;
  bool closing_ = false;
  std::vector<std::thread> crew_;
};

}  // namespace mixnet
