#include "frontends/gnmi_subscription.h"

#include <fmt/format.h>

#include <algorithm>

namespace mixnet {
namespace {

using std::chrono::milliseconds;
using std::chrono::nanoseconds;

constexpr int kMostWatched = 16;
constexpr nanoseconds kUsualInterval = std::chrono::seconds(1);
constexpr nanoseconds kShortestInterval = milliseconds(100);
constexpr nanoseconds kLongestInterval = std::chrono::hours(24);

nanoseconds interval_of(std::uint64_t asked, nanoseconds usual) {
  if (asked == 0) return usual;
  if (asked >= static_cast<std::uint64_t>(kLongestInterval.count())) return kLongestInterval;
  return std::max(nanoseconds(static_cast<std::int64_t>(asked)), kShortestInterval);
}

gnmi::SubscribeResponse message_of(gnmi::Notification notification) {
  gnmi::SubscribeResponse message;
  *message.mutable_update() = std::move(notification);
  return message;
}

}  // namespace

GnmiSubscription::GnmiSubscription(const gnmi::SubscriptionList& list, const EmulatedSwitch& device,
                                   const SonicPorts& ports)
    : device_(device),
      ports_(ports),
      mode_(list.mode()),
      encoding_(list.encoding()),
      updates_only_(list.updates_only()) {
  check_encoding(encoding_);
  if (list.has_prefix()) prefix_ = list.prefix();
  if (list.subscription_size() < 1 || list.subscription_size() > kMostWatched) {
    throw GnmiRefusal(grpc::StatusCode::INVALID_ARGUMENT, "1 to 16 subscriptions a stream");
  }
  if (!gnmi::SubscriptionList::Mode_IsValid(mode_)) {
    throw GnmiRefusal(grpc::StatusCode::INVALID_ARGUMENT, "the mode is not STREAM, ONCE or POLL");
  }
  for (const gnmi::Subscription& asked : list.subscription()) {
    Watched watched;
    watched.at = refusing_path(list.prefix(), asked.path());
    watched.path = asked.path();
    watched.samples = asked.mode() == gnmi::SAMPLE;
    watched.only_changes = !watched.samples || asked.suppress_redundant();
    watched.interval = watched.samples ? interval_of(asked.sample_interval(), kUsualInterval)
                                       : interval_of(asked.heartbeat_interval(), nanoseconds(0));
    if (watched.at.table.empty() && mode_ == gnmi::SubscriptionList::STREAM && !watched.samples) {
      throw GnmiRefusal(grpc::StatusCode::INVALID_ARGUMENT,
                        "a stream of changes is of a table, a key or a field");
    }
    watched_.push_back(std::move(watched));
  }
}

SonicTable GnmiSubscription::rows(const Watched& watched) const {
  const SonicPath& at = watched.at;
  SonicTable table = sonic_table(device_, ports_, at.db, at.table);
  if (at.key.empty()) return table;
  SonicTable one;
  const auto row = table.find(at.key);
  if (row == table.end()) return one;
  if (at.field.empty()) {
    one[at.key] = std::move(row->second);
  } else if (const auto field = row->second.find(at.field); field != row->second.end()) {
    one[at.key][at.field] = field->second;
  }
  return one;
}

gnmi::Notification GnmiSubscription::blank() const {
  gnmi::Notification notification;
  notification.set_timestamp(gnmi_timestamp());
  if (prefix_) *notification.mutable_prefix() = *prefix_;
  return notification;
}

gnmi::Notification GnmiSubscription::whole(Watched& watched) {
  gnmi::Notification notification = blank();
  gnmi::Update& update = *notification.add_update();
  *update.mutable_path() = watched.path;
  std::string json = json_at(device_, ports_, watched.at);
  if (watched.at.field.empty()) {
    put_json(std::move(json), encoding_, *update.mutable_val());
  } else {
    update.mutable_val()->set_string_val(rows(watched)[watched.at.key][watched.at.field]);
  }
  return notification;
}

std::vector<gnmi::SubscribeResponse> GnmiSubscription::all(MonotonicTime now) {
  std::vector<gnmi::SubscribeResponse> messages;
  for (Watched& watched : watched_) {
    if (watched.interval.count() > 0) watched.due = now + watched.interval;
    gnmi::Notification notification;
    try {
      notification = whole(watched);
    } catch (const GnmiRefusal& refusal) {
      throw GnmiRefusal(grpc::StatusCode::INVALID_ARGUMENT,
                        fmt::format("Path error:  {}", refusal.what()));
    }
    watched.told = rows(watched);
    if (!updates_only_) messages.push_back(message_of(std::move(notification)));
  }
  messages.emplace_back().set_sync_response(true);
  return messages;
}

void GnmiSubscription::changes(Watched& watched, std::vector<gnmi::SubscribeResponse>& messages) {
  SonicTable now = rows(watched);
  SonicTable changed;
  for (const auto& [key, row] : now) {
    const auto before = watched.told.find(key);
    if (before == watched.told.end() || before->second != row) changed[key] = row;
  }
  SonicTable gone;
  for (const auto& [key, row] : watched.told) {
    if (!now.contains(key)) gone[key];
  }
  watched.told = std::move(now);
  const bool is_table = watched.at.key.empty();
  const auto tell = [&](const std::string& json, bool is_gone) {
    gnmi::Notification notification = blank();
    gnmi::Update& update = *notification.add_update();
    *update.mutable_path() = watched.path;
    put_json(json, encoding_, *update.mutable_val());
    if (is_gone) *notification.add_delete_() = watched.path;
    messages.push_back(message_of(std::move(notification)));
  };
  // The end of one key is not told to who watches it alone; nor does SONiC.
  if (is_table && !gone.empty()) tell(to_json(gone), true);
  if (changed.empty()) return;
  if (is_table) {
    tell(to_json(changed), false);
  } else {
    messages.push_back(message_of(whole(watched)));
  }
}

std::vector<gnmi::SubscribeResponse> GnmiSubscription::news(MonotonicTime now, bool has_changed) {
  std::vector<gnmi::SubscribeResponse> messages;
  for (Watched& watched : watched_) {
    const bool is_due = now >= watched.due;
    if (is_due) watched.due = now + watched.interval;
    if (is_due && !(watched.samples && watched.only_changes)) {
      try {
        messages.push_back(message_of(whole(watched)));
      } catch (const GnmiRefusal&) {
        // There is nothing any more: nothing to tell.
      }
      if (!watched.at.table.empty()) watched.told = rows(watched);
    } else if ((is_due || (has_changed && !watched.samples)) && !watched.at.table.empty()) {
      changes(watched, messages);
    }
  }
  return messages;
}

std::optional<MonotonicTime> GnmiSubscription::due() const {
  MonotonicTime first = MonotonicTime::max();
  for (const Watched& watched : watched_) first = std::min(first, watched.due);
  if (first == MonotonicTime::max()) return std::nullopt;
  return first;
}

}  // namespace mixnet
