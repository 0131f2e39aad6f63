// Calls that are under way at a gNMI service: who calls, how a call ends, and all of them together.
//
// A call lives until gRPC is done with it; what the host's thread still holds of it then does
// nothing. Thread-safe but where said.
#pragma once

#include <grpcpp/grpcpp.h>

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace mixnet {

/// One call, of whatever kind.
class LiveCall {
 public:
  explicit LiveCall(std::string peer) : peer_(std::move(peer)) {}
  virtual ~LiveCall() = default;
  const std::string& peer() const { return peer_; }
  /// Ends it, if it has not ended. On the host's thread.
  virtual void end(const grpc::Status& status) = 0;

 private:
  std::string peer_;
};

class LiveCalls {
 public:
  /// Keeps it until remove(). False: it is not to be carried out, as all is being closed.
  [[nodiscard]] bool add(const std::shared_ptr<LiveCall>& call);
  void remove(const LiveCall* call);
  std::size_t count(const std::string& peer) const;
  std::size_t count() const;
  /// On the host's thread; of one peer, or of all.
  void end_all(const grpc::Status& status, const std::string* peer = nullptr);
  /// From now on none is carried out.
  void close();

 private:
  bool is_closed_ = false;
  mutable std::mutex mutex_;
  std::unordered_map<const LiveCall*, std::shared_ptr<LiveCall>> calls_;
};

/// A question with one answer. `Response` is filled on the host's thread by complete().
template <typename Request, typename Response>
class UnaryCall : public grpc::ServerUnaryReactor,
                  public LiveCall,
                  public std::enable_shared_from_this<UnaryCall<Request, Response>> {
 public:
  UnaryCall(LiveCalls& calls, std::string peer, const Request* request, Response* response)
      : LiveCall(std::move(peer)), calls_(calls), request_(*request), response_(response) {}

  /// A copy: gRPC's own is gone when the call has ended.
  const Request& request() const { return request_; }
  bool has_ended() const {
    const std::lock_guard lock(mutex_);
    return has_ended_;
  }

  /// Fills the answer and ends the call, unless it has ended. `fill` says how it went.
  template <typename Fill>
  void complete(const Fill& fill) {
    grpc::Status status;
    {
      const std::lock_guard lock(mutex_);
      if (std::exchange(has_ended_, true)) return;
      status = fill(*response_);
    }
    Finish(status);
  }
  void end(const grpc::Status& status) override {
    complete([&](Response&) { return status; });
  }

  void OnCancel() override { end(grpc::Status::CANCELLED); }
  void OnDone() override { calls_.remove(this); }

 private:
  LiveCalls& calls_;
  const Request request_;
  Response* response_;
  mutable std::mutex mutex_;
  bool has_ended_ = false;
};

}  // namespace mixnet
