#include "outcome.h"

#include <fmt/format.h>

#include <chrono>

#include "commands.h"
#include "shell/output.h"

namespace mixnet::ctl {
namespace {

constexpr std::chrono::milliseconds kBetweenLooks{100};

}  // namespace

void Outcome::add(const v1::Taken& taken, const std::string& what) {
  Json refused = Json::array();
  for (const v1::Alarm& alarm : taken.refused()) {
    refused.push_back(to_json(alarm, names_));
    text_ += fmt::format("refused: {}\n", alarm_text(alarm, names_));
  }
  if (taken.refused().empty()) text_ += what + "\n";
  failed_ = failed_ || !taken.refused().empty();
  document_.push_back({{"what", what}, {"record", taken.record()}, {"refused", refused}});
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
