#include "http_server.h"

#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <exception>
#include <list>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "base/error.h"
#include "http_connection.h"

namespace mixnet {
namespace {

constexpr int kMostRequests = 100;  // of one connection
constexpr int kBacklog = 128;       // httplib's is 5
constexpr std::chrono::milliseconds kPause{100};

struct Place {  // of a connection that is served
  int socket = -1;
  MonotonicTime since;
  bool is_live = false, is_going = false;
};

// The connection of this thread; and whether it is only to be closed.
thread_local Place* my_place = nullptr;
thread_local bool only_close = false;

void only_address_reuse(socket_t socket) {
  // httplib's own is SO_REUSEPORT, by which two daemons could share a port.
  const int yes = 1;
  ::setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
}

}  // namespace

class HttpServer::Server final : public httplib::Server {
 public:
  Server(HttpServer::Options options, Env& env);
  ~Server() override;

  int port() const { return port_; }
  bool go_live();
  int live() const;
  std::uint64_t refused() const { return refused_; }

 private:
  class Tasks;

  bool process_and_close_socket(socket_t socket) override;
  void serve(HttpConnection& connection, Place& place);
  bool is_admitted(HttpConnection& connection, const std::string& address);
  void bind();
  void listen_on();
  void send_one_away();
  void end_all();

  HttpServer::Options options_;
  Env& env_;
  int port_ = 0;
  std::atomic<std::uint64_t> refused_{0};
  std::atomic<bool> stops_{false}, has_ended_{false};
  mutable std::mutex mutex_;
  std::list<Place> places_;
  std::jthread thread_;
};

// Threads for connections: as many as are needed, up to kMostConnections.
class HttpServer::Server::Tasks final : public httplib::TaskQueue {
 public:
  explicit Tasks(Server& server) : server_(server) {}

  void enqueue(std::function<void()> task) override {
    std::unique_lock lock(mutex_);
    if (waiting_.size() < kMostWaiting) {
      waiting_.push_back(std::move(task));
      if (idle_ >= waiting_.size()) {
        woken_.notify_one();
      } else if (threads_.size() < kMostConnections && add_thread()) {
        // It takes it.
      } else {
        lock.unlock();
        server_.send_one_away();
      }
      return;
    }
    lock.unlock();
    only_close = true;
    task();
    only_close = false;
  }

  void shutdown() override {
    {
      const std::lock_guard lock(mutex_);
      stops_ = true;
    }
    woken_.notify_all();
    server_.end_all();
    for (std::thread& thread : threads_) thread.join();
  }

 private:
  bool add_thread() {
    try {
      threads_.emplace_back([this] { run(); });
      return true;
    } catch (const std::system_error&) {
      return false;  // the system has no more
    }
  }

  void run() {
    std::unique_lock lock(mutex_);
    for (;;) {
      ++idle_;
      woken_.wait(lock, [this] { return stops_ || !waiting_.empty(); });
      --idle_;
      if (waiting_.empty()) return;
      const std::function<void()> task = std::move(waiting_.front());
      waiting_.pop_front();
      only_close = stops_;
      lock.unlock();
      task();
      lock.lock();
    }
  }

  Server& server_;
  std::mutex mutex_;
  std::condition_variable woken_;
  std::deque<std::function<void()>> waiting_;
  std::vector<std::thread> threads_;
  std::size_t idle_ = 0;
  bool stops_ = false;
};

HttpServer::Server::Server(HttpServer::Options options, Env& env)
    : options_(std::move(options)), env_(env) {
  set_socket_options(only_address_reuse);
  set_keep_alive_max_count(kMostRequests);
  set_keep_alive_timeout(HttpConnection::kIdleTime.count());
  new_task_queue = [this] { return new Tasks(*this); };
  set_exception_handler([](const httplib::Request&, httplib::Response& response,
                           const std::exception_ptr&) { response.status = 500; });
  set_pre_routing_handler([this](const httplib::Request& request, httplib::Response& response) {
    if (request.method == "GET" || request.method == "HEAD") {
      options_.answer(request, response);
    } else {
      response.status = 405;
      response.set_header("Allow", "GET, HEAD");
      response.set_content("only GET and HEAD\n", "text/plain; charset=utf-8");
    }
    return HandlerResponse::Handled;
  });
  bind();
  thread_ = std::jthread([this] { listen_on(); });
}

void HttpServer::Server::bind() {
  const ListenAddress& at = options_.address;
  const int wanted = port_ != 0 ? port_ : at.port;
  errno = 0;
  const int got = wanted == 0                     ? bind_to_any_port(at.host)
                  : bind_to_port(at.host, wanted) ? wanted
                                                  : -1;
  if (got <= 0) {
    const int code = errno;
    throw Error(options_.input,
                fmt::format("{}:{} cannot be listened at ({})", at.host, wanted,
                            code == 0 ? "no such address" : std::generic_category().message(code)),
                "another port, or an address of this machine");
  }
  port_ = got;
  ::listen(svr_sock_, kBacklog);
}

void HttpServer::Server::listen_on() {
  for (;;) {
    listen_after_bind();
    if (stops_) break;
    // accept() failed by what passes: the network was down for a moment. httplib gives up then.
    env_.sleep_until(env_.monotonic_now() + kPause);
    try {
      bind();
    } catch (const Error&) {
      svr_sock_ = INVALID_SOCKET;  // tried again
    }
  }
  has_ended_ = true;
}

HttpServer::Server::~Server() {
  stops_ = true;
  // Its stop() does nothing before it listens.
  while (!is_running() && !has_ended_) std::this_thread::yield();
  stop();
  thread_.join();
}

void HttpServer::Server::send_one_away() {
  const std::lock_guard lock(mutex_);
  Place* longest = nullptr;
  for (Place& place : places_) {
    if (place.is_live || place.is_going) continue;
    if (longest == nullptr || place.since < longest->since) longest = &place;
  }
  if (longest == nullptr) return;  // they are about to end
  longest->is_going = true;
  ++refused_;
  ::shutdown(longest->socket, SHUT_RDWR);
}

void HttpServer::Server::end_all() {
  const std::lock_guard lock(mutex_);
  for (const Place& place : places_) ::shutdown(place.socket, SHUT_RDWR);
}

bool HttpServer::Server::go_live() {
  const std::lock_guard lock(mutex_);
  if (std::ranges::count_if(places_, &Place::is_live) >= kMostLive) return false;
  my_place->is_live = true;
  return true;
}

int HttpServer::Server::live() const {
  const std::lock_guard lock(mutex_);
  return static_cast<int>(std::ranges::count_if(places_, &Place::is_live));
}

bool HttpServer::Server::is_admitted(HttpConnection& connection, const std::string& address) {
  if (!options_.may_connect(address)) {
    options_.refused(address, "the address is none of the peers");
    return false;
  }
  if (!connection.shake_hands()) {
    options_.refused(address, "no TLS, or no certificate of our CA");
    return false;
  }
  if (connection.tls() == nullptr) return true;
  const TlsPeer peer = tls_peer(*connection.tls(), address);
  if (!peer.may_look) options_.refused(peer.who, "the certificate has no role");
  return peer.may_look;
}

bool HttpServer::Server::process_and_close_socket(socket_t socket) {
  if (only_close || stops_) {
    ++refused_;
    ::close(socket);
    return false;
  }
  std::list<Place>::iterator place;
  {
    const std::lock_guard lock(mutex_);
    place = places_.insert(places_.end(), {.socket = socket, .since = env_.monotonic_now()});
    if (stops_) ::shutdown(socket, SHUT_RDWR);  // end_all() may have been before us
  }
  my_place = &*place;
  const int yes = 1;
  ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  {
    HttpConnection connection(
        socket, TlsSession(options_.tls ? SSL_new(options_.tls.get()) : nullptr), env_);
    if (is_admitted(connection, peer_address(socket))) {
      serve(connection, *place);
      connection.close();
    } else {
      ++refused_;
    }
  }
  my_place = nullptr;
  {
    const std::lock_guard lock(mutex_);
    places_.erase(place);
  }
  ::close(socket);
  return true;
}

void HttpServer::Server::serve(HttpConnection& connection, Place& place) {
  for (int count = 1; count <= kMostRequests && !stops_; ++count) {
    {
      const std::lock_guard lock(mutex_);
      place.since = env_.monotonic_now();
    }
    if (!connection.wait_for_request()) return;
    bool is_over = true;  // unless the request was understood, and has no body
    const auto set_up = [&is_over](httplib::Request& request) {
      is_over = (request.method != "GET" && request.method != "HEAD") ||
                request.has_header("Content-Length") || request.has_header("Transfer-Encoding");
      request.headers.erase("Accept-Encoding");
      request.ranges.clear();
    };
    bool is_closed = false;
    try {
      if (!process_request(connection, count == kMostRequests, is_closed, set_up)) return;
    } catch (const std::exception&) {
      return;  // a stream's: the answer has begun, nobody can be told
    }
    if (is_over || is_closed) return;
  }
}

HttpServer::HttpServer(Options options, Env& env)
    : server_(std::make_unique<Server>(std::move(options), env)) {}
HttpServer::~HttpServer() = default;
int HttpServer::port() const { return server_->port(); }
bool HttpServer::go_live() { return server_->go_live(); }
int HttpServer::live() const { return server_->live(); }
std::uint64_t HttpServer::refused() const { return server_->refused(); }

}  // namespace mixnet
