// A TCP connection as drivers of switches use one: calls that wait, each with a dead-line.
//
// Errors are SwitchErrors that name the device. After kDisconnected or kTimedOut in send() the
// connection is closed: half of a command may have gone. Small writes leave at once (TCP_NODELAY);
// a peer that has vanished is noticed by the kernel's keep-alives within a minute. Not thread-safe.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/env.h"

struct addrinfo;

namespace mixnet {

class TcpClient {
 public:
  /// `device`: its address, for errors.
  explicit TcpClient(std::string device, Env& env = system_env())
      : device_(std::move(device)), env_(env) {}
  TcpClient(const TcpClient&) = delete;
  TcpClient& operator=(const TcpClient&) = delete;
  ~TcpClient() { close(); }

  /// To the first address of `host` that answers.
  void connect(const std::string& host, int port, MonotonicTime dead_line);
  bool is_open() const { return socket_ >= 0; }
  void close();

  /// All of it, or throws.
  void send(std::string_view bytes, MonotonicTime dead_line);
  /// When the last send() had written all of it.
  MonotonicTime last_sent() const { return last_sent_; }
  /// Waits for the first bytes; 0 when none have come by the dead-line.
  std::size_t receive(char* buffer, std::size_t size, MonotonicTime dead_line);

 private:
  bool wait(short what, MonotonicTime dead_line);
  /// Until when the first of these addresses may take.
  MonotonicTime share(const addrinfo* to, MonotonicTime dead_line);

  std::string device_;
  Env& env_;
  int socket_ = -1;
  MonotonicTime last_sent_ = MonotonicTime::min();
};

}  // namespace mixnet
