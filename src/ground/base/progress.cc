#include "base/progress.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <utility>

namespace mixnet {
namespace {

constexpr std::chrono::milliseconds kQuiet{2000};
constexpr std::chrono::milliseconds kRedraw{100};
constexpr int kWidth = 30;
constexpr int kLeastWidth = 10;

/// Who hears of the bar in place of the terminal.
Caller* caller_to_tell(const std::string& label, std::uint64_t total) {
  Caller* const caller = current_caller();
  return caller != nullptr && caller->begin(label, total) ? caller : nullptr;
}

bool may_draw() {
  const Caller* const caller = current_caller();
  return caller == nullptr || caller->hears() == Caller::Hears::kTerminal;
}

/// A terminal that cannot be drawn on is no reason to end.
void draw_on(Env& env, const std::string& text) { (void)env.print(Env::Stream::kError, text); }

}  // namespace

std::string rough_duration(double seconds) {
  const auto whole = static_cast<std::int64_t>(std::clamp(std::round(seconds), 0.0, 1e15));
  if (whole < 60) return fmt::format("{} s", whole);
  if (whole < 3600) return fmt::format("{} min {} s", whole / 60, whole % 60);
  return fmt::format("{} h {} min", whole / 3600, whole % 3600 / 60);
}

ProgressBar::ProgressBar(std::string label, std::uint64_t total, Env& env)
    : env_(env),
      label_(std::move(label)),
      total_(std::max<std::uint64_t>(1, total)),
      told_(caller_to_tell(label_, total_)),
      enabled_(may_draw() && env.is_terminal(Env::Stream::kError) && env.take_drawing()),
      start_(enabled_ ? env.monotonic_now() : MonotonicTime()),
      next_draw_(start_ + kQuiet) {}

ProgressBar::~ProgressBar() {
  if (drawn_) draw_on(env_, "\r\033[K");
  if (enabled_) env_.leave_drawing();
  if (told_ != nullptr) told_->end();
}

void ProgressBar::advance(std::uint64_t steps) {
  stop_point();
  done_ += steps;
  if (told_ != nullptr) told_->advance(std::min(done_, total_));
  if (!enabled_) return;
  const MonotonicTime now = env_.monotonic_now();
  if (now < next_draw_) return;
  next_draw_ = now + kRedraw;
  draw(std::chrono::duration<double>(now - start_).count());
}

void ProgressBar::draw(double elapsed_seconds) {
  const double share = std::min(1.0, static_cast<double>(done_) / static_cast<double>(total_));
  const double left = share > 0 ? elapsed_seconds * (1 - share) / share : 0;
  const std::string rest = fmt::format("] {:3.0f} %, {} left", share * 100, rough_duration(left));
  // A line that reaches the last column would go on in the next, which is not wiped.
  const int terminal = env_.terminal_width();
  const int columns = terminal > 0 ? terminal - 1 : std::numeric_limits<int>::max();
  const int beside = columns - static_cast<int>(rest.size()) - 2;
  const int width = std::clamp(beside - static_cast<int>(label_.size()), kLeastWidth, kWidth);
  const auto filled = static_cast<std::size_t>(share * width);
  std::string line = label_.substr(0, static_cast<std::size_t>(std::max(0, beside - width)));
  line += " [" + std::string(filled, '=');
  line += std::string(static_cast<std::size_t>(width) - filled, ' ') + rest;
  line.resize(std::min(line.size(), static_cast<std::size_t>(columns)));
  draw_on(env_, "\r\033[K" + line);
  drawn_ = true;
}

}  // namespace mixnet
