// The ways that calls go: events into the loop and their answers back; looks at the region, which
// wait for the loop, on a desk of their own; dry runs on another. So neither gRPC's threads nor the
// loop's do work that others wait for, and no peer's calls wait behind all of another's
// (fair_queue.h).
//
// Shared by the calls that are under way: the loop may answer when the service is gone, which then
// does nothing. Thread-safe.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>

#include "daemon/region_loop.h"
#include "service/desk.h"
#include "service/event_request.h"
#include "service/fair_queue.h"
#include "service/pending_calls.h"
#include "service/state_cache.h"

namespace mixnet {

/// What a client is told of its event.
grpc::Status taken(const RegionLoop::Outcome& outcome, v1::Taken& response);

class CallDesk : public std::enable_shared_from_this<CallDesk> {
 public:
  CallDesk(RegionLoop& loop, Env& env);

  /// Into the loop; `answer` fills the response, by what came of it. `peer` is for fairness and the
  /// audit trail.
  using Answer = std::function<grpc::Status(const RegionLoop::Outcome& outcome)>;
  void post(const PendingCalls::Handle& call, const std::string& peer, EventRequest asked,
            Answer answer);
  /// Runs `work` on the desk; it ends the call.
  void look(const PendingCalls::Handle& call, const std::string& peer, std::function<void()> work);
  /// The same without a call. False: too much waits.
  bool look(std::function<void()> work) { return looks_.put(std::move(work)); }
  /// Dry runs: one at a time. False: one is under way.
  bool plan(std::function<void()> work);
  void close();

  StateCache& states() { return states_; }

 private:
  RegionLoop& loop_;
  StateCache states_;
  FairQueue events_, lookers_;
  std::atomic<bool> is_planning_ = false;
  Desk looks_, answers_, plans_;
};

}  // namespace mixnet
