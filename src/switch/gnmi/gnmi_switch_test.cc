// The driver against a device that misbehaves. Against one that behaves: frontends_test.
#include "gnmi/gnmi_switch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "gnmi/fake_gnmi_device.h"
#include "gnmi/gnmi_session.h"
#include "ocs/switch_error.h"

namespace mixnet {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::HasSubstr;
using State = FakeGnmiDevice::State;

MonotonicTime in(milliseconds span) { return system_env().monotonic_now() + span; }

class GnmiSwitchTest : public testing::Test {
 protected:
  ChangeReport connect(int a, int b, milliseconds within = seconds(5)) {
    return switch_->apply({{}, {{a, b}}}, in(within));
  }
  template <typename Function>
  SwitchFault fault_of(const Function& function) {
    try {
      function();
    } catch (const SwitchError& error) {
      EXPECT_THAT(error.what(), HasSubstr("gnmi://127.0.0.1:"));
      return error.fault();
    }
    ADD_FAILURE() << "nothing was thrown";
    return SwitchFault::kMisuse;
  }

  FakeGnmiDevice device_{16};
  std::unique_ptr<OpticalSwitch> switch_ = open_gnmi_switch(device_.address(), {});
};

TEST_F(GnmiSwitchTest, ASliceIsASetOfPortsThatThereAre) {
  switch_ = open_gnmi_switch(device_.address(), {9, 5, 1});  // in any order, as of other drivers
  EXPECT_TRUE(connect(1, 5).complete());
  EXPECT_EQ(switch_->ports({}, in(seconds(5))).size(), 3u);
  EXPECT_EQ(fault_of([&] { connect(1, 2); }), SwitchFault::kMisuse);
  switch_ = open_gnmi_switch(device_.address(), {1, 17});
  EXPECT_EQ(fault_of([&] { switch_->cross_connects(in(seconds(5))); }), SwitchFault::kMisuse);
  EXPECT_EQ(fault_of([&] { switch_->cross_connects(in(seconds(5))); }), SwitchFault::kMisuse);
}

TEST_F(GnmiSwitchTest, TheFirstEntriesGoInByTheTableAndAllOthersByTheirKeys) {
  EXPECT_TRUE(connect(1, 5).complete());
  EXPECT_TRUE(connect(2, 6).complete());
  EXPECT_TRUE(switch_->apply({{{1, 5}}, {}}, in(seconds(5))).complete());
  device_.with([](State& state) {
    ASSERT_EQ(state.sets.size(), 3u);
    ASSERT_EQ(state.sets[0].update_size(), 1);
    EXPECT_EQ(sonic_path({}, state.sets[0].update(0).path()).key, "");
    ASSERT_EQ(state.sets[1].update_size(), 2);
    EXPECT_EQ(sonic_path({}, state.sets[1].update(0).path()).key, "2A-6B");
    ASSERT_EQ(state.sets[2].delete__size(), 2);
    EXPECT_EQ(sonic_path({}, state.sets[2].delete_(0)).key, "1A-5B");
    EXPECT_EQ(state.sets[2].update_size(), 0);
  });
}

TEST_F(GnmiSwitchTest, SilenceEndsAtTheDeadLineInEachCall) {
  EXPECT_TRUE(connect(1, 5).complete());
  device_.with([](State& state) { state.is_silent = true; });
  const std::vector<std::function<void(MonotonicTime)>> calls = {
      [&](MonotonicTime end) { switch_->capabilities(end); },
      [&](MonotonicTime end) { switch_->cross_connects(end); },
      [&](MonotonicTime end) { switch_->ports({}, end); },
      [&](MonotonicTime end) {
        switch_->apply({{}, {{1, 6}}}, end);
      }};
  for (const auto& call : calls) {
    const MonotonicTime dead_line = in(milliseconds(150));
    EXPECT_EQ(fault_of([&] { call(dead_line); }), SwitchFault::kTimedOut);
    EXPECT_LT(system_env().monotonic_now(), dead_line + milliseconds(50));
  }
  device_.with([](State& state) { state.is_silent = false; });
  EXPECT_THAT(switch_->cross_connects(in(seconds(5))).circuits, ElementsAre(OpticalCircuit{1, 5}));
  EXPECT_EQ(fault_of([&] { switch_->capabilities(in(milliseconds(-1))); }), SwitchFault::kTimedOut);
}

TEST_F(GnmiSwitchTest, AStatusIsAKindOfFault) {
  connect(1, 5);
  const std::pair<grpc::StatusCode, SwitchFault> cases[] = {
      {grpc::StatusCode::UNAVAILABLE, SwitchFault::kDisconnected},
      {grpc::StatusCode::UNAUTHENTICATED, SwitchFault::kLogin},
      {grpc::StatusCode::PERMISSION_DENIED, SwitchFault::kDenied},
      {grpc::StatusCode::UNKNOWN, SwitchFault::kDenied},
      {grpc::StatusCode::INTERNAL, SwitchFault::kGarbled}};
  for (const auto& [code, fault] : cases) {
    device_.with([&](State& state) { state.get_status = {code, "no"}; });
    EXPECT_EQ(fault_of([&] { switch_->cross_connects(in(seconds(5))); }), fault) << code;
  }
  EXPECT_EQ(to_fault(grpc::StatusCode::UNAVAILABLE, false), SwitchFault::kUnreachable);
}

TEST_F(GnmiSwitchTest, ADeniedSetIsReportedAndWhatStandsAllTheSameCounts) {
  connect(1, 5);
  device_.with([](State& state) { state.set_status = {grpc::StatusCode::UNKNOWN, "bad patch"}; });
  const ChangeReport denied = connect(2, 6);
  EXPECT_EQ(denied.pairs[0].outcome, PairOutcome::kDenied);
  EXPECT_THAT(denied.pairs[0].reason, HasSubstr("bad patch"));
  // Some versions say no after they have done it.
  device_.with([](State& state) { state.on_set = FakeGnmiDevice::carry_out; });
  EXPECT_EQ(connect(2, 6).pairs[0].outcome, PairOutcome::kDone);
}

TEST_F(GnmiSwitchTest, HalfOfAChangeIsSeenAndMended) {
  device_.with([](State& state) {
    state.on_set = [](State& now, const gnmi::SetRequest& request) {
      FakeGnmiDevice::carry_out(now, request);
      now.config.erase("5A-1B");
      now.state.erase("5A-1B");
    };
  });
  const ChangeReport report = switch_->apply({{}, {{1, 5}, {2, 6}}}, in(seconds(5)));
  EXPECT_EQ(report.pairs[0].outcome, PairOutcome::kDisobeyed);
  EXPECT_EQ(report.pairs[1].outcome, PairOutcome::kDone);
  EXPECT_THAT(switch_->cross_connects(in(seconds(5))).halves, ElementsAre(LightPath{1, 5}));
  device_.with([](State& state) { state.on_set = nullptr; });
  EXPECT_TRUE(connect(1, 5).complete());
}

TEST_F(GnmiSwitchTest, WhatIsConfiguredButLostIsMadeAgain) {
  EXPECT_TRUE(connect(1, 5).complete());
  device_.with([](State& state) { state.state.erase("1A-5B"); });
  EXPECT_THAT(switch_->cross_connects(in(seconds(5))).halves, ElementsAre(LightPath{5, 1}));
  EXPECT_TRUE(connect(1, 5).complete());
  device_.with([](State& state) {
    ASSERT_EQ(state.sets.size(), 2u);
    EXPECT_EQ(state.sets[1].delete__size(), 1);
    EXPECT_EQ(state.sets[1].update_size(), 1);
  });
}

TEST_F(GnmiSwitchTest, WaitsUntilBothSidesAreTuned) {
  device_.with([](State& state) {
    state.on_set = [](State& now, const gnmi::SetRequest& request) {
      FakeGnmiDevice::carry_out(now, request);
      now.state["1A-5B"]["b_side_status"] = "tuning";
    };
  });
  std::thread tuner([this] {
    std::this_thread::sleep_for(milliseconds(120));
    device_.with([](State& state) { state.state["1A-5B"]["b_side_status"] = "tuned"; });
  });
  const ChangeReport report = connect(1, 5);
  tuner.join();
  EXPECT_TRUE(report.complete());
  EXPECT_GE(report.turn_around, Duration::milliseconds(50));
}

TEST_F(GnmiSwitchTest, WhatIsNeverTunedIsDisobeyedAtTheDeadLine) {
  device_.with([](State& state) {
    state.on_set = [](State& now, const gnmi::SetRequest& request) {
      FakeGnmiDevice::carry_out(now, request);
      now.state["1A-5B"]["b_side_status"] = "tuning";
    };
  });
  const MonotonicTime dead_line = in(milliseconds(400));
  const ChangeReport report = switch_->apply({{}, {{1, 5}}}, dead_line);
  EXPECT_EQ(report.pairs[0].outcome, PairOutcome::kDisobeyed);
  EXPECT_LT(system_env().monotonic_now(), dead_line + milliseconds(50));
}

TEST_F(GnmiSwitchTest, GarbageIsGarbled) {
  connect(1, 5);
  for (const char* garbage : {"{", "[]", R"({"1A-99B":{}})", R"({"x":7})"}) {
    device_.with([&](State& state) { state.garbage = garbage; });
    EXPECT_EQ(fault_of([&] { switch_->cross_connects(in(seconds(5))); }), SwitchFault::kGarbled)
        << garbage;
  }
}

TEST_F(GnmiSwitchTest, AStreamThatEndsIsToldOnceAndOpenedAgain) {
  EXPECT_THAT(switch_->events(in(milliseconds(50))), testing::IsEmpty());
  device_.with([](State& state) { state.ends_streams = true; });
  EXPECT_EQ(fault_of([&] { switch_->events(in(seconds(5))); }), SwitchFault::kDisconnected);
  device_.with([](State& state) {
    state.ends_streams = false;
    state.ports["3A"]["status"] = "failed";
  });
  const std::vector<SwitchEvent> events = switch_->events(in(seconds(5)));
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].port, 3);
  EXPECT_EQ(events[0].level, AlarmLevel::kMajor);
  device_.with([](State& state) { EXPECT_GE(state.streams, 2); });
}

TEST_F(GnmiSwitchTest, PortsAreAsTheWorseOfTheirSides) {
  device_.with([](State& state) { state.ports["2B"]["status"] = "failed"; });
  const std::vector<int> asked = {1, 2};
  const std::vector<PortReading> readings = switch_->ports(asked, in(seconds(5)));
  ASSERT_EQ(readings.size(), 2u);
  EXPECT_EQ(readings[0].state, PortState::kOpen);
  EXPECT_EQ(readings[1].state, PortState::kFailed);
  EXPECT_EQ(readings[0].input_dbm, std::nullopt);
  EXPECT_EQ(switch_->ports({}, in(seconds(5))).size(), 16u);
  const std::vector<int> none = {17};
  EXPECT_EQ(fault_of([&] { switch_->ports(none, in(seconds(5))); }), SwitchFault::kMisuse);
}

}  // namespace
}  // namespace mixnet
