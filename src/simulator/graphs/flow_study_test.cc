#include "graphs/flow_study.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "base/error.h"
#include "base/random.h"
#include "interop/connection_matrix.h"

namespace mixnet {
namespace {

using testing::HasSubstr;

constexpr Bandwidth kRate = Bandwidth::gbps(100);  // 80 ps a byte
constexpr Time kDelay = Time::microseconds(1);
constexpr std::int64_t kFull = 9000 - 64;  // payload of a packet

Time wire(std::int64_t packets) { return Bytes{9000} * packets / kRate; }

/// Nothing but ports limits a sender.
PacketOptions unlimited() {
  PacketOptions options;
  options.initial_window = options.largest_window = 4096;
  options.queue_limit = options.ecn_threshold = {1'000'000'000};
  return options;
}

FlowStudyRequest request_of(FabricKind fabric, FlowList list) {
  FlowStudyRequest request;
  request.network.fabric = fabric;
  request.network.hosts = (list.hosts + 7) / 8 * 8;
  request.traffic = std::move(list);
  request.input = "flows";
  return request;
}

FlowStudyRequest request_of(FabricKind fabric, int servers, Matrix<std::int64_t> matrix) {
  FlowStudyRequest request;
  request.network.fabric = fabric;
  request.network.hosts = servers * 8;
  request.traffic = std::move(matrix);
  request.input = "matrix";
  return request;
}

FlowReport run(FlowStudyRequest request) { return FlowStudy(std::move(request)).run(); }

Matrix<std::int64_t> all_to_all(std::size_t ranks, std::int64_t bytes) {
  return {ranks, ranks, bytes};
}

FlowList random_flows(int hosts, int flows, std::int64_t most, Time last_start) {
  FlowList list{hosts};
  Random random(7);
  while (static_cast<int>(list.flows.size()) < flows) {
    const auto from = static_cast<int>(random.below(hosts));
    const auto to = static_cast<int>(random.below(hosts));
    if (from / 8 == to / 8) continue;
    list.flows.push_back({.from = from,
                          .to = to,
                          .bytes = {1 + static_cast<std::int64_t>(random.below(most))},
                          .start = {static_cast<std::int64_t>(random.below(last_start.ps + 1))}});
  }
  return list;
}

TEST(FlowStudy, OneFlowTakesItsPacketsAndThePath) {
  // 100 full packets leave the NIC one after another; the last crosses the other links.
  const struct {
    FabricKind fabric;
    int to, links;
  } cases[] = {{FabricKind::kIdeal, 9, 2},         {FabricKind::kFatTree, 7, 2},
               {FabricKind::kFatTree, 9, 4},       {FabricKind::kFatTree, 127, 6},
               {FabricKind::kRailOptimized, 8, 2}, {FabricKind::kRailOptimized, 9, 4}};
  for (const auto& [fabric, to, links] : cases) {
    FlowStudyRequest request =
        request_of(fabric, {128, {{.from = 0, .to = to, .bytes = {100 * kFull}}}});
    request.packets = unlimited();
    const FlowReport report = run(request);
    EXPECT_EQ(report.makespan, wire(100 + links - 1) + kDelay * links) << to_string(fabric);
    ASSERT_TRUE(report.fct);
    EXPECT_EQ(report.fct->max, report.makespan);
    EXPECT_EQ(report.packets->data_packets, 100);

    request.fidelity = Fidelity::kFluid;
    EXPECT_EQ(run(request).makespan, Bytes{100 * kFull} / kRate + kDelay * links);
  }
}

TEST(FlowStudy, AFlowFromServerToServerTakesACircuit) {
  // One pair alone: all six optical NICs of both servers join them; a circuit is two fibres long.
  for (const FabricKind fabric : {FabricKind::kMixNet, FabricKind::kTopoOpt}) {
    FlowStudyRequest request =
        request_of(fabric, {16, {{.from = 3, .to = 11, .bytes = {100 * kFull}}}});
    request.packets = unlimited();
    const FlowReport report = run(request);
    if (fabric == FabricKind::kMixNet) {
      EXPECT_EQ(report.circuits, 6);
      EXPECT_EQ(report.makespan, wire(100) + kDelay * 2);
    } else {  // one link of eight circuits, behind a port as fast
      EXPECT_EQ(report.circuits, 8);
      EXPECT_EQ(report.makespan, Time{wire(101).ps / 8} + kDelay * 2);
    }
    EXPECT_EQ(report.flows.front().from, 3);  // as in the file
  }
}

TEST(FlowStudy, TwoIntoOneTakeTwiceAsLong) {
  FlowStudyRequest request =
      request_of(FabricKind::kIdeal, {3,
                                      {{.from = 0, .to = 2, .bytes = {100 * kFull}},
                                       {.from = 1, .to = 2, .bytes = {100 * kFull}}}});
  request.packets = unlimited();
  const FlowReport report = run(request);
  EXPECT_EQ(report.makespan, wire(1 + 200) + kDelay * 2);
  EXPECT_EQ(report.tiers.back().name, "nic-down");
  // 99 packets of each have come when the last pair leaves: 198 less 99 sent on.
  EXPECT_GE(report.tiers.back().deepest_queue, Bytes{9000 * 98});
  EXPECT_NEAR(report.tiers.back().max_utilisation,
              wire(200).to_seconds() / report.makespan.to_seconds(), 1e-3);
  request.fidelity = Fidelity::kFluid;
  EXPECT_EQ(run(request).makespan, Bytes{200 * kFull} / kRate + kDelay * 2);
}

TEST(FlowStudy, EveryFabricCarriesEveryFlow) {
  for (const FabricKind fabric : default_fabrics()) {
    for (const PathPolicy paths : {PathPolicy::kEcmp, PathPolicy::kSpray}) {
      for (const Transport transport : {Transport::kDctcp, Transport::kDcqcn}) {
        FlowStudyRequest request =
            request_of(fabric, random_flows(64, 300, 200'000, Time::microseconds(50)));
        request.network.paths = paths;
        request.packets.transport = transport;
        request.packets.queue_limit = {100'000};  // losses
        const FlowReport report = run(request);
        EXPECT_EQ(report.completed, 300) << to_string(fabric);
        const PacketTotals& totals = *report.packets;
        EXPECT_EQ(totals.sent_bytes,
                  totals.delivered_bytes + totals.dropped_bytes + totals.in_flight_bytes);
        std::int64_t least = 0;
        for (const FlowRecord& flow : report.flows) least += (flow.bytes.count + kFull - 1) / kFull;
        EXPECT_EQ(totals.data_packets, least + totals.retransmissions);
        for (const TierReport& tier : report.tiers) {
          EXPECT_LE(tier.mean_utilisation, tier.max_utilisation + 1e-12);
          EXPECT_LE(tier.max_utilisation, 1.001) << tier.name;
        }
        for (std::size_t f = 0; f < report.flows.size(); ++f) {
          const Time alone = report.flows[f].bytes / (kRate * 8);
          EXPECT_GT(report.completions[f], report.flows[f].start + alone);
        }
      }
    }
  }
}

TEST(FlowStudy, MatricesOfHostsAndOfServers) {
  // 2 servers of 8; ranks are servers: 8 flows a pair, on the rails, of 1000 bytes together.
  const FlowReport rails = run(request_of(FabricKind::kRailOptimized, 2, all_to_all(2, 1001)));
  ASSERT_EQ(rails.flows.size(), 16u);
  EXPECT_EQ(rails.bytes, Bytes{2002});
  for (int nic = 0; nic < 8; ++nic) {
    EXPECT_EQ(rails.flows[nic].from, nic);
    EXPECT_EQ(rails.flows[nic].to, 8 + nic);
    EXPECT_EQ(rails.flows[nic].bytes.count, nic == 0 ? 126 : 125);
  }
  // Ranks are hosts: a flow for each two of different servers.
  const FlowReport hosts = run(request_of(FabricKind::kFatTree, 2, all_to_all(16, 1000)));
  EXPECT_EQ(hosts.flows.size(), 128u);
  EXPECT_EQ(hosts.bytes, Bytes{128'000});
  // MixNet: summed to servers (64 pairs of hosts each way) and dealt to six circuits.
  for (const auto& matrix : {all_to_all(16, 1000), all_to_all(2, 64'000)}) {
    const FlowReport mixnet = run(request_of(FabricKind::kMixNet, 2, matrix));
    EXPECT_EQ(mixnet.circuits, 6);
    ASSERT_EQ(mixnet.flows.size(), 12u);
    EXPECT_EQ(mixnet.bytes, Bytes{128'000});
    for (int i = 0; i < 6; ++i) {
      EXPECT_EQ(mixnet.flows[i].from, i);
      EXPECT_EQ(mixnet.flows[i].to, 8 + i);
    }
  }
}

TEST(FlowStudy, WhatStaysInsideServersTakesNoNicOnAnyFabric) {
  for (const FabricKind fabric :
       {FabricKind::kFatTree, FabricKind::kOversubFatTree, FabricKind::kRailOptimized,
        FabricKind::kIdeal, FabricKind::kMixNet, FabricKind::kTopoOpt}) {
    const FlowReport report = run(request_of(fabric, 2, all_to_all(16, 1000)));
    EXPECT_EQ(report.bytes, Bytes{128'000}) << to_string(fabric);
    EXPECT_EQ(report.inside, Bytes{112'000}) << to_string(fabric);
    EXPECT_EQ(run(request_of(fabric, 2, all_to_all(2, 1000))).inside, Bytes{});
  }
}

TEST(FlowStudy, EveryFlowOfAPairIsHashedAnew) {
  // 64 flows from one NIC to another of the next pod, with room for all at either end.
  FlowList list{128};
  for (int i = 0; i < 64; ++i) list.flows.push_back({.from = 0, .to = 100, .bytes = {1000}});
  FlowStudyRequest request = request_of(FabricKind::kFatTree, list);
  request.fidelity = Fidelity::kFluid;
  const auto busiest = [&] {
    const FlowReport report = run(request);
    const auto tier = std::ranges::find(report.tiers, "core-up", &TierReport::name);
    return tier->max_utilisation;
  };
  const double first = busiest();
  EXPECT_LT(first, 0.2) << "of 64 paths";
  std::set<double> others;
  for (request.seed = 2; request.seed < 20; ++request.seed) others.insert(busiest());
  EXPECT_GT(others.size(), 1U);
}

TEST(FlowStudy, MixNetUsesCircuitsWhereThereAreAnyAndEpsElsewhere) {
  // 8 servers with equal demands and 6 circuits each: 24 circuits, every server lacks one pair.
  const FlowReport report = run(request_of(FabricKind::kMixNet, 8, all_to_all(8, 600'000)));
  EXPECT_EQ(report.circuits, 24);
  int by_eps = 0;
  std::set<int> optical;
  for (const FlowRecord& flow : report.flows) {
    EXPECT_EQ(flow.from % 8 >= 6, flow.to % 8 >= 6);
    if (flow.from % 8 >= 6) {
      EXPECT_EQ(flow.from % 8, flow.to % 8);
      EXPECT_EQ(flow.bytes, Bytes{300'000});
      ++by_eps;
    } else {
      EXPECT_EQ(flow.bytes, Bytes{600'000});
      EXPECT_TRUE(optical.insert(flow.from).second) << "a NIC has one circuit";
    }
  }
  EXPECT_EQ(by_eps, 4 * 2 * 2);
  EXPECT_EQ(optical.size(), 48u);
  EXPECT_EQ(report.tiers.back().name, "circuit");
  EXPECT_EQ(report.tiers.back().ports, 48);
}

TEST(FlowStudy, FlowsOfAPairTakeItsWaysInTurn) {
  FlowList list{16};
  for (int i = 0; i < 12; ++i) list.flows.push_back({.from = 0, .to = 8, .bytes = {100 * kFull}});
  FlowStudyRequest request = request_of(FabricKind::kMixNet, list);
  request.packets = unlimited();
  EXPECT_EQ(run(request).makespan, wire(200) + kDelay * 2);  // two a circuit

  request.network.optical_degree = 0;  // and eight EPS NICs
  const FlowReport eps = run(request);
  EXPECT_EQ(eps.circuits, 0);
  EXPECT_GE(eps.makespan, wire(200 + 3) + kDelay * 4);  // more where hashed paths meet
  EXPECT_EQ(eps.tiers.front().name, "nic-up");
  const double makespan = eps.makespan.to_seconds();
  EXPECT_NEAR(eps.tiers.front().max_utilisation * makespan, wire(200).to_seconds(), 1e-9);
  // Acknowledgements of 64 bytes come up from the other server: all but each flow's last.
  EXPECT_NEAR(eps.tiers.front().mean_utilisation * makespan,
              (wire(1200) + Bytes{64 * (1200 - 12)} / kRate).to_seconds() / 16, 1e-9);
}

TEST(FlowStudy, PacketsAgreeWithTheFluid) {
  // All-to-all, sprayed: every NIC is busy from begin to end.
  for (const FabricKind fabric :
       {FabricKind::kFatTree, FabricKind::kRailOptimized, FabricKind::kOversubFatTree,
        FabricKind::kMixNet, FabricKind::kTopoOpt, FabricKind::kIdeal}) {
    FlowStudyRequest request = request_of(fabric, 4, all_to_all(4, 40'000'000));
    request.network.paths = PathPolicy::kSpray;
    const FlowReport packets = run(request);
    request.fidelity = Fidelity::kFluid;
    const FlowReport fluid = run(request);
    EXPECT_FALSE(fluid.packets);
    // Headers and acknowledgements make 1.5 %; thin links and bursts cost packets more.
    const double ratio = packets.makespan.to_seconds() / fluid.makespan.to_seconds();
    EXPECT_GT(ratio, 1.005) << to_string(fabric);
    EXPECT_LT(ratio, fabric == FabricKind::kOversubFatTree ? 1.1 : 1.03) << to_string(fabric);
  }
}

TEST(FlowStudy, AutoSkipsWhatIsSteady) {
  FlowStudyRequest request = request_of(
      FabricKind::kIdeal,
      {4,
       {{.from = 0, .to = 1, .bytes = {50'000'000}}, {.from = 2, .to = 3, .bytes = {60'000'000}}}});
  const FlowReport all = run(request);
  EXPECT_EQ(all.skipped_share(), 0);
  request.fidelity = Fidelity::kAuto;
  const FlowReport skipped = run(request);
  EXPECT_GT(skipped.skipped_share(), 0.5);
  EXPECT_NEAR(skipped.makespan.to_seconds() / all.makespan.to_seconds(), 1, 0.02);
  EXPECT_EQ(skipped.packets->data_packets + skipped.packets->skipped_packets,
            all.packets->data_packets);
}

TEST(FlowStudy, TriggersStartFlowsWhenOthersEnd) {
  // Two flows, a barrier, two flows at once, and one behind each of these.
  const FlowList list = parse_connection_matrix(
      "Nodes 8\nConnections 6\nTriggers 3\n"
      "4->5 id 5 trigger 2 size 893600\n"
      "0->1 id 1 start 0 size 893600 recv_done_trigger 1\n"
      "2->3 id 2 start 5000000 size 893600 send_done_trigger 1\n"
      "0->1 id 3 trigger 1 size 893600 recv_done_trigger 2\n"
      "2->3 id 4 trigger 1 size 893600 recv_done_trigger 3\n"
      "6->7 id 6 trigger 3 size 893600\n"
      "trigger id 1 barrier count 2\ntrigger id 2 oneshot\ntrigger id 3 oneshot\n",
      "x.cm");
  FlowStudyRequest request = request_of(FabricKind::kIdeal, list);
  request.packets = unlimited();
  const Time one = wire(101) + kDelay * 2;
  const Time late = Time::microseconds(5);
  const FlowReport report = run(request);
  EXPECT_EQ(report.completed, 6);
  EXPECT_THAT(report.completions,
              testing::ElementsAre(one * 3 + late, one, one + late, one * 2 + late, one * 2 + late,
                                   one * 3 + late));
  EXPECT_EQ(report.flows[0].start, one * 2 + late);
  EXPECT_EQ(report.fct->max, one);  // from the start that the trigger gave
  EXPECT_EQ(report.fct->p50, one);

  request.until = one + late;  // the barrier's flows have started then, and no other
  const FlowReport part = run(request);
  EXPECT_EQ(part.completed, 2);
  EXPECT_EQ(part.makespan, one + late);
  EXPECT_EQ(part.flows[3].start, one + late);
  EXPECT_EQ(part.flows[5].start, FlowReport::kNever);
  EXPECT_THAT(to_fct_csv(part), HasSubstr("\n6,7,893600,,\n"));
  EXPECT_THAT(to_fct_csv(part), HasSubstr("\n0,1,893600,0,74.72\n"));

  request.until.reset();
  request.fidelity = Fidelity::kFluid;
  const FlowReport fluid = run(request);
  const Time alone = fluid.completions[1];
  EXPECT_LT(alone, one);  // without headers
  EXPECT_THAT(fluid.completions,
              testing::ElementsAre(alone * 3 + late, alone, alone + late, alone * 2 + late,
                                   alone * 2 + late, alone * 3 + late));
  EXPECT_EQ(fluid.flows[0].start, alone * 2 + late);
}

TEST(FlowStudy, MessagesOfAConnectionFollowOneAnother) {
  const FlowList list = parse_connection_matrix(
      "Nodes 8\nConnections 4\nTriggers 1\ntrigger id 1 multishot\n"
      "0->1 id 1 msg 1 start 0 size 893600 recv_done_trigger 1\n"
      "0->1 id 1 msg 2 start 1000000 size 893600\n"
      "0->1 id 1 msg 3 start 900000000 size 893600\n"
      "4->5 trigger 1 size 893600\n",
      "x.cm");
  FlowStudyRequest request = request_of(FabricKind::kIdeal, list);
  request.packets = unlimited();
  const Time late = Time::microseconds(900);
  for (const Fidelity fidelity : {Fidelity::kPacket, Fidelity::kFluid}) {
    request.fidelity = fidelity;
    const FlowReport report = run(request);
    const Time one = report.completions[0];
    EXPECT_THAT(report.completions, testing::ElementsAre(one, one * 2, late + one, one * 2));
    EXPECT_EQ(report.flows[1].start, Time::microseconds(1));  // when it was due
  }
}

TEST(FlowStudy, StopsWhenTold) {
  FlowStudyRequest request =
      request_of(FabricKind::kFatTree, random_flows(64, 200, 500'000, Time::milliseconds(1)));
  const FlowReport whole = run(request);
  for (const Time until : {Time{1}, Time::microseconds(300), Time::milliseconds(2)}) {
    request.until = until;
    const FlowReport part = run(request);
    for (std::size_t f = 0; f < whole.flows.size(); ++f) {
      EXPECT_EQ(part.completions[f],
                whole.completions[f] <= until ? whole.completions[f] : FlowReport::kNever);
    }
    EXPECT_EQ(part.makespan, std::min(until, whole.makespan));
    EXPECT_EQ(part.fct.has_value(), part.completed > 0);
  }
}

TEST(FlowStudy, ManyStartsAreHandedOverInParts) {
  // 150,000 flows of a packet, one each 10 us at one of eight NICs: no two meet, wherever the parts
  // end.
  FlowList list{16};
  for (int i = 149'999; i >= 0; --i) {
    list.flows.push_back(
        {.from = i % 8, .to = 8 + i % 8, .bytes = {kFull}, .start = Time::microseconds(10) * i});
  }
  FlowStudyRequest request = request_of(FabricKind::kIdeal, list);
  const FlowReport report = run(request);
  EXPECT_EQ(report.completed, 150'000);
  EXPECT_EQ(report.fct->max, wire(2) + kDelay * 2);
  EXPECT_EQ(report.fct->p50, report.fct->max);
  EXPECT_EQ(report.makespan, Time::microseconds(10) * 149'999 + report.fct->max);
}

TEST(FlowStudy, SameRequestSameJson) {
  for (const FabricKind fabric : default_fabrics()) {
    const FlowStudyRequest request =
        request_of(fabric, random_flows(64, 200, 300'000, Time::microseconds(20)));
    const FlowReport first = run(request);
    const FlowReport second = run(request);
    EXPECT_EQ(to_json(first), to_json(second));
    EXPECT_EQ(to_fct_csv(first), to_fct_csv(second));
  }
}

TEST(FlowStudy, JsonHasTheSchema) {
  FlowReport report = run(request_of(FabricKind::kMixNet, 8, all_to_all(8, 100'000)));
  report.wall_seconds = 0.5;
  const auto json = nlohmann::json::parse(to_json(report));
  EXPECT_EQ(json["schema"], "mixnet.flows/1");
  EXPECT_EQ(json["degree"], 6);
  EXPECT_EQ(json["circuits"], 24);
  EXPECT_EQ(json["flows"], report.flows.size());
  EXPECT_EQ(json["packet_hops_per_second"], static_cast<double>(report.packets->packet_hops) / 0.5);
  EXPECT_GE(json["fct_us"]["max"], json["fct_us"]["p99"]);
  EXPECT_GE(json["fct_us"]["p99"], json["fct_us"]["p50"]);
  EXPECT_THAT(to_json(report), testing::EndsWith("}\n"));
}

TEST(FlowStudy, PercentilesAreOfTheNearestRank) {
  std::vector<Time> fcts;
  for (int i = 200; i > 0; --i) fcts.push_back(Time::microseconds(i));
  const FctStats stats = fct_stats(fcts);
  EXPECT_EQ(stats.max, Time::microseconds(200));
  EXPECT_EQ(stats.p50, Time::microseconds(100));
  EXPECT_EQ(stats.p99, Time::microseconds(198));
  EXPECT_DOUBLE_EQ(stats.mean_ps, 100.5e6);
  EXPECT_EQ(fct_stats({kDelay}).p50, kDelay);
  EXPECT_EQ(fct_stats({kDelay}).p99, kDelay);
}

TEST(FlowStudy, SizesComeFromTheFlows) {
  FlowStudyRequest request =
      request_of(FabricKind::kFatTree, FlowList{11, {{.from = 0, .to = 10, .bytes = {1}}}});
  request.network.hosts = 0;
  EXPECT_EQ(run(request).network.hosts, 16);
  request.network.nics_per_server = 3;
  EXPECT_EQ(run(request).network.hosts, 12);
  request.network.hosts = 11;  // a tree need not be whole servers
  EXPECT_EQ(run(request).completed, 1);
}

TEST(FlowStudy, SaysWhatDoesNotFit) {
  const auto refused = [](FlowStudyRequest request, const char* said) {
    try {
      FlowStudy study(std::move(request));
      ADD_FAILURE() << "was accepted; expected: " << said;
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), HasSubstr(said));
    }
  };
  const FlowList list{16, {{.from = 0, .to = 9, .bytes = {1000}}}};
  FlowStudyRequest request = request_of(FabricKind::kFatTree, list);
  request.network.hosts = 9;
  refused(request, "flows: is for 16 hosts, and the network has 9; give --hosts 16 or more");
  refused(request_of(FabricKind::kNvl72, list), "--fabric: 'nvl72' is more than its NICs");
  request = request_of(FabricKind::kRailOptimized, list);
  request.network.hosts = 17;
  refused(request, "--hosts: 17 hosts are no whole servers of 8 NICs, which rail-optimized needs");
  refused(request_of(FabricKind::kFatTree, 2, all_to_all(3, 1)),
          "matrix: is for 3 ranks, and the network has 16 hosts in 2 servers");
  refused(request_of(FabricKind::kTopoOpt, FlowList{16, {{.from = 0, .to = 1, .bytes = {1}}}}),
          "hosts 0 and 1 are in one server");
  request = request_of(FabricKind::kMixNet, FlowList{16, {{.from = 0, .to = 1, .bytes = {1}}}});
  EXPECT_EQ(run(request).completed, 1);  // over two EPS NICs
  request.network.optical_degree = 7;
  refused(request, "hosts 0 and 1 are in one server, which has one EPS NIC");
  request.network.optical_degree = 8;
  refused(request, "--degree: 8 of a server's 8 NICs cannot be optical");
  request = request_of(FabricKind::kFatTree,
                       FlowList{16, {{.from = 3, .to = 9, .bytes = kMaxFlowBytes}}});
  refused(request, "the flow of 9007 TB from 3 to 9 is over 2^31 packets");
  request.fidelity = Fidelity::kFluid;
  EXPECT_EQ(run(request).completed, 1);
  request.until = Time::seconds(1);
  refused(request, "--until");
  request = request_of(FabricKind::kFatTree, list);
  request.network.bandwidth = {0};
  refused(request, "--bandwidth: 0 b/s is out of range");
  request.network.bandwidth = kRate;
  request.network.latency = Time::seconds(1);
  request.packets.time_out = Time::milliseconds(1);
  refused(request, "--time-out: 1 ms is no more than a round trip of 8 s");
  request.network.latency = Time::seconds(2);
  refused(request, "--latency");
}

}  // namespace
}  // namespace mixnet
