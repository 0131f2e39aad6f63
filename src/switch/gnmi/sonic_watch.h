// What a stream of STATE_DB's OCS_PORT tells, as events: a port that failed or recovered or was
// blocked, a cross-connect that went without our doing.
//
// The table comes whole, then a mark (sync), then each row that changes (gnmi_sonic.txt). After a
// stream broke, the table that comes is compared with what was known: nothing is lost but what came
// and went meanwhile. What we ask for ourselves is said before by expect(), and is no event.
//
// Pure. A message costs O(rows in it log ports).
#pragma once

#include <deque>
#include <map>
#include <string>

#include "gnmi.pb.h"
#include "gnmi/sonic_tables.h"
#include "ocs/optical_switch.h"

namespace mixnet {

class SonicWatch {
 public:
  /// `table`: OCS_PORT, or as older images call it. Both outlive the watch.
  SonicWatch(const SonicPorts& ports, const PortSlice& slice, std::string table)
      : ports_(ports), slice_(slice), table_(std::move(table)) {}

  /// This input is asked to lead to that output; empty: to none.
  void expect(const std::string& input, const std::string& output);
  /// A new stream: the table comes whole.
  void restart();
  /// Throws Error for what is no such table.
  void take(const gnmi::SubscribeResponse& message);

  /// The table has come.
  bool is_synced() const { return is_synced_; }
  std::deque<SwitchEvent>& events() { return events_; }
  /// Goes up with every message that told something.
  std::uint64_t revision() const { return revision_; }

 private:
  struct Port {
    std::string status;
    std::string target;                ///< as it last came to rest
    std::deque<std::string> expected;  ///< still to come, in order
  };

  void see(const std::string& name, const SonicRow& row);
  void see_target(const std::string& name, Port& port, const std::string& target);
  void report(AlarmLevel level, std::string code, const std::string& name, std::string text);

  const SonicPorts& ports_;
  const PortSlice& slice_;
  std::string table_;
  bool is_synced_ = false;
  bool is_first_ = true;
  SonicTable coming_;
  std::map<std::string, Port, std::less<>> known_;
  std::deque<SwitchEvent> events_;
  std::uint64_t revision_ = 0;
};

/// A port's or a side's status in any of its spellings: "tuned" for "connected".
std::string_view status_of(const SonicRow& row, std::string_view field);

}  // namespace mixnet
