// The API over real sockets: who may call what, what each call does, what limits hold.
#include "service/region_service.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <thread>

#include "service/test_service.h"
#include "wire/region_channel.h"

namespace mixnet {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr Duration kLimit = Duration::seconds(5);

class RegionServiceTest : public ::testing::Test {
 protected:
  void add_tenant() {
    served_.client("operator")->add({1, {0, 1}}, kLimit);
    ASSERT_TRUE(served_.region().wait_settled());
  }
  ServedRegion served_;
};

TEST_F(RegionServiceTest, SaysWhatTheRegionIs) {
  const v1::RegionDescription region = served_.client("viewer")->region(kLimit);
  EXPECT_EQ(region.name(), "test");
  EXPECT_EQ(region.switch_(), "scpi://127.0.0.1:5025");
  ASSERT_EQ(region.servers_size(), 4);
  EXPECT_EQ(region.servers(1).name(), "s1");
  EXPECT_EQ(region.servers(1).optical(1).port(), 3);
  EXPECT_EQ(region.servers(1).optical(1).position(), 4);
  EXPECT_EQ(region.servers(1).optical(1).interface(), "o1");
  EXPECT_FALSE(region.version().empty());
}

TEST_F(RegionServiceTest, AJobsDemandBecomesCircuitsThatAreAnnounced) {
  add_tenant();
  const auto trainer = served_.client("trainer-1");
  std::vector<v1::Topology> seen;
  std::thread watcher([&] {
    served_.client("viewer")->watch_topology(1, [&](const v1::Topology& topology) {
      seen.push_back(topology);
      return topology.circuits_size() < 2;
    });
  });
  const v1::Taken taken = trainer->report(ring_demand(1, 1, 2), kLimit);
  EXPECT_GT(taken.record(), 0U);
  EXPECT_EQ(taken.refused_size(), 0);
  watcher.join();
  EXPECT_EQ(seen.back().run(), served_.loop().run_id());
  EXPECT_EQ(seen.back().served().sequence(), 1U);
  EXPECT_GT(trainer->mark({1, 1, true}, kLimit).record(), taken.record());
  EXPECT_EQ(trainer->topology(1, kLimit).circuits_size(), 2);

  const v1::Status status = trainer->status(kLimit);
  ASSERT_EQ(status.tenants_size(), 2);
  EXPECT_EQ(status.tenants(1).running(), 1U);
  EXPECT_DOUBLE_EQ(status.tenants(1).served_by_circuits(), 1);
  EXPECT_EQ(status.lit_size(), 2);
  EXPECT_TRUE(status.ready());
  EXPECT_GE(status.records(), taken.record());
  EXPECT_EQ(status.servers(0).circuits(), 2);
  EXPECT_THAT(status.snapshot(), "");
  EXPECT_THAT(served_.client("operator")->status(kLimit).snapshot(), HasSubstr("\"slices\""));
}

TEST_F(RegionServiceTest, AWatchEndsWhenItsTenantLeaves) {
  add_tenant();
  std::vector<bool> closed;
  std::promise<void> begun;
  std::thread watcher([&] {
    const auto [fault, why] = refusal([&] {
      served_.client("viewer")->watch_topology(1, [&](const v1::Topology& topology) {
        if (closed.empty()) begun.set_value();
        closed.push_back(topology.closed());
        return true;
      });
    });
    EXPECT_THAT(why, HasSubstr("ended the watch"));
  });
  begun.get_future().wait();
  served_.client("operator")->remove({1}, kLimit);
  watcher.join();
  EXPECT_TRUE(closed.back());
  const auto [fault, why] = refusal([&] {
    served_.client("viewer")->watch_topology(9, [](const v1::Topology&) { return true; });
  });
  EXPECT_THAT(why, HasSubstr("there is no tenant 9"));
}

TEST_F(RegionServiceTest, OperatorsDrainPinAndHold) {
  const auto boss = served_.client("operator");
  EXPECT_EQ(boss->drain({3, true}, kLimit).refused_size(), 0);
  EXPECT_TRUE(boss->status(kLimit).servers(3).drained());
  EXPECT_EQ(boss->pin({{0, 4}, true}, kLimit).refused_size(), 0);
  EXPECT_EQ(boss->status(kLimit).pins(0).b(), 4);
  const v1::Taken refused = boss->pin({{0, 6}, true}, kLimit);
  ASSERT_EQ(refused.refused_size(), 1);
  EXPECT_EQ(refused.refused(0).code(), "pin-refused");
  boss->hold({true}, kLimit);
  EXPECT_TRUE(boss->status(kLimit).held());
  EXPECT_TRUE(served_.is_audited("operator \"operator\" 127.0.0.1", "DrainServer s3"));
  EXPECT_TRUE(served_.is_audited("operator \"operator\" 127.0.0.1",
                                 "PinCircuit s0:o0 (position 1) - s2:o0 (position 5)"));
  const v1::Happenings trail = served_.client("viewer")->audit(0, kLimit);
  EXPECT_EQ(trail.happenings(trail.happenings_size() - 1).kind(), "audit");
  const v1::Happenings alarms = boss->alarms(1, kLimit);
  ASSERT_EQ(alarms.happenings_size(), 1);
  EXPECT_EQ(alarms.happenings(0).code(), "pin-refused");
}

TEST_F(RegionServiceTest, HealthAndActivationOfOwnServersAlone) {
  add_tenant();
  const auto trainer = served_.client("trainer-1");
  trainer->report(HealthReport{Part::kOpticalNic, 3, true, 0}, kLimit);
  EXPECT_EQ(trainer->status(kLimit).failed_ports(0), 3);
  trainer->report_activation(2, Duration::milliseconds(700), kLimit);
  auto [fault, why] = refusal([&] {
    trainer->report(HealthReport{Part::kServer, 2, true, 0}, kLimit);
  });
  EXPECT_EQ(fault, CallFault::kForbidden);
  EXPECT_THAT(why, HasSubstr("server 2 is not of a tenant"));
  EXPECT_TRUE(served_.is_audited("trainer/1", "ReportHealth: refused, server 2"));
  EXPECT_TRUE(served_.is_audited("trainer/1", "ReportHealth: s1:o1 (position 4) failed"));
  std::tie(fault, why) =
      refusal([&] { trainer->report_activation(4, Duration::milliseconds(700), kLimit); });
  EXPECT_EQ(fault, CallFault::kForbidden);
  std::tie(fault, why) =
      refusal([&] { trainer->report_activation(2, Duration::seconds(900), kLimit); });
  EXPECT_EQ(fault, CallFault::kRefused);
  EXPECT_FALSE(served_.client("viewer")->status(kLimit).servers(2).failed());
}

TEST_F(RegionServiceTest, ADryRunSaysWhatWouldHappenAndChangesNothing) {
  add_tenant();
  const auto viewer = served_.client("viewer");
  const v1::PlanReply plan = viewer->plan(ring_demand(1, 1, 2), kLimit);
  EXPECT_EQ(plan.connect_size(), 2);
  EXPECT_EQ(plan.ports_moved(), 4);
  EXPECT_EQ(plan.circuits_size(), 2);
  EXPECT_EQ(viewer->status(kLimit).lit_size(), 0);
  served_.client("trainer-1")->report(ring_demand(1, 1, 2), kLimit);
  ASSERT_TRUE(served_.region().wait_settled());
  DemandReport next = ring_demand(1, 1, 2);
  next.phase.sequence = 0;
  EXPECT_EQ(viewer->plan(next, kLimit).ports_moved(), 0);
}

TEST_F(RegionServiceTest, HappeningsAreToldAsTheyHappen) {
  add_tenant();
  std::promise<void> begun;
  std::vector<std::string> kinds;
  const auto viewer = served_.client("viewer");
  std::thread watcher([&] {
    bool has_begun = false;
    viewer->watch_happenings([&](const v1::Happening& happening) {
      if (!std::exchange(has_begun, true)) begun.set_value();
      kinds.push_back(happening.kind() + " " + happening.code());
      EXPECT_EQ(happening.lost(), 0U);
      return happening.kind() != "answer";
    });
  });
  // Until the watch stands: something that is told.
  auto stands = begun.get_future();
  while (stands.wait_for(std::chrono::milliseconds(10)) != std::future_status::ready) {
    served_.client("operator")->hold({false}, kLimit);
  }
  served_.client("trainer-1")->report(ring_demand(1, 1, 2), kLimit);
  watcher.join();
  EXPECT_THAT(kinds, ::testing::Contains("audit "));
  EXPECT_THAT(kinds, ::testing::Contains("command connect"));
  EXPECT_EQ(kinds.back(), "answer done");
}

TEST_F(RegionServiceTest, WhatMakesNoSenseNamesTheField) {
  add_tenant();
  const auto stub = served_.stub("operator");
  const auto ask = [&](const v1::DemandReport& request) {
    grpc::ClientContext context;
    v1::Taken taken;
    return stub->ReportDemand(&context, request, &taken);
  };
  v1::DemandReport demand;
  demand.set_tenant(1);
  demand.mutable_phase()->set_sequence(1);
  demand.set_servers(2);
  demand.add_bytes(1);
  const grpc::Status status = ask(demand);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(status.error_message(), HasSubstr("DemandReport.bytes"));
}

TEST_F(RegionServiceTest, RolesAndTenantsAreHeldAndAudited) {
  add_tenant();
  const auto viewer = served_.client("viewer");
  auto [fault, why] = refusal([&] { viewer->report(ring_demand(1, 1, 2), kLimit); });
  EXPECT_EQ(fault, CallFault::kForbidden);
  EXPECT_THAT(why, HasSubstr("needs the role trainer; this is a viewer"));
  EXPECT_TRUE(served_.is_audited("viewer \"viewer\" 127.0.0.1",
                                 "ReportDemand: refused, needs the role trainer"));
  std::tie(fault, why) =
      refusal([&] { served_.client("trainer-2")->report(ring_demand(1, 1, 2), kLimit); });
  EXPECT_EQ(fault, CallFault::kForbidden);
  EXPECT_THAT(why, HasSubstr("does not speak for tenant 1"));
  EXPECT_TRUE(served_.is_audited("trainer/2", "does not speak for tenant 1"));
  std::tie(fault, why) = refusal([&] { served_.client("trainer-1")->add({2, {2, 3}}, kLimit); });
  EXPECT_THAT(why, HasSubstr("needs the role operator"));
  std::tie(fault, why) = refusal([&] { served_.client("trainer-1")->bug_report(kLimit); });
  EXPECT_EQ(fault, CallFault::kForbidden);
}

TEST_F(RegionServiceTest, OfManyRefusalsOneASecondIsAudited) {
  const auto viewer = served_.client("viewer");
  for (int i = 0; i < 150; ++i) {
    refusal([&] { viewer->hold({true}, kLimit); });
  }
  std::this_thread::sleep_for(std::chrono::milliseconds(1'100));
  refusal([&] { viewer->hold({true}, kLimit); });
  EXPECT_TRUE(served_.is_audited("viewer", "more since the last entry"));
  EXPECT_LE(served_.loop().audit_trail(1'000).size(), 6U);
}

TEST_F(RegionServiceTest, CertificatesOfOthersAndOldOnesAreRefused) {
  for (const auto& [name, authority] : {std::pair{"operator", "theirs"}, {"expired", "ours"}}) {
    const auto [fault, why] =
        refusal([&] { served_.client(name, authority)->region(Duration::seconds(2)); });
    EXPECT_TRUE(fault == CallFault::kUnreachable || fault == CallFault::kTimedOut) << why;
  }
  EXPECT_TRUE(served_.is_audited("127.0.0.1", "ended without a call: no certificate of our CA"));
  const auto stub = served_.stub("");  // speaks plain to TLS
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(1));
  v1::RegionDescription region;
  EXPECT_FALSE(stub->GetRegion(&context, {}, &region).ok());
  EXPECT_EQ(served_.client("operator")->region(kLimit).name(), "test");
}

TEST_F(RegionServiceTest, TooLargeAndCompressedMessagesAreRefused) {
  const auto stub = served_.stub("trainer-1");
  v1::DemandReport demand;
  demand.set_tenant(1);
  for (int i = 0; i < 1'000'000; ++i) demand.add_bytes(std::int64_t{1} << 40);
  ASSERT_GT(demand.ByteSizeLong(), static_cast<std::size_t>(kMostRequestBytes));
  v1::Taken taken;
  {
    grpc::ClientContext context;
    EXPECT_EQ(stub->ReportDemand(&context, demand, &taken).error_code(),
              grpc::StatusCode::RESOURCE_EXHAUSTED);
  }
  demand.mutable_bytes()->Resize(1'000, 0);
  grpc::ClientContext context;
  context.set_compression_algorithm(GRPC_COMPRESS_GZIP);
  EXPECT_EQ(stub->ReportDemand(&context, demand, &taken).error_code(),
            grpc::StatusCode::UNIMPLEMENTED);
}

TEST_F(RegionServiceTest, ABugReportHoldsEverythingButSecrets) {
  add_tenant();
  const std::string text = served_.client("operator")->bug_report(kLimit);
  EXPECT_THAT(text, AllOf(HasSubstr("mixnetd "), HasSubstr("kernel: Linux"),
                          HasSubstr("switch: scpi://127.0.0.1:5025"), HasSubstr("AddTenant 1"),
                          HasSubstr("\"slices\""), HasSubstr("ours-daemon.key")));
  EXPECT_THAT(text, Not(AnyOf(HasSubstr("BEGIN"), HasSubstr("PRIVATE"), HasSubstr("hunter2"))));
}

TEST_F(RegionServiceTest, ASlowReaderGetsTheLatest) {
  add_tenant();
  const auto stub = served_.stub("viewer");
  grpc::ClientContext context;
  v1::GetTopologyRequest request;
  request.set_tenant(1);
  const auto reader = stub->WatchTopology(&context, request);
  v1::Topology topology;
  ASSERT_TRUE(reader->Read(&topology));
  const auto trainer = served_.client("trainer-1");
  for (std::uint64_t sequence = 1; sequence <= 200; ++sequence) {
    trainer->report(ring_demand(1, sequence, 2), kLimit);
  }
  ASSERT_TRUE(served_.region().wait_settled());
  std::uint64_t epoch = topology.epoch();
  while (topology.served().sequence() < 200) {
    ASSERT_TRUE(reader->Read(&topology));
    EXPECT_GT(topology.epoch(), epoch);
    epoch = topology.epoch();
  }
  context.TryCancel();
}

TEST_F(RegionServiceTest, EndsAtOnceWithStreamsAndCallsOpen) {
  add_tenant();
  std::vector<std::thread> watchers;
  std::atomic<int> begun = 0;
  for (int i = 0; i < 8; ++i) {
    watchers.emplace_back([&] {
      refusal([&] {
        served_.client("viewer")->watch_topology(1, [&](const v1::Topology&) {
          ++begun;
          return true;
        });
      });
    });
  }
  while (begun < 8) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  const auto start = std::chrono::steady_clock::now();
  served_.stop_service();
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(1));
  for (std::thread& watcher : watchers) watcher.join();
}

TEST_F(RegionServiceTest, EndsAtOnceWhileTheLoopIsBusyAndMayAnswerLater) {
  add_tenant();
  const auto trainer = served_.client("trainer-1");
  trainer->region(kLimit);
  std::promise<void> stands, go;
  std::thread busy([&] {
    served_.loop().inspect([&](const RegionState&) {
      stands.set_value();
      go.get_future().wait();
    });
  });
  stands.get_future().wait();
  std::vector<std::thread> callers;
  std::atomic<int> refused = 0;
  for (std::uint64_t i = 1; i <= 6; ++i) {  // more than go into the loop's queue
    callers.emplace_back([&, i] {
      if (refusal([&] { trainer->report(ring_demand(1, i, 2), kLimit); }).first ==
          CallFault::kUnreachable) {
        ++refused;
      }
    });
  }
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  const auto start = std::chrono::steady_clock::now();
  served_.stop_service();
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(1));
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(refused, 6);
  go.set_value();
  busy.join();
  EXPECT_TRUE(served_.region().wait_settled());
}

TEST_F(RegionServiceTest, AJobOfTheSameNumberDoesNotHideTheEndOfTheOneBefore) {
  const auto boss = served_.client("operator");
  for (int round = 0; round < 10; ++round) {
    add_tenant();
    std::promise<void> begun;
    bool has_closed = false;
    std::thread watcher([&] {
      bool has_begun = false;
      refusal([&] {
        served_.client("viewer")->watch_topology(1, [&](const v1::Topology& topology) {
          if (!std::exchange(has_begun, true)) begun.set_value();
          has_closed = topology.closed();
          return true;
        });
      });
    });
    begun.get_future().wait();
    boss->remove({1}, kLimit);
    // As soon as it may come, there is one again.
    while (boss->add({1, {0, 1}}, kLimit).refused_size() > 0) {
    }
    watcher.join();
    EXPECT_TRUE(has_closed);
    boss->remove({1}, kLimit);
    ASSERT_TRUE(served_.region().wait_for(
        [](const RegionState& state) { return state.find(1) == nullptr; }));
  }
}

TEST_F(RegionServiceTest, ALoopThatHasStoppedIsSaidSo) {
  add_tenant();
  const auto boss = served_.client("operator");
  boss->region(kLimit);
  served_.region().stop();
  for (const auto& call : {std::function<void()>([&] { boss->status(kLimit); }),
                           {[&] { boss->audit(0, kLimit); }},
                           {[&] { boss->hold({true}, kLimit); }},
                           {[&] { boss->plan(ring_demand(1, 1, 2), kLimit); }},
                           {[&] { boss->topology(1, kLimit); }},
                           {[&] { boss->bug_report(kLimit); }}}) {
    EXPECT_EQ(refusal(call).first, CallFault::kUnreachable);
  }
}

TEST_F(RegionServiceTest, StreamsOfOnePeerAreCounted) {
  add_tenant();
  const auto stub = served_.stub("viewer");
  v1::GetTopologyRequest request;
  request.set_tenant(1);
  std::vector<std::unique_ptr<grpc::ClientContext>> contexts;
  std::vector<std::unique_ptr<grpc::ClientReader<v1::Topology>>> readers;
  v1::Topology topology;
  const auto watch = [&] {
    contexts.push_back(std::make_unique<grpc::ClientContext>());
    readers.push_back(stub->WatchTopology(contexts.back().get(), request));
    return readers.back()->Read(&topology);
  };
  for (int i = 0; i < 16; ++i) EXPECT_TRUE(watch());
  EXPECT_FALSE(watch());
  EXPECT_EQ(readers.back()->Finish().error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  contexts.front()->TryCancel();
  readers.front()->Finish();
  bool is_in = false;
  for (int i = 0; i < 100 && !is_in; ++i) {
    is_in = watch();
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  EXPECT_TRUE(is_in);
  for (const auto& context : contexts) context->TryCancel();
}

}  // namespace
}  // namespace mixnet
