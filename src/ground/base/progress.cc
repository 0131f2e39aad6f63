#include "base/progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdio>
#include <utility>

namespace mixnet {
namespace {
constexpr std::chrono::milliseconds kQuiet{2000};
constexpr std::chrono::milliseconds kRedraw{100};
constexpr int kWidth = 30;

// There is one standard error.
std::atomic<bool> terminal_is_taken{false};

bool take_terminal() { return ::isatty(STDERR_FILENO) == 1 && !terminal_is_taken.exchange(true); }
}  // namespace

std::string rough_duration(double seconds) {
  const auto whole = static_cast<std::int64_t>(std::clamp(std::round(seconds), 0.0, 1e15));
  if (whole < 60) return fmt::format("{} s", whole);
  if (whole < 3600) return fmt::format("{} min {} s", whole / 60, whole % 60);
  return fmt::format("{} h {} min", whole / 3600, whole % 3600 / 60);
}

ProgressBar::ProgressBar(std::string label, std::uint64_t total)
    : label_(std::move(label)),
      total_(std::max<std::uint64_t>(1, total)),
      enabled_(take_terminal()),
      start_(std::chrono::steady_clock::now()),
      next_draw_(start_ + kQuiet) {}

ProgressBar::~ProgressBar() {
  if (drawn_) fmt::print(stderr, "\r\033[K");
  if (enabled_) terminal_is_taken = false;
}

void ProgressBar::advance(std::uint64_t steps) {
  done_ += steps;
  if (!enabled_) return;
  const auto now = std::chrono::steady_clock::now();
  if (now < next_draw_) return;
  next_draw_ = now + kRedraw;
  draw(std::chrono::duration<double>(now - start_).count());
}

void ProgressBar::draw(double elapsed_seconds) {
  const double share = std::min(1.0, static_cast<double>(done_) / static_cast<double>(total_));
  const int filled = static_cast<int>(share * kWidth);
  const double left = share > 0 ? elapsed_seconds * (1 - share) / share : 0;
  fmt::print(stderr, "\r\033[K{} [{:=<{}}{:{}}] {:3.0f} %, {} left", label_, "", filled, "",
             kWidth - filled, share * 100, rough_duration(left));
  std::fflush(stderr);
  drawn_ = true;
}

}  // namespace mixnet
