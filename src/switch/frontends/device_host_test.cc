#include "frontends/device_host.h"

#include <gtest/gtest.h>

#include <vector>

namespace mixnet {
namespace {

class DeviceHostTest : public testing::Test {
 protected:
  static EmulatedSwitchConfig config() {
    EmulatedSwitchConfig config;
    config.ports = 8;
    config.timing = SwitchTiming::parse("fixed:25ms", "test");
    return config;
  }
  static PathRequest circuit(int a, int b) { return {{}, {{a, b}, {b, a}}, {}}; }
  void run_until(const bool& done) {
    const MonotonicTime end = host_.now() + std::chrono::seconds(5);
    while (!done && host_.now() < end) {
      io_.restart();
      io_.run_one_for(std::chrono::milliseconds(100));
    }
  }

  asio::io_context io_;
  DeviceHost host_{io_, config()};
};

TEST_F(DeviceHostTest, AnswersWhatWasAskedForAfterItStands) {
  bool answered = false;
  int changes = 0;
  const auto changed = host_.on_change([&] { ++changes; });
  host_.request(circuit(1, 5), [&](const RequestAnswer& answer) {
    EXPECT_EQ(answer.refusal, Refusal::kNone);
    EXPECT_EQ(host_.device().path_from(1), 5);
    EXPECT_EQ(host_.device().path_from(5), 1);
    answered = true;
  });
  EXPECT_FALSE(answered) << "never before request() has returned";
  run_until(answered);
  EXPECT_TRUE(answered);
  io_.restart();
  io_.poll();
  EXPECT_GT(changes, 0);
}

TEST_F(DeviceHostTest, RefusesFromTheLoopAsWell) {
  bool answered = false;
  host_.request(circuit(1, 9), [&](const RequestAnswer& answer) {
    EXPECT_EQ(answer.refusal, Refusal::kNoSuchPort);
    EXPECT_EQ(answer.port, 9);
    answered = true;
  });
  EXPECT_FALSE(answered);
  run_until(answered);
  EXPECT_TRUE(answered);
}

TEST_F(DeviceHostTest, WhoLetsGoIsToldNoMore) {
  int changes = 0;
  auto changed = host_.on_change([&] { ++changes; });
  changed = nullptr;
  bool answered = false;
  host_.request(circuit(1, 2), [&](const RequestAnswer&) { answered = true; });
  run_until(answered);
  io_.restart();
  io_.poll();
  EXPECT_EQ(changes, 0);
}

TEST_F(DeviceHostTest, ACallbackMayAskAgain) {
  bool answered = false;
  host_.request(circuit(1, 2), [&](const RequestAnswer&) {
    host_.request({{{1, 2}, {2, 1}}, {}, {}}, [&](const RequestAnswer& answer) {
      EXPECT_EQ(answer.refusal, Refusal::kNone);
      EXPECT_EQ(host_.device().path_from(1), 0);
      answered = true;
    });
  });
  run_until(answered);
  EXPECT_TRUE(answered);
}

TEST_F(DeviceHostTest, WhatALookBringsOutIsToldBeforeItIsAnswered) {
  // A movement ends between the step and the look of somebody who is told of a change: it is told
  // of by itself, and answered only then.
  int told = 0;
  bool answered = false;
  const auto saver = host_.on_change([&] { told = host_.device().path_from(1); });
  const auto slow = host_.on_change([&] {
    const MonotonicTime end = host_.now() + std::chrono::milliseconds(60);
    while (host_.now() < end) {
    }
    static_cast<void>(host_.device());
  });
  host_.request(circuit(1, 5), [&](const RequestAnswer&) {
    EXPECT_EQ(told, 5) << "answered before it was saved";
    answered = true;
  });
  run_until(answered);
  EXPECT_TRUE(answered);
}

}  // namespace
}  // namespace mixnet
