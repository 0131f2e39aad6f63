#include "frontends/text_server.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <asio/io_context.hpp>
#include <asio/ip/address.hpp>
#include <asio/post.hpp>
#include <asio/steady_timer.hpp>
#include <asio/write.hpp>
#include <chrono>
#include <utility>

#include "base/error.h"
#include "base/text_fields.h"

namespace mixnet {
namespace {

using asio::ip::tcp;
using std::chrono::seconds;

constexpr std::size_t kTurn = 16 << 10;
constexpr seconds kTrustWithin{30};
constexpr seconds kCloseWithin{10};
/// Where no more descriptors are to be had, those that go make room.
constexpr std::chrono::milliseconds kAcceptAgain{20};

}  // namespace

class TextServer::Connection final : public Speaker,
                                     public std::enable_shared_from_this<Connection> {
 public:
  Connection(TextServer& server, tcp::socket socket)
      : server_(&server), socket_(std::move(socket)), patience_(socket_.get_executor()) {}

  void begin(const StartConversation& start) {
    std::error_code ignored;
    socket_.set_option(tcp::no_delay(true), ignored);
    conversation_ = start(shared_from_this());
    patience_.expires_after(kTrustWithin);
    patience_.async_wait([self = shared_from_this()](const std::error_code& error) {
      if (!error && !self->is_trusted()) self->end();
    });
    read();
  }

  bool is_trusted() const { return conversation_ && conversation_->is_trusted(); }

  void say(std::string text) override {
    if (is_ended_ || closes_) return;
    waiting_ += text;
    if (waiting_.size() + sending_.size() > kMostUnsent) {
      end();
    } else if (sending_.empty()) {
      write();
    }
  }

  void close() override {
    if (is_ended_ || std::exchange(closes_, true)) return;
    if (sending_.empty()) return end();
    // Who does not read what was said last is not waited for.
    patience_.expires_after(kCloseWithin);
    patience_.async_wait([self = shared_from_this()](const std::error_code& error) {
      if (!error) self->end();
    });
  }

  /// At once.
  void end() {
    if (std::exchange(is_ended_, true)) return;
    std::error_code ignored;
    patience_.cancel();
    socket_.close(ignored);
    // The conversation may be what is calling.
    asio::post(server_->io_, [gone = std::move(conversation_)] {});
    server_->connections_.remove(shared_from_this());
  }

  /// The server is going.
  void let_go() {
    is_ended_ = true;
    std::error_code ignored;
    patience_.cancel();
    socket_.close(ignored);
    conversation_.reset();
  }

 private:
  void read() {
    socket_.async_read_some(
        asio::buffer(buffer_),
        [self = shared_from_this()](const std::error_code& error, std::size_t bytes) {
          if (self->is_ended_) return;
          if (error) {
            self->end();
            return;
          }
          self->hear(bytes);
        });
  }

  void hear(std::size_t bytes) {
    if (closes_) return;  // what was said is still leaving; no more is heard
    heard_ = is_trusted() ? 0 : heard_ + bytes;
    try {
      conversation_->hear({buffer_.data(), bytes});
    } catch (const Error&) {
      end();
    }
    if (is_ended_) return;
    if (!is_trusted() && heard_ > kMostUntrusted) {
      end();
      return;
    }
    read();
  }

  void write() {
    sending_.swap(waiting_);
    asio::async_write(socket_, asio::buffer(sending_),
                      [self = shared_from_this()](const std::error_code& error, std::size_t) {
                        if (self->is_ended_) return;
                        self->sending_.clear();
                        if (error) {
                          self->end();
                        } else if (!self->waiting_.empty()) {
                          self->write();
                        } else if (self->closes_) {
                          self->end();
                        }
                      });
  }

  TextServer* server_;
  tcp::socket socket_;
  asio::steady_timer patience_;
  std::shared_ptr<Conversation> conversation_;
  std::array<char, kTurn> buffer_;
  std::size_t heard_ = 0;
  std::string sending_;
  std::string waiting_;
  bool closes_ = false;
  bool is_ended_ = false;
};

TextServer::TextServer(asio::io_context& io, const tcp::endpoint& at, std::string_view input,
                       StartConversation start, std::function<bool()> may_enter)
    : io_(io), acceptor_(io), start_(std::move(start)), may_enter_(std::move(may_enter)) {
  try {
    acceptor_.open(at.protocol());
    acceptor_.set_option(tcp::acceptor::reuse_address(true));
    acceptor_.bind(at);
    acceptor_.listen(1'024);
  } catch (const std::system_error& error) {
    throw Error(input,
                fmt::format("{}:{} cannot be listened to ({})", at.address().to_string(), at.port(),
                            error.code().message()),
                "an address of this machine, and a port that is free (0: any)");
  }
  accept();
}

TextServer::~TextServer() {
  std::error_code ignored;
  acceptor_.close(ignored);
  for (const auto& connection : connections_) connection->let_go();
}

void TextServer::close_all() {
  while (!connections_.empty()) connections_.front()->end();
}

void TextServer::accept() {
  acceptor_.async_accept([this](const std::error_code& error, tcp::socket socket) {
    if (!acceptor_.is_open() || error == asio::error::operation_aborted) return;
    if (!error) {
      enter(std::move(socket));
      accept();
      return;
    }
    auto later = std::make_shared<asio::steady_timer>(io_, kAcceptAgain);
    later->async_wait([this, later](const std::error_code& stopped) {
      if (!stopped && acceptor_.is_open()) accept();
    });
  });
}

bool TextServer::make_room() {
  if (connections_.size() < kMostConnections) return true;
  const auto oldest = std::ranges::find_if(
      connections_, [](const auto& connection) { return !connection->is_trusted(); });
  if (oldest == connections_.end()) return false;
  const auto goes = *oldest;
  goes->end();
  return true;
}

void TextServer::enter(tcp::socket socket) {
  if ((may_enter_ && !may_enter_()) || !make_room()) return;
  connections_.push_back(std::make_shared<Connection>(*this, std::move(socket)));
  const auto added = connections_.back();
  added->begin(start_);
}

tcp::endpoint parse_endpoint(std::string_view text, std::string_view input) {
  constexpr std::string_view kForm = "ADDRESS:PORT, as in 127.0.0.1:3082 or [::1]:3082";
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) {
    throw Error(input, fmt::format("'{}' has no port", shown(text)), kForm);
  }
  std::string_view host = text.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  const auto port = number_in<std::uint16_t>(text.substr(colon + 1));
  std::error_code code;
  const auto address = asio::ip::make_address(std::string(host), code);
  if (!port || code) throw Error(input, fmt::format("'{}' is no address", shown(text)), kForm);
  return {address, *port};
}

}  // namespace mixnet
