// The gNMI service of an emulated switch: what a SONiC switch speaks northbound.
//
// gRPC's threads take the calls, refuse who has no business here, and post the rest to the one
// thread that owns the device (device_host.h), where answers are made (sonic_view.h). Sets are
// carried out one after the other, as SONiC does; a Set is answered when its movement is over, and
// whoever gives up meanwhile does not undo it. A subscriber that reads slowly is told the latest
// state only: at most one message waits for it.
//
// Without TLS it listens on the loopback alone. Hostile clients: messages up to 1 MiB, 64 MiB for
// all calls together, 64 calls a connection, 64 Sets that wait, 512 subscriptions in all and 16 a
// connection.
//
// Made and destroyed on the host's thread, or while that does not run.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "frontends/device_host.h"

namespace mixnet {

struct GnmiOptions {
  std::string host = "127.0.0.1";  ///< a name or address; IPv6 without brackets
  int port = 8080;                 ///< 0: any that is free
  std::string cert, key;           ///< PEM files; both or none
  std::string ca;                  ///< PEM file: only who shows a certificate of it may call
  std::map<std::string, std::string> users = {{"admin", "admin"}};  ///< with their passwords
  /// Whether x-sonic-ss-bypass-validation is heeded, where the timing has such a way.
  bool bypass_allowed = true;
};

class GnmiService {
 public:
  /// Listens from here on. Throws Error; `input` names the flag.
  GnmiService(DeviceHost& host, const GnmiOptions& options, std::string_view input = "--gnmi");
  GnmiService(const GnmiService&) = delete;
  GnmiService& operator=(const GnmiService&) = delete;
  ~GnmiService();

  int port() const;

 private:
  class Server;
  std::unique_ptr<Server> server_;
};

}  // namespace mixnet
