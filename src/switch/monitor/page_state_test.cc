#include "page_state.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

#include "test_page_region.h"

namespace mixnet {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::Not;

json drawn(const RegionState& state, const DaemonSettings& settings, const PageFacts& facts = {}) {
  return json::parse(page_state(state, settings, facts));
}

TEST(PageState, HasServersWithTheirNicsAndCircuits) {
  const DaemonSettings settings = test_settings(4);
  RegionState state = test_region(4);
  state.drained[3] = 1;
  state.server_health[2].failed = true;
  state.optical_health[1].failed = true;
  state.suspicion[3].until = Duration::seconds(1);
  state.pins = {{0, 2}};
  const json page = drawn(state, settings);
  EXPECT_EQ(page["format"], "mixnet.region-page/1");
  ASSERT_EQ(page["servers"].size(), 4);
  EXPECT_EQ(page["servers"][0]["name"], "gpu-0");
  EXPECT_EQ(page["servers"][0]["tenant"], 3);
  EXPECT_EQ(page["servers"][0]["nics"],
            json::parse(R"([{"port":0,"position":1,"interface":"eth2","state":"lit"},
                            {"port":1,"position":2,"interface":"eth3","state":"failed"}])"));
  EXPECT_EQ(page["servers"][1]["nics"][1]["state"], "suspect");
  EXPECT_EQ(page["servers"][2]["failed"], true);
  EXPECT_EQ(page["servers"][3]["drained"], true);
  EXPECT_EQ(page["circuits"],
            json::parse(R"([{"a":0,"b":2,"tenant":3,"state":"lit","pinned":true}])"));
}

TEST(PageState, TellsCircuitsThatGoFromThoseToCome) {
  RegionState state = test_region(2);
  Slice& slice = *state.find(3);
  slice.step = Step::kSwitching;
  slice.disconnect = {{0, 2}};
  slice.target = {{1, 3}};
  const json page = drawn(state, test_settings(2));
  EXPECT_EQ(page["circuits"], json::parse(R"([{"a":0,"b":2,"tenant":3,"state":"going"},
                                              {"a":1,"b":3,"tenant":3,"state":"coming"}])"));
  EXPECT_EQ(page["tenants"][0]["step"], "switching");
}

TEST(PageState, DemandOfManyServersIsSummedUpInGroups) {
  RegionState state = test_region(2);
  Slice& slice = *state.find(3);
  slice.demand = ServerDemand(2, 2, 7);
  json demand = drawn(state, test_settings(2))["tenants"][0]["demand"];
  EXPECT_EQ(demand, json::parse(R"({"group":1,"cells":2,"bytes":[0,7,7,0]})"));

  const int servers = 130;
  RegionState large = test_region(servers);
  Slice& one = *large.find(3);
  one.servers.clear();
  for (int server = 0; server < servers; ++server) one.servers.push_back(server);
  one.demand = ServerDemand(servers, servers, 1);
  demand = drawn(large, test_settings(servers))["tenants"][0]["demand"];
  EXPECT_EQ(demand["group"], 3);
  EXPECT_EQ(demand["cells"], 44);
  EXPECT_EQ(demand["bytes"][0], 6);   // 3 x 3 without the diagonal
  EXPECT_EQ(demand["bytes"][43], 3);  // the last group has one server
  EXPECT_EQ(demand["bytes"].size(), 44 * 44);
}

TEST(PageState, ARegionWithoutTenantsIsDrawn) {
  const json page = drawn(RegionState::fresh(test_config(1)), test_settings(1));
  EXPECT_TRUE(page["tenants"].empty());
  EXPECT_TRUE(page["circuits"].empty());
  EXPECT_EQ(page["servers"].size(), 1);
}

TEST(PageState, HasAlarmsLatencyAndHealthAndNoPassword) {
  PageFacts facts;
  facts.alarms.push_back(shown_alarm(Instant::unix_seconds(5),
                                     Alarm{Severity::kMajor, AlarmCode::kPortSuspect, 3, 99},
                                     test_settings(2)));
  facts.why_not_ready = "the switch is \"silent\"";
  facts.times.add({Stage::kTotal, Duration::milliseconds(30)});
  facts.power.push_back({.port = 1, .input_dbm = -2.346, .output_dbm = std::nullopt});
  const std::string text = page_state(test_region(2), test_settings(2), facts);
  EXPECT_THAT(text, Not(HasSubstr("hunter2")));
  const json page = json::parse(text);
  EXPECT_EQ(page["alarms"][0]["code"], "port-suspect");
  EXPECT_EQ(page["alarms"][0]["text"], "port 99 does not obey and rests for a while");
  EXPECT_EQ(page["alarms"][0]["at_ms"], 5'000);
  EXPECT_EQ(page["why"], facts.why_not_ready);
  EXPECT_EQ(page["servers"][0]["nics"][0]["in_dbm"], -2.35);
  EXPECT_EQ(page["servers"][0]["nics"][0]["out_dbm"], nullptr);
  const json& latency = page["latency"];
  EXPECT_EQ(latency["stages"].size(), kStages);
  EXPECT_EQ(latency["counts"].size(), latency["bounds_seconds"].size() + 1);
  EXPECT_EQ(latency["counts"][5], 1);  // up to 30 ms
}

}  // namespace
}  // namespace mixnet
