#include "gnmi/gnmi_switch.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "gnmi/gnmi_session.h"
#include "gnmi/sonic_state.h"
#include "gnmi/sonic_watch.h"
#include "ocs/device_ports.h"

namespace mixnet {
namespace {

using std::chrono::milliseconds;

constexpr Duration kBypassBelow = Duration::seconds(1);
constexpr auto kErrandEvery = std::chrono::seconds(10);
constexpr auto kErrandWithin = std::chrono::seconds(5);
constexpr milliseconds kFirstTable{250};
constexpr milliseconds kFirstLook{2};
constexpr milliseconds kLastLook{50};

class GnmiSwitch : public OpticalSwitch {
 public:
  GnmiSwitch(const SwitchAddress& address, PortSlice slice, Env& env)
      : address_(address), slice_(std::move(slice)), env_(env), session_(address, env) {
    std::ranges::sort(slice_);
  }

  SwitchCapabilities capabilities(MonotonicTime dead_line) override {
    return typed([&] {
      check_time(dead_line);
      const gnmi::CapabilityResponse told = session_.capabilities(dead_line);
      know(dead_line);
      SwitchCapabilities can;
      can.identity = identity_ + ", gNMI " + told.gnmi_version();
      can.ports = ports_->numbering().positions;
      can.sides = Sides::kTwo;
      can.atomic = !address_.bypass;
      can.commit = commit_;
      can.measured_delay = delays_.median();
      return can;
    });
  }

  CrossConnects cross_connects(MonotonicTime dead_line) override {
    return typed([&] {
      know(dead_line);
      return fold(look(dead_line).standing(), ports_->numbering(), slice_);
    });
  }

  ChangeReport apply(const SwitchChange& change, MonotonicTime dead_line) override {
    return typed([&] {
      know(dead_line);
      check_change(change, ports_->numbering(), slice_, session_.device());
      return carry_out(change, dead_line);
    });
  }

  std::vector<PortReading> ports(std::span<const int> asked, MonotonicTime dead_line) override {
    return typed([&] {
      know(dead_line);
      return read_ports(asked, dead_line);
    });
  }

  std::vector<SwitchEvent> events(MonotonicTime dead_line) override {
    return typed([&] {
      if (!ports_) know(dead_line);
      const auto came = [this] { return !watch_->events().empty(); };
      while (true) {
        const MonotonicTime errand = heard_ + kErrandEvery;
        const std::uint64_t seen = watch_->revision();
        session_.wait(std::min(dead_line, errand), came);
        if (came() || env_.monotonic_now() >= dead_line) break;
        if (watch_->revision() == seen) {
          session_.capabilities(std::min(dead_line, env_.monotonic_now() + kErrandWithin));
        }
        heard_ = env_.monotonic_now();
      }
      heard_ = env_.monotonic_now();
      std::vector<SwitchEvent> events(watch_->events().begin(), watch_->events().end());
      watch_->events().clear();
      return events;
    });
  }

 private:
  /// What cannot be read is an Error without a kind until here.
  template <typename Function>
  auto typed(const Function& function) -> decltype(function()) {
    try {
      return function();
    } catch (const SwitchError&) {
      throw;
    } catch (const Error& error) {
      throw SwitchError(SwitchFault::kGarbled, session_.device(), error.what());
    }
  }

  void check_time(MonotonicTime dead_line) {
    if (env_.monotonic_now() >= dead_line) {
      throw SwitchError(SwitchFault::kTimedOut, session_.device(), "the dead-line has passed");
    }
  }

  void know(MonotonicTime dead_line);
  SonicState look(MonotonicTime dead_line);
  ChangeReport carry_out(const SwitchChange& change, MonotonicTime dead_line);
  SonicState settle(const std::vector<Patch>& wanted, const std::vector<Patch>& gone,
                    MonotonicTime dead_line);
  std::string send(const SonicState& state, const ChangePlan& plan, MonotonicTime dead_line);
  std::vector<PortReading> read_ports(std::span<const int> asked, MonotonicTime dead_line);

  SwitchAddress address_;
  PortSlice slice_;
  Env& env_;
  std::optional<SonicPorts> ports_;
  std::string suffix_;  ///< of STATE_DB's tables
  std::string identity_;
  std::optional<SonicWatch> watch_;
  GnmiSession session_;
  DelayMeter delays_;
  CommitPath commit_ = CommitPath::kValidated;
  MonotonicTime heard_ = MonotonicTime::min();
};

SonicPath table_of(std::string_view db, std::string_view table, std::string_view suffix = {}) {
  return {std::string(db), std::string(table) + std::string(suffix), {}, {}};
}

SonicTable rows_of(const gnmi::GetResponse& response, const SonicPath& path) {
  SonicTable rows;
  for (const gnmi::Notification& notification : response.notification()) {
    decode_rows(notification, path.db, path.table, rows);
  }
  return rows;
}

/// What a port is called, and which tables there are: once.
void GnmiSwitch::know(MonotonicTime dead_line) {
  check_time(dead_line);
  if (ports_) return;
  const std::vector<SonicPath> paths = {table_of(kStateDb, kPortTable),
                                        table_of(kStateDb, kPortTable, kOldTableSuffix),
                                        table_of(kConfigDb, kMetadataTable)};
  const auto told = session_.get(paths, dead_line);
  SonicTable ports;
  if (told[0]) ports = rows_of(*told[0], paths[0]);
  if (ports.empty() && told[1]) {
    ports = rows_of(*told[1], paths[1]);
    suffix_ = kOldTableSuffix;
  }
  SonicPorts known = address_.ports > 0 && ports.empty() ? SonicPorts(address_.ports)
                                                         : SonicPorts::from_table(ports);
  // Throws where the slice is wider than the device.
  static_cast<void>(positions_of(slice_, known.numbering(), session_.device()));
  identity_ = "SONiC";
  if (told[2]) {
    for (const auto& [key, row] : rows_of(*told[2], paths[2])) {
      for (const char* field : {"platform", "hwsku", "type"}) {
        if (const auto found = row.find(field); found != row.end()) {
          identity_ += fmt::format(" {}", found->second.substr(0, 64));
        }
      }
    }
  }
  ports_.emplace(std::move(known));
  watch_.emplace(*ports_, slice_, std::string(kPortTable) + suffix_);
  session_.subscribe(
      table_of(kStateDb, kPortTable, suffix_),
      [this](const gnmi::SubscribeResponse& message) { watch_->take(message); },
      [this] { watch_->restart(); });
  // What the switch is like before we touch it, so that what happens next is an event.
  try {
    session_.wait(std::min(dead_line, env_.monotonic_now() + kFirstTable),
                  [this] { return watch_->is_synced(); });
  } catch (const SwitchError&) {
    // The next call says what is wrong, if it still is.
  }
  heard_ = env_.monotonic_now();
}

SonicState GnmiSwitch::look(MonotonicTime dead_line) {
  const std::vector<SonicPath> paths = {table_of(kConfigDb, kCrossConnectTable),
                                        table_of(kStateDb, kCrossConnectTable, suffix_)};
  const auto told = session_.get(paths, dead_line);
  return SonicState::decode(told[0], told[1], paths[1].table, *ports_);
}

/// Empty, or why not.
std::string GnmiSwitch::send(const SonicState& state, const ChangePlan& plan,
                             MonotonicTime dead_line) {
  for (const Patch& patch : plan.remove) watch_->expect(ports_->name(patch.in), {});
  for (const Patch& patch : plan.add) {
    watch_->expect(ports_->name(patch.in), ports_->name(patch.out));
  }
  return session_.set(state.set_request(plan, *ports_, address_.target), dead_line);
}

ChangeReport GnmiSwitch::carry_out(const SwitchChange& change, MonotonicTime dead_line) {
  std::vector<Patch> wanted;
  for (const OpticalCircuit& circuit : change.connect) {
    for (const Patch& patch : ports_->numbering().patches(circuit)) wanted.push_back(patch);
  }
  const SonicState before = look(dead_line);
  const ChangePlan plan = plan_change(change, before.holding(wanted), ports_->numbering());
  std::map<Patch, std::string> denied;
  const bool is_sent = !plan.remove.empty() || !plan.add.empty();
  const MonotonicTime start = env_.monotonic_now();
  MonotonicTime answered = start;
  if (is_sent) {
    const std::string why = send(before, plan, dead_line);
    answered = env_.monotonic_now();
    const Duration took{(answered - start).count()};
    commit_ = address_.bypass && took < kBypassBelow ? CommitPath::kBypass : CommitPath::kValidated;
    if (!why.empty()) {
      for (const auto* patches : {&plan.remove, &plan.add}) {
        for (const Patch& patch : *patches) denied[patch] = why;
      }
    }
  }
  SonicState after = look(dead_line);
  if (after.is_moving(wanted, plan.remove)) {
    after = settle(wanted, plan.remove, dead_line);
    answered = env_.monotonic_now();
  }
  ChangeReport report =
      judge_change(change, plan, after.judged(wanted), denied, ports_->numbering());
  if (is_sent) {
    report.turn_around = Duration{(answered - start).count()};
    report.sent = start;  // the one request; how long it took to leave is not known
    if (denied.empty()) delays_.add(report.turn_around);
  }
  report.commit = commit_;
  return report;
}

/// Looks when the switch tells of a port, and now and then; the last time in time to answer.
SonicState GnmiSwitch::settle(const std::vector<Patch>& wanted, const std::vector<Patch>& gone,
                              MonotonicTime dead_line) {
  milliseconds pause = kFirstLook;
  while (true) {
    const MonotonicTime start = env_.monotonic_now();
    SonicState state = look(dead_line);
    const MonotonicTime end = env_.monotonic_now();
    const MonotonicTime last = dead_line - 4 * (end - start) - milliseconds(5);
    if (end >= last || !state.is_moving(wanted, gone)) return state;
    const std::uint64_t seen = watch_->revision();
    try {
      session_.wait(std::min(last, end + pause), [&] { return watch_->revision() != seen; });
    } catch (const SwitchError&) {
      // Not told, then; looking does as well, and says what is wrong if it is.
    }
    pause = std::min(2 * pause, kLastLook);
  }
}

std::vector<PortReading> GnmiSwitch::read_ports(std::span<const int> asked,
                                                MonotonicTime dead_line) {
  const std::vector<int> positions =
      positions_asked(asked, slice_, ports_->numbering(), session_.device());
  const int count = ports_->numbering().positions;
  const std::vector<SonicPath> paths = {table_of(kConfigDb, kPortTable),
                                        table_of(kStateDb, kPortTable, suffix_)};
  const auto told = session_.get(paths, dead_line);
  const SonicTable config = told[0] ? rows_of(*told[0], paths[0]) : SonicTable();
  const SonicTable state = told[1] ? rows_of(*told[1], paths[1]) : SonicTable();
  std::vector<PortReading> readings;
  for (const int position : positions) {
    PortReading reading;
    reading.port = position;
    for (const int port : {position, count + position}) {
      PortState is = PortState::kOpen;
      if (const auto row = state.find(ports_->name(port)); row != state.end()) {
        const std::string_view status = status_of(row->second, "status");
        if (status == "failed") is = PortState::kFailed;
        if (status == "tuning") is = PortState::kMoving;
      }
      if (const auto row = config.find(ports_->name(port)); row != config.end()) {
        // The design document's name, and the virtual image's.
        const bool is_blocked = status_of(row->second, "state") == "force_blocked" ||
                                status_of(row->second, "config_status") == "force_blocked";
        if (is_blocked && is == PortState::kOpen) is = PortState::kBlocked;
      }
      reading.state = std::max(reading.state, is);
    }
    readings.push_back(reading);
  }
  return readings;
}

}  // namespace

std::unique_ptr<OpticalSwitch> open_gnmi_switch(const SwitchAddress& address, PortSlice slice,
                                                Env& env) {
  return std::make_unique<GnmiSwitch>(address, std::move(slice), env);
}

}  // namespace mixnet
