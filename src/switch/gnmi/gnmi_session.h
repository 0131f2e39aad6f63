// A gNMI client: calls that wait, each with a dead-line, and one subscription beside them.
//
// All runs on the caller's thread, over one completion queue: what the subscription brings is read
// while a call waits, and in wait(). Between calls the device's flow control holds it back.
//
// Errors are SwitchErrors (see to_fault()). A connection that broke is made anew by the next call;
// the channel's own back-off (0.2 s, doubling to 5 s) answers kUnreachable until it is over. A
// question is asked a second time where the connection had broken unnoticed; a Set never is. After
// a dead-line has passed the connection is given up, for the device may be gone without a word.
#pragma once

#include <grpcpp/grpcpp.h>

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/env.h"
#include "gnmi.grpc.pb.h"
#include "gnmi/sonic_tables.h"
#include "ocs/switch_address.h"
#include "ocs/switch_error.h"

namespace mixnet {

/// What a status that is not OK means. `was_connected`: there was a connection before the call.
SwitchFault to_fault(grpc::StatusCode code, bool was_connected);

class GnmiSession {
 public:
  /// Takes what the device tells by itself; throws Error for what it cannot read.
  using Told = std::function<void(const gnmi::SubscribeResponse&)>;

  /// Throws Error for a file of TLS that cannot be read. Does not connect.
  GnmiSession(const SwitchAddress& address, Env& env);
  GnmiSession(const GnmiSession&) = delete;
  GnmiSession& operator=(const GnmiSession&) = delete;
  ~GnmiSession();

  const std::string& device() const { return device_; }
  gnmi::CapabilityResponse capabilities(MonotonicTime dead_line);
  /// One Get each, all at once. None: there is no such table, or nothing in it.
  std::vector<std::optional<gnmi::GetResponse>> get(std::span<const SonicPath> paths,
                                                    MonotonicTime dead_line);
  /// Empty: done. Else the device's reason for which it is not.
  std::string set(const gnmi::SetRequest& request, MonotonicTime dead_line);

  /// Asks to be told of changes, from the next wait() on and whenever the stream broke.
  void subscribe(const SonicPath& path, Told told, std::function<void()> restarted);
  /// Until `enough`, which is asked after each message, or the time. Throws once for a stream that
  /// breaks, with the reason.
  void wait(MonotonicTime until, const std::function<bool()>& enough);

 private:
  struct Stream;
  struct Tag;
  template <typename Response>
  struct Call;

  void connect();
  void disconnect();
  void prepare(grpc::ClientContext& context, std::optional<MonotonicTime> dead_line) const;
  /// Takes one completion; false: none until then.
  bool turn(MonotonicTime until);
  template <typename Response>
  void finish(Call<Response>& call);
  /// Throws unless OK.
  void check(const grpc::Status& status, bool was_connected, MonotonicTime dead_line);
  bool is_connected() const;

  void keep_stream();
  void stream_done();

  SwitchAddress address_;
  std::string device_;
  Env& env_;
  std::string ca_, cert_, key_;
  grpc::CompletionQueue queue_;
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<gnmi::gNMI::Stub> stub_;

  std::optional<SonicPath> watched_;
  Told told_;
  std::function<void()> restarted_;
  std::unique_ptr<Stream> stream_;
  std::optional<SwitchError> stream_error_;
  MonotonicTime stream_retry_ = MonotonicTime::min();
  std::chrono::milliseconds stream_pause_{0};
};

}  // namespace mixnet
