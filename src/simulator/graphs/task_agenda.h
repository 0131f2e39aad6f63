// What an execution of a task graph has ahead of it besides the network's flows: a queue of events
// by time, equals in the order in which they were pushed.
//
// Not thread-safe. 32 bytes an event; O(log events) a push or pop.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <vector>

#include "base/units.h"

namespace mixnet {

class TaskAgenda {
 public:
  enum class What : std::uint8_t {
    kWorkDone,  ///< subject: the task
    kServed,    ///< an exchange inside a server, if the event is not out of date: scale_up.h's
    kArrived,   ///< what an endpoint sends itself; subject and member as of a flow
    kNothing,   ///< a communication that has nothing to send ends
    kLit        ///< the circuits that a communication waits for
  };
  struct Event {
    Time time;
    std::uint64_t order = 0;
    std::uint32_t subject = 0;
    std::uint32_t member = 0;
    What what = What::kWorkDone;
    bool operator>(const Event& other) const {
      return time != other.time ? time > other.time : order > other.order;
    }
  };

  void push(Time time, What what, std::uint32_t subject, std::uint32_t member = 0) {
    events_.push_back({time, order_++, subject, member, what});
    std::ranges::push_heap(events_, std::greater<>{});
  }
  /// When the earliest is; Time::max() when there is none.
  Time next() const { return events_.empty() ? Time::max() : events_.front().time; }
  Event pop() {
    const Event event = events_.front();
    std::ranges::pop_heap(events_, std::greater<>{});
    events_.pop_back();
    return event;
  }

 private:
  std::vector<Event> events_;
  std::uint64_t order_ = 0;
};

}  // namespace mixnet
