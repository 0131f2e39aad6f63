// What one subscriber has asked to be told, and what it is to be told next. No socket, no clock.
//
//   ON_CHANGE (and TARGET_DEFINED)  what differs from what was told last: {key: row} at the table,
//                                   {key: {}} with a delete of the table for keys that are gone,
//                                   as SONiC writes it; with a heartbeat all of it now and then
//   SAMPLE                          all of it at each interval, or what changed
//   (suppress_redundant)
//
// The caller asks for messages when the last one has left, so a slow reader misses states between,
// never the latest. A step costs O(rows of the tables watched).
#pragma once

#include <optional>
#include <vector>

#include "base/env.h"
#include "frontends/sonic_view.h"

namespace mixnet {

class GnmiSubscription {
 public:
  /// Throws GnmiRefusal.
  GnmiSubscription(const gnmi::SubscriptionList& list, const EmulatedSwitch& device,
                   const SonicPorts& ports);

  gnmi::SubscriptionList::Mode mode() const { return mode_; }
  /// All that is subscribed to, and the mark behind it: at first, and for each poll. Throws
  /// GnmiRefusal where it is not there.
  std::vector<gnmi::SubscribeResponse> all(MonotonicTime now);
  /// STREAM: what is to be told now.
  std::vector<gnmi::SubscribeResponse> news(MonotonicTime now, bool has_changed);
  /// When news() is to be asked, whatever changes.
  std::optional<MonotonicTime> due() const;

 private:
  struct Watched {
    SonicPath at;
    gnmi::Path path;  ///< as it was asked for
    bool samples = false;
    bool only_changes = false;
    std::chrono::nanoseconds interval{0};  ///< 0: none
    MonotonicTime due = MonotonicTime::max();
    SonicTable told;
  };

  SonicTable rows(const Watched& watched) const;
  gnmi::Notification whole(Watched& watched);
  void changes(Watched& watched, std::vector<gnmi::SubscribeResponse>& messages);
  gnmi::Notification blank() const;

  const EmulatedSwitch& device_;
  const SonicPorts& ports_;
  gnmi::SubscriptionList::Mode mode_;
  gnmi::Encoding encoding_;
  std::optional<gnmi::Path> prefix_;
  bool updates_only_;
  std::vector<Watched> watched_;
};

}  // namespace mixnet
