#include "monitor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "base/error.h"
#include "daemon/test_region.h"
#include "test_http.h"

namespace mixnet {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::StartsWith;
using namespace std::chrono_literals;

class MonitorTest : public testing::Test {
 protected:
  MonitorTest() : access_(test_switch(12, "fixed:5ms")) {
    DaemonSettings settings = test_settings(4, 2);
    settings.page = "127.0.0.1:0";
    settings.insecure = true;
    driver_ = std::make_unique<FakeEmulatorDriver>(access_, settings.slice(), system_env());
    region_ = std::make_unique<RunningRegion>(std::move(settings), folder_.path(), *driver_);
    monitor_ = std::make_unique<Monitor>(region_->loop());
  }
  ~MonitorTest() override {
    monitor_.reset();
    region_->stop();
  }

  std::string ask(const std::string& path) { return test_ask(monitor_->port(), path); }
  json state() {
    const std::string answer = ask("/state.json");
    if (!answer.starts_with("HTTP/1.1 200")) return json::object();
    return json::parse(answer.substr(answer.find("\r\n\r\n") + 4));
  }
  // Until the page shows it, for 10 s.
  bool shows(const std::function<bool(const json&)>& is_so) {
    for (int i = 0; i < 200; ++i) {
      const json now = state();
      if (!now.empty() && is_so(now)) return true;
      std::this_thread::sleep_for(50ms);
    }
    return false;
  }
  void run_job() {
    ASSERT_TRUE(region_->post(TenantAdd{1, first_servers(4)}, "AddTenant 1").taken);
    ASSERT_TRUE(region_->post(ring_demand(1, 1, 4)).taken);
    ASSERT_TRUE(region_->wait_settled());
  }

  TestFolder folder_;
  EmulatorAccess access_;
  std::unique_ptr<FakeEmulatorDriver> driver_;
  std::unique_ptr<RunningRegion> region_;
  std::unique_ptr<Monitor> monitor_;
};

TEST_F(MonitorTest, ShowsWhatTheRegionHas) {
  run_job();
  const std::size_t lit = region_->lit().size();
  ASSERT_GT(lit, 0);
  EXPECT_TRUE(shows([&](const json& now) {
    return now["circuits"].size() == lit && now["ready"] == true &&
           now["tenants"][0]["step"] == "settled";
  })) << state();
  EXPECT_EQ(state()["region"], "test");
  EXPECT_GT(state()["tenants"][0]["served_ratio"], 0.5);
  EXPECT_THAT(ask("/readyz"), StartsWith("HTTP/1.1 200 "));
  EXPECT_THAT(ask("/healthz"), StartsWith("HTTP/1.1 200 "));
  const std::string metrics = monitor_->metrics();
  EXPECT_THAT(metrics, HasSubstr("mixnet_circuits{tenant=\"1\"} " + std::to_string(lit) + "\n"));
  EXPECT_THAT(metrics, HasSubstr("mixnet_stage_seconds_count{stage=\"total\"} "));
  EXPECT_THAT(metrics, HasSubstr("mixnet_ready 1\n"));
}

TEST_F(MonitorTest, ADrainAndAnAlarmAreShownAndALivePageIsTold) {
  run_job();
  TestConnection page(monitor_->port());
  page.say("GET /live HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n");
  EXPECT_THAT(page.hear("event: state\n"), HasSubstr("event: health"));
  region_->post(ServerDrain{2, true}, "DrainServer s2");
  EXPECT_THAT(page.hear("\"drained\":true", 5s), HasSubstr("\"drained\":true"));
  region_->post(TenantAdd{2, {0}}, "AddTenant 2");
  EXPECT_TRUE(shows([](const json& now) {
    return !now["alarms"].empty() && now["alarms"].back()["code"] == "tenant-refused";
  })) << state();
  EXPECT_TRUE(shows([](const json& now) { return now["servers"][2]["drained"] == true; }));
  EXPECT_THAT(monitor_->metrics(), HasSubstr("mixnet_alarms_total{code=\"tenant-refused\""));
}

TEST_F(MonitorTest, ABusyRegionIsToldOfTenTimesASecondAtMost) {
  run_job();
  TestConnection page(monitor_->port());
  page.say("GET /live HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n");
  page.hear("event: state\n");
  std::string heard;
  const auto begin = std::chrono::steady_clock::now();
  int events = 0;
  while (std::chrono::steady_clock::now() - begin < 1s) {
    region_->post(SwitchHold{++events % 2 == 1});
    heard += page.hear("\n\n", 0ms);
  }
  heard += page.hear("event: beat", 300ms);
  int states = 0;
  for (std::size_t at = 0; (at = heard.find("event: state", at)) != std::string::npos; ++at)
    ++states;
  EXPECT_GT(events, 20);
  EXPECT_LE(states, 14);
  EXPECT_GE(states, 2);
}

TEST_F(MonitorTest, ADaemonThatStopsIsNotReadyAndKeepsNobodyWaiting) {
  run_job();
  region_->stop();
  EXPECT_THAT(ask("/readyz"), StartsWith("HTTP/1.1 503 "));
  EXPECT_THAT(monitor_->metrics(), HasSubstr("mixnet_ready 0\n"));
  const auto begin = std::chrono::steady_clock::now();
  monitor_.reset();
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 3s);
}

TEST_F(MonitorTest, ASecondOneOnTheSamePortIsRefused) {
  DaemonSettings settings = test_settings(4, 2);
  settings.page = "127.0.0.1:" + std::to_string(monitor_->port());
  settings.insecure = true;
  TestFolder folder;
  EmulatorAccess access(test_switch(12));
  FakeEmulatorDriver driver(access, settings.slice(), system_env());
  RunningRegion region(settings, folder.path(), driver);
  EXPECT_THROW(Monitor(region.loop()), Error);
}

}  // namespace
}  // namespace mixnet
