// One Watch call: messages to a client, one on its way at a time; what is next is asked for when
// the last has left, so that a slow reader is told what is newest and nothing piles up for it.
//
// Thread-safe: writes and the end are begun under the lock, for gRPC takes no write after the end;
// it calls back later, never from within. Lives until gRPC is done with it; whoever but gRPC calls
// holds it meanwhile.
#pragma once

#include <grpcpp/grpcpp.h>

#include <functional>
#include <memory>
#include <mutex>
#include <utility>

namespace mixnet {

/// Any stream, for who ends them all.
class LiveStream {
 public:
  virtual ~LiveStream() = default;
  virtual void end(const grpc::Status& status) = 0;
};

template <typename Message>
class WatchStream : public grpc::ServerWriteReactor<Message>, public LiveStream {
 public:
  /// `done`: when gRPC has let go of it, which is then to be destroyed.
  explicit WatchStream(std::function<void()> done) : done_(std::move(done)) {}

  /// There may be something to tell.
  void poke() {
    const std::lock_guard lock(mutex_);
    if (is_over_ || is_writing_) return;
    if (is_last_) {
      is_over_ = true;
      this->Finish(grpc::Status::OK);
    } else if (next(message_, is_last_)) {
      is_writing_ = true;
      this->StartWrite(&message_);
    }
  }
  void end(const grpc::Status& status) override {
    const std::lock_guard lock(mutex_);
    if (!std::exchange(is_over_, true)) this->Finish(status);
  }

  void OnWriteDone(bool ok) final {
    {
      const std::lock_guard lock(mutex_);
      is_writing_ = false;
    }
    if (ok) {
      poke();
    } else {
      end(grpc::Status::CANCELLED);
    }
  }
  void OnCancel() final { end(grpc::Status::CANCELLED); }
  void OnDone() final {
    const std::function<void()> done = std::move(done_);
    done();
  }

 protected:
  /// Fills the next message; `is_last`: after it the stream ends. False: there is none yet. Under
  /// the stream's lock.
  virtual bool next(Message& message, bool& is_last) = 0;
  std::mutex& mutex() { return mutex_; }

 private:
  std::function<void()> done_;
  std::mutex mutex_;
  bool is_over_ = false;
  bool is_writing_ = false;
  bool is_last_ = false;
  Message message_;
};

}  // namespace mixnet
