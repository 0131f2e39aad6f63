#include "gnmi/fake_gnmi_device.h"

#include <chrono>

#include "base/env.h"

namespace mixnet {
namespace {

constexpr auto kMoment = std::chrono::milliseconds(2);

void put(SonicTable& table, const std::string& key, const SonicRow& row, bool with_state) {
  SonicRow& entry = table[key];
  entry = row;
  if (with_state) entry["a_side_status"] = entry["b_side_status"] = "tuned";
}

}  // namespace

FakeGnmiDevice::FakeGnmiDevice(int positions) {
  for (int p = 1; p <= positions; ++p) {
    for (const char* side : {"A", "B"}) state_.ports[std::to_string(p) + side]["status"] = "tuned";
  }
  grpc::ServerBuilder builder;
  builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port_);
  builder.RegisterService(this);
  server_ = builder.BuildAndStart();
}

FakeGnmiDevice::~FakeGnmiDevice() {
  server_->Shutdown(system_env().wall_now());
  server_->Wait();
}

SwitchAddress FakeGnmiDevice::address() const {
  return parse_switch_address("gnmi://127.0.0.1:" + std::to_string(port_), "test");
}

void FakeGnmiDevice::with(const std::function<void(State&)>& function) {
  const std::lock_guard lock(mutex_);
  function(state_);
}

void FakeGnmiDevice::carry_out(State& state, const gnmi::SetRequest& request) {
  for (const gnmi::Path& path : request.delete_()) {
    const std::string key = sonic_path({}, path).key;
    state.config.erase(key);
    state.state.erase(key);
  }
  for (const gnmi::Update& update : request.update()) {
    SonicTable rows;
    decode_rows(sonic_path({}, update.path()), update.val().json_ietf_val(), rows);
    for (const auto& [key, row] : rows) {
      put(state.config, key, row, false);
      put(state.state, key, row, true);
    }
  }
}

bool FakeGnmiDevice::is_silent(grpc::ServerContext* context) {
  while (true) {
    {
      const std::lock_guard lock(mutex_);
      if (!state_.is_silent) return false;
    }
    if (context->IsCancelled()) return true;
    system_env().sleep_until(system_env().monotonic_now() + kMoment);
  }
}

grpc::Status FakeGnmiDevice::Capabilities(grpc::ServerContext* context,
                                          const gnmi::CapabilityRequest*,
                                          gnmi::CapabilityResponse* response) {
  if (is_silent(context)) return grpc::Status::CANCELLED;
  response->set_gnmi_version("0.7.0");
  return grpc::Status::OK;
}

grpc::Status FakeGnmiDevice::Get(grpc::ServerContext* context, const gnmi::GetRequest* request,
                                 gnmi::GetResponse* response) {
  if (is_silent(context)) return grpc::Status::CANCELLED;
  const std::lock_guard lock(mutex_);
  if (!state_.get_status.ok()) return state_.get_status;
  const SonicPath at = sonic_path(request->prefix(), request->path(0));
  SonicTable table;
  if (at.table == kPortTable && at.db == kStateDb) table = state_.ports;
  if (at.table == kCrossConnectTable) table = at.db == kConfigDb ? state_.config : state_.state;
  if (table.empty()) return {grpc::StatusCode::NOT_FOUND, "Failed to find " + at.text()};
  gnmi::Update& update = *response->add_notification()->add_update();
  *update.mutable_path() = request->path(0);
  update.mutable_val()->set_json_ietf_val(state_.garbage.empty() ? to_json(table) : state_.garbage);
  return grpc::Status::OK;
}

grpc::Status FakeGnmiDevice::Set(grpc::ServerContext* context, const gnmi::SetRequest* request,
                                 gnmi::SetResponse*) {
  {
    const std::lock_guard lock(mutex_);
    state_.sets.push_back(*request);
  }
  if (is_silent(context)) return grpc::Status::CANCELLED;
  const std::lock_guard lock(mutex_);
  if (state_.on_set) {
    state_.on_set(state_, *request);
  } else if (state_.set_status.ok()) {
    carry_out(state_, *request);
  }
  return state_.set_status;
}

grpc::Status FakeGnmiDevice::Subscribe(
    grpc::ServerContext* context,
    grpc::ServerReaderWriter<gnmi::SubscribeResponse, gnmi::SubscribeRequest>* stream) {
  gnmi::SubscribeRequest request;
  if (is_silent(context) || !stream->Read(&request)) return grpc::Status::CANCELLED;
  SonicTable told;
  for (bool is_first = true;; is_first = false) {
    SonicTable ports;
    std::string garbage;
    bool ends = false;
    {
      const std::lock_guard lock(mutex_);
      state_.streams += is_first ? 1 : 0;
      ports = state_.ports;
      garbage = state_.garbage;
      ends = state_.ends_streams;
    }
    if (ports != told || is_first) {
      gnmi::SubscribeResponse message;
      gnmi::Update& update = *message.mutable_update()->add_update();
      *update.mutable_path() = request.subscribe().subscription(0).path();
      update.mutable_val()->set_json_ietf_val(garbage.empty() ? to_json(ports) : garbage);
      stream->Write(message);
      told = ports;
    }
    if (is_first) {
      gnmi::SubscribeResponse message;
      message.set_sync_response(true);
      stream->Write(message);
    }
    if (ends) return {grpc::StatusCode::UNAVAILABLE, "the stream is over"};
    if (context->IsCancelled()) return grpc::Status::CANCELLED;
    system_env().sleep_until(system_env().monotonic_now() + kMoment);
  }
}

}  // namespace mixnet
