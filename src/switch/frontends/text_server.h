// A TCP server for the text protocols of a switch, and how it stands hostile clients.
//
// One Conversation a connection says what is answered; this reads, writes and keeps the limits:
//   - connections: 128. One more, and the oldest that is not trusted (logged in) goes; if all are
//     trusted, the new one does;
//   - who is not trusted after 30 s goes, and who has sent 16 KiB by then, or since it logged out;
//   - a client that does not read what it is sent: over 4 MiB unsent, it goes;
//   - nobody holds the loop: a turn reads at most 16 KiB of one connection.
// What goes is closed without a word. All on the thread of the io_context; the server must outlive
// its run.
#pragma once

#include <asio/ip/tcp.hpp>
#include <cstddef>
#include <functional>
#include <list>
#include <memory>
#include <string>
#include <string_view>

namespace mixnet {

/// The near side of one connection. Calls after close() do nothing.
class Speaker {
 public:
  virtual void say(std::string text) = 0;
  /// After what was said has been sent.
  virtual void close() = 0;

 protected:
  ~Speaker() = default;
};

class Conversation {
 public:
  Conversation() = default;
  Conversation(const Conversation&) = delete;
  Conversation& operator=(const Conversation&) = delete;
  virtual ~Conversation() = default;
  /// Throws Error when what was heard is no use going on with: the connection is closed.
  virtual void hear(std::string_view bytes) = 0;
  /// Has shown that it may be here.
  virtual bool is_trusted() const = 0;
};

/// The server lets go of a conversation when its connection ends; who answers later holds it
/// weakly.
using StartConversation =
    std::function<std::shared_ptr<Conversation>(const std::shared_ptr<Speaker>& speaker)>;

class TextServer {
 public:
  static constexpr std::size_t kMostConnections = 128;
  static constexpr std::size_t kMostUntrusted = 16 << 10;
  static constexpr std::size_t kMostUnsent = 4 << 20;

  /// Listens at once. Throws Error that names `input` (a flag) when the address cannot be had.
  /// `may_enter`: asked at each connection; false closes it.
  TextServer(asio::io_context& io, const asio::ip::tcp::endpoint& at, std::string_view input,
             StartConversation start, std::function<bool()> may_enter = nullptr);
  TextServer(const TextServer&) = delete;
  TextServer& operator=(const TextServer&) = delete;
  ~TextServer();

  /// Where it listens: the port, where 0 was asked for.
  asio::ip::tcp::endpoint endpoint() const { return acceptor_.local_endpoint(); }
  std::size_t connections() const { return connections_.size(); }
  void close_all();

 private:
  class Connection;
  void accept();
  void enter(asio::ip::tcp::socket socket);
  bool make_room();

  asio::io_context& io_;
  asio::ip::tcp::acceptor acceptor_;
  StartConversation start_;
  std::function<bool()> may_enter_;
  std::list<std::shared_ptr<Connection>> connections_;  ///< the oldest first
};

/// "127.0.0.1:3082", "[::1]:0". Throws Error.
asio::ip::tcp::endpoint parse_endpoint(std::string_view text, std::string_view input);

}  // namespace mixnet
