// Who comes in: each call is looked at once, before anything is done for it.
//
// Peer's address, certificate, role, limits; what is refused is audited, of one peer once a second
// at most, with the number of those that were not. Who goes on asking for what is refused loses the
// connection. Thread-safe. Cost: 2 us a call.
#pragma once

#include <grpcpp/grpcpp.h>

#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/region_loop.h"
#include "service/access.h"
#include "service/address_prefix.h"
#include "service/listener.h"
#include "service/rate_limit.h"

namespace mixnet {

/// Of the settings, or those that stand for none. Throws Error.
std::vector<AddressPrefix> allowed_peers(const DaemonSettings& settings);

class Admission {
 public:
  Admission(RegionLoop& loop, std::vector<AddressPrefix> peers, Listener& listener, Env& env);

  struct Entry {
    Caller caller;
    grpc::Status status;  ///< OK: it counts among the peer's, until leave()
  };
  /// `bytes`: of the message, where that is known before it is parsed; 16 KiB cost a token more.
  Entry enter(const grpc::CallbackServerContext& context, Method method, std::size_t bytes = 0);
  void leave(const Caller& caller, Method method);

  /// For what only a later look shows: another's tenant. Audits, and gives the status to end with.
  grpc::Status refuse(const Caller& caller, Method method, const std::string& why);
  /// Whether an action of this caller's may go into the audit trail now: reports of a trainer,
  /// which are not to push out an operator's entries.
  bool may_note(const Caller& caller);
  /// A connection that was closed, or ended, before a call.
  void note_connection(const IpAddress& address, std::string_view what);

 private:
  void note(const std::string& who, std::string what, Notices& notices);

  RegionLoop& loop_;
  const bool is_insecure_;
  const std::vector<AddressPrefix> peers_;
  Listener& listener_;
  Env& env_;
  std::mutex mutex_;
  PeerTable table_;
  Floods floods_;
  Notices refusals_, connections_, reports_;
};

}  // namespace mixnet
