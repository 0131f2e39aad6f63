#include "gnmi/gnmi_session.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "gnmi/quiet_grpc.h"

namespace mixnet {
namespace {

using std::chrono::milliseconds;

constexpr int kFirstBackOffMs = 200;
constexpr int kLongestBackOffMs = 5'000;
constexpr int kMostMessageBytes = 32 << 20;
constexpr std::size_t kMostFileBytes = 1 << 20;
constexpr std::size_t kMostReason = 400;
constexpr auto kLongest = std::chrono::hours(10'000);

std::string read_file(const std::string& path, std::string_view flag, Env& env) {
  std::string text;
  if (path.empty()) return text;
  if (const std::error_code error = env.read(path, kMostFileBytes, text)) {
    throw Error(path, error.message(), fmt::format("name a PEM file by {}=", flag));
  }
  return text;
}

std::string reason(const grpc::Status& status) {
  std::string text = status.error_message().substr(0, kMostReason);
  return text.empty() ? fmt::format("gRPC status {}", static_cast<int>(status.error_code())) : text;
}

/// By gRPC's monotonic clock: it takes a time of day as well, but that may be set meanwhile.
gpr_timespec by_grpc(MonotonicTime time, Env& env) {
  const auto left = std::min<MonotonicTime::duration>(time - env.monotonic_now(), kLongest);
  const auto ns = std::chrono::duration_cast<std::chrono::nanoseconds>(left).count();
  return gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC), gpr_time_from_nanos(ns, GPR_TIMESPAN));
}

}  // namespace

SwitchFault to_fault(grpc::StatusCode code, bool was_connected) {
  switch (code) {
    case grpc::StatusCode::UNAVAILABLE:
      return was_connected ? SwitchFault::kDisconnected : SwitchFault::kUnreachable;
    case grpc::StatusCode::CANCELLED:
      return SwitchFault::kDisconnected;
    case grpc::StatusCode::DEADLINE_EXCEEDED:
      return SwitchFault::kTimedOut;
    case grpc::StatusCode::UNAUTHENTICATED:
      return SwitchFault::kLogin;
    case grpc::StatusCode::INTERNAL:
    case grpc::StatusCode::DATA_LOSS:
      return SwitchFault::kGarbled;
    default:
      return SwitchFault::kDenied;
  }
}

/// What the completion queue gives back.
struct GnmiSession::Tag {
  std::function<void(bool ok)> done;
};

template <typename Response>
struct GnmiSession::Call {
  grpc::ClientContext context;
  Response response;
  grpc::Status status;
  std::unique_ptr<grpc::ClientAsyncResponseReader<Response>> reader;
  bool is_done = false;
  Tag tag{[this](bool) { is_done = true; }};
};

struct GnmiSession::Stream {
  grpc::ClientContext context;
  std::unique_ptr<grpc::ClientAsyncReaderWriter<gnmi::SubscribeRequest, gnmi::SubscribeResponse>>
      wire;
  gnmi::SubscribeResponse message;
  grpc::Status status;
  int outstanding = 0;
  bool is_finishing = false;
  bool is_done = false;
  std::string garbled;
  Tag started, written, read, finished;

  void finish() {
    if (std::exchange(is_finishing, true)) return;
    ++outstanding;
    wire->Finish(&status, &finished);
  }
};

GnmiSession::GnmiSession(const SwitchAddress& address, Env& env)
    : address_(address),
      device_(address.shown()),
      env_(env),
      ca_(read_file(address.ca, "ca", env)),
      cert_(read_file(address.cert, "cert", env)),
      key_(read_file(address.key, "key", env)) {
  quiet_grpc();
}

GnmiSession::~GnmiSession() {
  disconnect();
  queue_.Shutdown();
  void* tag = nullptr;
  bool ok = false;
  while (queue_.Next(&tag, &ok)) {
  }
}

void GnmiSession::connect() {
  if (channel_) return;
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  arguments.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, kFirstBackOffMs);
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, kLongestBackOffMs);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, kLongestBackOffMs);
  arguments.SetInt(GRPC_ARG_DNS_MIN_TIME_BETWEEN_RESOLUTIONS_MS, kFirstBackOffMs);
  arguments.SetMaxReceiveMessageSize(kMostMessageBytes);
  const std::string host =
      address_.host.find(':') == std::string::npos ? address_.host : "[" + address_.host + "]";
  std::shared_ptr<grpc::ChannelCredentials> credentials =
      address_.tls ? grpc::SslCredentials(
                         {.pem_root_certs = ca_, .pem_private_key = key_, .pem_cert_chain = cert_})
                   : grpc::InsecureChannelCredentials();
  channel_ =
      grpc::CreateCustomChannel(fmt::format("{}:{}", host, address_.port), credentials, arguments);
  stub_ = gnmi::gNMI::NewStub(channel_);
}

void GnmiSession::disconnect() {
  if (stream_) {
    stream_->context.TryCancel();
    while (stream_->outstanding > 0) turn(MonotonicTime::max());
    stream_.reset();
  }
  stub_.reset();
  channel_.reset();
}

bool GnmiSession::is_connected() const {
  return channel_ && channel_->GetState(false) == GRPC_CHANNEL_READY;
}

void GnmiSession::prepare(grpc::ClientContext& context,
                          std::optional<MonotonicTime> dead_line) const {
  if (dead_line) context.set_deadline(by_grpc(*dead_line, env_));
  context.AddMetadata("username", address_.user);
  context.AddMetadata("password", address_.password);
}

bool GnmiSession::turn(MonotonicTime until) {
  void* tag = nullptr;
  bool ok = false;
  if (until == MonotonicTime::max()) {
    if (!queue_.Next(&tag, &ok)) return false;
  } else if (queue_.AsyncNext(&tag, &ok, by_grpc(until, env_)) !=
             grpc::CompletionQueue::GOT_EVENT) {
    return false;
  }
  static_cast<Tag*>(tag)->done(ok);
  return true;
}

template <typename Response>
void GnmiSession::finish(Call<Response>& call) {
  call.reader->Finish(&call.response, &call.status, &call.tag);
  // The call's own dead-line ends it.
  while (!call.is_done) turn(MonotonicTime::max());
}

void GnmiSession::check(const grpc::Status& status, bool was_connected, MonotonicTime dead_line) {
  if (status.ok()) return;
  const SwitchFault fault = to_fault(status.error_code(), was_connected);
  if (fault == SwitchFault::kTimedOut || env_.monotonic_now() >= dead_line) {
    disconnect();
    throw SwitchError(SwitchFault::kTimedOut, device_, "did not answer by the dead-line");
  }
  throw SwitchError(fault, device_, reason(status));
}

gnmi::CapabilityResponse GnmiSession::capabilities(MonotonicTime dead_line) {
  connect();
  Call<gnmi::CapabilityResponse> call;
  const bool was_connected = is_connected();
  prepare(call.context, dead_line);
  call.reader = stub_->AsyncCapabilities(&call.context, {}, &queue_);
  finish(call);
  check(call.status, was_connected, dead_line);
  return std::move(call.response);
}

std::vector<std::optional<gnmi::GetResponse>> GnmiSession::get(std::span<const SonicPath> paths,
                                                               MonotonicTime dead_line) {
  for (bool is_again = false;; is_again = true) {
    keep_stream();
    connect();
    const bool was_connected = is_connected();
    std::vector<std::unique_ptr<Call<gnmi::GetResponse>>> calls;
    for (const SonicPath& path : paths) {
      auto& call = *calls.emplace_back(std::make_unique<Call<gnmi::GetResponse>>());
      gnmi::GetRequest request;
      if (!address_.target.empty()) request.mutable_prefix()->set_target(address_.target);
      *request.add_path() = path.to_gnmi();
      request.set_encoding(gnmi::JSON_IETF);
      prepare(call.context, dead_line);
      call.reader = stub_->AsyncGet(&call.context, request, &queue_);
      call.reader->Finish(&call.response, &call.status, &call.tag);
    }
    for (const auto& call : calls) {
      while (!call->is_done) turn(MonotonicTime::max());
    }
    std::vector<std::optional<gnmi::GetResponse>> answers;
    for (const auto& call : calls) {
      const grpc::StatusCode code = call->status.error_code();
      if (code == grpc::StatusCode::NOT_FOUND) {
        answers.emplace_back();
        continue;
      }
      if (code == grpc::StatusCode::UNAVAILABLE && was_connected && !is_again) break;
      check(call->status, was_connected, dead_line);
      answers.emplace_back(std::move(call->response));
    }
    if (answers.size() == paths.size()) return answers;
  }
}

std::string GnmiSession::set(const gnmi::SetRequest& request, MonotonicTime dead_line) {
  connect();
  const bool was_connected = is_connected();
  Call<gnmi::SetResponse> call;
  prepare(call.context, dead_line);
  if (address_.bypass) call.context.AddMetadata(kBypassMetadata, "true");
  call.reader = stub_->AsyncSet(&call.context, request, &queue_);
  finish(call);
  if (!call.status.ok() &&
      to_fault(call.status.error_code(), was_connected) == SwitchFault::kDenied) {
    return reason(call.status);
  }
  check(call.status, was_connected, dead_line);
  return {};
}

void GnmiSession::subscribe(const SonicPath& path, Told told, std::function<void()> restarted) {
  watched_ = path;
  told_ = std::move(told);
  restarted_ = std::move(restarted);
}

void GnmiSession::keep_stream() {
  if (stream_ && stream_->is_done) stream_done();
  if (stream_ || !watched_ || env_.monotonic_now() < stream_retry_) return;
  connect();
  stream_ = std::make_unique<Stream>();
  Stream* stream = stream_.get();
  restarted_();
  prepare(stream->context, std::nullopt);
  stream->started.done = [this, stream](bool ok) {
    --stream->outstanding;
    if (!ok) return stream->finish();
    gnmi::SubscribeRequest request;
    gnmi::SubscriptionList& list = *request.mutable_subscribe();
    if (!address_.target.empty()) list.mutable_prefix()->set_target(address_.target);
    list.set_encoding(gnmi::JSON_IETF);
    gnmi::Subscription& subscription = *list.add_subscription();
    *subscription.mutable_path() = watched_->to_gnmi();
    subscription.set_mode(gnmi::ON_CHANGE);
    stream->outstanding += 2;
    stream->wire->Write(request, &stream->written);
    stream->wire->Read(&stream->message, &stream->read);
  };
  stream->written.done = [stream](bool) { --stream->outstanding; };
  stream->read.done = [this, stream](bool ok) {
    --stream->outstanding;
    if (!ok) return stream->finish();
    try {
      told_(stream->message);
      if (stream->message.sync_response()) stream_pause_ = milliseconds(0);
    } catch (const Error& error) {
      stream->garbled = error.what();
      stream->context.TryCancel();
    }
    ++stream->outstanding;
    stream->wire->Read(&stream->message, &stream->read);
  };
  stream->finished.done = [stream](bool) {
    --stream->outstanding;
    stream->is_done = true;
  };
  stream->wire = stub_->PrepareAsyncSubscribe(&stream->context, &queue_);
  stream->outstanding = 1;
  stream->wire->StartCall(&stream->started);
}

void GnmiSession::stream_done() {
  while (stream_->outstanding > 0) turn(MonotonicTime::max());
  const std::unique_ptr<Stream> stream = std::move(stream_);
  stream_pause_ =
      std::clamp(stream_pause_ * 2, milliseconds(kFirstBackOffMs), milliseconds(kLongestBackOffMs));
  stream_retry_ = env_.monotonic_now() + stream_pause_;
  if (!stream->garbled.empty()) {
    stream_error_.emplace(SwitchFault::kGarbled, device_, stream->garbled);
  } else if (stream->status.ok()) {
    stream_error_.emplace(SwitchFault::kDisconnected, device_, "ended the subscription");
  } else {
    stream_error_.emplace(to_fault(stream->status.error_code(), true), device_,
                          reason(stream->status));
  }
}

void GnmiSession::wait(MonotonicTime until, const std::function<bool()>& enough) {
  while (!enough()) {
    keep_stream();
    if (stream_error_) throw *std::exchange(stream_error_, std::nullopt);
    if (env_.monotonic_now() >= until) return;
    turn(stream_ ? until : std::min(until, std::max(stream_retry_, env_.monotonic_now())));
  }
}

}  // namespace mixnet
