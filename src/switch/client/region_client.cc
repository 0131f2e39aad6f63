#include "client/region_client.h"

#include <fmt/format.h>
#include <grpcpp/grpcpp.h>

#include <algorithm>
#include <mutex>
#include <set>
#include <utility>

#include "region.grpc.pb.h"
#include "wire/region_channel.h"

namespace mixnet {
namespace {

constexpr std::size_t kMostFileBytes = 1 << 20;
constexpr std::size_t kMostReason = 400;

std::string read_pem(const std::string& path, std::string_view flag, Env& env) {
  std::string text;
  const std::string remedy = fmt::format("name a PEM file by {}", flag);
  if (const std::error_code error = env.read(path, kMostFileBytes, text)) {
    throw Error(path, error.message(), remedy);
  }
  if (text.find("-----BEGIN ") == std::string::npos) {
    throw Error(path, "is not a PEM file", remedy);
  }
  return text;
}

std::shared_ptr<grpc::ChannelCredentials> credentials_for(const ControllerAddress& address,
                                                          Env& env) {
  if (address.ca.empty() && address.cert.empty() && address.key.empty()) {
    if (address.is_loopback()) return grpc::InsecureChannelCredentials();
    throw Error(address.shown(), "is not on this machine, and there is no certificate to show",
                "give --ca, --cert and --key");
  }
  if (address.ca.empty() || address.cert.empty() || address.key.empty()) {
    const std::string_view missing = address.ca.empty()     ? "--ca"
                                     : address.cert.empty() ? "--cert"
                                                            : "--key";
    throw Error(missing, "is not given", "--ca, --cert and --key go together");
  }
  grpc::SslCredentialsOptions options;
  options.pem_root_certs = read_pem(address.ca, "--ca", env);
  options.pem_cert_chain = read_pem(address.cert, "--cert", env);
  options.pem_private_key = read_pem(address.key, "--key", env);
  return grpc::SslCredentials(options);
}

grpc::ChannelArguments channel_arguments() {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  arguments.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, kKeepAliveMs);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kKeepAliveTimeoutMs);
  arguments.SetInt(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  arguments.SetMaxReceiveMessageSize(kMostAnswerBytes);
  return arguments;
}

CallFault fault_of(grpc::StatusCode code) {
  switch (code) {
    case grpc::StatusCode::UNAVAILABLE:
    case grpc::StatusCode::CANCELLED:
      return CallFault::kUnreachable;
    case grpc::StatusCode::DEADLINE_EXCEEDED:
      return CallFault::kTimedOut;
    case grpc::StatusCode::PERMISSION_DENIED:
    case grpc::StatusCode::UNAUTHENTICATED:
      return CallFault::kForbidden;
    case grpc::StatusCode::RESOURCE_EXHAUSTED:
      return CallFault::kBusy;
    case grpc::StatusCode::INVALID_ARGUMENT:
    case grpc::StatusCode::NOT_FOUND:
    case grpc::StatusCode::ALREADY_EXISTS:
    case grpc::StatusCode::FAILED_PRECONDITION:
    case grpc::StatusCode::OUT_OF_RANGE:
    case grpc::StatusCode::ABORTED:
      return CallFault::kRefused;
    default:
      return CallFault::kInternal;
  }
}

bool holds(std::string_view text, std::string_view part) { return text.find(part) != text.npos; }

}  // namespace

struct RegionClient::Impl {
  using Stub = v1::Region::Stub;
  using StubPointer = std::shared_ptr<Stub>;

  Impl(const ControllerAddress& to, Env& with)
      : address(to), device(to.shown()), env(with), credentials(credentials_for(to, with)) {
    keep_grpc_quiet();
  }

  /// The channel's stub; made anew after broke().
  StubPointer stub(bool& was_connected) {
    const std::lock_guard lock(mutex);
    if (!channel) {
      channel = grpc::CreateCustomChannel(device, credentials, channel_arguments());
      stub_ = v1::Region::NewStub(channel);
    }
    was_connected = channel->GetState(false) == GRPC_CHANNEL_READY;
    return stub_;
  }

  /// gRPC would wait before it connects again; whoever calls has waited as long as he wants to.
  void broke(const StubPointer& stub) {
    const std::lock_guard lock(mutex);
    if (stub_ != stub) return;
    stub_.reset();
    channel.reset();
  }

  template <typename Request, typename Response>
  Response call(grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*),
                const Request& request, Duration limit) {
    const WallTime dead_line =
        env.wall_now() + std::chrono::nanoseconds(std::min(limit, Duration::days(365)).ns);
    for (bool is_again = false;; is_again = true) {
      bool was_connected = false;
      const StubPointer with = stub(was_connected);
      grpc::ClientContext context;
      context.set_deadline(dead_line);
      Response response;
      const grpc::Status status = ((*with).*method)(&context, request, &response);
      if (status.ok()) return response;
      const bool is_broken = status.error_code() == grpc::StatusCode::UNAVAILABLE;
      if (is_broken) broke(with);
      if (!is_broken || !was_connected || is_again) fail(status, limit);
    }
  }

  template <typename Request, typename Message>
  void watch(std::unique_ptr<grpc::ClientReader<Message>> (Stub::*method)(grpc::ClientContext*,
                                                                          const Request&),
             const Request& request, const std::function<bool(const Message&)>& seen) {
    bool was_connected = false;
    const StubPointer with = stub(was_connected);
    grpc::ClientContext context;
    const Watched watched(*this, context);
    const std::unique_ptr<grpc::ClientReader<Message>> reader =
        ((*with).*method)(&context, request);
    bool wants_more = true;
    Message message;
    try {
      while (wants_more && reader->Read(&message)) wants_more = seen(message);
    } catch (...) {
      context.TryCancel();
      reader->Finish();
      throw;
    }
    if (!wants_more) context.TryCancel();
    const grpc::Status status = reader->Finish();
    if (!wants_more || is_cancelled()) return;
    if (status.ok()) {
      throw RegionCallError(CallFault::kUnreachable, device, "ended the watch",
                            "it may have stopped: try again");
    }
    if (status.error_code() == grpc::StatusCode::UNAVAILABLE) broke(with);
    fail(status, Duration::zero());
  }

  [[noreturn]] void fail(const grpc::Status& status, Duration limit) const;

  bool is_cancelled() {
    const std::lock_guard lock(mutex);
    return cancelled;
  }

  /// A watch that cancel() can end.
  struct Watched {
    Watched(Impl& impl_of, grpc::ClientContext& context_of) : impl(impl_of), context(context_of) {
      const std::lock_guard lock(impl.mutex);
      impl.watches.insert(&context);
      if (impl.cancelled) context.TryCancel();
    }
    Watched(const Watched&) = delete;
    Watched& operator=(const Watched&) = delete;
    ~Watched() {
      const std::lock_guard lock(impl.mutex);
      impl.watches.erase(&context);
    }
    Impl& impl;
    grpc::ClientContext& context;
  };

  const ControllerAddress address;
  const std::string device;
  Env& env;
  const std::shared_ptr<grpc::ChannelCredentials> credentials;

  std::mutex mutex;  ///< of what follows
  std::shared_ptr<grpc::Channel> channel;
  StubPointer stub_;
  std::set<grpc::ClientContext*> watches;
  bool cancelled = false;
};

void RegionClient::Impl::fail(const grpc::Status& status, Duration limit) const {
  const CallFault fault = fault_of(status.error_code());
  const std::string text = status.error_message().substr(0, kMostReason);
  const bool plain = address.ca.empty();
  switch (fault) {
    case CallFault::kUnreachable:
      if (holds(text, "handshake") || holds(text, "certificate")) {
        throw RegionCallError(fault, device, fmt::format("TLS fails: {}", text),
                              "certificates of this region's CA, and the name that the daemon's "
                              "bears");
      }
      if (text.starts_with("the daemon"))
        throw RegionCallError(fault, device, text);  // its own word
      if (holds(text, "onnection refused")) {
        throw RegionCallError(fault, device, "is not answered", "is mixnetd running?");
      }
      throw RegionCallError(fault, device, fmt::format("is not answered ({})", text),
                            plain ? "is mixnetd running, and without TLS? where it has "
                                    "certificates give --ca, --cert and --key"
                                  : "is mixnetd running, and with TLS?");
    case CallFault::kTimedOut:
      throw RegionCallError(
          fault, device,
          fmt::format("has not answered in {} s", static_cast<double>(limit.ns) / 1e9),
          "ask again, with a longer --limit");
    case CallFault::kForbidden:
      throw RegionCallError(fault, device, text.empty() ? "does not allow it" : text,
                            "roles: docs/controller-api.md");
    case CallFault::kBusy:
      throw RegionCallError(fault, device, text.empty() ? "is busy" : text, "try again later");
    case CallFault::kRefused:
      throw RegionCallError(fault, device, text.empty() ? "refuses" : text);
    case CallFault::kInternal:
      break;
  }
  if (status.error_code() == grpc::StatusCode::UNIMPLEMENTED) {
    throw RegionCallError(fault, device, "does not know this call", "is it a mixnetd, as new?");
  }
  throw RegionCallError(fault, device,
                        text.empty() ? fmt::format("gRPC status {}", +status.error_code()) : text);
}

RegionClient::RegionClient(const ControllerAddress& address, Env& env)
    : impl_(std::make_unique<Impl>(address, env)) {}
RegionClient::~RegionClient() = default;

v1::RegionDescription RegionClient::region(Duration limit) {
  return impl_->call(&Impl::Stub::GetRegion, v1::GetRegionRequest(), limit);
}

v1::Status RegionClient::status(Duration limit) {
  return impl_->call(&Impl::Stub::GetStatus, v1::GetStatusRequest(), limit);
}

v1::Topology RegionClient::topology(int tenant, Duration limit) {
  v1::GetTopologyRequest request;
  request.set_tenant(tenant);
  return impl_->call(&Impl::Stub::GetTopology, request, limit);
}

v1::PlanReply RegionClient::plan(const DemandReport& demand, Duration limit) {
  return impl_->call(&Impl::Stub::Plan, to_wire(demand), limit);
}

v1::Happenings RegionClient::alarms(int most, Duration limit) {
  v1::GetAlarmsRequest request;
  request.set_most(most);
  return impl_->call(&Impl::Stub::GetAlarms, request, limit);
}

v1::Happenings RegionClient::audit(int most, Duration limit) {
  v1::GetAuditRequest request;
  request.set_most(most);
  return impl_->call(&Impl::Stub::GetAudit, request, limit);
}

std::string RegionClient::bug_report(Duration limit) {
  return impl_->call(&Impl::Stub::GetBugReport, v1::GetBugReportRequest(), limit).text();
}

v1::Taken RegionClient::report(const DemandReport& demand, Duration limit) {
  return impl_->call(&Impl::Stub::ReportDemand, to_wire(demand), limit);
}

v1::Taken RegionClient::mark(const PhaseMark& mark, Duration limit) {
  return impl_->call(&Impl::Stub::MarkPhase, to_wire(mark), limit);
}

v1::Taken RegionClient::report(const HealthReport& health, Duration limit) {
  return impl_->call(&Impl::Stub::ReportHealth, to_wire(health), limit);
}

v1::Taken RegionClient::report_activation(int port, Duration took, Duration limit) {
  v1::ActivationReport request;
  request.set_port(port);
  request.set_took_ns(took.ns);
  return impl_->call(&Impl::Stub::ReportActivation, request, limit);
}

v1::Taken RegionClient::add(const TenantAdd& tenant, Duration limit) {
  return impl_->call(&Impl::Stub::AddTenant, to_wire(tenant), limit);
}

v1::Taken RegionClient::remove(const TenantRemove& tenant, Duration limit) {
  return impl_->call(&Impl::Stub::RemoveTenant, to_wire(tenant), limit);
}

v1::Taken RegionClient::drain(const ServerDrain& drain, Duration limit) {
  return impl_->call(&Impl::Stub::DrainServer, to_wire(drain), limit);
}

v1::Taken RegionClient::pin(const CircuitPin& pin, Duration limit) {
  return impl_->call(&Impl::Stub::PinCircuit, to_wire(pin), limit);
}

v1::Taken RegionClient::hold(const SwitchHold& hold, Duration limit) {
  return impl_->call(&Impl::Stub::HoldSwitch, to_wire(hold), limit);
}

void RegionClient::watch_topology(int tenant,
                                  const std::function<bool(const v1::Topology&)>& seen) {
  v1::GetTopologyRequest request;
  request.set_tenant(tenant);
  impl_->watch(&Impl::Stub::WatchTopology, request, seen);
}

void RegionClient::watch_happenings(const std::function<bool(const v1::Happening&)>& seen) {
  impl_->watch(&Impl::Stub::WatchHappenings, v1::WatchHappeningsRequest(), seen);
}

void RegionClient::cancel() {
  const std::lock_guard lock(impl_->mutex);
  impl_->cancelled = true;
  for (grpc::ClientContext* context : impl_->watches) context->TryCancel();
}

}  // namespace mixnet
