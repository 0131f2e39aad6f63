#include "service/call_desk.h"

#include <utility>

#include "wire/region_wire.h"

namespace mixnet {
namespace {

constexpr std::size_t kMostLooks = 1'024;
constexpr std::size_t kMostAnswers = 4'096;  // more than calls at a time

/// Reports and marks come by the thousand; who looks is served a copy that is as old as the cache
/// allows. What an operator does is to be seen at once.
bool is_traffic(const Event& event) {
  return std::holds_alternative<DemandReport>(event) || std::holds_alternative<PhaseMark>(event);
}

}  // namespace

grpc::Status taken(const RegionLoop::Outcome& outcome, v1::Taken& response) {
  if (!outcome.taken) {
    return {grpc::StatusCode::UNAVAILABLE, "the daemon stops, or too many events wait: try again"};
  }
  response.set_record(outcome.record);
  for (const Alarm& alarm : outcome.alarms) *response.add_refused() = to_wire(alarm);
  return grpc::Status::OK;
}

CallDesk::CallDesk(RegionLoop& loop, Env& env)
    : loop_(loop), states_(loop, env), looks_(kMostLooks), answers_(kMostAnswers), plans_(1) {}

void CallDesk::post(const PendingCalls::Handle& call, const std::string& peer, EventRequest asked,
                    Answer answer) {
  const auto self = shared_from_this();
  auto held = std::make_shared<EventRequest>(std::move(asked));
  events_.submit(peer, [self, call, peer, held, answer = std::move(answer)] {
    if (!call->is_open()) return self->events_.done(peer);
    const bool shows = !is_traffic(held->event);
    const auto done = [self, call, peer, answer, shows](const RegionLoop::Outcome& outcome) {
      self->events_.done(peer);
      if (shows) self->states_.expire();
      const auto finish = [call, answer, outcome] {
        call->finish([&] { return answer(outcome); });
      };
      // What gRPC takes for an answer, 20 us, is not the loop's time.
      if (!self->answers_.put(finish)) finish();
    };
    self->loop_.post(std::move(held->event), held->what.empty() ? std::string() : peer, held->what,
                     done);
  });
}

void CallDesk::look(const PendingCalls::Handle& call, const std::string& peer,
                    std::function<void()> work) {
  const auto self = shared_from_this();
  lookers_.submit(peer, [self, call, peer, work = std::move(work)] {
    const auto run = [self, call, peer, work] {
      if (call->is_open()) work();
      self->lookers_.done(peer);
    };
    if (call->is_open() && self->looks_.put(run)) return;
    call->fail(grpc::StatusCode::RESOURCE_EXHAUSTED, "too many calls wait");
    self->lookers_.done(peer);
  });
}

bool CallDesk::plan(std::function<void()> work) {
  if (is_planning_.exchange(true)) return false;
  const auto self = shared_from_this();
  if (plans_.put([self, work = std::move(work)] {
        work();
        self->is_planning_ = false;
      })) {
    return true;
  }
  is_planning_ = false;
  return false;
}

void CallDesk::close() {
  looks_.close();
  plans_.close();
  answers_.close();
}

}  // namespace mixnet
