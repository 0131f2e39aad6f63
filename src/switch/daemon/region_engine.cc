#include "daemon/region_engine.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "daemon/config_history.h"
#include "region/region_clock.h"
#include "region/region_snapshot.h"
#include "wire/region_wire.h"

namespace mixnet {
namespace {

std::string record_name(std::uint64_t number) { return fmt::format("store: record {}", number); }

}  // namespace

bool can_be_recorded(const Event& event) {
  try {
    decode_record(encode_record({.now = {}, .resumed = false, .event = event}), "event");
    return true;
  } catch (const Error&) {
    return false;
  }
}

void go_on(RegionState& state, Instant now) {
  resume(state, now);
  state.next_audit = std::min(state.next_audit, state.elapsed);
  for (Slice& slice : state.slices) {
    if (slice.step == Step::kReading) slice.deadline = std::min(slice.deadline, state.elapsed);
  }
}

namespace {

RegionState adopt(RegionState state, const RegionConfig& config) {
  const RegionConfig& old = state.config;
  if (old.servers != config.servers || old.optical_nics != config.optical_nics ||
      old.eps_nics != config.eps_nics) {
    throw Error("store",
                fmt::format("it is of a region of {} servers with {} optical and {} other NICs",
                            old.servers, old.optical_nics, old.eps_nics),
                "begin anew: move its folder away, or give another by --store");
  }
  return reconfigured(std::move(state), config);
}

}  // namespace

RegionEngine::RegionEngine(const RegionConfig& config, RegionStore& store, Instant now,
                           Describe describe, Env& env)
    : store_(store), env_(env), describe_(std::move(describe)), controller_(load(config, now)) {}

/// The state that the store has, under this configuration.
RegionController RegionEngine::load(const RegionConfig& config, Instant now) {
  const StoredState stored = store_.load();
  if (stored.snapshot.empty()) {
    // Records without a snapshot cannot be: it is put before the first one.
    is_first_start_ = is_fresh_ = resumed_ = true;
    RegionController fresh(config);
    store_.put_snapshot(0, write_snapshot(fresh.state()));
    return fresh;
  }
  RegionController controller(read_snapshot(stored.snapshot, "store: snapshot"));
  last_record_ = snapshot_at_ = stored.snapshot_at;
  for (const std::string& bytes : stored.events) {
    const RecordedEvent record = decode_record(bytes, record_name(++last_record_));
    if (record.resumed) {
      RegionState state = controller.state();
      go_on(state, record.now);
      controller = RegionController(std::move(state));
    }
    const std::uint64_t decided = digest(controller.handle(record.now, record.event));
    if (digest_of(bytes).value_or(decided) != decided) ++differences_;
  }
  RegionState state = controller.state();
  if (state.config != RegionState::fresh(config).config) {
    state = adopt(std::move(state), config);
    note_config(store_, last_record_, config);
    store_.put_snapshot(last_record_, write_snapshot(state));
    snapshot_at_ = last_record_;
  }
  is_fresh_ = resumed_ = !state.now;
  if (!is_fresh_) go_on(state, now);
  return RegionController(std::move(state));
}

const std::vector<Decision>& RegionEngine::handle(Instant now, const Event& event,
                                                  const std::vector<AuditEntry>& audit) {
  const std::vector<Decision>& decisions = controller_.handle(now, event);
  decided_ = env_.monotonic_now();
  std::string record = with_digest(
      encode_record({.now = now, .resumed = !resumed_, .event = event}), digest(decisions));
  std::vector<AuditEntry> entries;
  const std::vector<AuditEntry>* all = &audit;
  if (describe_) {
    for (const Decision& decision : decisions) {
      const auto* command = std::get_if<DeviceCommand>(&decision);
      if (command == nullptr) continue;
      if (entries.empty()) entries = audit;
      entries.push_back({now, "controller", describe_(*command)});
      all = &entries;
    }
  }
  last_record_ = store_.append(record, *all);
  resumed_ = true;
  is_fresh_ = false;
  return decisions;
}

void RegionEngine::put_snapshot() {
  if (is_fresh_ || !resumed_) return;  // what was let pass is not recorded yet
  store_.put_snapshot(last_record_, write_snapshot(controller_.state()));
  snapshot_at_ = last_record_;
}

ReplayResult replay(RegionStore& store) {
  ReplayResult result;
  const StoredState latest = store.load();
  const StoredState oldest = store.oldest();
  if (oldest.snapshot.empty()) return result;
  const std::vector<NotedConfig> configs = noted_configs(store);
  RegionController controller(read_snapshot(oldest.snapshot, "store: oldest snapshot"));
  std::uint64_t number = oldest.snapshot_at;
  const auto differs = [&](std::string what) {
    if (result.first_difference != 0) return;
    result.first_difference = std::max<std::uint64_t>(number, 1);
    result.what = std::move(what);
  };
  const auto change = [&](const auto& how) {
    RegionState state = controller.state();
    how(state);
    controller = RegionController(std::move(state));
  };
  result.first = number + 1;
  for (const std::string& bytes : oldest.events) {
    for (const NotedConfig& noted : configs) {
      if (noted.after != number || controller.state().config == noted.config) continue;
      change([&](RegionState& state) { state = adopt(std::move(state), noted.config); });
    }
    const RecordedEvent record = decode_record(bytes, record_name(++number));
    if (record.resumed) change([&](RegionState& state) { go_on(state, record.now); });
    const std::vector<Decision>& decisions = controller.handle(record.now, record.event);
    ++result.events;
    for (const Decision& decision : decisions) {
      if (std::holds_alternative<DeviceCommand>(decision)) ++result.commands;
    }
    const std::optional<std::uint64_t> then = digest_of(bytes);
    if (then && *then != digest(decisions)) {
      differs(fmt::format("other decisions: now {} of them", decisions.size()));
    }
    const bool same_config = read_config(latest.snapshot) == controller.state().config;
    if (number == latest.snapshot_at && same_config &&
        write_snapshot(controller.state()) != latest.snapshot) {
      differs("another state than the snapshot's");
    }
  }
  return result;
}

}  // namespace mixnet
