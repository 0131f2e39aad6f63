#include "service/pending_calls.h"

#include <utility>
#include <vector>

namespace mixnet {

void PendingCalls::Call::close(const grpc::Status& status) {
  if (left_) left_();
  Handle self;
  {
    const std::lock_guard lock(calls_.mutex_);
    if (auto node = calls_.open_.extract(this)) self = std::move(node.mapped());
  }
  // From here on the service may be gone: its end waits for gRPC's calls.
  reactor_->Finish(status);
}

PendingCalls::Handle PendingCalls::add(grpc::ServerUnaryReactor* reactor,
                                       std::function<void()> left) {
  auto call = std::make_shared<Call>(*this, reactor, std::move(left));
  std::string why;
  {
    const std::lock_guard lock(mutex_);
    why = why_closed_;
    if (why.empty()) open_.emplace(call.get(), call);
  }
  if (!why.empty()) call->fail(grpc::StatusCode::UNAVAILABLE, why);
  return call;
}

void PendingCalls::close(const std::string& why) {
  std::vector<Handle> open;
  {
    const std::lock_guard lock(mutex_);
    why_closed_ = why;
    for (const auto& [key, call] : open_) open.push_back(call);
  }
  for (const Handle& call : open) call->fail(grpc::StatusCode::UNAVAILABLE, why);
}

}  // namespace mixnet
