#include "client/region_client.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <thread>

#include "base/fake_env.h"
#include "region.grpc.pb.h"
#include "wire/region_channel.h"

namespace mixnet {
namespace {

using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

constexpr Duration kLimit = Duration::seconds(10);

/// Answers by rote, and remembers what it was asked.
class FakeDaemon final : public v1::Region::Service {
 public:
  grpc::Status answer;                ///< to every call
  std::atomic<bool> is_slow = false;  ///< until the caller gives up
  std::string asked;                  ///< the last request, as text
  int topologies = 3;                 ///< that a watch gets; then it waits, or ends
  bool ends_watches = false;

  grpc::Status GetRegion(grpc::ServerContext* context, const v1::GetRegionRequest* request,
                         v1::RegionDescription* response) override {
    response->set_name("row-3");
    return take(context, *request);
  }
  grpc::Status GetTopology(grpc::ServerContext* context, const v1::GetTopologyRequest* request,
                           v1::Topology* response) override {
    response->set_epoch(9);
    return take(context, *request);
  }
  grpc::Status GetAlarms(grpc::ServerContext* context, const v1::GetAlarmsRequest* request,
                         v1::Happenings* response) override {
    response->add_happenings()->set_code("port-suspect");
    return take(context, *request);
  }
  grpc::Status ReportDemand(grpc::ServerContext* context, const v1::DemandReport* request,
                            v1::Taken* response) override {
    return taken(context, *request, *response);
  }
  grpc::Status MarkPhase(grpc::ServerContext* context, const v1::PhaseMark* request,
                         v1::Taken* response) override {
    return taken(context, *request, *response);
  }
  grpc::Status ReportHealth(grpc::ServerContext* context, const v1::HealthReport* request,
                            v1::Taken* response) override {
    return taken(context, *request, *response);
  }
  grpc::Status ReportActivation(grpc::ServerContext* context, const v1::ActivationReport* request,
                                v1::Taken* response) override {
    return taken(context, *request, *response);
  }
  grpc::Status AddTenant(grpc::ServerContext* context, const v1::TenantAdd* request,
                         v1::Taken* response) override {
    return taken(context, *request, *response);
  }
  grpc::Status RemoveTenant(grpc::ServerContext* context, const v1::TenantRemove* request,
                            v1::Taken* response) override {
    return taken(context, *request, *response);
  }
  grpc::Status DrainServer(grpc::ServerContext* context, const v1::ServerDrain* request,
                           v1::Taken* response) override {
    return taken(context, *request, *response);
  }
  grpc::Status PinCircuit(grpc::ServerContext* context, const v1::CircuitPin* request,
                          v1::Taken* response) override {
    return taken(context, *request, *response);
  }
  grpc::Status HoldSwitch(grpc::ServerContext* context, const v1::SwitchHold* request,
                          v1::Taken* response) override {
    return taken(context, *request, *response);
  }
  grpc::Status WatchTopology(grpc::ServerContext* context, const v1::GetTopologyRequest* request,
                             grpc::ServerWriter<v1::Topology>* writer) override {
    asked = request->ShortDebugString();
    if (!answer.ok()) return answer;
    for (int epoch = 1; epoch <= topologies; ++epoch) {
      v1::Topology topology;
      topology.set_epoch(static_cast<std::uint64_t>(epoch));
      writer->Write(topology);
    }
    if (!ends_watches) wait_for_end(*context);
    return answer;
  }

 private:
  static void wait_for_end(grpc::ServerContext& context) {
    while (!context.IsCancelled()) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  }
  grpc::Status take(grpc::ServerContext* context, const google::protobuf::Message& request) {
    asked = request.ShortDebugString();
    if (is_slow) wait_for_end(*context);
    return answer;
  }
  grpc::Status taken(grpc::ServerContext* context, const google::protobuf::Message& request,
                     v1::Taken& response) {
    response.set_record(7);
    return take(context, request);
  }
};

class RegionClientTest : public testing::Test {
 protected:
  RegionClientTest() {
    start();
    address_.port = port_;
    client_ = std::make_unique<RegionClient>(address_);
  }

  /// On a free port, or on that of before.
  void start() {
    grpc::ServerBuilder builder;
    builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
    builder.AddListeningPort(fmt::format("127.0.0.1:{}", port_), grpc::InsecureServerCredentials(),
                             &port_);
    builder.RegisterService(&daemon_);
    server_ = builder.BuildAndStart();
    ASSERT_TRUE(server_);
  }
  void stop() {
    server_->Shutdown(std::chrono::system_clock::now());
    server_.reset();
  }

  /// What a call fails with.
  RegionCallError failure_of(const std::function<void()>& call) {
    try {
      call();
    } catch (const RegionCallError& error) {
      return error;
    }
    ADD_FAILURE() << "no error";
    return {CallFault::kInternal, "none", "none"};
  }

  int port_ = 0;
  FakeDaemon daemon_;
  std::unique_ptr<grpc::Server> server_;
  ControllerAddress address_;
  std::unique_ptr<RegionClient> client_;
};

TEST_F(RegionClientTest, AnswersAreGivenBack) {
  EXPECT_EQ(client_->region(kLimit).name(), "row-3");
  EXPECT_EQ(client_->topology(3, kLimit).epoch(), 9u);
  EXPECT_EQ(daemon_.asked, "tenant: 3");
  EXPECT_EQ(client_->alarms(20, kLimit).happenings(0).code(), "port-suspect");
  EXPECT_EQ(daemon_.asked, "most: 20");
}

TEST_F(RegionClientTest, EachReportArrivesAsItIs) {
  DemandReport demand{1, {5, 0, 0, false}, ServerDemand(2, 2), {}};
  demand.bytes(0, 1) = 9;
  EXPECT_EQ(client_->report(demand, kLimit).record(), 7u);
  EXPECT_EQ(daemon_.asked,
            "tenant: 1 phase { sequence: 5 } servers: 2 bytes: 0 bytes: 9 bytes: 0 bytes: 0");
  client_->mark(PhaseMark{1, 5, true}, kLimit);
  EXPECT_EQ(daemon_.asked, "tenant: 1 sequence: 5 begins: true");
  client_->report(HealthReport{Part::kEpsNic, 3, true, 8}, kLimit);
  EXPECT_EQ(daemon_.asked, "part: PART_EPS_NIC index: 3 failed: true stamp: 8");
  client_->report_activation(4, Duration::seconds(2), kLimit);
  EXPECT_EQ(daemon_.asked, "port: 4 took_ns: 2000000000");
  client_->add(TenantAdd{2, {1, 3}}, kLimit);
  EXPECT_EQ(daemon_.asked, "tenant: 2 servers: 1 servers: 3");
  client_->remove(TenantRemove{2}, kLimit);
  EXPECT_EQ(daemon_.asked, "tenant: 2");
  client_->drain(ServerDrain{6, true}, kLimit);
  EXPECT_EQ(daemon_.asked, "server: 6 drained: true");
  client_->pin(CircuitPin{{1, 17}, true}, kLimit);
  EXPECT_EQ(daemon_.asked, "ports { a: 1 b: 17 } pinned: true");
  client_->hold(SwitchHold{true}, kLimit);
  EXPECT_EQ(daemon_.asked, "held: true");
}

TEST_F(RegionClientTest, NobodyThereIsSaidInOneLine) {
  stop();
  const RegionCallError error = failure_of([&] { client_->region(kLimit); });
  EXPECT_EQ(error.fault(), CallFault::kUnreachable);
  EXPECT_EQ(std::string(error.what()),
            fmt::format("127.0.0.1:{}: is not answered; is mixnetd running?", port_));
}

TEST_F(RegionClientTest, ADeadLineEndsACall) {
  daemon_.is_slow = true;
  const RegionCallError error = failure_of([&] { client_->region(Duration::milliseconds(50)); });
  EXPECT_EQ(error.fault(), CallFault::kTimedOut);
  EXPECT_THAT(error.what(), HasSubstr(": has not answered in 0.05 s; ask again"));
}

TEST_F(RegionClientTest, ARefusalSaysOfWhatKindItIs) {
  const auto fault = [this](grpc::StatusCode code) {
    daemon_.answer = grpc::Status(code, "DemandReport.bytes: is odd");
    const RegionCallError error = failure_of([&] { client_->region(kLimit); });
    if (code != grpc::StatusCode::UNIMPLEMENTED) {
      EXPECT_THAT(error.what(), HasSubstr("DemandReport.bytes: is odd"));
    }
    return error.fault();
  };
  EXPECT_EQ(fault(grpc::StatusCode::INVALID_ARGUMENT), CallFault::kRefused);
  EXPECT_EQ(fault(grpc::StatusCode::FAILED_PRECONDITION), CallFault::kRefused);
  EXPECT_EQ(fault(grpc::StatusCode::PERMISSION_DENIED), CallFault::kForbidden);
  EXPECT_EQ(fault(grpc::StatusCode::UNAUTHENTICATED), CallFault::kForbidden);
  EXPECT_EQ(fault(grpc::StatusCode::RESOURCE_EXHAUSTED), CallFault::kBusy);
  EXPECT_EQ(fault(grpc::StatusCode::UNAVAILABLE), CallFault::kUnreachable);
  EXPECT_EQ(fault(grpc::StatusCode::INTERNAL), CallFault::kInternal);
  EXPECT_EQ(fault(grpc::StatusCode::UNIMPLEMENTED), CallFault::kInternal);
}

TEST_F(RegionClientTest, ADaemonThatStopsIsTakenByItsWord) {
  daemon_.answer = grpc::Status(grpc::StatusCode::UNAVAILABLE, "the daemon stops: try again");
  const RegionCallError error = failure_of([&] { client_->region(kLimit); });
  EXPECT_EQ(error.fault(), CallFault::kUnreachable);
  EXPECT_THAT(error.what(), EndsWith(": the daemon stops: try again"));
}

// gRPC alone would wait a second before it connects again.
TEST_F(RegionClientTest, TheNextCallConnectsAgain) {
  for (int turn = 0; turn < 3; ++turn) {
    client_->region(kLimit);
    stop();
    failure_of([&] { client_->region(kLimit); });
    start();
    EXPECT_EQ(client_->region(kLimit).name(), "row-3");
    stop();
    start();  // unnoticed
    EXPECT_EQ(client_->region(kLimit).name(), "row-3");
  }
}

TEST_F(RegionClientTest, AWatchEndsWhenEnoughWasSeen) {
  std::vector<std::uint64_t> epochs;
  client_->watch_topology(4, [&](const v1::Topology& topology) {
    epochs.push_back(topology.epoch());
    return epochs.size() < 2;
  });
  EXPECT_THAT(epochs, ElementsAre(1, 2));
  EXPECT_EQ(daemon_.asked, "tenant: 4");
}

TEST_F(RegionClientTest, AWatchThatTheDaemonEndsIsAnError) {
  daemon_.ends_watches = true;
  int seen = 0;
  const auto watch = [&] {
    client_->watch_topology(0, [&](const v1::Topology&) { return ++seen > 0; });
  };
  RegionCallError error = failure_of(watch);
  EXPECT_EQ(error.fault(), CallFault::kUnreachable);
  EXPECT_THAT(error.what(), HasSubstr(": ended the watch; it may have stopped: try again"));
  EXPECT_EQ(seen, 3);
  daemon_.answer = grpc::Status(grpc::StatusCode::RESOURCE_EXHAUSTED, "256 watches are there");
  EXPECT_EQ(failure_of(watch).fault(), CallFault::kBusy);
}

TEST_F(RegionClientTest, WhatTheObserverThrowsEndsTheWatch) {
  EXPECT_THROW(client_->watch_topology(
                   0, [](const v1::Topology&) -> bool { throw std::runtime_error("full disk"); }),
               std::runtime_error);
}

TEST_F(RegionClientTest, CancelEndsWatchesNowAndLater) {
  std::atomic<int> seen = 0;
  const auto watch = [&] {
    client_->watch_topology(0, [&](const v1::Topology&) { return ++seen > 0; });
  };
  std::thread watcher(watch);
  while (seen < 3) std::this_thread::yield();
  client_->cancel();
  watcher.join();
  seen = 0;
  watch();
  EXPECT_EQ(client_->region(kLimit).name(), "row-3");  // calls go on
}

TEST(ControllerAddress, IsReadFromText) {
  const auto read = [](std::string_view text) {
    return parse_controller_address(text, "--controller").shown();
  };
  EXPECT_EQ(read("gpu-head"), "gpu-head:7411");
  EXPECT_EQ(read("10.0.0.5:80"), "10.0.0.5:80");
  EXPECT_EQ(read("::1"), "[::1]:7411");
  EXPECT_EQ(read("[fd00::2]:99"), "[fd00::2]:99");
  EXPECT_EQ(read("[fd00::2]"), "[fd00::2]:7411");
  for (const std::string_view bad : {"", ":80", "host:", "host:0", "host:65536", "host:x", "[::1",
                                     "[::1]80", "[]:1", "http://host", "a b", "u@h"}) {
    EXPECT_THROW(read(bad), Error) << bad;
  }
}

TEST(ControllerAddress, KnowsTheLoopback) {
  const auto is = [](std::string_view text) {
    return parse_controller_address(text, "x").is_loopback();
  };
  EXPECT_TRUE(is("localhost") && is("127.0.0.1:1") && is("127.9.9.9") && is("::1"));
  EXPECT_FALSE(is("10.0.0.1") || is("127.example.com") || is("gpu-head") || is("fd00::1"));
}

TEST(RegionClient, WithoutCertificateItSpeaksOnTheLoopbackAlone) {
  const auto refusal = [](const ControllerAddress& address, FakeEnv& env) {
    try {
      const RegionClient client(address, env);
    } catch (const Error& error) {
      return std::string(error.what());
    }
    return std::string("no error");
  };
  FakeEnv env;
  ControllerAddress address;
  address.host = "10.0.0.5";
  EXPECT_EQ(refusal(address, env),
            "10.0.0.5:7411: is not on this machine, and there is no "
            "certificate to show; give --ca, --cert and --key");
  address.ca = "/ca.pem";
  EXPECT_EQ(refusal(address, env), "--cert: is not given; --ca, --cert and --key go together");
  address.cert = "/c.pem";
  address.key = "/c.key";
  EXPECT_THAT(refusal(address, env), StartsWith("/ca.pem: "));
  env.put("/ca.pem", "not a certificate");
  EXPECT_EQ(refusal(address, env), "/ca.pem: is not a PEM file; name a PEM file by --ca");
}

}  // namespace
}  // namespace mixnet
