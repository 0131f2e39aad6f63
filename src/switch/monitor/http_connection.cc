#include "http_connection.h"

#include <fcntl.h>
#include <netdb.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstring>
#include <utility>

#include "base/text_fields.h"

namespace mixnet {
namespace {

constexpr std::chrono::milliseconds kLinger{200};

void name_of(int socket, int (*ask)(int, sockaddr*, socklen_t*), std::string& ip, int& port) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  char host[NI_MAXHOST] = "", service[NI_MAXSERV] = "";
  if (ask(socket, reinterpret_cast<sockaddr*>(&address), &size) != 0 ||
      ::getnameinfo(reinterpret_cast<sockaddr*>(&address), size, host, sizeof host, service,
                    sizeof service, NI_NUMERICHOST | NI_NUMERICSERV) != 0) {
    return;
  }
  ip = host;
  port = number_in<int>(service).value_or(0);
}

}  // namespace

std::string peer_address(int socket) {
  std::string ip;
  int port = 0;
  name_of(socket, ::getpeername, ip, port);
  return ip;
}

HttpConnection::HttpConnection(int socket, TlsSession tls, Env& env)
    : socket_(socket), tls_(std::move(tls)), env_(env) {
  ::fcntl(socket_, F_SETFL, ::fcntl(socket_, F_GETFL) | O_NONBLOCK);
  if (tls_) SSL_set_fd(tls_.get(), socket_);
}

bool HttpConnection::wait(short events, MonotonicTime until) const {
  for (;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - env_.monotonic_now());
    if (left.count() <= 0) return false;
    pollfd one{.fd = socket_, .events = events, .revents = 0};
    const int ready =
        ::poll(&one, 1, static_cast<int>(std::min<std::int64_t>(left.count(), INT_MAX)));
    if (ready > 0) return true;  // or an error, which the next call meets
    if (ready < 0 && errno != EINTR) return false;
  }
}

short HttpConnection::awaited(int result) const {
  switch (SSL_get_error(tls_.get(), result)) {
    case SSL_ERROR_WANT_READ:
      return POLLIN;
    case SSL_ERROR_WANT_WRITE:
      return POLLOUT;
    default:
      return 0;
  }
}

bool HttpConnection::shake_hands() {
  if (!tls_) return true;
  const MonotonicTime until = env_.monotonic_now() + kRequestTime;
  for (;;) {
    ERR_clear_error();
    const int result = SSL_accept(tls_.get());
    if (result == 1) return true;
    const short events = awaited(result);
    if (events == 0 || !wait(events, until)) return false;
  }
}

ssize_t HttpConnection::receive(char* ptr, std::size_t size, MonotonicTime until) {
  for (;;) {
    short events = POLLIN;
    if (tls_) {
      ERR_clear_error();
      const int got =
          SSL_read(tls_.get(), ptr, static_cast<int>(std::min<std::size_t>(size, INT_MAX)));
      if (got > 0) return got;
      events = awaited(got);
      if (events == 0) return SSL_get_shutdown(tls_.get()) != 0 ? 0 : -1;
    } else {
      const ssize_t got = ::recv(socket_, ptr, size, 0);
      if (got >= 0) return got;
      if (errno == EINTR) continue;
      if (errno != EAGAIN && errno != EWOULDBLOCK) return -1;
    }
    if (!wait(events, until)) return -1;
  }
}

bool HttpConnection::wait_for_request() {
  if (begin_ == end_) {
    begin_ = end_ = 0;
    const ssize_t got = receive(buffer_.data(), buffer_.size(), env_.monotonic_now() + kIdleTime);
    if (got <= 0) return false;
    end_ = static_cast<std::size_t>(got);
  }
  request_until_ = env_.monotonic_now() + kRequestTime;
  left_ = kMostRequestBytes;
  return true;
}

ssize_t HttpConnection::read(char* ptr, std::size_t size) {
  if (left_ == 0) return -1;
  if (begin_ == end_) {
    begin_ = end_ = 0;
    const ssize_t got = receive(buffer_.data(), buffer_.size(), request_until_);
    if (got <= 0) return got;
    end_ = static_cast<std::size_t>(got);
  }
  const std::size_t part = std::min({size, end_ - begin_, left_});
  std::memcpy(ptr, buffer_.data() + begin_, part);
  begin_ += part;
  left_ -= part;
  return static_cast<ssize_t>(part);
}

ssize_t HttpConnection::write(const char* ptr, std::size_t size) {
  const MonotonicTime until = env_.monotonic_now() + kWriteTime;
  std::size_t done = 0;
  while (done < size) {
    short events = POLLOUT;
    if (tls_) {
      ERR_clear_error();
      const int put = SSL_write(tls_.get(), ptr + done,
                                static_cast<int>(std::min<std::size_t>(size - done, INT_MAX)));
      if (put > 0) {
        done += static_cast<std::size_t>(put);
        continue;
      }
      events = awaited(put);
      if (events == 0) return -1;
    } else {
      const ssize_t put = ::send(socket_, ptr + done, size - done, MSG_NOSIGNAL);
      if (put > 0) {
        done += static_cast<std::size_t>(put);
        continue;
      }
      if (put < 0 && errno == EINTR) continue;
      if (put < 0 && errno != EAGAIN && errno != EWOULDBLOCK) return -1;
    }
    if (!wait(events, until)) return -1;
  }
  return static_cast<ssize_t>(size);
}

bool HttpConnection::is_writable() const {
  pollfd one{.fd = socket_, .events = POLLRDHUP, .revents = 0};
  return ::poll(&one, 1, 0) == 0;
}

void HttpConnection::close() {
  if (tls_) SSL_shutdown(tls_.get());
  ERR_clear_error();
  ::shutdown(socket_, SHUT_WR);
  const MonotonicTime until = env_.monotonic_now() + kLinger;
  for (std::size_t budget = kMostRequestBytes * 4; budget > 0;) {
    const ssize_t got = ::recv(socket_, buffer_.data(), buffer_.size(), 0);
    if (got > 0) {
      budget -= std::min(budget, static_cast<std::size_t>(got));
    } else if (got == 0 || (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR) ||
               !wait(POLLIN, until)) {
      return;
    }
  }
}

void HttpConnection::get_remote_ip_and_port(std::string& ip, int& port) const {
  name_of(socket_, ::getpeername, ip, port);
}

void HttpConnection::get_local_ip_and_port(std::string& ip, int& port) const {
  name_of(socket_, ::getsockname, ip, port);
}

}  // namespace mixnet
