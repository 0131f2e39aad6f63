#include "gnmi/sonic_watch.h"

#include <algorithm>

namespace mixnet {
namespace {

constexpr std::size_t kMostEvents = 4'096;
constexpr std::size_t kMostExpected = 16;

std::string_view field_of(const SonicRow& row, std::string_view field) {
  const auto found = row.find(field);
  return found == row.end() ? std::string_view() : std::string_view(found->second);
}

}  // namespace

std::string_view status_of(const SonicRow& row, std::string_view field) {
  std::string_view status = field_of(row, field);
  if (status.empty() && field == "status") status = field_of(row, "oper_status");
  return status == "connected" ? "tuned" : status;
}

void SonicWatch::expect(const std::string& input, const std::string& output) {
  std::deque<std::string>& expected = known_[input].expected;
  expected.push_back(output);
  if (expected.size() > kMostExpected) expected.pop_front();
}

void SonicWatch::restart() {
  is_synced_ = false;
  coming_.clear();
}

void SonicWatch::take(const gnmi::SubscribeResponse& message) {
  ++revision_;
  if (message.has_update()) {
    SonicTable rows;
    decode_rows(message.update(), kStateDb, table_, rows);
    for (auto& [name, row] : rows) {
      if (ports_.port(name) == 0) continue;
      if (is_synced_) {
        see(name, row);
      } else {
        coming_[name] = std::move(row);
      }
    }
  } else if (message.sync_response() && !is_synced_) {
    is_synced_ = true;
    for (const auto& [name, row] : coming_) see(name, row);
    coming_.clear();
    if (is_first_) events_.clear();
    is_first_ = false;
  }
}

void SonicWatch::see(const std::string& name, const SonicRow& row) {
  const std::string status(status_of(row, "status"));
  Port& port = known_[name];
  if (status == "tuning") {
    port.status = status;
    return;
  }
  const std::string target(field_of(row, "target_simplex_port_id"));
  const bool same_target = target == port.target;
  if (!same_target) see_target(name, port, target);
  if (status != port.status) {
    if (status == "failed") {
      report(AlarmLevel::kMajor, "OCS_PORT failed", name, "port " + name + " failed");
    } else if (port.status == "failed") {
      report(AlarmLevel::kEvent, "OCS_PORT " + status, name, "port " + name + " is well again");
    } else if (status == "blocked" && same_target && !target.empty()) {
      report(AlarmLevel::kEvent, "OCS_PORT blocked", name, "port " + name + " is blocked");
    }
  }
  port.status = status;
}

void SonicWatch::see_target(const std::string& name, Port& port, const std::string& target) {
  const auto asked = std::ranges::find(port.expected, target);
  const bool is_ours = asked != port.expected.end();
  if (is_ours) port.expected.erase(port.expected.begin(), asked + 1);
  const bool is_input = ports_.numbering().positions >= ports_.port(name);
  if (!is_ours && is_input && !port.target.empty()) {
    report(AlarmLevel::kMajor, "OCS_CROSS_CONNECT lost", name,
           name + "-" + port.target + " went without our doing");
  }
  port.target = target;
}

void SonicWatch::report(AlarmLevel level, std::string code, const std::string& name,
                        std::string text) {
  const int position = ports_.numbering().position(ports_.port(name));
  if (!in_slice(slice_, position)) return;
  events_.push_back({level, std::move(code), position, std::move(text)});
  if (events_.size() > kMostEvents) events_.pop_front();
}

}  // namespace mixnet
