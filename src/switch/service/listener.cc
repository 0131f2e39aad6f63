#include "service/listener.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <map>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <utility>

#include "base/error.h"
#include "service/rate_limit.h"

namespace mixnet {
namespace {

constexpr int kBacklog = 512;
constexpr rlim_t kFilesForOthers = 256;  // the store, the switch, the page
constexpr int kPauseMs = 10;             // when nothing may be accepted
constexpr std::size_t kMostNetworks = 4'096;
constexpr std::uint64_t kWake = ~std::uint64_t{0};

struct Endpoint {
  IpAddress address;
  int port = 0;
  auto operator<=>(const Endpoint&) const = default;
};

std::optional<Endpoint> endpoint_of(const sockaddr_storage& from) {
  Endpoint endpoint;
  if (from.ss_family == AF_INET6) {
    const auto& v6 = reinterpret_cast<const sockaddr_in6&>(from);
    std::memcpy(endpoint.address.bytes.data(), &v6.sin6_addr, 16);
    endpoint.port = ntohs(v6.sin6_port);
    return endpoint;
  }
  if (from.ss_family != AF_INET) return {};
  const auto& v4 = reinterpret_cast<const sockaddr_in&>(from);
  endpoint.address = *parse_ip("0.0.0.0");
  std::memcpy(endpoint.address.bytes.data() + 12, &v4.sin_addr, 4);
  endpoint.port = ntohs(v4.sin_port);
  return endpoint;
}

std::optional<Endpoint> endpoint_of(std::string_view peer) {
  const auto address = address_of_peer(peer);
  const std::string_view digits = peer.substr(std::min(peer.size(), peer.rfind(':') + 1));
  int port = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (!address) return {};
  return Endpoint{*address, port};
}

/// Of files, as many as leave enough for others; two a connection.
std::size_t affordable(std::size_t connections) {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) {
    return connections;
  }
  const rlim_t files = limit.rlim_cur > kFilesForOthers ? limit.rlim_cur - kFilesForOthers : 0;
  return std::clamp<std::size_t>(files / 2, 16, connections);
}

void set_option(int socket, int level, int name, int value) {
  static_cast<void>(::setsockopt(socket, level, name, &value, sizeof value));
}

/// 0: it is none.
socklen_t socket_address(std::string_view text, sockaddr_storage& address) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return 0;
  const std::string_view digits = text.substr(colon + 1);
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (error != std::errc() || end != digits.data() + digits.size()) return 0;
  std::string host(text.substr(0, colon));
  if (!host.starts_with('[')) {
    auto& v4 = reinterpret_cast<sockaddr_in&>(address);
    v4.sin_family = AF_INET;
    v4.sin_port = htons(port);
    return ::inet_pton(AF_INET, host.c_str(), &v4.sin_addr) == 1 ? sizeof v4 : 0;
  }
  if (!host.ends_with(']')) return 0;
  host = host.substr(1, host.size() - 2);
  auto& v6 = reinterpret_cast<sockaddr_in6&>(address);
  v6.sin6_family = AF_INET6;
  v6.sin6_port = htons(port);
  return ::inet_pton(AF_INET6, host.c_str(), &v6.sin6_addr) == 1 ? sizeof v6 : 0;
}

/// -1, with errno: it cannot be.
int listen_at(const sockaddr_storage& address, socklen_t size) {
  const int made = ::socket(address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (made < 0) return -1;
  // A daemon that starts again need not wait; two that listen at once the kernel refuses all the
  // same, as this is not SO_REUSEPORT.
  set_option(made, SOL_SOCKET, SO_REUSEADDR, 1);
  if (address.ss_family == AF_INET6) set_option(made, IPPROTO_IPV6, IPV6_V6ONLY, 0);
  if (::bind(made, reinterpret_cast<const sockaddr*>(&address), size) == 0 &&
      ::listen(made, kBacklog) == 0) {
    return made;
  }
  const int error = errno;
  ::close(made);
  errno = error;
  return -1;
}

int port_of(int socket) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  ::getsockname(socket, reinterpret_cast<sockaddr*>(&address), &size);
  const auto endpoint = endpoint_of(address);
  return endpoint ? endpoint->port : 0;
}

}  // namespace

/// The connections that live. All but the constructor under the mutex.
struct Listener::Table {
  struct Connection {
    int socket = -1;  // ours; gRPC has another for the same connection
    Endpoint endpoint;
    bool has_spoken = false;
  };

  std::vector<AddressPrefix> peers;
  Told told;
  Limits limits;
  TokenBucket all{0, 0, {}};
  std::map<IpAddress, TokenBucket> buckets;  // by network; the listening thread's alone
  int epoll = ::epoll_create1(EPOLL_CLOEXEC);
  std::atomic<bool> is_over = false;

  std::mutex mutex;
  std::map<std::uint64_t, Connection> connections;  // by age
  std::map<Endpoint, std::uint64_t> numbers;
  std::map<IpAddress, std::size_t> of_network;
  std::uint64_t next = 1;

  ~Table() {
    for (const auto& [number, connection] : connections) ::close(connection.socket);
    ::close(epoll);
  }

  /// Where there are too many: the oldest without a call goes. False: there is none.
  bool make_room(const IpAddress& network) {
    const auto found = of_network.find(network);
    const bool is_crowded = found != of_network.end() && found->second >= limits.of_network;
    if (!is_crowded && connections.size() < limits.connections) return true;
    for (auto& [number, connection] : connections) {
      if (connection.has_spoken) continue;
      if (is_crowded && connection.endpoint.address.network() != network) continue;
      ::shutdown(connection.socket, SHUT_RDWR);  // gRPC sees the end of it and closes its own
      forget(number);
      return true;
    }
    return false;
  }

  void forget(std::uint64_t number) {
    const auto found = connections.find(number);
    if (found == connections.end()) return;
    const Connection& gone = found->second;
    ::close(gone.socket);
    const auto endpoint = numbers.find(gone.endpoint);
    if (endpoint != numbers.end() && endpoint->second == number) numbers.erase(endpoint);
    const auto network = of_network.find(gone.endpoint.address.network());
    if (--network->second == 0) of_network.erase(network);
    connections.erase(found);
  }

  /// False: it is one too many.
  bool add(int socket, const Endpoint& endpoint) {
    const std::lock_guard lock(mutex);
    const IpAddress network = endpoint.address.network();
    if (!make_room(network)) return false;
    const int ours = ::fcntl(socket, F_DUPFD_CLOEXEC, 0);
    if (ours < 0) return false;
    epoll_event event{};
    event.events = EPOLLET;  // and what is always told: that it is over
    event.data.u64 = next;
    if (::epoll_ctl(epoll, EPOLL_CTL_ADD, ours, &event) != 0) {
      ::close(ours);
      return false;
    }
    connections.emplace(next, Connection{ours, endpoint, false});
    numbers[endpoint] = next++;
    ++of_network[network];
    return true;
  }

  /// Its end was seen.
  void ended(std::uint64_t number) {
    std::optional<IpAddress> silent;
    {
      const std::lock_guard lock(mutex);
      const auto found = connections.find(number);
      if (found == connections.end()) return;
      if (!found->second.has_spoken) silent = found->second.endpoint.address;
      forget(number);
    }
    if (silent) told.abandoned(*silent);
  }

  /// False: its network has had too many in this second.
  bool may_enter(const IpAddress& network, MonotonicTime now) {
    if (buckets.size() > kMostNetworks) buckets.clear();  // begin full: of many, few are hostile
    return buckets.try_emplace(network, limits.burst, limits.rate, now).first->second.take(1, now);
  }

  /// False: there is nothing to accept, or it has to wait.
  bool accept_from(int listening, MonotonicTime now) {
    if (!all.has(1, now)) return false;
    sockaddr_storage from{};
    socklen_t size = sizeof from;
    const int socket = ::accept4(listening, reinterpret_cast<sockaddr*>(&from), &size,
                                 SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (socket < 0) return errno == ECONNABORTED || errno == EINTR;
    all.take(1, now);
    const auto endpoint = endpoint_of(from);
    if (!endpoint || !is_among(endpoint->address, peers)) {
      ::close(socket);
      if (endpoint) told.stranger(endpoint->address);
      return true;
    }
    set_option(socket, IPPROTO_TCP, TCP_NODELAY, 1);
    if (may_enter(endpoint->address.network(), now) && add(socket, *endpoint)) {
      told.taken(socket);
    } else {
      ::close(socket);
    }
    return true;
  }
};

Listener::Listener(std::string_view address, std::string_view input, Env& env) : env_(env) {
  sockaddr_storage where{};
  const socklen_t size = socket_address(address, where);
  if (size == 0) {
    throw Error(input, fmt::format("'{}' is no address and port", address.substr(0, 64)),
                "write 127.0.0.1:7411 or [::1]:7411");
  }
  socket_ = listen_at(where, size);
  if (socket_ < 0) {
    const int error = errno;
    throw Error(
        input,
        fmt::format("cannot listen at {}: {}", address, std::generic_category().message(error)),
        error == EADDRINUSE ? "another daemon listens there: end it, or name another port"
                            : "name an address of this machine and a port that is free");
  }
  table_ = std::make_unique<Table>();
  port_ = port_of(socket_);
  wake_ = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
}

Listener::~Listener() {
  stop();
  ::close(socket_);
  ::close(wake_);
}

void Listener::start(std::vector<AddressPrefix> peers, Told told, const Limits& limits) {
  table_->peers = std::move(peers);
  table_->told = std::move(told);
  table_->limits = limits;
  table_->limits.connections = affordable(limits.connections);
  table_->all = TokenBucket(limits.all_burst, limits.all_rate, env_.monotonic_now());
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = kWake;
  ::epoll_ctl(table_->epoll, EPOLL_CTL_ADD, wake_, &event);
  ::epoll_ctl(table_->epoll, EPOLL_CTL_ADD, socket_, &event);
  thread_ = std::thread([this] { run(); });
}

void Listener::stop() {
  if (!thread_.joinable()) return;
  table_->is_over = true;
  const std::uint64_t one = 1;
  static_cast<void>(!::write(wake_, &one, sizeof one));
  thread_.join();
}

void Listener::run() {
  std::array<epoll_event, 64> events{};
  while (!table_->is_over) {
    const int count =
        ::epoll_wait(table_->epoll, events.data(), static_cast<int>(events.size()), -1);
    bool is_calling = false;
    for (int i = 0; i < count; ++i) {
      if (events[i].data.u64 == kWake) {
        is_calling = true;
      } else if ((events[i].events & (EPOLLHUP | EPOLLERR)) != 0) {
        table_->ended(events[i].data.u64);
      }
    }
    if (!is_calling || table_->is_over) continue;
    bool has_taken = false;
    for (int i = 0; i < 16 && table_->accept_from(socket_, env_.monotonic_now()); ++i) {
      has_taken = true;
    }
    // Somebody calls who has to wait: for the rate, or for a file to be free.
    if (!has_taken) env_.sleep_until(env_.monotonic_now() + std::chrono::milliseconds(kPauseMs));
  }
}

void Listener::spoke(std::string_view peer) {
  const auto endpoint = endpoint_of(peer);
  if (!endpoint) return;
  const std::lock_guard lock(table_->mutex);
  const auto found = table_->numbers.find(*endpoint);
  if (found != table_->numbers.end()) table_->connections[found->second].has_spoken = true;
}

void Listener::drop(std::string_view peer) {
  const auto endpoint = endpoint_of(peer);
  if (!endpoint) return;
  const std::lock_guard lock(table_->mutex);
  const auto found = table_->numbers.find(*endpoint);
  if (found == table_->numbers.end()) return;
  ::shutdown(table_->connections[found->second].socket, SHUT_RDWR);
}

}  // namespace mixnet
