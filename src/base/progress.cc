#include "base/progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <utility>

namespace mixnet {
namespace {
constexpr std::chrono::milliseconds kQuiet{2000};
constexpr std::chrono::milliseconds kRedraw{100};
constexpr int kWidth = 30;
}  // namespace

ProgressBar::ProgressBar(std::string label, std::uint64_t total)
    : label_(std::move(label)),
      total_(std::max<std::uint64_t>(1, total)),
      enabled_(::isatty(STDERR_FILENO) == 1),
      start_(std::chrono::steady_clock::now()),
      next_draw_(start_ + kQuiet) {}

ProgressBar::~ProgressBar() {
  if (drawn_) fmt::print(stderr, "\r\033[K");
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
  fmt::print(stderr, "\r\033[K{} [{:=<{}}{:{}}] {:3.0f} %, {:.0f} s left", label_, "", filled, "",
             kWidth - filled, share * 100, left);
  std::fflush(stderr);
  drawn_ = true;
}

}  // namespace mixnet
