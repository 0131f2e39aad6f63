#include "outcome.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <string_view>

#include "commands.h"
#include "shell/output.h"

namespace mixnet::ctl {
namespace {

constexpr std::chrono::milliseconds kBetweenLooks{100};

/// Others are only what came of it: drained, a server may be cut off.
bool is_refusal(const v1::Alarm& alarm) {
  constexpr std::string_view kCodes[] = {"bad-event", "tenant-refused", "pin-refused",
                                         "contradictory-demand"};
  return std::ranges::find(kCodes, alarm.code()) != std::end(kCodes);
}

}  // namespace

void Outcome::add(const v1::Taken& taken, const std::string& what) {
  Json refused = Json::array();
  Json alarms = Json::array();
  std::string text;
  for (const v1::Alarm& alarm : taken.refused()) {
    (is_refusal(alarm) ? refused : alarms).push_back(to_json(alarm, names_));
    text +=
        fmt::format("{}: {}\n", is_refusal(alarm) ? "refused" : "alarm", alarm_text(alarm, names_));
  }
  if (refused.empty()) text_ += what + "\n";
  text_ += text;
  failed_ = failed_ || !refused.empty();
  document_.push_back(
      {{"what", what}, {"record", taken.record()}, {"refused", refused}, {"alarms", alarms}});
}

void Outcome::add_failure(const std::string& line) {
  text_ += line + "\n";
  document_.push_back({{"failed", line}});
  failed_ = true;
}

void Outcome::tell(const ControllerFlags& flags) const {
  if (!flags.json.empty()) cli::write_output(flags.json, document_.dump(2) + "\n");
  if (flags.json != "-") cli::write_output("-", text_);
  if (failed_) throw CLI::RuntimeError(kNotSo);
}

bool wait_until(RegionClient& daemon, const ControllerFlags& flags,
                const std::function<bool(const v1::Status&)>& is_so) {
  const MonotonicTime end =
      system_env().monotonic_now() + std::chrono::nanoseconds(flags.time().ns);
  while (!is_so(daemon.status(flags.time()))) {
    const MonotonicTime now = system_env().monotonic_now();
    if (now >= end) return false;
    system_env().sleep_until(std::min(now + kBetweenLooks, end));
  }
  return true;
}

}  // namespace mixnet::ctl
