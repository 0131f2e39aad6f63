#include "service/region_views.h"

#include <fmt/format.h>

#include <optional>
#include <utility>

#include "base/error.h"
#include "region/region_snapshot.h"
#include "service/bug_report.h"
#include "service/happening_text.h"
#include "service/plan_preview.h"
#include "service/state_view.h"

namespace mixnet {

grpc::Status stuck_loop() {
  return {grpc::StatusCode::UNAVAILABLE,
          "the daemon does not turn: it starts, stops or waits for its disk"};
}

grpc::Status RegionViews::status(bool whole, v1::Status& response) {
  const auto copy = states_.get();
  if (!copy) return stuck_loop();
  response = status_of_copy(copy);
  if (whole) response.set_snapshot(write_snapshot(copy->state));
  return grpc::Status::OK;
}

const v1::Status& RegionViews::status_of_copy(const std::shared_ptr<const StateCache::Copy>& copy) {
  if (shown_ != copy) {
    shown_status_ =
        status_of(copy->state, {copy->at, loop_.run_id(), announcer_.records(), loop_.is_ready()});
    shown_ = copy;
  }
  return shown_status_;
}

grpc::Status RegionViews::topology(int tenant, v1::Topology& response) {
  std::optional<TopologyAnnouncement> said;
  if (!loop_.is_healthy() ||
      !loop_.inspect([&](const RegionState& state) { said = announced_to(state, tenant); })) {
    return stuck_loop();
  }
  if (!said) return {grpc::StatusCode::NOT_FOUND, fmt::format("there is no tenant {}", tenant)};
  response = topology_message(*said, loop_.run_id(), loop_.settings().observes);
  return grpc::Status::OK;
}

std::vector<v1::Happening> RegionViews::alarm_messages(int most) const {
  std::vector<v1::Happening> out;
  for (const auto& [at, alarm] : loop_.alarms(most)) {
    out.push_back(alarm_message(alarm, at, loop_.settings()));
  }
  return out;
}

grpc::Status RegionViews::alarms(int most, v1::Happenings& response) {
  for (v1::Happening& one : alarm_messages(most)) *response.add_happenings() = std::move(one);
  return grpc::Status::OK;
}

grpc::Status RegionViews::audit(int most, v1::Happenings& response) {
  if (!loop_.is_healthy()) return stuck_loop();
  for (const AuditEntry& one : loop_.audit_trail(most)) {
    *response.add_happenings() = audit_message(one);
  }
  return grpc::Status::OK;
}

grpc::Status RegionViews::bug_report(v1::BugReport& response) {
  constexpr int kAlarms = 200;
  constexpr int kAudit = 200;
  const auto copy = states_.get();
  if (!copy) return stuck_loop();
  std::vector<AuditEntry> trail;
  try {
    trail = loop_.audit_trail(kAudit);
  } catch (const Error& error) {  // all the more is the rest wanted
    trail = {{copy->at, "mixnetd", error.what()}};
  }
  response.set_text(
      mixnet::bug_report({MIXNET_VERSION, loop_.settings(), copy->state, status_of_copy(copy),
                          host_facts(env_), alarm_messages(kAlarms), trail}));
  return grpc::Status::OK;
}

grpc::Status RegionViews::plan(const DemandReport& demand, v1::PlanReply& response) {
  states_.expire();  // what traffic has changed a moment ago counts
  const auto copy = states_.get();
  if (!copy) return stuck_loop();
  response = to_wire(preview_plan(copy->state, demand, copy->at));
  return grpc::Status::OK;
}

}  // namespace mixnet
