// What monitor.h serves, without the daemon behind it: the page, its document, the stream of its
// documents, metrics, health.
//
// A stream begins with the latest document and gets each newer one (`event: state`), what has
// become of the daemon's health (`event: health`), and a comment
// and an `event: beat` at least every five seconds.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/env.h"
#include "daemon/daemon_settings.h"
#include "monitor/http_server.h"
#include "monitor/live_feed.h"

namespace mixnet {

/// How the daemon is; empty: well.
struct PageHealth {
  std::string why_not_healthy = {}, why_not_ready = {};
  bool operator==(const PageHealth&) const = default;
};

class PageServer {
 public:
  struct Sources {
    const LiveFeed* feed = nullptr;
    std::function<PageHealth()> health;
    std::function<std::string()> metrics;
    /// Of a connection that was refused.
    std::function<void(const std::string& who, const std::string& why)> refused;
  };

  /// Listens from here on, at settings.page, which is not empty. Throws Error.
  PageServer(const DaemonSettings& settings, Sources sources, Env& env = system_env());
  ~PageServer();

  int port() const { return server_->port(); }
  int live() const { return server_->live(); }
  std::uint64_t refused() const { return server_->refused(); }

 private:
  void answer(const httplib::Request& request, httplib::Response& response);
  void go_live(const httplib::Request& request, httplib::Response& response);

  Sources sources_;
  Env& env_;
  bool is_plain_;
  std::string page_;
  std::string policy_;                  // Content-Security-Policy
  std::unique_ptr<HttpServer> server_;  // last: its threads use what is above
};

}  // namespace mixnet
