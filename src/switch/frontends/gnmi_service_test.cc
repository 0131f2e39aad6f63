// The gNMI service and the driver together, on the loopback.
#include "frontends/gnmi_service.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <asio/executor_work_guard.hpp>
#include <asio/post.hpp>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <future>
#include <thread>

#include "base/error.h"
#include "gnmi/gnmi_path.h"
#include "gnmi/gnmi_session.h"
#include "gnmi/gnmi_switch.h"
#include "ocs/switch_error.h"

namespace mixnet {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

/// A switch that runs on a thread of its own until the test is over.
class RunningSwitch {
 public:
  explicit RunningSwitch(EmulatedSwitchConfig config, GnmiOptions options = {})
      : host_(io_, std::move(config)) {
    saver_ = host_.on_change([this] { ++changes_; });
    options.port = 0;
    service_.emplace(host_, options);
    thread_ = std::thread([this] { io_.run(); });
  }
  ~RunningSwitch() {
    on_thread([this] { service_.reset(); });
    work_.reset();
    io_.stop();
    thread_.join();
  }

  template <typename Function>
  void on_thread(const Function& function) {
    std::promise<void> done;
    asio::post(io_, [&] {
      function();
      done.set_value();
    });
    done.get_future().wait();
  }
  void strike(std::string_view fault) {
    on_thread([&] {
      EmulatedSwitch& device = host_.device();
      device.strike(parse_fault(fault, "test", device.config().ports), host_.now());
      host_.step();
    });
  }
  /// Behind the driver's back.
  void ask(std::vector<LightPath> remove, std::vector<LightPath> add) {
    PathRequest request;
    request.remove = std::move(remove);
    request.add = std::move(add);
    on_thread([&] { host_.request(request, [](const RequestAnswer&) {}); });
  }

  SwitchAddress address(const std::string& user = "admin:admin", const std::string& rest = {}) {
    return parse_switch_address(
        "gnmi://" + user + "@127.0.0.1:" + std::to_string(service_->port()) + rest, "test");
  }
  std::unique_ptr<OpticalSwitch> driver(PortSlice slice = {}) {
    return open_gnmi_switch(address(), std::move(slice));
  }
  /// How often who saves was told of changes.
  int changes() const { return changes_; }

 private:
  asio::io_context io_;
  asio::executor_work_guard<asio::io_context::executor_type> work_{io_.get_executor()};
  std::atomic<int> changes_ = 0;
  DeviceHost::Subscription saver_;
  DeviceHost host_;
  std::optional<GnmiService> service_;
  std::thread thread_;
};

EmulatedSwitchConfig config(int ports = 16, Sides sides = Sides::kOne,
                            std::string_view timing = "none") {
  EmulatedSwitchConfig config;
  config.ports = ports;
  config.sides = sides;
  config.timing = SwitchTiming::parse(timing, "test");
  return config;
}

MonotonicTime in(milliseconds span) { return system_env().monotonic_now() + span; }

std::vector<PairOutcome> outcomes(const ChangeReport& report) {
  std::vector<PairOutcome> all;
  for (const PairResult& pair : report.pairs) all.push_back(pair.outcome);
  return all;
}

template <typename Function>
SwitchFault fault_of(const Function& function) {
  try {
    function();
  } catch (const SwitchError& error) {
    return error.fault();
  }
  ADD_FAILURE() << "nothing was thrown";
  return SwitchFault::kMisuse;
}

TEST(GnmiService, AChangeIsMadeAndReadBack) {
  RunningSwitch running(config());
  const auto device = running.driver();
  const SwitchCapabilities can = device->capabilities(in(seconds(5)));
  EXPECT_EQ(can.ports, 16);
  EXPECT_EQ(can.sides, Sides::kTwo);
  EXPECT_TRUE(can.atomic);
  EXPECT_THAT(can.identity, HasSubstr("SonicOCS"));

  EXPECT_EQ(device->cross_connects(in(seconds(5))), CrossConnects());
  EXPECT_TRUE(device->apply({{}, {{1, 5}, {2, 6}}}, in(seconds(5))).complete());
  EXPECT_THAT(device->cross_connects(in(seconds(5))).circuits,
              ElementsAre(OpticalCircuit{1, 5}, OpticalCircuit{2, 6}));
  const ChangeReport moved = device->apply({{{1, 5}}, {{1, 7}, {2, 6}}}, in(seconds(5)));
  EXPECT_THAT(outcomes(moved),
              ElementsAre(PairOutcome::kDone, PairOutcome::kDone, PairOutcome::kAlready));
  EXPECT_GT(moved.turn_around.ns, 0);
  EXPECT_EQ(device->apply({{}, {{1, 7}}}, in(seconds(5))).turn_around, Duration::zero());
  EXPECT_TRUE(device->apply({{{1, 7}, {2, 6}}, {}}, in(seconds(5))).complete());
  EXPECT_EQ(device->cross_connects(in(seconds(5))), CrossConnects());
}

TEST(GnmiService, PortsOutsideTheSliceStayAsTheyAre) {
  RunningSwitch running(config(16, Sides::kTwo));
  const auto all = running.driver();
  EXPECT_TRUE(all->apply({{}, {{3, 4}, {2, 9}}}, in(seconds(5))).complete());
  const auto device = running.driver({1, 2, 5});
  EXPECT_THAT(device->cross_connects(in(seconds(5))).taken, ElementsAre(2));
  EXPECT_THAT(outcomes(device->apply({{}, {{1, 2}}}, in(seconds(5)))),
              ElementsAre(PairOutcome::kBusy));
  EXPECT_TRUE(device->apply({{}, {{1, 5}}}, in(seconds(5))).complete());
  EXPECT_EQ(fault_of([&] { device->apply({{}, {{1, 3}}}, in(seconds(5))); }), SwitchFault::kMisuse);
  EXPECT_THAT(all->cross_connects(in(seconds(5))).circuits,
              ElementsAre(OpticalCircuit{1, 5}, OpticalCircuit{2, 9}, OpticalCircuit{3, 4}));
}

TEST(GnmiService, HalvesAreToldAndRemoved) {
  RunningSwitch running(config(16, Sides::kTwo));
  running.ask({}, {{1, 5}, {6, 2}});
  const auto device = running.driver();
  EXPECT_THAT(device->cross_connects(in(seconds(5))).halves,
              ElementsAre(LightPath{1, 5}, LightPath{6, 2}));
  EXPECT_TRUE(device->apply({{{2, 6}}, {{1, 5}}}, in(seconds(5))).complete());
  const CrossConnects now = device->cross_connects(in(seconds(5)));
  EXPECT_THAT(now.circuits, ElementsAre(OpticalCircuit{1, 5}));
  EXPECT_THAT(now.halves, IsEmpty());
}

TEST(GnmiService, TheWayItWasCommittedIsToldFromTheTime) {
  RunningSwitch quick(config(16, Sides::kOne, "sonic-bypass:70ms"));
  const auto bypassing = open_gnmi_switch(quick.address("admin:admin", "?bypass=yes"), {});
  const ChangeReport fast = bypassing->apply({{}, {{1, 2}}}, in(seconds(9)));
  EXPECT_TRUE(fast.complete());
  EXPECT_EQ(fast.commit, CommitPath::kBypass);
  EXPECT_GE(fast.turn_around, Duration::milliseconds(70));
  EXPECT_EQ(bypassing->capabilities(in(seconds(5))).commit, CommitPath::kBypass);

  // A switch that does not know the bypass takes its time without a word.
  RunningSwitch slow(config(16, Sides::kOne, "sonic:1100ms"));
  const auto validated = open_gnmi_switch(slow.address("admin:admin", "?bypass=yes"), {});
  const ChangeReport report = validated->apply({{}, {{1, 2}}}, in(seconds(9)));
  EXPECT_TRUE(report.complete());
  EXPECT_EQ(report.commit, CommitPath::kValidated);
  EXPECT_GE(report.turn_around, Duration::milliseconds(1100));
}

TEST(GnmiService, WhatTheDeviceDeniesIsDeniedWithItsReason) {
  RunningSwitch running(config());
  const auto device = running.driver();
  running.strike("deny@received");
  const ChangeReport report = device->apply({{}, {{1, 5}, {2, 6}}}, in(seconds(5)));
  EXPECT_THAT(outcomes(report), ElementsAre(PairOutcome::kDenied, PairOutcome::kDenied));
  EXPECT_THAT(report.pairs[0].reason, HasSubstr("denied"));
  EXPECT_TRUE(device->apply({{}, {{1, 5}, {2, 6}}}, in(seconds(5))).complete());
}

TEST(GnmiService, SilenceEndsAtTheDeadLine) {
  RunningSwitch running(config());
  const auto device = running.driver();
  device->capabilities(in(seconds(5)));
  running.strike("silence@received");
  const MonotonicTime dead_line = in(milliseconds(300));
  EXPECT_EQ(fault_of([&] { device->apply({{}, {{1, 5}}}, dead_line); }), SwitchFault::kTimedOut);
  EXPECT_LT(system_env().monotonic_now(), dead_line + milliseconds(50));
  EXPECT_NO_THROW(device->cross_connects(in(seconds(5))));
}

TEST(GnmiService, WhoIsNotAUserIsRefused) {
  GnmiOptions options;
  options.users = {{"ada", "secret"}};
  RunningSwitch running(config(), options);
  const auto stranger = open_gnmi_switch(running.address("admin:admin"), {});
  EXPECT_EQ(fault_of([&] { stranger->capabilities(in(seconds(5))); }), SwitchFault::kLogin);
  EXPECT_NO_THROW(
      open_gnmi_switch(running.address("ada:secret"), {})->capabilities(in(seconds(5))));
}

TEST(GnmiService, NobodyThereIsUnreachable) {
  SwitchAddress address;
  {
    RunningSwitch running(config());
    address = running.address();
  }
  const auto device = open_gnmi_switch(address, {});
  EXPECT_EQ(fault_of([&] { device->capabilities(in(seconds(2))); }), SwitchFault::kUnreachable);
}

TEST(GnmiService, ALostCircuitIsToldAsAnEvent) {
  RunningSwitch running(config());
  const auto device = running.driver({1, 5});
  EXPECT_TRUE(device->apply({{}, {{1, 5}}}, in(seconds(5))).complete());
  running.ask({{1, 5}, {5, 1}}, {{3, 4}, {4, 3}});
  const std::vector<SwitchEvent> events = device->events(in(seconds(5)));
  ASSERT_FALSE(events.empty());
  EXPECT_EQ(events[0].level, AlarmLevel::kMajor);
  EXPECT_THAT(events[0].port, testing::AnyOf(1, 5));
  EXPECT_THAT(events[0].text, HasSubstr("went without our doing"));
}

TEST(GnmiService, WhatTheDriverDoesIsNoEvent) {
  RunningSwitch running(config(16, Sides::kOne, "fixed:5ms"));
  const auto device = running.driver();
  for (int turn = 0; turn < 5; ++turn) {
    EXPECT_TRUE(device->apply({{}, {{1, 5}}}, in(seconds(5))).complete());
    EXPECT_TRUE(device->apply({{{1, 5}}, {{1, 6}}}, in(seconds(5))).complete());
    EXPECT_TRUE(device->apply({{{1, 6}}, {}}, in(seconds(5))).complete());
  }
  EXPECT_THAT(device->events(in(milliseconds(200))), IsEmpty());
}

TEST(GnmiService, AShutterIsAForcedBlock) {
  RunningSwitch running(config());
  const auto device = running.driver();
  GnmiSession session(running.address(), system_env());
  gnmi::SetRequest request;
  gnmi::Update& update = *request.add_update();
  *update.mutable_path() = SonicPath{"CONFIG_DB", "OCS_PORT", "3A", ""}.to_gnmi();
  update.mutable_val()->set_json_ietf_val(R"({"state":"force_blocked","label":"rack 7"})");
  EXPECT_EQ(session.set(request, in(seconds(5))), "");
  const std::vector<int> asked = {3, 4};
  const std::vector<PortReading> readings = device->ports(asked, in(seconds(5)));
  ASSERT_EQ(readings.size(), 2u);
  EXPECT_EQ(readings[0].state, PortState::kBlocked);
  EXPECT_EQ(readings[1].state, PortState::kOpen);
}

TEST(GnmiService, ALabelIsSavedBeforeItIsAnswered) {
  RunningSwitch running(config());
  GnmiSession session(running.address(), system_env());
  for (int i = 1; i <= 20; ++i) {
    gnmi::SetRequest request;
    gnmi::Update& update = *request.add_update();
    *update.mutable_path() = SonicPath{"CONFIG_DB", "OCS_PORT", "3A", ""}.to_gnmi();
    update.mutable_val()->set_json_ietf_val(R"({"label":"rack 7"})");
    EXPECT_EQ(session.set(request, in(seconds(5))), "");
    EXPECT_EQ(running.changes(), i);
  }
}

TEST(GnmiService, SetsWithoutEndDoNotWait) {
  EmulatedSwitchConfig slow = config();
  slow.sides = Sides::kTwo;
  slow.timing = SwitchTiming::parse("fixed:1s", "test");
  RunningSwitch running(slow);
  std::atomic<int> refused = 0;
  std::vector<std::thread> clients;
  for (int i = 0; i < 100; ++i) {
    clients.emplace_back([&] {
      GnmiSession session(running.address(), system_env());
      gnmi::SetRequest request;
      gnmi::Update& update = *request.add_update();
      *update.mutable_path() = SonicPath{"CONFIG_DB", "OCS_CROSS_CONNECT", "1A-2B", ""}.to_gnmi();
      update.mutable_val()->set_json_ietf_val(R"({"a_side":"1A","b_side":"2B"})");
      try {
        refused += session.set(request, in(milliseconds(900))).find("too many Sets") == 0 ? 1 : 0;
      } catch (const SwitchError&) {  // it waited
      }
    });
  }
  for (std::thread& client : clients) client.join();
  EXPECT_GE(refused, 35);
}

TEST(GnmiService, HalfACircuitIsRefusedWherePortsCarryBothDirections) {
  RunningSwitch running(config());
  GnmiSession session(running.address(), system_env());
  gnmi::SetRequest request;
  gnmi::Update& update = *request.add_update();
  *update.mutable_path() = SonicPath{"CONFIG_DB", "OCS_CROSS_CONNECT", "1A-2B", ""}.to_gnmi();
  update.mutable_val()->set_json_ietf_val("{}");
  EXPECT_THAT(session.set(request, in(seconds(5))), HasSubstr("2A-1B"));
}

TEST(GnmiService, WithoutTlsOnTheLoopbackOnly) {
  asio::io_context io;
  DeviceHost host(io, config());
  GnmiOptions options;
  options.host = "0.0.0.0";
  EXPECT_THROW(GnmiService(host, options), Error);
  options.host = "127.0.0.1";
  options.ca = "/nowhere.pem";  // whoever asks for clients' certificates must not get none
  EXPECT_THROW(GnmiService(host, options), Error);
  options.ca.clear();
  options.cert = "/nowhere.pem";
  EXPECT_THROW(GnmiService(host, options), Error);
  options.key = "/nowhere.pem";
  EXPECT_THROW(GnmiService(host, options), Error);
}

/// A certificate of that address, and its key; none where openssl is not.
std::optional<GnmiOptions> certified(const std::string& address) {
  GnmiOptions options;
  options.cert = testing::TempDir() + address + "_cert.pem";
  options.key = testing::TempDir() + address + "_key.pem";
  const std::string make =
      "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=ocs "
      "-addext subjectAltName=IP:" +
      address + " -out " + options.cert + " -keyout " + options.key + " 2>/dev/null";
  if (std::system(make.c_str()) != 0) return std::nullopt;
  return options;
}

TEST(GnmiService, SpeaksTlsAndTheDriverKnowsItByItsCertificate) {
  const std::optional<GnmiOptions> rightly = certified("127.0.0.1");
  const std::optional<GnmiOptions> wrongly = certified("127.0.0.9");
  if (!rightly || !wrongly) GTEST_SKIP() << "openssl makes no certificate here";
  const auto ask = [](RunningSwitch& running, const std::string& ca, bool tls) {
    SwitchAddress address = running.address();
    address.tls = tls;
    address.ca = ca;
    return open_gnmi_switch(address, {})->capabilities(in(seconds(5))).ports;
  };
  RunningSwitch running(config(), *rightly);
  EXPECT_EQ(ask(running, rightly->cert, true), 16);
  EXPECT_EQ(fault_of([&] { ask(running, wrongly->cert, true); }), SwitchFault::kUnreachable);
  EXPECT_EQ(fault_of([&] { ask(running, "", true); }), SwitchFault::kUnreachable);
  EXPECT_THROW(ask(running, "", false), SwitchError);
  // A certificate that we trust, of another machine.
  RunningSwitch other(config(), *wrongly);
  EXPECT_EQ(fault_of([&] { ask(other, wrongly->cert, true); }), SwitchFault::kUnreachable);
}

TEST(GnmiService, APortThatIsTakenIsAnError) {
  RunningSwitch running(config());
  asio::io_context io;
  DeviceHost host(io, config());
  GnmiOptions options;
  options.port = running.address().port;
  EXPECT_THROW(GnmiService(host, options), Error);
}

TEST(GnmiService, TwentyFourPairsAreChangedAndVerifiedInMilliseconds) {
  RunningSwitch running(config(64));
  const auto device = running.driver();
  std::vector<OpticalCircuit> even;
  std::vector<OpticalCircuit> odd;
  for (int i = 1; i <= 24; ++i) {
    even.push_back({i, 24 + i});
    odd.push_back({i, 24 + i % 24 + 1});
  }
  EXPECT_TRUE(device->apply({{}, even}, in(seconds(5))).complete());
  // Of both sides, on all their threads: other tests may have the cores. The wall clock says 2.4 ms
  // for 99 of 100 on a machine that is idle.
  const std::clock_t start = std::clock();
  constexpr int kTurns = 200;
  for (int turn = 0; turn < kTurns; ++turn) {
    const bool is_even = turn % 2 == 1;
    ASSERT_TRUE(
        device->apply({is_even ? odd : even, is_even ? even : odd}, in(seconds(5))).complete());
  }
  const double ms = 1e3 * static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC / kTurns;
  std::printf("24 pairs: %.2f ms of CPU\n", ms);
#if defined(NDEBUG) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  EXPECT_LT(ms, 8);
#endif
}

}  // namespace
}  // namespace mixnet
