#include "gnmi/sonic_watch.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/error.h"

namespace mixnet {
namespace {

class SonicWatchTest : public testing::Test {
 protected:
  void table(const std::string& json) {
    gnmi::SubscribeResponse message;
    gnmi::Update& update = *message.mutable_update()->add_update();
    *update.mutable_path() = SonicPath{"STATE_DB", "OCS_PORT", "", ""}.to_gnmi();
    update.mutable_val()->set_json_ietf_val(json);
    watch_.take(message);
  }
  void sync() {
    gnmi::SubscribeResponse message;
    message.set_sync_response(true);
    watch_.take(message);
  }
  std::vector<std::string> events() {
    std::vector<std::string> texts;
    for (const SwitchEvent& event : watch_.events()) texts.push_back(event.text);
    watch_.events().clear();
    return texts;
  }

  SonicPorts ports_{16};
  PortSlice slice_ = {1, 2};
  SonicWatch watch_{ports_, slice_, "OCS_PORT"};
};

constexpr const char* kJoined =
    R"({"1A":{"status":"tuned","target_simplex_port_id":"2B"},"3A":{"status":"tuned"}})";

TEST_F(SonicWatchTest, WhatIsThereAtFirstIsNoEvent) {
  table(R"({"1A":{"status":"failed"}})");
  sync();
  EXPECT_TRUE(watch_.is_synced());
  EXPECT_TRUE(events().empty());
}

TEST_F(SonicWatchTest, FailuresOfTheSliceAreTold) {
  table(kJoined);
  sync();
  table(R"({"1A":{"status":"failed","target_simplex_port_id":"2B"},"3A":{"status":"failed"}})");
  EXPECT_EQ(events(), std::vector<std::string>{"port 1A failed"});
  table(kJoined);
  EXPECT_EQ(events(), std::vector<std::string>{"port 1A is well again"});
}

TEST_F(SonicWatchTest, ALossIsToldAndOurOwnDoingIsNot) {
  table(kJoined);
  sync();
  watch_.expect("1A", "");
  watch_.expect("1A", "5B");
  table(R"({"1A":{"status":"tuning"}})");
  table(R"({"1A":{"status":"tuned","target_simplex_port_id":"5B"}})");
  EXPECT_TRUE(events().empty());
  table(R"({"1A":{"status":"blocked"}})");
  EXPECT_EQ(events(), std::vector<std::string>{"1A-5B went without our doing"});
}

TEST_F(SonicWatchTest, WhatWentWhileNobodyListenedIsToldAfterwards) {
  table(kJoined);
  sync();
  watch_.restart();
  EXPECT_FALSE(watch_.is_synced());
  table(R"({"1A":{"status":"blocked"},"3A":{"status":"tuned"}})");
  sync();
  EXPECT_EQ(events(), std::vector<std::string>{"1A-2B went without our doing"});
}

TEST_F(SonicWatchTest, GarbageIsAnError) {
  EXPECT_THROW(table("{"), Error);
  EXPECT_THROW(table(R"({"1A":7})"), Error);
}

}  // namespace
}  // namespace mixnet
