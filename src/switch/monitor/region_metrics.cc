#include "region_metrics.h"

#include <fmt/format.h>
#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <mutex>
#include <set>
#include <sstream>
#include <utility>
#include <variant>
#include <vector>

#include "alarm_advice.h"
#include "event_log.h"
#include "process_facts.h"
#include "region_view.h"

namespace mixnet {
namespace {

using prometheus::Counter;
using prometheus::Family;
using prometheus::Gauge;
using prometheus::Histogram;

double seconds(Duration span) { return static_cast<double>(span.ns) * 1e-9; }
double unix_seconds(Instant at) { return static_cast<double>(at.ns) * 1e-9; }

std::string shown_position(const DaemonSettings& settings, int port) {
  return std::to_string(settings.position_of_port[port]);
}

// 10 us to 30 s, three a decade.
const Histogram::BucketBoundaries& buckets() {
  static const Histogram::BucketBoundaries bounds = {
      1e-5,   2.5e-5, 5e-5, 1e-4, 2.5e-4, 5e-4, 1e-3, 2.5e-3, 5e-3, 1e-2,
      2.5e-2, 5e-2,   0.1,  0.25, 0.5,    1,    2.5,  5,      10,   30};
  return bounds;
}

}  // namespace

struct RegionMetrics::Impl {
  Impl(const DaemonSettings& settings_given, std::string_view version, Env& env_given);

  Gauge& gauge(const std::string& name, const std::string& help) {
    return gauges(name, help).Add({});
  }
  Family<Gauge>& gauges(const std::string& name, const std::string& help) {
    return prometheus::BuildGauge().Name(name).Help(help).Register(registry);
  }
  Family<Counter>& counters(const std::string& name, const std::string& help) {
    return prometheus::BuildCounter().Name(name).Help(help).Register(registry);
  }
  void hear(const EventHandled& event);
  void hear(const DeviceDone& done);
  void hear(const SwitchSpoke& spoke);
  void hear(const PortsRead& read);
  void hear(const Audited& audited);
  void hear(const MilestoneReached&) {}
  void set_power(int position, const char* direction, const std::optional<double>& dbm);
  void look(const RegionState& state);
  void forget_tenants(const RegionState& state);

  const DaemonSettings& settings;
  Env& env;
  prometheus::Registry registry;
  StageClock clock;  // the loop's thread's

  Family<Histogram>& stages = prometheus::BuildHistogram()
                                  .Name("mixnet_stage_seconds")
                                  .Help("Time that each stage of a reconfiguration took.")
                                  .Register(registry);
  Family<Counter>& events =
      counters("mixnet_events_total", "Events that the controller has heard, by kind.");
  Family<Counter>& alarms =
      counters("mixnet_alarms_total", "Alarms that the controller has raised.");
  Family<Counter>& switch_events =
      counters("mixnet_switch_events_total", "What the switch reported of itself, by severity.");
  Family<Counter>& commands = counters("mixnet_commands_total",
                                       "Commands to the switch: done as asked, done in part "
                                       "(incomplete), or ended by an error (failed).");
  Family<Counter>& reads = counters("mixnet_reads_total",
                                    "Readings of the switch: done, or ended by an error (failed).");
  Family<Counter>& calls =
      counters("mixnet_calls_total", "What clients asked for and was audited: taken or refused.");
  Family<Counter>& connects =
      counters("mixnet_port_connects_total",
               "Times that a position was put on a circuit: the wear of its mirror.");
  Counter& ports_moved =
      counters("mixnet_ports_moved_total", "Ports that were put on a circuit.").Add({});
  Counter& dark = counters("mixnet_dark_seconds_total",
                           "Time that planned circuits were dark while the switch moved them, "
                           "summed over circuits.")
                      .Add({});
  Family<Gauge>& circuits = gauges("mixnet_circuits", "Circuits that are lit, by tenant.");
  Family<Gauge>& served = gauges("mixnet_demand_served_ratio",
                                 "Share of the demand's bytes between servers with a circuit.");
  Family<Gauge>& power = gauges("mixnet_port_power_dbm",
                                "Optical power at a position: into the switch (in), out of it to "
                                "the NIC (out).");
  Family<Gauge>& suspect =
      gauges("mixnet_port_suspect", "1: the port does not obey and is left alone for a while.");
  Family<Gauge>& failed =
      gauges("mixnet_port_failed", "1: the port or its NIC was reported failed.");
  Gauge& records = gauge("mixnet_store_records", "Number of the latest record in the store.");
  Gauge& silent = gauge("mixnet_device_silent", "1: the switch does not answer.");
  Gauge& held = gauge("mixnet_held", "1: nothing is commanded, as an operator or a window asks.");
  Gauge& drained = gauge("mixnet_servers_drained", "Servers that are drained.");
  Gauge& tenants = gauge("mixnet_tenants", "Tenants that there are.");
  Gauge& event_at =
      gauge("mixnet_last_event_timestamp_seconds", "When the latest event was heard.");
  Gauge& ready = gauge("mixnet_ready", "1: the switch was read since the start, and answers.");
  Gauge& healthy = gauge("mixnet_healthy", "1: the controller's loop turns.");
  Gauge& pages = gauge("mixnet_live_pages", "Pages that are live now.");
  // Counted elsewhere: gauges in our hands, and so not named _total.
  Gauge& refused =
      gauge("mixnet_page_connections_refused", "Connections to the page refused since the start.");
  Gauge& log_dropped =
      gauge("mixnet_log_lines_dropped", "Log lines lost since the start, as they came too fast.");
  Gauge& events_dropped = gauge("mixnet_events_dropped",
                                "Events dropped since the store began: late, double, unknown.");
  Family<Gauge>& certificate =
      gauges("mixnet_certificate_expiry_timestamp_seconds", "When the daemon's certificate ends.");
  ProcessFacts process{env};
  Gauge& memory = gauge("process_resident_memory_bytes", "Resident memory size.");
  Gauge& descriptors = gauge("process_open_fds", "Open file descriptors.");
  Gauge& started = gauge("process_start_time_seconds", "When the process began.");

  std::map<std::pair<int, char>, Gauge*> power_of;  // hear()'s
  // look()'s: by tenant; by port, null where there is none.
  std::map<int, Gauge*> circuits_of, served_of;
  std::vector<Gauge*> suspect_of, failed_of;

  mutable std::mutex mutex;  // of what follows
  RecentTimes recent;
  Totals totals;
};

RegionMetrics::Impl::Impl(const DaemonSettings& settings_given, std::string_view version,
                          Env& env_given)
    : settings(settings_given), env(env_given) {
  gauges("mixnet_build_info", "1, with the version and how the daemon runs.")
      .Add({{"version", std::string(version)},
            {"mode", settings.observes ? "observe" : "act"},
            {"policy", std::string(to_string(settings.region.policy))},
            {"allocator", std::string(to_string(settings.region.allocator))}})
      .Set(1);
  for (const NamedValue<Stage>& stage : Names<Stage>::kTable) {
    stages.Add({{"stage", std::string(stage.name)}}, buckets());
  }
  for (const char* outcome : {"done", "incomplete", "failed"}) commands.Add({{"outcome", outcome}});
  started.Set(std::chrono::duration<double>(env.wall_now().time_since_epoch()).count());
  Family<Gauge>& info = gauges("mixnet_port_info", "1, with what is plugged into a position.");
  suspect_of.resize(settings.region.ports());
  failed_of.resize(settings.region.ports());
  for (int port = 0; port < settings.region.ports(); ++port) {
    if (settings.position_of_port[port] == 0) continue;
    const prometheus::Labels labels = {{"position", shown_position(settings, port)}};
    suspect_of[port] = &suspect.Add(labels);
    failed_of[port] = &failed.Add(labels);
  }
  for (const SiteServer& server : settings.site.servers) {
    for (const SiteNic& nic : server.nics) {
      if (port_at(nic.ocs, settings) < 0) continue;
      info.Add({{"position", std::to_string(nic.ocs)},
                {"server", server.name},
                {"interface", nic.interface}})
          .Set(1);
    }
  }
}

void RegionMetrics::Impl::hear(const EventHandled& event) {
  events.Add({{"kind", std::string(kind_of(event.event))}}).Increment();
  records.Set(static_cast<double>(event.record));
  event_at.Set(unix_seconds(event.now));
  for (const Decision& decision : event.decisions) {
    const auto* alarm = std::get_if<Alarm>(&decision);
    if (alarm == nullptr) continue;
    alarms
        .Add({{"code", std::string(to_string(alarm->code))},
              {"severity", std::string(to_string(alarm->severity))}})
        .Increment();
  }
}

void RegionMetrics::Impl::hear(const DeviceDone& done) {
  if (done.is_read) {
    reads.Add({{"outcome", done.error.empty() ? "done" : "failed"}}).Increment();
    return;
  }
  const char* outcome = !done.error.empty()      ? "failed"
                        : done.report.complete() ? "done"
                                                 : "incomplete";
  commands.Add({{"outcome", outcome}}).Increment();
  const std::chrono::duration<double> took = done.linked - done.begun;
  std::uint64_t moved = 0;
  for (const PairResult& pair : done.report.pairs) {
    if (!pair.connect || pair.outcome != PairOutcome::kDone) continue;
    for (const int position : {pair.circuit.a, pair.circuit.b}) {
      connects.Add({{"position", std::to_string(position)}}).Increment();
    }
    moved += 2;
    dark.Increment(std::max(took.count(), 0.0));
  }
  if (moved > 0) ports_moved.Increment(static_cast<double>(moved));
  const std::lock_guard lock(mutex);
  ++totals.commands;
  totals.failed_commands += *outcome != 'd';
  totals.ports_moved += moved;
  totals.dark_seconds = dark.Value();
}

void RegionMetrics::Impl::hear(const SwitchSpoke& spoke) {
  switch_events.Add({{"severity", std::string(to_string(spoke.event.level))}}).Increment();
}

void RegionMetrics::Impl::hear(const Audited& audited) {
  calls.Add({{"outcome", audited.refused ? "refused" : "taken"}}).Increment();
}

void RegionMetrics::Impl::set_power(int position, const char* direction,
                                    const std::optional<double>& dbm) {
  Gauge*& mine = power_of[{position, *direction}];
  if (dbm) {
    if (mine == nullptr) {
      mine = &power.Add({{"position", std::to_string(position)}, {"direction", direction}});
    }
    mine->Set(*dbm);
  } else if (mine != nullptr) {
    power.Remove(std::exchange(mine, nullptr));
  }
}

void RegionMetrics::Impl::hear(const PortsRead& read) {
  for (const PortReading& port : read.ports) {
    set_power(port.port, "in", port.input_dbm);
    set_power(port.port, "out", port.output_dbm);
  }
}

void RegionMetrics::Impl::forget_tenants(const RegionState& state) {
  const auto forget = [&state](std::map<int, Gauge*>& of, Family<Gauge>& family) {
    std::erase_if(of, [&](const auto& one) {
      if (state.find(one.first) != nullptr) return false;
      family.Remove(one.second);
      return true;
    });
  };
  forget(circuits_of, circuits);
  forget(served_of, served);
}

void RegionMetrics::Impl::look(const RegionState& state) {
  forget_tenants(state);
  for (const Slice& slice : state.slices) {
    const prometheus::Labels labels = {{"tenant", std::to_string(slice.tenant)}};
    Gauge*& lit = circuits_of[slice.tenant];
    if (lit == nullptr) lit = &circuits.Add(labels);
    lit->Set(static_cast<double>(lit_circuits(state, slice.tenant).size()));
    const std::optional<double> share = served_by_circuits(state, slice);
    const auto found = served_of.find(slice.tenant);
    if (share) {
      if (found == served_of.end()) served_of[slice.tenant] = &served.Add(labels);
      served_of[slice.tenant]->Set(*share);
    } else if (found != served_of.end()) {
      served.Remove(found->second);
      served_of.erase(found);
    }
  }
  for (int port = 0; port < state.config.ports(); ++port) {
    if (suspect_of[port] == nullptr) continue;
    suspect_of[port]->Set(state.suspect(port) ? 1 : 0);
    failed_of[port]->Set(state.port_health[port].failed || state.optical_health[port].failed);
  }
  silent.Set(state.device_silent ? 1 : 0);
  held.Set(state.held ? 1 : 0);
  drained.Set(
      static_cast<double>(std::ranges::count_if(state.drained, [](char c) { return c != 0; })));
  tenants.Set(static_cast<double>(state.slices.size()) - 1);
  events_dropped.Set(static_cast<double>(state.counters.dropped));
}

RegionMetrics::RegionMetrics(const DaemonSettings& settings, std::string_view version, Env& env)
    : impl_(std::make_unique<Impl>(settings, version, env)) {}
RegionMetrics::~RegionMetrics() = default;

void RegionMetrics::hear(const Happening& happening) {
  for (const StageTime& time : impl_->clock.hear(happening)) {
    impl_->stages.Add({{"stage", std::string(to_string(time.stage))}}, buckets())
        .Observe(seconds(time.took));
    const std::lock_guard lock(impl_->mutex);
    impl_->recent.add(time);
  }
  std::visit([this](const auto& one) { impl_->hear(one); }, happening);
}

void RegionMetrics::look(const RegionState& state) { impl_->look(state); }

void RegionMetrics::note(const DaemonFacts& facts) {
  impl_->ready.Set(facts.ready ? 1 : 0);
  impl_->healthy.Set(facts.healthy ? 1 : 0);
  impl_->pages.Set(facts.live_pages);
  impl_->refused.Set(static_cast<double>(facts.refused_connections));
  impl_->log_dropped.Set(static_cast<double>(facts.dropped_log_lines));
  if (facts.certificate_ends) {
    impl_->certificate.Add({}).Set(unix_seconds(*facts.certificate_ends));
  }
}

std::string RegionMetrics::text() const {
  const ProcessFacts::Now now = impl_->process.now();
  impl_->memory.Set(static_cast<double>(now.resident_bytes));
  impl_->descriptors.Set(static_cast<double>(now.descriptors));
  std::ostringstream out;
  prometheus::TextSerializer().Serialize(out, impl_->registry.Collect());
  return out.str();
}

RecentTimes RegionMetrics::recent() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->recent;
}

RegionMetrics::Totals RegionMetrics::totals() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->totals;
}

}  // namespace mixnet
