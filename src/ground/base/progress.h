// A progress bar on standard error for anything that lasts over two seconds.
//
//     sweep [=========                     ]  31 %, 1 min 20 s left
//
// Silent when standard error is not a terminal, and for the first two seconds; then redrawn at most
// ten times a second, and wiped by the destructor. It is one line: on a narrow terminal its bar is
// shorter, and then its label cut. Of bars that exist at once, on any threads, only the first made
// is drawn: it is the whole of which the others are parts. Results never depend on the clock that
// it reads, which is not the wall clock. One bar is one thread's at a time.
//
// Where a caller waits for this thread in the process (caller.h), the caller says whether bars are
// drawn, or tells its user itself, from the first step on. advance() is a stop point.
#pragma once

#include <cstdint>
#include <string>

#include "base/caller.h"
#include "base/env.h"

namespace mixnet {

/// "40 s", "5 min 20 s" or "3 h 5 min".
std::string rough_duration(double seconds);

class ProgressBar {
 public:
  /// `label` is what is being done; `total` is how many advance() steps make the whole.
  /// `env` must outlive the bar.
  ProgressBar(std::string label, std::uint64_t total, Env& env = system_env());
  ~ProgressBar();
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;

  /// Throws Stopped.
  void advance(std::uint64_t steps = 1);

 private:
  void draw(double elapsed_seconds);

  Env& env_;
  std::string label_;
  std::uint64_t total_;
  std::uint64_t done_ = 0;
  Caller* told_;  // null: nobody is told in place of the terminal
  bool enabled_;  // it is drawn, and holds the terminal
  bool drawn_ = false;
  MonotonicTime start_;
  MonotonicTime next_draw_;
};

}  // namespace mixnet
