// What people and machines see of a running mixnetd: metrics, health, the log, and the page.
//
//   GET /            the page: ports and circuits, demand, alarms, latency, live
//   GET /state.json  what it draws         GET /live  the same as server-sent events, when it
//   changes GET /metrics     Prometheus text       GET /healthz, /readyz  200, or 503 and why
//
// Off the loopback only with TLS and client certificates (settings.tls). Everything is read-only.
// At most 32 pages are live at a time; a client that does not read is dropped.
//
// Threads are its own; the loop is never kept waiting.
#pragma once

#include <memory>
#include <string>

#include "daemon/region_loop.h"

namespace mixnet {

class Monitor {
 public:
  /// Listens from here on, at settings().page, unless that is empty. Throws Error.
  explicit Monitor(RegionLoop& loop, Env& env = system_env());
  Monitor(const Monitor&) = delete;
  Monitor& operator=(const Monitor&) = delete;
  ~Monitor();

  int port() const;
  /// Prometheus text.
  std::string metrics() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace mixnet
