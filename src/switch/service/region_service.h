// The gRPC API of mixnetd, mixnet.v1.Region (wire/region.proto): who may call what, and how much.
//
// WHO. With TLS a client shows a certificate of our CA, which says its role in a subject
// alternative name: URI `mixnet:viewer`, `mixnet:trainer/17` (the tenant it may speak for),
// `mixnet:operator` (access.h). Without TLS, which only listens on the loopback and only when asked
// for (insecure), everybody is an operator. Peers outside settings.peers are refused. Refusals are
// audited. HOW MUCH. Messages up to 4 MiB (a demand of 512 servers), 64 MiB for all calls together;
// per peer 64 calls at a time, 16 streams and a rate of calls (a bucket); 256 streams in all.
// Refusals of the same peer are audited once a second at most. A hostile client delays an honest
// one by under 10 ms (tests).
//
// Threads are gRPC's; what changes or reads the region is posted to the loop.
#pragma once

#include <memory>
#include <string>

#include "daemon/region_loop.h"

namespace mixnet {

class RegionService {
 public:
  /// Listens from here on, at settings().api. Throws Error.
  explicit RegionService(RegionLoop& loop, Env& env = system_env());
  RegionService(const RegionService&) = delete;
  RegionService& operator=(const RegionService&) = delete;
  /// Ends all calls.
  ~RegionService();

  int port() const;

 private:
  class Server;
  std::unique_ptr<Server> server_;
};

}  // namespace mixnet
