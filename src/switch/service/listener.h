// Who may connect, and how often: the sockets of the API, before gRPC and TLS see a byte.
//
// A thread of its own accepts. A peer outside the prefixes is closed at once. Of the rest
//   - 200 new connections a second of one network are taken, in bursts of 256. What is more is
//   closed at once: left to wait in the kernel, it would fill the queue in which the honest wait;
//   - 1,024 connections are kept (fewer where the process may open fewer files), 256 of one
//   network;
//     beyond that the oldest that has not made a call makes room, and where all have, the newest
//     is refused. So who connects and says nothing keeps nobody out.
// A connection that ends without a call is told of (`abandoned`): it had no certificate of our CA,
// or gave up.
//
// Beside gRPC's descriptor this keeps one of its own for each connection: to see its end, and to
// end it. Thread-safe.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/env.h"
#include "service/address_prefix.h"

namespace mixnet {

class Listener {
 public:
  struct Limits {
    std::size_t connections = 1'024;
    std::size_t of_network = 256;
    double rate = 200;  ///< new ones of one network, a second
    double burst = 256;
    /// Of all that are accepted, to be closed or kept: more wait, so that whoever knocks costs no
    /// more than some percent of a core.
    double all_rate = 5'000;
    double all_burst = 1'000;
  };
  struct Told {
    /// A connection to hand on; the callee owns it.
    std::function<void(int connection)> taken;
    std::function<void(const IpAddress& address)> stranger;
    std::function<void(const IpAddress& address)> abandoned;
  };

  /// Binds and listens at "127.0.0.1:7411" or "[::1]:0" (any port that is free); nothing is
  /// accepted before start(). `input` names the file and key. Throws Error.
  Listener(std::string_view address, std::string_view input, Env& env);
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;
  ~Listener();

  void start(std::vector<AddressPrefix> peers, Told told, const Limits& limits);
  /// No callback runs any more.
  void stop();
  int port() const { return port_; }

  /// A call came of it. `peer` as gRPC names it.
  void spoke(std::string_view peer);
  /// Ends a connection.
  void drop(std::string_view peer);

 private:
  struct Table;
  void run();

  Env& env_;
  int socket_ = -1;
  int port_ = 0;
  int wake_ = -1;
  std::unique_ptr<Table> table_;
  std::thread thread_;
};

}  // namespace mixnet
