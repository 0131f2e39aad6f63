// One Subscribe call: between gRPC's threads and what is to be told (gnmi_subscription.h).
//
// All but start(), the four On...() and a refusal before start() runs on the host's thread. One
// message is on its way at a time, and the client's next request is read when nothing is left to
// tell, so what a client can make wait for it is bounded.
#pragma once

#include <asio/steady_timer.hpp>
#include <atomic>
#include <deque>
#include <memory>
#include <optional>
#include <string>

#include "frontends/device_host.h"
#include "frontends/gnmi_calls.h"
#include "frontends/gnmi_subscription.h"
#include "gnmi.grpc.pb.h"

namespace mixnet {

class GnmiSubscriber
    : public grpc::ServerBidiReactor<gnmi::SubscribeRequest, gnmi::SubscribeResponse>,
      public LiveCall,
      public std::enable_shared_from_this<GnmiSubscriber> {
 public:
  GnmiSubscriber(LiveCalls& calls, std::string peer, DeviceHost& host, const SonicPorts& ports);

  /// Once it is among the calls. Of any thread.
  void start();
  void end(const grpc::Status& status) override;

  void OnReadDone(bool ok) override;
  void OnWriteDone(bool ok) override;
  void OnCancel() override;
  void OnDone() override { calls_.remove(this); }

 private:
  void read_done(bool ok);
  void take_request();
  /// Writes what there is to be told, or waits for it.
  void go_on();
  void arm();

  LiveCalls& calls_;
  DeviceHost& host_;
  const SonicPorts& ports_;
  gnmi::SubscribeRequest request_;
  gnmi::SubscribeResponse message_;
  std::optional<GnmiSubscription> subscription_;
  DeviceHost::Subscription on_change_;
  asio::steady_timer timer_;
  std::deque<gnmi::SubscribeResponse> to_tell_;
  bool is_reading_ = true;
  bool reads_are_over_ = false;
  bool is_writing_ = false;
  bool has_changed_ = false;
  std::atomic<bool> has_ended_ = false;  ///< a refusal may meet a drop
};

}  // namespace mixnet
