// A progress bar on standard error for anything that lasts over two seconds.
//
// Silent when standard error is not a terminal, and for the first two seconds; then redrawn at most
// ten times a second, and wiped by the destructor. It is the only thing in the rooms that reads a
// clock, and results never depend on it. Not thread-safe.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace mixnet {

class ProgressBar {
 public:
  /// `label` is what is being done; `total` is how many advance() steps make the whole.
  ProgressBar(std::string label, std::uint64_t total);
  ~ProgressBar();
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;

  void advance(std::uint64_t steps = 1);

 private:
  void draw(double elapsed_seconds);

  std::string label_;
  std::uint64_t total_;
  std::uint64_t done_ = 0;
  bool enabled_;
  bool drawn_ = false;
  std::chrono::steady_clock::time_point start_;
  std::chrono::steady_clock::time_point next_draw_;
};

}  // namespace mixnet
