// What the API shows of the region: answers to all who only look. Each waits for the loop at most
// as long as that takes for an event, and says UNAVAILABLE where the loop does not turn.
//
// For one thread at a time (the desk's), but for plan(), which is for another.
#pragma once

#include <grpcpp/grpcpp.h>

#include <memory>
#include <vector>

#include "daemon/region_loop.h"
#include "region.pb.h"
#include "service/announcer.h"
#include "service/state_cache.h"

namespace mixnet {

class RegionViews {
 public:
  RegionViews(RegionLoop& loop, StateCache& states, const Announcer& announcer, Env& env)
      : loop_(loop), states_(states), announcer_(announcer), env_(env) {}

  /// `whole`: with the snapshot.
  grpc::Status status(bool whole, v1::Status& response);
  grpc::Status topology(int tenant, v1::Topology& response);
  grpc::Status alarms(int most, v1::Happenings& response);
  grpc::Status audit(int most, v1::Happenings& response);
  grpc::Status bug_report(v1::BugReport& response);
  grpc::Status plan(const DemandReport& demand, v1::PlanReply& response);

 private:
  const v1::Status& status_of_copy(const std::shared_ptr<const StateCache::Copy>& copy);
  std::vector<v1::Happening> alarm_messages(int most) const;

  RegionLoop& loop_;
  StateCache& states_;
  const Announcer& announcer_;
  Env& env_;
  std::shared_ptr<const StateCache::Copy> shown_;
  v1::Status shown_status_;
};

/// The loop's thread does not answer.
grpc::Status stuck_loop();

}  // namespace mixnet
