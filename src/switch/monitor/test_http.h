// A client of HTTP that tests may make as slow and as odd as they like: a socket, and no more.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <string>
#include <string_view>
#include <utility>

namespace mixnet {

class TestConnection {
 public:
  explicit TestConnection(int port) : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    is_open_ = ::connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  }
  TestConnection(TestConnection&& other) noexcept
      : socket_(std::exchange(other.socket_, -1)), is_open_(other.is_open_) {}
  TestConnection& operator=(TestConnection&&) = delete;
  ~TestConnection() {
    if (socket_ >= 0) ::close(socket_);
  }

  bool is_open() const { return is_open_; }
  bool say(std::string_view text) {
    return ::send(socket_, text.data(), text.size(), MSG_NOSIGNAL) ==
           static_cast<ssize_t>(text.size());
  }
  /// What comes until `end` is in it, the other side has closed, or the time is over.
  std::string hear(std::string_view end,
                   std::chrono::milliseconds most = std::chrono::seconds(20)) {
    const auto until = std::chrono::steady_clock::now() + most;
    std::string text;
    while (end.empty() || text.find(end) == std::string::npos) {
      const auto left =
          std::chrono::ceil<std::chrono::milliseconds>(until - std::chrono::steady_clock::now());
      pollfd one{.fd = socket_, .events = POLLIN, .revents = 0};
      if (left.count() <= 0 || ::poll(&one, 1, static_cast<int>(left.count())) <= 0) break;
      char buffer[65'536];
      const ssize_t got = ::recv(socket_, buffer, sizeof buffer, 0);
      if (got <= 0) {
        has_closed_ = true;
        break;
      }
      text.append(buffer, static_cast<std::size_t>(got));
    }
    return text;
  }
  bool has_closed() const { return has_closed_; }

 private:
  int socket_;
  bool is_open_ = false, has_closed_ = false;
};

/// The whole answer to one request; `more`: further header lines, each with its end.
inline std::string test_ask(int port, const std::string& path, const std::string& method = "GET",
                            const std::string& more = "Host: localhost\r\n") {
  TestConnection connection(port);
  connection.say(method + " " + path + " HTTP/1.1\r\n" + more + "Connection: close\r\n\r\n");
  return connection.hear("");
}

}  // namespace mixnet
