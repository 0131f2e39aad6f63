// Who listens to what happens, and how it is told.
//
// A listener is called under a lock of its own, which its subscription's end takes as well: so when
// the end has returned no call runs, and what the listener uses may go. A listener may end its own
// subscription, or another's, and may begin one: the lock lets its own thread through. (It must not
// wait for a lock that somebody holds while ending its subscription; listeners do not block.)
// Subscriptions may outlive the hub. Thread-safe.
#pragma once

#include <memory>

#include "daemon/happenings.h"

namespace mixnet {

class HappeningHub {
 public:
  HappeningHub();

  [[nodiscard]] std::shared_ptr<const void> listen(HappeningListener listener);
  void tell(const Happening& happening);

 private:
  struct Listener;
  struct List;
  std::shared_ptr<List> list_;
};

}  // namespace mixnet
