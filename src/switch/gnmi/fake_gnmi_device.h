// A gNMI server that misbehaves as a test tells it: for the driver, without an emulated switch.
//
// It keeps CONFIG_DB's and STATE_DB's cross-connects as they are put into it and carries out a Set
// by `on_set`, or as asked. Handlers run on gRPC's threads, one at a time.
#pragma once

#include <grpcpp/grpcpp.h>

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "gnmi.grpc.pb.h"
#include "gnmi/sonic_tables.h"
#include "ocs/switch_address.h"

namespace mixnet {

class FakeGnmiDevice : private gnmi::gNMI::Service {
 public:
  explicit FakeGnmiDevice(int positions);
  ~FakeGnmiDevice() override;

  SwitchAddress address() const;

  struct State {
    SonicTable config;        ///< OCS_CROSS_CONNECT of CONFIG_DB
    SonicTable state;         ///< of STATE_DB
    SonicTable ports;         ///< OCS_PORT of STATE_DB
    bool is_silent = false;   ///< no answer, to anything
    grpc::Status get_status;  ///< of each Get
    grpc::Status set_status;
    std::string garbage;  ///< in place of each table's JSON
    /// In place of carrying a Set out.
    std::function<void(State&, const gnmi::SetRequest&)> on_set;
    std::vector<gnmi::SetRequest> sets;  ///< that came
    int streams = 0;                     ///< that were opened
    bool ends_streams = false;           ///< each ends after its first table
  };
  /// Reads or alters it while no handler does.
  void with(const std::function<void(State&)>& function);

  /// As asked: both databases, tuned at once.
  static void carry_out(State& state, const gnmi::SetRequest& request);

 private:
  grpc::Status Capabilities(grpc::ServerContext* context, const gnmi::CapabilityRequest* request,
                            gnmi::CapabilityResponse* response) override;
  grpc::Status Get(grpc::ServerContext* context, const gnmi::GetRequest* request,
                   gnmi::GetResponse* response) override;
  grpc::Status Set(grpc::ServerContext* context, const gnmi::SetRequest* request,
                   gnmi::SetResponse* response) override;
  grpc::Status Subscribe(
      grpc::ServerContext* context,
      grpc::ServerReaderWriter<gnmi::SubscribeResponse, gnmi::SubscribeRequest>* stream) override;
  bool is_silent(grpc::ServerContext* context);

  std::mutex mutex_;
  State state_;
  int port_ = 0;
  std::unique_ptr<grpc::Server> server_;
};

}  // namespace mixnet
