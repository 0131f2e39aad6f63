#include "service/admission.h"

#include <fmt/format.h>
#include <grpc/grpc_security_constants.h>

#include <utility>

namespace mixnet {
namespace {

constexpr std::chrono::seconds kNoticeSpan{1};
constexpr double kBytesOfToken = 16 << 10;
constexpr std::size_t kMostNoted = 256;            // peers with refusals in that span
constexpr std::size_t kMostNotedConnections = 16;  // who needs no certificate to be refused

bool is_stream(Method method) {
  return method == Method::kWatchTopology || method == Method::kWatchHappenings;
}

PeerTable::Kind kind_of(Method method) {
  return is_stream(method) ? PeerTable::Kind::kStream : PeerTable::Kind::kCall;
}

Caller caller_of(const grpc::CallbackServerContext& context, const std::string& address,
                 bool is_insecure) {
  if (is_insecure) return local_caller(address);
  const std::shared_ptr<const grpc::AuthContext> shown = context.auth_context();
  std::vector<std::string> uris;
  std::string name;
  if (shown && shown->IsPeerAuthenticated()) {
    for (const grpc::string_ref& uri : shown->FindPropertyValues(GRPC_PEER_URI_PROPERTY_NAME)) {
      uris.emplace_back(uri.data(), uri.size());
    }
    for (const grpc::string_ref& cn : shown->FindPropertyValues(GRPC_X509_CN_PROPERTY_NAME)) {
      name.assign(cn.data(), cn.size());
    }
  }
  return caller_of_certificate(uris, name, address);
}

}  // namespace

std::vector<AddressPrefix> allowed_peers(const DaemonSettings& settings) {
  std::vector<AddressPrefix> peers;
  for (const std::string& text : settings.peers) {
    peers.push_back(parse_prefix(text, settings.input + ": controller.peers"));
  }
  if (!peers.empty()) return peers;
  if (!settings.tls.given()) return loopback_prefixes();
  return {parse_prefix("0.0.0.0/0", ""), parse_prefix("::/0", "")};
}

Admission::Admission(RegionLoop& loop, std::vector<AddressPrefix> peers, Listener& listener,
                     Env& env)
    : loop_(loop),
      is_insecure_(!loop.settings().tls.given()),
      peers_(std::move(peers)),
      listener_(listener),
      env_(env),
      refusals_(kNoticeSpan, kMostNoted),
      connections_(kNoticeSpan, kMostNotedConnections),
      reports_(kNoticeSpan, kMostNoted) {}

Admission::Entry Admission::enter(const grpc::CallbackServerContext& context, Method method,
                                  std::size_t bytes) {
  const double extra = static_cast<double>(bytes) / kBytesOfToken;
  const std::string peer = context.peer();
  const auto address = address_of_peer(peer);
  Entry entry;
  entry.caller = caller_of(context, address ? address->shown() : peer, is_insecure_);
  listener_.spoke(peer);
  if (!address || !is_among(*address, peers_)) {
    entry.status = refuse(entry.caller, method, "the address is not among controller.peers");
  } else if (const std::string why = refuse_method(entry.caller, method); !why.empty()) {
    entry.status = refuse(entry.caller, method, why);
  } else {
    std::string_view limit;
    {
      const std::lock_guard lock(mutex_);
      limit = table_.enter(entry.caller.who, kind_of(method), rule_of(method).cost + extra,
                           env_.monotonic_now());
    }
    if (limit.empty()) return entry;
    static_cast<void>(refuse(entry.caller, method, std::string(limit)));
    entry.status = {grpc::StatusCode::RESOURCE_EXHAUSTED, std::string(limit)};
  }
  bool is_flood = false;
  {
    const std::lock_guard lock(mutex_);
    is_flood = floods_.add(peer, 1 + extra, env_.monotonic_now());
  }
  if (is_flood) listener_.drop(peer);
  return entry;
}

void Admission::leave(const Caller& caller, Method method) {
  const std::lock_guard lock(mutex_);
  table_.leave(caller.who, kind_of(method));
}

grpc::Status Admission::refuse(const Caller& caller, Method method, const std::string& why) {
  const std::string_view name = rule_of(method).name;
  note(caller.who, fmt::format("{}: refused, {}", name, why), refusals_);
  return {grpc::StatusCode::PERMISSION_DENIED, fmt::format("{}: {}", name, why)};
}

bool Admission::may_note(const Caller& caller) {
  if (caller.role == Role::kOperator) return true;
  const std::lock_guard lock(mutex_);
  return reports_.note(caller.who, env_.monotonic_now()).has_value();
}

void Admission::note_connection(const IpAddress& address, std::string_view what) {
  note(address.shown(), fmt::format("connection: {}", what), connections_);
}

void Admission::note(const std::string& who, std::string what, Notices& notices) {
  std::optional<std::uint64_t> unwritten;
  {
    const std::lock_guard lock(mutex_);
    unwritten = notices.note(who, env_.monotonic_now());
  }
  if (!unwritten) return;
  if (*unwritten > 0) what += fmt::format(" (and {} more since the last entry)", *unwritten);
  loop_.audit(who, std::move(what), true);
}

}  // namespace mixnet
