#include "region_metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>

#include "base/fake_env.h"
#include "base/text_file.h"
#include "test_page_region.h"

namespace mixnet {
namespace {

using testing::HasSubstr;
using testing::Not;
using namespace std::chrono_literals;

const MonotonicTime kBegin{1h};

// A region in which everything has happened once.
void live_a_day(RegionMetrics& metrics, RegionState& state) {
  const Event tick = Tick{};
  const std::vector<Decision> command = {test_command(7, 3),
                                         Alarm{Severity::kMajor, AlarmCode::kPortSuspect, 3, 1}};
  metrics.hear(test_event(tick, command, state, kBegin));
  DeviceDone done = test_done(7, 3);
  done.report.turn_around = Duration::milliseconds(20);
  done.report.pairs = {{.circuit = {1, 3}, .connect = true, .outcome = PairOutcome::kDone},
                       {.circuit = {2, 4}, .connect = false, .outcome = PairOutcome::kDone},
                       {.circuit = {5, 6}, .connect = true, .outcome = PairOutcome::kAlready}};
  done.begun = kBegin;
  done.sent = kBegin + 1ms;
  done.done = kBegin + 22ms;
  done.linked = kBegin + 250ms;
  metrics.hear(done);
  metrics.hear(test_event(tick, {test_announcement(3)}, state, kBegin + 251ms));
  metrics.hear(SwitchSpoke{{}, {.level = AlarmLevel::kCritical, .code = "PWR", .text = "out"}});
  metrics.hear(PortsRead{{{.port = 1, .input_dbm = -3.5, .output_dbm = -4.0}}});
  metrics.hear(Audited{{}, "viewer", "DrainServer", true});
  state.find(3)->demand = ServerDemand(2, 2, 10);
  state.suspicion[1].until = Duration::seconds(1);
  metrics.look(state);
  metrics.note({.ready = true, .healthy = true, .certificate_ends = Instant::unix_seconds(2e9)});
}

TEST(RegionMetrics, CountWhatHappens) {
  FakeEnv env;
  env.put("/proc/self/statm", "5000 100 50 1 0 200 0\n");
  const DaemonSettings settings = test_settings(4);
  RegionMetrics metrics(settings, "0.1.0", env);
  RegionState state = test_region(4);
  live_a_day(metrics, state);
  const std::string text = metrics.text();
  for (const char* line : {
           R"(mixnet_commands_total{outcome="done"} 1)",
           R"(mixnet_commands_total{outcome="failed"} 0)",
           R"(mixnet_alarms_total{code="port-suspect",severity="major"} 1)",
           R"(mixnet_events_total{kind="tick"} 2)",
           R"(mixnet_port_connects_total{position="3"} 1)",
           "mixnet_ports_moved_total 2\n",
           "mixnet_dark_seconds_total 0.25\n",
           R"(mixnet_circuits{tenant="3"} 1)",
           R"(mixnet_demand_served_ratio{tenant="3"} 1)",
           R"(mixnet_port_suspect{position="2"} 1)",
           R"(mixnet_port_suspect{position="1"} 0)",
           R"(mixnet_stage_seconds_count{stage="total"} 1)",
           R"(mixnet_stage_seconds_bucket{stage="total",le="0.25"} 0)",
           R"(mixnet_stage_seconds_bucket{stage="total",le="0.5"} 1)",
           R"(mixnet_stage_seconds_bucket{stage="decide",le="1e-05"} 0)",
           R"(mixnet_switch_events_total{severity="critical"} 1)",
           R"(mixnet_calls_total{outcome="refused"} 1)",
           "mixnet_certificate_expiry_timestamp_seconds 2000000000\n",
           "mixnet_store_records 1\n",
           "mixnet_ready 1\n",
       }) {
    EXPECT_THAT(text, HasSubstr(line));
  }
  EXPECT_THAT(text, HasSubstr(R"(mode="act")"));
  EXPECT_THAT(text, HasSubstr(R"(interface="eth3")"));
  EXPECT_THAT(text, Not(HasSubstr("process_resident_memory_bytes 0")));
  EXPECT_EQ(metrics.totals().ports_moved, 2);
  EXPECT_EQ(metrics.recent().summary(Stage::kTotal).count, 1);
}

TEST(RegionMetrics, ForgetTenantsThatHaveLeftAndPowerThatIsNotRead) {
  const DaemonSettings settings = test_settings(4);
  RegionMetrics metrics(settings, "0.1.0");
  RegionState state = test_region(4);
  live_a_day(metrics, state);
  state.slices.pop_back();
  state.owner.assign(4, 0);
  metrics.look(state);
  metrics.hear(PortsRead{{{.port = 1, .input_dbm = std::nullopt, .output_dbm = -4.0}}});
  const std::string text = metrics.text();
  EXPECT_THAT(text, Not(HasSubstr(R"(tenant="3")")));
  EXPECT_THAT(text, HasSubstr("mixnet_tenants 0\n"));
  EXPECT_THAT(text, Not(HasSubstr(R"(direction="in")")));
  EXPECT_THAT(text, HasSubstr(R"(direction="out")"));
  // A thousand jobs leave nothing behind.
  const std::size_t size = text.size();
  for (int tenant = 4; tenant < 1'004; ++tenant) {
    RegionState with = test_region(4);
    with.slices.back().tenant = tenant;
    metrics.look(with);
  }
  metrics.look(state);
  EXPECT_NEAR(static_cast<double>(metrics.text().size()), static_cast<double>(size), 200);
}

TEST(RegionMetrics, AreWhatPrometheusTakes) {
  if (std::system("command -v promtool >/dev/null 2>&1") != 0) {
    GTEST_SKIP() << "promtool is not installed (Debian: prometheus)";
  }
  const DaemonSettings settings = test_settings(4);
  RegionMetrics metrics(settings, "0.1.0");
  RegionState state = test_region(4);
  live_a_day(metrics, state);
  const auto file = std::filesystem::temp_directory_path() / "mixnet_metrics_test.txt";
  write_text_file(file, metrics.text());
  EXPECT_EQ(std::system(("promtool check metrics < " + file.string()).c_str()), 0);
  std::filesystem::remove(file);
}

}  // namespace
}  // namespace mixnet
