#include "service/region_service.h"

#include <fmt/format.h>

#include <utility>

#include "base/error.h"
#include "region.grpc.pb.h"
#include "service/admission.h"
#include "service/announcer.h"
#include "service/call_desk.h"
#include "service/listener.h"
#include "service/region_views.h"
#include "service/server_settings.h"
#include "service/state_view.h"
#include "wire/region_channel.h"
#include "wire/region_wire.h"

namespace mixnet {
namespace {

constexpr auto kShutdown = std::chrono::milliseconds(200);
constexpr std::size_t kParsedAtOnce = 64 << 10;  // 64 servers' demand: 20 us
constexpr int kUsualListed = 100;
constexpr int kMostListed = 1'000;
constexpr const char* kStops = "the daemon stops";

/// For a stream that does not begin.
template <typename Message>
class RefusedStream final : public grpc::ServerWriteReactor<Message> {
 public:
  explicit RefusedStream(const grpc::Status& status) { this->Finish(status); }
  void OnDone() override { delete this; }
};

/// How many to list. Throws Error.
int listed(int most, const char* field) {
  if (most < 0) throw Error(field, fmt::format("{} is negative", most), "0 stands for 100");
  return most == 0 ? kUsualListed : std::min(most, kMostListed);
}

/// Throws Error.
template <typename Message>
Message message_of(grpc::ByteBuffer bytes) {
  Message message;
  if (!grpc::SerializationTraits<Message>::Deserialize(&bytes, &message).ok()) {
    throw Error(Message::descriptor()->name(), "is no such message", "see region.proto");
  }
  return message;
}

template <typename Message>
grpc::Status bytes_of(const Message& message, grpc::ByteBuffer& bytes) {
  bool is_ours = false;
  return grpc::SerializationTraits<Message>::Serialize(message, &bytes, &is_ours);
}

int checked_tenant(int tenant) {
  if (tenant >= 1) return tenant;
  throw Error("GetTopologyRequest.tenant", fmt::format("{} is no tenant", tenant),
              "they count from 1");
}

}  // namespace

/// Methods whose messages may hold millions of numbers come unparsed: who may not call, or not so
/// much, costs no more than the bytes.
using RawRegion =
    v1::Region::WithRawCallbackMethod_Plan<v1::Region::WithRawCallbackMethod_AddTenant<
        v1::Region::WithRawCallbackMethod_ReportDemand<v1::Region::CallbackService>>>;

class RegionService::Server final : public RawRegion {
 public:
  Server(RegionLoop& loop, Env& env);
  ~Server() override;
  int port() const { return listener_ ? listener_->port() : 0; }

  using Context = grpc::CallbackServerContext;
  using Unary = grpc::ServerUnaryReactor;
  using Bytes = grpc::ByteBuffer;

  Unary* GetRegion(Context* context, const v1::GetRegionRequest*,
                   v1::RegionDescription* response) override {
    return unary(*context, Method::kGetRegion, [this, response](const Caller&, const Handle& call) {
      call->finish([&] {
        *response = description_;
        return grpc::Status::OK;
      });
    });
  }
  Unary* GetStatus(Context* context, const v1::GetStatusRequest*, v1::Status* response) override {
    return look(*context, Method::kGetStatus, [this, response](const Caller& caller) {
      const bool whole = caller.role == Role::kOperator;
      return [this, response, whole] { return views_->status(whole, *response); };
    });
  }
  Unary* GetTopology(Context* context, const v1::GetTopologyRequest* request,
                     v1::Topology* response) override {
    return look(*context, Method::kGetTopology, [this, request, response](const Caller&) {
      const int tenant = checked_tenant(request->tenant());
      return [this, response, tenant] { return views_->topology(tenant, *response); };
    });
  }
  Unary* GetAlarms(Context* context, const v1::GetAlarmsRequest* request,
                   v1::Happenings* response) override {
    return look(*context, Method::kGetAlarms, [this, request, response](const Caller&) {
      const int most = listed(request->most(), "GetAlarmsRequest.most");
      return [this, response, most] { return views_->alarms(most, *response); };
    });
  }
  Unary* GetAudit(Context* context, const v1::GetAuditRequest* request,
                  v1::Happenings* response) override {
    return look(*context, Method::kGetAudit, [this, request, response](const Caller&) {
      const int most = listed(request->most(), "GetAuditRequest.most");
      return [this, response, most] { return views_->audit(most, *response); };
    });
  }
  Unary* GetBugReport(Context* context, const v1::GetBugReportRequest*,
                      v1::BugReport* response) override {
    return look(*context, Method::kGetBugReport, [this, response](const Caller&) {
      return [this, response] { return views_->bug_report(*response); };
    });
  }
  Unary* Plan(Context* context, const Bytes* request, Bytes* response) override {
    return parsed<v1::DemandReport>(
        *context, Method::kPlan, *request,
        [this, response](const Caller&, const Handle& call, const v1::DemandReport& demand) {
          plan(call, demand, *response);
        });
  }

  Unary* ReportDemand(Context* context, const Bytes* request, Bytes* response) override {
    return take_raw<v1::DemandReport>(*context, Method::kReportDemand, *request, *response);
  }
  Unary* MarkPhase(Context* context, const v1::PhaseMark* request, v1::Taken* response) override {
    return take(*context, Method::kMarkPhase, *request, *response);
  }
  Unary* ReportHealth(Context* context, const v1::HealthReport* request,
                      v1::Taken* response) override {
    return take(*context, Method::kReportHealth, *request, *response);
  }
  Unary* ReportActivation(Context* context, const v1::ActivationReport* request,
                          v1::Taken*) override {
    return unary(*context, Method::kReportActivation,
                 [this, request](const Caller& caller, const Handle& call) {
                   const int port = request->port();
                   const Duration took{request->took_ns()};
                   with_part(call, caller, Method::kReportActivation, {Part::kOpticalNic, port},
                             [this, call, port, took] { activate(call, port, took); });
                 });
  }
  Unary* AddTenant(Context* context, const Bytes* request, Bytes* response) override {
    return take_raw<v1::TenantAdd>(*context, Method::kAddTenant, *request, *response);
  }
  Unary* RemoveTenant(Context* context, const v1::TenantRemove* request,
                      v1::Taken* response) override {
    return take(*context, Method::kRemoveTenant, *request, *response);
  }
  Unary* DrainServer(Context* context, const v1::ServerDrain* request,
                     v1::Taken* response) override {
    return take(*context, Method::kDrainServer, *request, *response);
  }
  Unary* PinCircuit(Context* context, const v1::CircuitPin* request, v1::Taken* response) override {
    return take(*context, Method::kPinCircuit, *request, *response);
  }
  Unary* HoldSwitch(Context* context, const v1::SwitchHold* request, v1::Taken* response) override {
    return take(*context, Method::kHoldSwitch, *request, *response);
  }

  grpc::ServerWriteReactor<v1::Topology>* WatchTopology(
      Context* context, const v1::GetTopologyRequest* request) override;
  grpc::ServerWriteReactor<v1::Happening>* WatchHappenings(
      Context* context, const v1::WatchHappeningsRequest*) override;

 private:
  using Handle = PendingCalls::Handle;

  template <typename Work>
  Unary* unary(Context& context, Method method, const Work& work, std::size_t bytes = 0);
  /// A message that may be large is parsed once it is known that the caller may send it, and on the
  /// desk.
  template <typename Request, typename Work>
  Unary* parsed(Context& context, Method method, const Bytes& bytes, const Work& work);
  /// `make(caller)` checks the request, and gives the view, which runs on the desk.
  template <typename Make>
  Unary* look(Context& context, Method method, const Make& make);
  template <typename Request>
  Unary* take(Context& context, Method method, const Request& request, v1::Taken& response);
  template <typename Request>
  Unary* take_raw(Context& context, Method method, const Bytes& request, Bytes& response);
  template <typename Request>
  void take(const Handle& call, const Caller& caller, Method method, const Request& request,
            CallDesk::Answer answer);
  void with_part(const Handle& call, const Caller& caller, Method method, std::pair<Part, int> part,
                 std::function<void()> go_on);
  void activate(const Handle& call, int port, Duration took);
  void plan(const Handle& call, const v1::DemandReport& request, Bytes& response);
  void listen();

  RegionLoop& loop_;
  Env& env_;
  const v1::RegionDescription description_;
  std::unique_ptr<Listener> listener_;
  std::optional<Admission> admission_;
  PendingCalls calls_;
  std::optional<Announcer> announcer_;
  std::shared_ptr<CallDesk> desk_;

  std::optional<RegionViews> views_;
  std::unique_ptr<grpc::experimental::ExternalConnectionAcceptor> acceptor_;
  std::unique_ptr<grpc::Server> server_;
};

RegionService::Server::Server(RegionLoop& loop, Env& env)
    : loop_(loop), env_(env), description_(describe(loop.settings(), MIXNET_VERSION)) {
  if (!loop_.settings().api.empty()) listen();
}

void RegionService::Server::listen() {
  const DaemonSettings& settings = loop_.settings();
  check_exposure(settings);
  std::vector<AddressPrefix> peers = allowed_peers(settings);
  const std::shared_ptr<grpc::ServerCredentials> credentials = server_credentials(settings, env_);
  const std::string place = settings.input + ": controller.api";
  listener_ = std::make_unique<Listener>(settings.api, place, env_);
  admission_.emplace(loop_, peers, *listener_, env_);
  announcer_.emplace(loop_, env_);
  desk_ = std::make_shared<CallDesk>(loop_, env_);
  views_.emplace(loop_, desk_->states(), *announcer_, env_);
  keep_grpc_quiet();
  grpc::ServerBuilder builder;
  set_limits(builder);
  builder.RegisterService(this);
  acceptor_ = builder.experimental().AddExternalConnectionAcceptor(
      grpc::ServerBuilder::experimental_type::ExternalConnectionType::FROM_FD, credentials);
  server_ = builder.BuildAndStart();
  if (!server_) {
    throw Error(settings.input, "controller.tls: gRPC cannot serve with these certificates",
                "see that cert, key and ca are PEM files that fit each other");
  }
  listener_->start(
      std::move(peers),
      {.taken =
           [this](int connection) {
             grpc::experimental::ExternalConnectionAcceptor::NewConnectionParameters taken;
             taken.fd = connection;
             acceptor_->HandleNewConnection(&taken);
           },
       .stranger =
           [this](const IpAddress& address) {
             admission_->note_connection(address,
                                         "refused, the address is not among controller.peers");
           },
       .abandoned =
           [this](const IpAddress& address) {
             admission_->note_connection(
                 address, "ended without a call: no certificate of our CA, or it gave up");
           }},
      {});
}

RegionService::Server::~Server() {
  if (!server_) return;
  listener_->stop();
  announcer_->close({grpc::StatusCode::UNAVAILABLE, kStops});
  calls_.close(kStops);
  server_->Shutdown(env_.wall_now() + kShutdown);
  desk_->close();
  server_->Wait();
}

template <typename Work>
RegionService::Server::Unary* RegionService::Server::unary(Context& context, Method method,
                                                           const Work& work, std::size_t bytes) {
  Unary* const reactor = context.DefaultReactor();
  const Admission::Entry entry = admission_->enter(context, method, bytes);
  if (!entry.status.ok()) {
    reactor->Finish(entry.status);
    return reactor;
  }
  const Caller& caller = entry.caller;
  const Handle call =
      calls_.add(reactor, [this, caller, method] { admission_->leave(caller, method); });
  if (!call->is_open()) return reactor;
  try {
    work(caller, call);
  } catch (const Error& error) {
    call->fail(grpc::StatusCode::INVALID_ARGUMENT, error.what());
  }
  return reactor;
}

template <typename Make>
RegionService::Server::Unary* RegionService::Server::look(Context& context, Method method,
                                                          const Make& make) {
  return unary(context, method, [&](const Caller& caller, const Handle& call) {
    desk_->look(call, caller.who, [call, view = make(caller)] { call->finish(view); });
  });
}

template <typename Request, typename Work>
RegionService::Server::Unary* RegionService::Server::parsed(Context& context, Method method,
                                                            const Bytes& bytes, const Work& work) {
  const auto start = [&](const Caller& caller, const Handle& call) {
    const auto go_on = [call, caller, work, held = bytes] {
      try {
        work(caller, call, message_of<Request>(held));
      } catch (const Error& error) {
        call->fail(grpc::StatusCode::INVALID_ARGUMENT, error.what());
      }
    };
    if (bytes.Length() <= kParsedAtOnce) return go_on();
    desk_->look(call, caller.who, go_on);
  };
  return unary(context, method, start, bytes.Length());
}

template <typename Request>
RegionService::Server::Unary* RegionService::Server::take(Context& context, Method method,
                                                          const Request& request,
                                                          v1::Taken& response) {
  return unary(context, method, [&](const Caller& caller, const Handle& call) {
    take(call, caller, method, request,
         [&response](const RegionLoop::Outcome& outcome) { return taken(outcome, response); });
  });
}

template <typename Request>
RegionService::Server::Unary* RegionService::Server::take_raw(Context& context, Method method,
                                                              const Bytes& request,
                                                              Bytes& response) {
  return parsed<Request>(
      context, method, request,
      [this, method, &response](const Caller& caller, const Handle& call, const Request& asked) {
        take(call, caller, method, asked, [&response](const RegionLoop::Outcome& outcome) {
          v1::Taken told;
          const grpc::Status status = taken(outcome, told);
          return status.ok() ? bytes_of(told, response) : status;
        });
      });
}

template <typename Request>
void RegionService::Server::take(const Handle& call, const Caller& caller, Method method,
                                 const Request& request, CallDesk::Answer answer) {
  EventRequest asked = read_request(request);
  asked.what = audit_text(asked.event, loop_.settings());
  if (asked.tenant) {
    if (const std::string why = refuse_tenant(caller, *asked.tenant); !why.empty()) {
      const grpc::Status refused = admission_->refuse(caller, method, why);
      return call->finish([&] { return refused; });
    }
  }
  if (!asked.part) return desk_->post(call, caller.who, std::move(asked), std::move(answer));
  if (!admission_->may_note(caller)) asked.what.clear();
  const std::pair<Part, int> part = *asked.part;
  auto held = std::make_shared<EventRequest>(std::move(asked));
  with_part(call, caller, method, part, [this, call, who = caller.who, held, answer] {
    desk_->post(call, who, std::move(*held), answer);
  });
}

/// Goes on, if the part is the caller's to speak of.
void RegionService::Server::with_part(const Handle& call, const Caller& caller, Method method,
                                      std::pair<Part, int> part, std::function<void()> go_on) {
  if (caller.role == Role::kOperator) return go_on();
  desk_->look(call, caller.who, [this, call, caller, method, part, go_on = std::move(go_on)] {
    const auto copy = desk_->states().get();
    if (!copy) return call->finish([] { return stuck_loop(); });
    const std::string why =
        refuse_part(caller, part.first, part.second, copy->state.config, copy->state.owner);
    if (why.empty()) return go_on();
    const grpc::Status refused = admission_->refuse(caller, method, why);
    call->finish([&] { return refused; });
  });
}

void RegionService::Server::activate(const Handle& call, int port, Duration took) {
  if (!loop_.is_healthy()) return call->finish([] { return stuck_loop(); });
  if (loop_.report_activation(port, took)) return call->finish([] { return grpc::Status::OK; });
  call->fail(grpc::StatusCode::INVALID_ARGUMENT,
             "ActivationReport: no such port, or a span that makes no sense; 0 to a minute");
}

void RegionService::Server::plan(const Handle& call, const v1::DemandReport& request,
                                 Bytes& response) {
  // Without a sequence it is the tenant's next.
  const bool is_next = request.phase().sequence() == 0;
  DemandReport demand;
  if (is_next) {
    v1::DemandReport numbered = request;
    numbered.mutable_phase()->set_sequence(1);
    demand = from_wire(numbered);
    demand.phase.sequence = 0;
  } else {
    demand = from_wire(request);
  }
  const auto work = [this, call, demand = std::move(demand), &response] {
    call->finish([&] {
      v1::PlanReply reply;
      const grpc::Status status = views_->plan(demand, reply);
      return status.ok() ? bytes_of(reply, response) : status;
    });
  };
  if (desk_->plan(work)) return;
  call->fail(grpc::StatusCode::RESOURCE_EXHAUSTED, "Plan: another dry run is under way: try again");
}

grpc::ServerWriteReactor<v1::Topology>* RegionService::Server::WatchTopology(
    Context* context, const v1::GetTopologyRequest* request) {
  using Refused = RefusedStream<v1::Topology>;
  const Admission::Entry entry = admission_->enter(*context, Method::kWatchTopology);
  if (!entry.status.ok()) return new Refused(entry.status);
  const auto left = [this, caller = entry.caller] {
    admission_->leave(caller, Method::kWatchTopology);
  };
  const int tenant = request->tenant();
  if (tenant < 1) {
    left();
    return new Refused(
        {grpc::StatusCode::INVALID_ARGUMENT, "GetTopologyRequest.tenant: tenants count from 1"});
  }
  const std::shared_ptr<TopologyStream> stream = announcer_->watch_topology(tenant, left);
  if (!stream) {
    left();
    return new Refused({grpc::StatusCode::UNAVAILABLE, kStops});
  }
  // What is announced meanwhile comes to the stream as well, and is newer.
  const bool waits = desk_->look([this, stream, tenant] {
    auto first = std::make_shared<v1::Topology>();
    const grpc::Status status = views_->topology(tenant, *first);
    if (!status.ok()) return stream->end(status);
    stream->offer(std::move(first));
  });
  if (!waits) stream->end({grpc::StatusCode::RESOURCE_EXHAUSTED, "too many calls wait"});
  return stream.get();
}

grpc::ServerWriteReactor<v1::Happening>* RegionService::Server::WatchHappenings(
    Context* context, const v1::WatchHappeningsRequest*) {
  using Refused = RefusedStream<v1::Happening>;
  const Admission::Entry entry = admission_->enter(*context, Method::kWatchHappenings);
  if (!entry.status.ok()) return new Refused(entry.status);
  const auto left = [this, caller = entry.caller] {
    admission_->leave(caller, Method::kWatchHappenings);
  };
  const std::shared_ptr<HappeningStream> stream = announcer_->watch_happenings(left);
  if (stream) return stream.get();
  left();
  return new Refused({grpc::StatusCode::UNAVAILABLE, kStops});
}

RegionService::RegionService(RegionLoop& loop, Env& env)
    : server_(std::make_unique<Server>(loop, env)) {}

RegionService::~RegionService() = default;

int RegionService::port() const { return server_->port(); }

}  // namespace mixnet
