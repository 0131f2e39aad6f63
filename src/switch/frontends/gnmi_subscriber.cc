#include "frontends/gnmi_subscriber.h"

#include <asio/post.hpp>
#include <utility>

namespace mixnet {

GnmiSubscriber::GnmiSubscriber(LiveCalls& calls, std::string peer, DeviceHost& host,
                               const SonicPorts& ports)
    : LiveCall(std::move(peer)), calls_(calls), host_(host), ports_(ports), timer_(host.io()) {}

void GnmiSubscriber::start() {
  asio::post(host_.io(), [self = shared_from_this()] {
    if (!self->has_ended_) self->StartRead(&self->request_);
  });
}

void GnmiSubscriber::OnReadDone(bool ok) {
  asio::post(host_.io(), [self = shared_from_this(), ok] { self->read_done(ok); });
}

void GnmiSubscriber::OnWriteDone(bool ok) {
  asio::post(host_.io(), [self = shared_from_this(), ok] {
    self->is_writing_ = false;
    if (ok) {
      self->go_on();
    } else {
      self->end(grpc::Status::CANCELLED);
    }
  });
}

void GnmiSubscriber::OnCancel() {
  asio::post(host_.io(), [self = shared_from_this()] { self->end(grpc::Status::CANCELLED); });
}

void GnmiSubscriber::end(const grpc::Status& status) {
  if (has_ended_.exchange(true)) return;
  on_change_.reset();
  timer_.cancel();
  Finish(status);
}

void GnmiSubscriber::read_done(bool ok) {
  if (has_ended_) return;
  is_reading_ = false;
  if (!ok) {
    reads_are_over_ = true;
    // Who asks nothing more is still told what it subscribed to; who never asked is done.
    if (!subscription_) end(grpc::Status::OK);
    return;
  }
  try {
    if (host_.is_rebooting()) throw GnmiRefusal(grpc::StatusCode::UNAVAILABLE, "rebooting");
    take_request();
  } catch (const GnmiRefusal& refusal) {
    end(refusal.status());
  }
  go_on();
}

void GnmiSubscriber::take_request() {
  const EmulatedSwitch& device = host_.device();
  if (request_.has_subscribe() && !subscription_) {
    subscription_.emplace(request_.subscribe(), device, ports_);
    if (subscription_->mode() == gnmi::SubscriptionList::STREAM) {
      on_change_ = host_.on_change([this] {
        has_changed_ = true;
        go_on();
      });
    }
  } else if (!request_.has_poll() || !subscription_ ||
             subscription_->mode() != gnmi::SubscriptionList::POLL) {
    throw GnmiRefusal(grpc::StatusCode::INVALID_ARGUMENT,
                      "first one subscribe, then polls where its mode is POLL");
  }
  for (gnmi::SubscribeResponse& message : subscription_->all(host_.now())) {
    to_tell_.push_back(std::move(message));
  }
}

void GnmiSubscriber::go_on() {
  if (has_ended_ || is_writing_ || !subscription_) return;
  const auto mode = subscription_->mode();
  if (to_tell_.empty() && mode == gnmi::SubscriptionList::STREAM) {
    host_.device();  // moved on to now
    for (gnmi::SubscribeResponse& message :
         subscription_->news(host_.now(), std::exchange(has_changed_, false))) {
      to_tell_.push_back(std::move(message));
    }
  }
  if (!to_tell_.empty()) {
    message_ = std::move(to_tell_.front());
    to_tell_.pop_front();
    is_writing_ = true;
    StartWrite(&message_);
    return;
  }
  if (mode == gnmi::SubscriptionList::ONCE ||
      (mode == gnmi::SubscriptionList::POLL && reads_are_over_)) {
    end(grpc::Status::OK);
    return;
  }
  if (!is_reading_ && !reads_are_over_) {
    is_reading_ = true;
    StartRead(&request_);
  }
  arm();
}

void GnmiSubscriber::arm() {
  const std::optional<MonotonicTime> due = subscription_->due();
  if (!due || subscription_->mode() != gnmi::SubscriptionList::STREAM) return;
  timer_.expires_at(*due);
  timer_.async_wait([held = weak_from_this()](const std::error_code& error) {
    const auto self = held.lock();
    if (self && !error) self->go_on();
  });
}

}  // namespace mixnet
