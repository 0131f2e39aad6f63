// What SONiC's gNMI server answers, by its own sources (tests/data/switch/gnmi_sonic.txt), is what
// the emulated switch answers.
#include "frontends/sonic_view.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <optional>

#include "frontends/gnmi_subscription.h"
#include "ocs/test_transcripts.h"

namespace mixnet {
namespace {

using Json = nlohmann::json;
using testing::HasSubstr;
using testing::StartsWith;

const SonicPorts& ports() {
  static const SonicPorts kPorts(16);
  return kPorts;
}

EmulatedSwitch device_with(std::vector<LightPath> paths) {
  EmulatedSwitchConfig config;
  config.ports = 16;
  config.sides = Sides::kTwo;
  EmulatedSwitch device(config);
  PathRequest request;
  request.add = std::move(paths);
  device.request(request, {});
  device.take_answers();
  return device;
}

gnmi::Path path_of(const Json& json) {
  gnmi::Path path;
  path.set_origin(json.value("origin", ""));
  for (const Json& step : json.at("elem")) path.add_elem()->set_name(step.get<std::string>());
  return path;
}

gnmi::Update update_of(const Json& json) {
  gnmi::Update update;
  *update.mutable_path() = path_of(json.at("path"));
  const Json& value = json.at("val");
  if (value.contains("json_ietf_val")) {
    update.mutable_val()->set_json_ietf_val(value.at("json_ietf_val").get<std::string>());
  } else {
    update.mutable_val()->set_string_val(value.at("string_val").get<std::string>());
  }
  return update;
}

gnmi::GetRequest get_of(const Json& json) {
  gnmi::GetRequest request;
  for (const Json& path : json.at("path")) *request.add_path() = path_of(path);
  gnmi::GetRequest::DataType type{};
  EXPECT_TRUE(gnmi::GetRequest::DataType_Parse(json.at("type").get<std::string>(), &type));
  request.set_type(type);
  request.set_encoding(gnmi::JSON_IETF);
  return request;
}

gnmi::SetRequest set_of(const Json& json) {
  gnmi::SetRequest request;
  for (const Json& path : json.value("delete", Json::array())) {
    *request.add_delete_() = path_of(path);
  }
  for (const Json& update : json.value("update", Json::array())) {
    *request.add_update() = update_of(update);
  }
  return request;
}

gnmi::SubscriptionList subscription_of(const Json& json) {
  gnmi::SubscriptionList list;
  list.set_encoding(gnmi::JSON_IETF);
  for (const Json& asked : json.at("subscription")) {
    gnmi::Subscription& subscription = *list.add_subscription();
    *subscription.mutable_path() = path_of(asked.at("path"));
    subscription.set_mode(gnmi::ON_CHANGE);
  }
  return list;
}

/// What must stand for the exchange to make sense.
std::vector<LightPath> standing(const Json& asked, const std::string& answer) {
  if (answer.find("Failed to find") != std::string::npos) return {};
  if (answer.find("5B") != std::string::npos && asked.dump().find("2A") != std::string::npos) {
    return {{2, 5}};
  }
  if (asked.at("rpc") == "Set" && !asked.at("request").contains("delete")) return {};
  return {{1, 16}, {2, 15}};
}

/// Of other images, of settings that ours has not, or of a switch without ports.
bool is_elsewhere(const Transcript& transcript) {
  for (const char* word : {"ocs-molex", "the virtual image of", "native write is disabled",
                           "cannot be subscribed to", "does not have access", "Capabilities"}) {
    const std::string all = transcript.about + transcript.answer + transcript.commands.at(0);
    if (all.find(word) != std::string::npos) return true;
  }
  return false;
}

void check_get(const Json& asked, const Json& answer, const EmulatedSwitch& device) {
  const gnmi::GetResponse response = answer_get(get_of(asked), device, ports());
  const Json& notes = answer.at("response").at("notification");
  ASSERT_EQ(response.notification_size(), static_cast<int>(notes.size()));
  const gnmi::Update theirs = update_of(notes[0].at("update")[0]);
  const gnmi::Update& ours = response.notification(0).update(0);
  EXPECT_EQ(ours.path().DebugString(), theirs.path().DebugString());
  EXPECT_EQ(Json::parse(ours.val().json_ietf_val()), Json::parse(theirs.val().json_ietf_val()));
}

void check_set(const Json& asked, const Json& answer, const EmulatedSwitch& device) {
  const SonicSet set =
      plan_set(set_of(asked.at("request")), asked.contains("metadata"), device, ports());
  const Json& results = answer.at("response").at("response");
  ASSERT_EQ(set.response.response_size(), static_cast<int>(results.size()));
  for (int i = 0; i < set.response.response_size(); ++i) {
    const gnmi::UpdateResult& ours = set.response.response(i);
    EXPECT_EQ(ours.path().DebugString(), path_of(results[i].at("path")).DebugString());
    EXPECT_EQ(gnmi::UpdateResult::Operation_Name(ours.op()), results[i].at("op"));
  }
}

void check_subscribe(const Json& asked, const EmulatedSwitch& device) {
  GnmiSubscription subscription(subscription_of(asked.at("subscribe")), device, ports());
  const auto messages = subscription.all({});
  ASSERT_EQ(messages.size(), 2u);
  EXPECT_TRUE(messages[0].has_update());
  EXPECT_TRUE(messages[1].sync_response());
}

TEST(SonicView, AnswersAsSonicDoes) {
  int checked = 0;
  for (const Transcript& transcript : transcripts("gnmi_sonic")) {
    if (is_elsewhere(transcript)) continue;
    SCOPED_TRACE(transcript.commands.at(0));
    const Json asked = Json::parse(transcript.commands[0]);
    const std::string first = transcript.answer.substr(0, transcript.answer.find("\r\n"));
    const Json answer = Json::parse(first);
    const EmulatedSwitch device = device_with(standing(asked, first));
    grpc::Status status;
    try {
      if (asked.at("rpc") == "Get") check_get(asked.at("request"), answer, device);
      if (asked.at("rpc") == "Set") check_set(asked, answer, device);
      if (asked.at("rpc") == "Subscribe") check_subscribe(asked.at("request"), device);
    } catch (const GnmiRefusal& refusal) {
      status = refusal.status();
    }
    const std::map<std::string, grpc::StatusCode> codes = {
        {"OK", grpc::StatusCode::OK},
        {"NOT_FOUND", grpc::StatusCode::NOT_FOUND},
        {"UNKNOWN", grpc::StatusCode::UNKNOWN},
        {"UNIMPLEMENTED", grpc::StatusCode::UNIMPLEMENTED},
        {"INVALID_ARGUMENT", grpc::StatusCode::INVALID_ARGUMENT}};
    EXPECT_EQ(status.error_code(), codes.at(answer.value("code", "OK"))) << status.error_message();
    EXPECT_THAT(status.error_message(), StartsWith(answer.value("message", "")));
    ++checked;
  }
  EXPECT_GE(checked, 20);
}

TEST(SonicView, WhatIsNotThereCannotBeSubscribedTo) {
  const EmulatedSwitch device = device_with({});
  gnmi::SubscriptionList list;
  *list.add_subscription()->mutable_path() =
      SonicPath{"STATE_DB", "OCS_CROSS_CONNECT", "", ""}.to_gnmi();
  GnmiSubscription subscription(list, device, ports());
  try {
    subscription.all({});
    ADD_FAILURE();
  } catch (const GnmiRefusal& refusal) {
    EXPECT_EQ(refusal.status().error_code(), grpc::StatusCode::INVALID_ARGUMENT);
    EXPECT_STREQ(refusal.what(), "Path error:  Failed to find STATE_DB OCS_CROSS_CONNECT <nil> []");
  }
}

TEST(SonicView, AnAnswerHasABound) {
  EmulatedSwitchConfig config;
  config.ports = 1024;
  const EmulatedSwitch device(config);
  gnmi::GetRequest request;
  for (int i = 0; i < 100; ++i) {
    *request.add_path() = SonicPath{"STATE_DB", "OCS_PORT", "", ""}.to_gnmi();
  }
  EXPECT_THROW(answer_get(request, device, SonicPorts(1024)), GnmiRefusal);
  request.mutable_path()->DeleteSubrange(1, 99);
  EXPECT_EQ(answer_get(request, device, SonicPorts(1024)).notification_size(), 1);
}

TEST(SonicView, AStreamTellsWhatChangedAndWhatIsGone) {
  EmulatedSwitch device = device_with({{1, 5}, {5, 1}});
  gnmi::SubscriptionList list;
  list.set_encoding(gnmi::JSON_IETF);
  *list.add_subscription()->mutable_path() =
      SonicPath{"STATE_DB", "OCS_CROSS_CONNECT", "", ""}.to_gnmi();
  GnmiSubscription subscription(list, device, ports());
  subscription.all({});
  EXPECT_TRUE(subscription.news({}, true).empty());
  PathRequest move;
  move.remove = {{1, 5}};
  move.add = {{1, 6}};
  device.request(move, {});
  const auto messages = subscription.news({}, true);
  ASSERT_EQ(messages.size(), 2u);
  EXPECT_EQ(messages[0].update().update(0).val().json_ietf_val(), R"({"1A-5B":{}})");
  EXPECT_EQ(messages[0].update().delete__size(), 1);
  EXPECT_THAT(messages[1].update().update(0).val().json_ietf_val(), HasSubstr("1A-6B"));
  EXPECT_FALSE(subscription.due());
}

TEST(SonicView, SamplesAndHeartbeatsComeAtTheirTimes) {
  EmulatedSwitch device = device_with({{1, 5}, {5, 1}});
  gnmi::SubscriptionList list;
  for (int i = 0; i < 3; ++i) {
    gnmi::Subscription& asked = *list.add_subscription();
    *asked.mutable_path() = SonicPath{"STATE_DB", "OCS_PORT", "1A", "status"}.to_gnmi();
    asked.set_mode(i < 2 ? gnmi::SAMPLE : gnmi::ON_CHANGE);
    if (i < 2) asked.set_sample_interval(2'000'000'000);
    if (i == 1) asked.set_suppress_redundant(true);
    if (i == 2) asked.set_heartbeat_interval(3'000'000'000);
  }
  GnmiSubscription subscription(list, device, ports());
  const MonotonicTime start = MonotonicTime() + std::chrono::seconds(100);
  EXPECT_EQ(subscription.all(start).size(), 4u);
  EXPECT_EQ(subscription.due(), start + std::chrono::seconds(2));
  const auto sampled = subscription.news(start + std::chrono::seconds(2), false);
  ASSERT_EQ(sampled.size(), 1u) << "what has not changed is suppressed";
  EXPECT_EQ(sampled[0].update().update(0).val().string_val(), "tuned");
  EXPECT_EQ(subscription.news(start + std::chrono::seconds(3), false).size(), 1u);
}

}  // namespace
}  // namespace mixnet
