#include "frontends/gnmi_calls.h"

#include <algorithm>

namespace mixnet {

bool LiveCalls::add(const std::shared_ptr<LiveCall>& call) {
  const std::lock_guard lock(mutex_);
  calls_.emplace(call.get(), call);
  return !is_closed_;
}

void LiveCalls::close() {
  const std::lock_guard lock(mutex_);
  is_closed_ = true;
}

void LiveCalls::remove(const LiveCall* call) {
  std::shared_ptr<LiveCall> last;  // let go of without the lock
  const std::lock_guard lock(mutex_);
  if (auto node = calls_.extract(call)) last = std::move(node.mapped());
}

std::size_t LiveCalls::count(const std::string& peer) const {
  const std::lock_guard lock(mutex_);
  return static_cast<std::size_t>(
      std::ranges::count_if(calls_, [&](const auto& call) { return call.second->peer() == peer; }));
}

std::size_t LiveCalls::count() const {
  const std::lock_guard lock(mutex_);
  return calls_.size();
}

void LiveCalls::end_all(const grpc::Status& status, const std::string* peer) {
  std::vector<std::shared_ptr<LiveCall>> ending;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [key, call] : calls_) {
      if (peer == nullptr || call->peer() == *peer) ending.push_back(call);
    }
  }
  for (const auto& call : ending) call->end(status);
}

}  // namespace mixnet
