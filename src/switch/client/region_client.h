// How a program speaks with mixnetd: the calls of mixnet.v1.Region as functions on our own types.
//
// Every call has a dead-line and throws RegionCallError, which says of what kind the trouble is:
// the runtime goes on without a controller when there is none, and must know. A connection that
// breaks is made again by the next call; a call during which it broke is made once more, for every
// call may come twice (region_messages.h). A peer that is gone without a word ends a watch after
// 15 s. Thread-safe, but for the destructor: watches are to have ended. A call costs two small
// allocations and a round trip: 0.2 ms on the loopback.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/env.h"
#include "base/error.h"
#include "region.pb.h"
#include "wire/region_wire.h"

namespace mixnet {

struct ControllerAddress {
  std::string host = "127.0.0.1";
  int port = 7411;
  std::string cert, key, ca;  ///< PEM files; all empty: plain, which is for the loopback alone

  std::string shown() const;  ///< "HOST:PORT"
  bool is_loopback() const;   ///< by its name or number
};
/// "HOST[:PORT]", "[IPv6]:PORT" or an IPv6 address. Throws Error.
ControllerAddress parse_controller_address(std::string_view text, std::string_view input);

enum class CallFault {
  kUnreachable,  ///< nobody there, or not who should be; also a watch that broke
  kTimedOut,     ///< no answer in time: whether the call counts is not known
  kForbidden,    ///< the certificate's role, or the peer's address
  kRefused,      ///< the daemon has something against what was asked
  kBusy,         ///< a limit: later again
  kInternal      ///< a fault of ours, or another version
};

class RegionCallError : public Error {
 public:
  RegionCallError(CallFault fault, std::string_view where, std::string_view problem,
                  std::string_view remedy = {})
      : Error(where, problem, remedy), fault_(fault) {}
  CallFault fault() const { return fault_; }

 private:
  CallFault fault_;
};

class RegionClient {
 public:
  /// Throws Error for a certificate that cannot be read, and for none where the network is not our
  /// own; connects at the first call.
  explicit RegionClient(const ControllerAddress& address, Env& env = system_env());
  RegionClient(const RegionClient&) = delete;
  RegionClient& operator=(const RegionClient&) = delete;
  ~RegionClient();

  v1::RegionDescription region(Duration limit);
  v1::Status status(Duration limit);
  v1::Topology topology(int tenant, Duration limit);
  v1::PlanReply plan(const DemandReport& demand, Duration limit);
  v1::Happenings alarms(int most, Duration limit);
  v1::Happenings audit(int most, Duration limit);
  std::string bug_report(Duration limit);

  v1::Taken report(const DemandReport& demand, Duration limit);
  v1::Taken mark(const PhaseMark& mark, Duration limit);
  v1::Taken report(const HealthReport& health, Duration limit);
  v1::Taken report_activation(int port, Duration took, Duration limit);
  v1::Taken add(const TenantAdd& tenant, Duration limit);
  v1::Taken remove(const TenantRemove& tenant, Duration limit);
  v1::Taken drain(const ServerDrain& drain, Duration limit);
  v1::Taken pin(const CircuitPin& pin, Duration limit);
  v1::Taken hold(const SwitchHold& hold, Duration limit);

  /// Calls `seen` for each until it returns false, the stream ends (RegionCallError), or cancel().
  void watch_topology(int tenant, const std::function<bool(const v1::Topology&)>& seen);
  void watch_happenings(const std::function<bool(const v1::Happening&)>& seen);
  /// Ends watches that run, from another thread, and those that begin later.
  void cancel();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace mixnet
