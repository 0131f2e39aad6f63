// One connection of the page's server: bytes in and out, in the clear or by TLS, against
// dead-lines.
//
// httplib's own streams wait anew for each byte, so that who sends one byte now and then holds a
// thread for ever, and take a line of any length. Here a request has kRequestTime in all and
// kMostRequestBytes, and each write (a header, a body, one event of a stream) kWriteTime.
//
// Thread-safe is nothing but ::shutdown() of its socket.
#pragma once

#include <httplib.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <string>

#include "base/env.h"
#include "monitor/tls_context.h"

namespace mixnet {

class HttpConnection final : public httplib::Stream {
 public:
  static constexpr std::chrono::seconds kRequestTime{5}, kIdleTime{10}, kWriteTime{5};
  static constexpr std::size_t kMostRequestBytes = 16'384;

  /// `socket` outlives it and is made non-blocking; `tls`: of the context, or null.
  HttpConnection(int socket, TlsSession tls, Env& env);

  /// By TLS, within kRequestTime; false: there is nobody to speak to.
  bool shake_hands();
  /// Waits up to kIdleTime for the next request's first byte; then its time runs.
  bool wait_for_request();
  /// Says good-bye, and reads what is still on its way, for a moment: else the system would cut off
  /// what the other side has not read yet.
  void close();
  SSL* tls() const { return tls_.get(); }

  // httplib::Stream
  bool is_readable() const override { return true; }
  /// The other side is still there.
  bool is_writable() const override;
  ssize_t read(char* ptr, std::size_t size) override;
  /// All of it, or an error.
  ssize_t write(const char* ptr, std::size_t size) override;
  void get_remote_ip_and_port(std::string& ip, int& port) const override;
  void get_local_ip_and_port(std::string& ip, int& port) const override;
  socket_t socket() const override { return socket_; }

 private:
  /// Up to `until`, for one of poll(2)'s events.
  bool wait(short events, MonotonicTime until) const;
  ssize_t receive(char* ptr, std::size_t size, MonotonicTime until);
  /// What OpenSSL waits for after `result`; 0: nothing, it is over.
  short awaited(int result) const;

  int socket_;
  TlsSession tls_;
  Env& env_;
  MonotonicTime request_until_;
  std::size_t left_ = 0;  // of the request's bytes
  std::array<char, 4096> buffer_;
  std::size_t begin_ = 0, end_ = 0;  // what is read of it
};

/// The address at the other end of a socket, "10.0.0.5"; empty where there is none.
std::string peer_address(int socket);

}  // namespace mixnet
