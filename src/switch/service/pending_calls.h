// Calls with one answer that wait for it: each is finished once, by whoever comes first, the answer
// or the end of the service. Thread-safe.
//
// A client that has gone meanwhile changes nothing: gRPC keeps the call, and what it was asked in,
// until it is finished, and it goes on to count among its peer's calls until then.
#pragma once

#include <grpcpp/grpcpp.h>

#include <atomic>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

namespace mixnet {

class PendingCalls {
 public:
  class Call {
   public:
    Call(PendingCalls& calls, grpc::ServerUnaryReactor* reactor, std::function<void()> left)
        : calls_(calls), reactor_(reactor), left_(std::move(left)) {}
    bool is_open() const { return !is_over_; }
    /// `answer()` fills the response and says how it went; it is called if the call is still open.
    /// One that throws fails this call, and not the daemon.
    template <typename Answer>
    void finish(const Answer& answer) {
      if (is_over_.exchange(true)) return;
      grpc::Status status;
      try {
        status = answer();
      } catch (const std::exception& error) {
        status = {grpc::StatusCode::INTERNAL, error.what()};
      }
      close(status);
    }
    void fail(grpc::StatusCode code, const std::string& why) {
      finish([&] { return grpc::Status(code, why); });
    }

   private:
    void close(const grpc::Status& status);

    PendingCalls& calls_;
    grpc::ServerUnaryReactor* const reactor_;
    const std::function<void()> left_;  // before the client hears
    std::atomic<bool> is_over_ = false;
  };
  using Handle = std::shared_ptr<Call>;

  Handle add(grpc::ServerUnaryReactor* reactor, std::function<void()> left);
  /// All that are open, and all that come later: UNAVAILABLE.
  void close(const std::string& why);

 private:
  std::mutex mutex_;
  std::unordered_map<const Call*, Handle> open_;
  std::string why_closed_;
};

}  // namespace mixnet
