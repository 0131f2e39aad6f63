// The ends of what the packet network takes: routes of any length, ports of any rate, flows of any
// size, limits. All against closed forms, or against the same run done otherwise.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "base/error.h"
#include "network/packet_network.h"
#include "network/packet_test_networks.h"

namespace mixnet {
namespace {

constexpr std::int64_t kFullTime = std::int64_t{9'000} * 80;  // ps of a full packet at kTestRate
constexpr std::int64_t kDelay = kTestDelay.ps;

// ---- Routes of any length.

TEST(PacketRange, routes_may_have_any_number_of_hops) {
  PacketOptions options;
  options.initial_window = 4096;
  for (const int hops : {1, 2, 126, 127, 128, 129, 200, 254, 255, 256, 257, 258, 300, 511, 1'000}) {
    for (const std::int64_t n : {1, 2, 300}) {
      const Line line(hops);
      PacketNetwork network(line.ports, options);
      network.add_flow(line.add_paths(network), full_packets(options, n));
      EXPECT_EQ(network.run().ps, (n + hops - 1) * kFullTime + hops * kDelay) << hops << ' ' << n;
      network.drain();
      EXPECT_EQ(network.totals().packet_hops, 2 * n * hops - hops);  // none answers the last packet
      EXPECT_EQ(network.port_totals(static_cast<std::uint32_t>(hops - 1)).bytes, n * 9'000);
    }
  }
}

TEST(PacketRange, long_routes_are_sprayed_and_answered_by_routes_of_other_lengths) {
  // Two ways there of 257 hops, one way back of 130; no port is shared.
  const int hops = 257, back_hops = 130;
  std::vector<PortSpec> ports(2 * hops + back_hops, {kTestRate, kTestDelay});
  std::vector<std::uint32_t> all(ports.size());
  std::iota(all.begin(), all.end(), 0U);
  all[hops] = 0;  // both leave by the same NIC
  PacketOptions options;
  options.initial_window = 4096;
  PacketNetwork network(ports, options);
  const std::span<const std::uint32_t> both(all);
  const auto paths = network.add_paths(both.first(2 * hops), hops, both.last(back_hops), back_hops);
  network.add_flow(paths, full_packets(options, 200));
  EXPECT_EQ(network.run().ps, (200 + hops - 1) * kFullTime + hops * kDelay);
  EXPECT_EQ(network.port_totals(1).bytes, 100 * 9'000);
  EXPECT_EQ(network.port_totals(hops + 1).bytes, 100 * 9'000);
  EXPECT_EQ(network.port_totals(2 * hops).bytes, 199 * 64);
}

TEST(PacketRange, windows_and_time_outs_suit_the_length_of_the_route) {
  // 300 hops: a round trip of 1.04 ms at 100 Gb/s, 1,140 packets.
  const Line line(300);
  const PacketOptions options;
  PacketNetwork network(line.ports, options);
  const std::int64_t packets = 40'000;
  network.add_flow(line.add_paths(network), full_packets(options, packets));
  const double ideal = static_cast<double>((packets + 299) * kFullTime + 300 * kDelay);
  // Slow start from 10 packets takes seven round trips.
  EXPECT_LT(static_cast<double>(network.run().ps), ideal + 7 * 1.04e9);
  EXPECT_EQ(network.totals().time_outs, 0);
  EXPECT_EQ(network.totals().retransmissions, 0);
}

TEST(PacketRange, a_longer_route_that_comes_later_changes_nothing_for_flows_under_way) {
  // Eight flows lose packets in a shallow queue when the route comes; none fills its window.
  const int far_hops = 400;
  std::vector<Time> ends[2];
  for (const bool late : {false, true}) {
    const Star star(9);
    std::vector<PortSpec> ports = star.ports;
    ports.insert(ports.end(), 2 * far_hops, {kTestRate, kTestDelay});
    PacketOptions options;
    options.queue_limit = {200'000};
    options.ecn_threshold = {100'000};
    options.initial_window = 30;
    PacketNetwork network(ports, options);
    std::vector<std::uint32_t> far(2 * far_hops);
    std::iota(far.begin(), far.end(), static_cast<std::uint32_t>(star.ports.size()));
    const std::span<const std::uint32_t> ways(far);
    const auto add_far = [&] {
      return network.add_paths(ways.first(far_hops), far_hops, ways.last(far_hops), far_hops);
    };
    if (!late) add_far();
    network.on_completion([&](std::uint64_t, Time at) { ends[late ? 1 : 0].push_back(at); });
    for (int s = 1; s <= 8; ++s) star.add_flow(network, s, 0, {3'000'000});
    network.run_until(Time::microseconds(40));
    ASSERT_GT(network.totals().drops, 10);
    ASSERT_EQ(network.running_flows(), 8U);
    if (late) add_far();
    network.run();
    EXPECT_GT(network.totals().retransmissions, 10);
  }
  EXPECT_EQ(ends[0].size(), 8U);
  EXPECT_EQ(ends[0], ends[1]);
}

TEST(PacketRange, longer_routes_than_can_be_kept_are_refused) {
  const Line line(1);
  PacketNetwork network(line.ports, {});
  const std::vector<std::uint32_t> there(65'536, 0);
  const std::uint32_t back[] = {1};
  EXPECT_THROW(network.add_paths(there, 65'536, back, 1), Error);
}

// ---- Ports of any rate.

const std::int64_t kRates[] = {1'000'000,       10'000'000,      100'000'000,
                               225'000'000,     1'000'000'000,   10'000'000'000,
                               100'000'000'000, 800'000'000'000, 10'000'000'000'000};

TEST(PacketRange, a_flow_alone_takes_its_bytes_at_every_rate) {
  for (const Transport transport : {Transport::kDctcp, Transport::kDcqcn}) {
    for (const std::int64_t rate : kRates) {
      for (const int mtu : {1'500, 9'000, 65'535}) {
        PacketOptions options;
        options.transport = transport;
        options.mtu = mtu;
        const Star star(2, {Bandwidth{rate}, kTestDelay});
        PacketNetwork network(star.ports, options);
        star.add_flow(network, 0, 1, {10'000'000});
        const double packet = 8e12 * mtu / static_cast<double>(rate);
        const double ideal = 8e12 * static_cast<double>(wire_bytes_of(options, 10'000'000)) /
                                 static_cast<double>(rate) +
                             packet + 2 * 1e6;
        // Rate-controlled flows start at the NIC's speed; windows of 10 packets double until the
        // round trip is full, at most ten times.
        const double slow = transport == Transport::kDctcp ? 10 * (2 * packet + 4.2e6) : 0;
        const double took = static_cast<double>(network.run().ps);
        EXPECT_GT(took, ideal * (1 - 1e-3) - packet) << rate << ' ' << mtu;
        EXPECT_LT(took, ideal * (1 + 1e-6) + (rate > 10'000'000'000 ? slow : 0) + packet)
            << rate << ' ' << mtu;
        EXPECT_EQ(network.totals().drops, 0);
        EXPECT_EQ(network.totals().time_outs, 0);
      }
    }
  }
}

TEST(PacketRange, an_incast_fills_the_port_at_every_rate) {
  for (const Transport transport : {Transport::kDctcp, Transport::kDcqcn}) {
    for (const std::int64_t rate : kRates) {
      const Star star(4, {Bandwidth{rate}, kTestDelay});
      PacketOptions options;
      options.transport = transport;
      PacketNetwork network(star.ports, options);
      Completions done;
      done.watch(network);
      const std::int64_t packets = 3'000;
      for (int s = 1; s <= 3; ++s) star.add_flow(network, s, 0, full_packets(options, packets));
      const double ideal =
          3 * static_cast<double>(packets) * 9'000 * 8e12 / static_cast<double>(rate);
      const double took = static_cast<double>(network.run().ps);
      if (transport == Transport::kDctcp) {
        EXPECT_LT(took, ideal * (rate > 1'000'000'000'000 ? 1.5 : 1.01) + 1e7) << rate;
      }
      EXPECT_EQ(network.totals().drops, 0) << rate;
      EXPECT_GT(took, ideal);
      EXPECT_EQ(network.totals().time_outs, 0) << rate;
    }
  }
}

TEST(PacketRange, automatic_queues_hold_64_packets_of_a_slow_port) {
  for (const std::int64_t rate : {1'000'000LL, 100'000'000LL, 5'000'000'000LL}) {
    for (const int burst : {65, 66}) {  // one of them is on the wire when the next comes
      // The first port is a hundred times as fast, so the burst is there at once.
      const Line line({{Bandwidth{100 * rate}, kTestDelay}, {Bandwidth{rate}, kTestDelay}});
      PacketOptions options;
      options.initial_window = burst;
      options.largest_window = 128;
      PacketNetwork network(line.ports, options);
      network.add_flow(line.add_paths(network), full_packets(options, burst));
      network.run();
      EXPECT_EQ(network.totals().drops, burst - 64) << rate;
      EXPECT_NEAR(static_cast<double>(network.totals().ecn_marks), 64 - 8, 2) << rate;
    }
  }
}

// ---- Limits.

TEST(PacketRange, flows_of_more_packets_than_can_be_counted_are_refused) {
  const Line line(1);
  const PacketOptions options;
  PacketNetwork network(line.ports, options);
  const auto paths = line.add_paths(network);
  network.add_flow(paths, full_packets(options, kMostFlowPackets));
  EXPECT_THROW(network.add_flow(paths, full_packets(options, kMostFlowPackets) + Bytes{1}), Error);
  EXPECT_THROW(network.add_flow(paths, full_packets(options, std::int64_t{1} << 33)), Error);
  EXPECT_EQ(network.running_flows(), 1U);
}

TEST(PacketRange, a_limit_of_hops_ends_the_run_with_and_without_jumps) {
  for (const bool skip : {false, true}) {
    const Star star(9);
    PacketNetwork network(star.ports, {});
    network.set_skip(skip);
    network.set_hop_limit(10'000);
    for (int s = 1; s <= 8; ++s) star.add_flow(network, s, 0, full_packets({}, 100'000));
    EXPECT_EQ(network.run(), Time::max()) << skip;
    EXPECT_GT(network.totals().packet_hops, 10'000);
    EXPECT_LT(network.totals().packet_hops, 12'000) << skip;
    network.reset();
    network.set_hop_limit(0);
    star.add_flow(network, 1, 0, full_packets({}, 10'000));
    EXPECT_LT(network.run(), Time::max());
  }
}

}  // namespace
}  // namespace mixnet
