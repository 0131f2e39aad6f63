// An HTTP server that nobody can keep busy: httplib's parsing and answers, on connections
// (http_connection.h) and threads of which there is a bounded number.
//
// At most kMostConnections are served at a time, a thread each. When one more comes, the one that
// has been at its request the longest goes (idle, slow to ask, or slow to read), unless it is live;
// at most kMostLive are live, so there is always one that goes. What comes faster than threads
// become free waits, up to kMostWaiting; more is closed unheard.
//
// GET and HEAD only, no bodies, no ranges, no compression: an answer costs what its text costs.
#pragma once

#include <httplib.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/env.h"
#include "daemon/daemon_settings.h"
#include "monitor/tls_context.h"

namespace mixnet {

class HttpServer {
 public:
  static constexpr int kMostLive = 32;
  static constexpr int kMostConnections = 64;
  static constexpr int kMostWaiting = 64;

  struct Options {
    ListenAddress address;
    std::string input = {};  ///< what says the address, for errors
    TlsContext tls = {};     ///< null: none
    /// Whether an address may connect, and what is told of who may not: "10.0.0.5: ...".
    std::function<bool(const std::string& address)> may_connect = {};
    std::function<void(const std::string& who, const std::string& why)> refused = {};
    /// Of a GET or HEAD; thread-safe; `who` asks. Sets status and content.
    std::function<void(const httplib::Request& request, httplib::Response& response)> answer = {};
  };

  /// Listens from here on. Throws Error: the port is taken, the address is not ours.
  HttpServer(Options options, Env& env = system_env());
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;
  /// Ends all connections.
  ~HttpServer();

  int port() const;
  /// In answer(): makes this connection one that is live, which is not sent away; false: there are
  /// kMostLive. It is one until it ends.
  bool go_live();
  int live() const;
  std::uint64_t refused() const;  ///< connections, of any reason

 private:
  class Server;
  std::unique_ptr<Server> server_;
};

}  // namespace mixnet
