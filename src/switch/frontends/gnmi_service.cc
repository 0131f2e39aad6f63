#include "frontends/gnmi_service.h"

#include <fmt/format.h>
#include <grpcpp/resource_quota.h>

#include <asio/post.hpp>
#include <asio/steady_timer.hpp>
#include <deque>
#include <utility>

#include "base/error.h"
#include "frontends/gnmi_calls.h"
#include "frontends/gnmi_subscriber.h"
#include "frontends/sonic_view.h"
#include "gnmi.grpc.pb.h"
#include "gnmi/quiet_grpc.h"

namespace mixnet {
namespace {

constexpr int kMostMessageBytes = 1 << 20;
constexpr std::size_t kMostMemory = 64 << 20;
constexpr int kMostCallsOfConnection = 64;
constexpr int kHandshakeMs = 5'000;
constexpr std::size_t kMostCalls = 4'096;
constexpr std::size_t kMostSets = 64;
constexpr std::size_t kMostStreams = 512;
constexpr std::size_t kMostStreamsOfPeer = 16;
constexpr std::size_t kMostFileBytes = 1 << 20;
constexpr auto kShutdown = std::chrono::milliseconds(200);

grpc::Status unavailable(const char* why) { return {grpc::StatusCode::UNAVAILABLE, why}; }

std::string metadata(const grpc::CallbackServerContext& context, const char* key) {
  const auto found = context.client_metadata().find(key);
  if (found == context.client_metadata().end()) return {};
  return {found->second.data(), found->second.size()};
}

std::string read_file(const std::string& path, std::string_view input) {
  std::string text;
  if (const std::error_code error = system_env().read(path, kMostFileBytes, text)) {
    throw Error(input, fmt::format("{}: {}", path, error.message()), "name a PEM file");
  }
  return text;
}

bool is_loopback(const std::string& host) {
  return host == "localhost" || host == "::1" || host.starts_with("127.");
}

std::shared_ptr<grpc::ServerCredentials> credentials_of(const GnmiOptions& options,
                                                        std::string_view input) {
  if (options.cert.empty() != options.key.empty()) {
    throw Error(input, "TLS needs a certificate and its key", "name both files");
  }
  if (options.cert.empty()) {
    if (!options.ca.empty()) {
      throw Error(input, "clients are to show certificates, and there is no TLS",
                  "name its own certificate and key as well");
    }
    if (is_loopback(options.host)) return grpc::InsecureServerCredentials();
    throw Error(input, fmt::format("{} is not the loopback, where gNMI needs TLS", options.host),
                "name a certificate and its key, or listen on 127.0.0.1");
  }
  grpc::SslServerCredentialsOptions tls;
  tls.pem_key_cert_pairs.push_back({read_file(options.key, input), read_file(options.cert, input)});
  if (!options.ca.empty()) {
    tls.pem_root_certs = read_file(options.ca, input);
    tls.client_certificate_request = GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY;
  }
  return grpc::SslServerCredentials(tls);
}

}  // namespace

class GnmiService::Server : public gnmi::gNMI::CallbackService {
 public:
  Server(DeviceHost& host, const GnmiOptions& options, std::string_view input);
  ~Server() override;
  int port() const { return port_; }

  grpc::ServerUnaryReactor* Capabilities(grpc::CallbackServerContext* context,
                                         const gnmi::CapabilityRequest* request,
                                         gnmi::CapabilityResponse* response) override {
    return start(*context, request, response, [](const auto& call) {
      call->complete([](gnmi::CapabilityResponse& answer) {
        answer = answer_capabilities();
        return grpc::Status::OK;
      });
    });
  }
  grpc::ServerUnaryReactor* Get(grpc::CallbackServerContext* context,
                                const gnmi::GetRequest* request,
                                gnmi::GetResponse* response) override {
    return start(*context, request, response, [this](const auto& call) { get(call); });
  }
  grpc::ServerUnaryReactor* Set(grpc::CallbackServerContext* context,
                                const gnmi::SetRequest* request,
                                gnmi::SetResponse* response) override {
    const bool bypass = options_.bypass_allowed && host_.config().timing.allows_bypass() &&
                        metadata(*context, kBypassMetadata) == "true";
    return start(*context, request, response, [this, bypass](const auto& call) {
      std::erase_if(sets_, [](const WaitingSet& waiting) { return waiting.call->has_ended(); });
      if (sets_.size() >= kMostSets) {
        return call->end({grpc::StatusCode::RESOURCE_EXHAUSTED, "too many Sets wait"});
      }
      sets_.push_back({call, bypass});
      next_set();
    });
  }
  grpc::ServerBidiReactor<gnmi::SubscribeRequest, gnmi::SubscribeResponse>* Subscribe(
      grpc::CallbackServerContext* context) override;

 private:
  using GetCall = std::shared_ptr<UnaryCall<gnmi::GetRequest, gnmi::GetResponse>>;
  using SetCall = std::shared_ptr<UnaryCall<gnmi::SetRequest, gnmi::SetResponse>>;
  struct WaitingSet {
    SetCall call;
    bool bypass = false;
  };

  grpc::Status admit(const grpc::CallbackServerContext& context) const;
  template <typename Request, typename Response, typename Carry>
  grpc::ServerUnaryReactor* start(const grpc::CallbackServerContext& context,
                                  const Request* request, Response* response, Carry carry);
  void get(const GetCall& call);
  void next_set();
  void carry_out(const SetCall& call, SonicSet set);
  void begin_move(const SetCall& call, SonicSet set);
  void set_done(const SetCall& call, const SonicSet& set, const RequestAnswer& answer);
  void answer_set(const SetCall& call, const gnmi::SetResponse& done, const RequestAnswer& answer);
  void drop(const std::string& peer);

  DeviceHost& host_;
  const GnmiOptions options_;
  const SonicPorts ports_;
  LiveCalls calls_;
  LiveCalls streams_;
  std::deque<WaitingSet> sets_;
  bool is_setting_ = false;
  DeviceHost::Subscription on_drop_;
  std::shared_ptr<Server*> alive_ = std::make_shared<Server*>(this);
  int port_ = 0;
  std::unique_ptr<grpc::Server> server_;
};

GnmiService::Server::Server(DeviceHost& host, const GnmiOptions& options, std::string_view input)
    : host_(host), options_(options), ports_(host.config().ports) {
  on_drop_ = host_.on_drop([this] {
    calls_.end_all(unavailable("the connection is dropped"));
    streams_.end_all(unavailable("the connection is dropped"));
  });
  quiet_grpc();
  grpc::ResourceQuota quota("gnmi");
  quota.Resize(kMostMemory);
  grpc::ServerBuilder builder;
  builder.SetResourceQuota(quota);
  builder.SetMaxReceiveMessageSize(kMostMessageBytes);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, kMostCallsOfConnection);
  builder.AddChannelArgument(GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS, kHandshakeMs);
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  const std::string host_name = options.host.find(':') == std::string::npos
                                    ? options.host
                                    : fmt::format("[{}]", options.host);
  const std::string address = fmt::format("{}:{}", host_name, options.port);
  builder.AddListeningPort(address, credentials_of(options, input), &port_);
  builder.RegisterService(this);
  server_ = builder.BuildAndStart();
  if (!server_ || port_ == 0) {
    throw Error(input, "cannot listen on " + address,
                "name an address of this machine, a port that is free, and a certificate that "
                "fits its key");
  }
}

GnmiService::Server::~Server() {
  for (LiveCalls* calls : {&calls_, &streams_}) {
    calls->close();
    calls->end_all(unavailable("the switch is shutting down"));
  }
  if (!server_) return;
  server_->Shutdown(system_env().wall_now() + kShutdown);
  server_->Wait();
}

grpc::Status GnmiService::Server::admit(const grpc::CallbackServerContext& context) const {
  const auto user = options_.users.find(metadata(context, "username"));
  if (user == options_.users.end() || user->second != metadata(context, "password")) {
    return {grpc::StatusCode::UNAUTHENTICATED, "Invalid username or password"};
  }
  return grpc::Status::OK;
}

template <typename Request, typename Response, typename Carry>
grpc::ServerUnaryReactor* GnmiService::Server::start(const grpc::CallbackServerContext& context,
                                                     const Request* request, Response* response,
                                                     Carry carry) {
  auto call =
      std::make_shared<UnaryCall<Request, Response>>(calls_, context.peer(), request, response);
  const bool is_full = calls_.count() >= kMostCalls;
  if (!calls_.add(call)) {
    call->end(unavailable("the switch is shutting down"));
  } else if (const grpc::Status status = admit(context); !status.ok()) {
    call->end(status);
  } else if (is_full) {
    call->end({grpc::StatusCode::RESOURCE_EXHAUSTED, "too many calls"});
  } else {
    asio::post(host_.io(), [this, call, carry = std::move(carry)] {
      if (call->has_ended()) return;
      if (host_.is_rebooting()) {
        call->end(unavailable("rebooting"));
      } else {
        carry(call);
      }
    });
  }
  return call.get();
}

grpc::ServerBidiReactor<gnmi::SubscribeRequest, gnmi::SubscribeResponse>*
GnmiService::Server::Subscribe(grpc::CallbackServerContext* context) {
  auto call = std::make_shared<GnmiSubscriber>(streams_, context->peer(), host_, ports_);
  const bool is_full =
      streams_.count() >= kMostStreams || streams_.count(call->peer()) >= kMostStreamsOfPeer;
  if (!streams_.add(call)) {
    call->end(unavailable("the switch is shutting down"));
  } else if (const grpc::Status status = admit(*context); !status.ok()) {
    call->end(status);
  } else if (is_full) {
    call->end({grpc::StatusCode::RESOURCE_EXHAUSTED, "too many subscriptions"});
  } else {
    call->start();
  }
  return call.get();
}

void GnmiService::Server::get(const GetCall& call) {
  host_.read([this, call](const ReadVerdict& verdict) {
    // Who is gone may have been the last whom this server served.
    if (call->has_ended() || verdict.silent) return;
    if (verdict.drop) return drop(call->peer());
    call->complete([&](gnmi::GetResponse& response) {
      if (verdict.deny) return grpc::Status(grpc::StatusCode::ABORTED, "denied");
      try {
        response = answer_get(call->request(), host_.device(), ports_);
        return grpc::Status::OK;
      } catch (const GnmiRefusal& refusal) {
        return refusal.status();
      }
    });
  });
}

void GnmiService::Server::next_set() {
  while (!is_setting_ && !sets_.empty()) {
    const auto [call, bypass] = std::move(sets_.front());
    sets_.pop_front();
    if (call->has_ended()) continue;
    try {
      carry_out(call, plan_set(call->request(), bypass, host_.device(), ports_));
    } catch (const GnmiRefusal& refusal) {
      call->end(refusal.status());
    }
  }
}

void GnmiService::Server::carry_out(const SetCall& call, SonicSet set) {
  if (set.paths.remove.empty() && set.paths.add.empty()) return set_done(call, set, {});
  is_setting_ = true;
  const SwitchTiming& timing = host_.config().timing;
  const Duration before = timing.before_moving(set.paths.bypass);
  if (before == Duration::zero()) return begin_move(call, std::move(set));
  // Checked first: nothing moves meanwhile.
  set.paths.takes = timing.draw(1, set.paths.bypass, 0) - before;
  auto timer =
      std::make_shared<asio::steady_timer>(host_.io(), std::chrono::nanoseconds(before.ns));
  timer->async_wait([held = std::weak_ptr(alive_), timer, call,
                     set = std::move(set)](const std::error_code& error) mutable {
    const auto self = held.lock();
    if (!error && self) (*self)->begin_move(call, std::move(set));
  });
}

void GnmiService::Server::begin_move(const SetCall& call, SonicSet set) {
  const PathRequest paths = set.paths;
  host_.request(paths, [held = std::weak_ptr(alive_), call,
                        set = std::move(set)](const RequestAnswer& answer) {
    const auto self = held.lock();
    if (!self) return;
    (*self)->is_setting_ = false;
    (*self)->set_done(call, set, answer);
    (*self)->next_set();
  });
}

void GnmiService::Server::set_done(const SetCall& call, const SonicSet& set,
                                   const RequestAnswer& answer) {
  if (answer.refusal == Refusal::kNone) {
    EmulatedSwitch& device = host_.device();
    for (const auto& [position, shut] : set.shutters) {
      device.set_shutter(position, shut, host_.now());
    }
    for (const auto& [position, label] : set.labels) device.set_label(position, label);
    if (!set.labels.empty() || !set.shutters.empty()) {
      host_.step();
      // Answered after the step that saves it.
      asio::post(host_.io(), [held = std::weak_ptr(alive_), call, response = set.response, answer] {
        if (const auto self = held.lock()) (*self)->answer_set(call, response, answer);
      });
      return;
    }
  }
  answer_set(call, set.response, answer);
}

void GnmiService::Server::answer_set(const SetCall& call, const gnmi::SetResponse& done,
                                     const RequestAnswer& answer) {
  if (answer.silent) return;
  if (answer.drop) return drop(call->peer());
  call->complete([&](gnmi::SetResponse& response) {
    try {
      check_answer(answer);
      response = done;
      return grpc::Status::OK;
    } catch (const GnmiRefusal& refusal) {
      return refusal.status();
    }
  });
  if (answer.drop_after) drop(call->peer());
}

/// As near as gRPC lets a service come to closing a connection.
void GnmiService::Server::drop(const std::string& peer) {
  calls_.end_all(unavailable("the connection is dropped"), &peer);
  streams_.end_all(unavailable("the connection is dropped"), &peer);
}

GnmiService::GnmiService(DeviceHost& host, const GnmiOptions& options, std::string_view input)
    : server_(std::make_unique<Server>(host, options, input)) {}

GnmiService::~GnmiService() = default;

int GnmiService::port() const { return server_->port(); }

}  // namespace mixnet
