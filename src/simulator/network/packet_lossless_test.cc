// DCQCN over switches that pause: what it makes of a port against its own fluid model, and that
// pauses lose nothing and end.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "base/random.h"
#include "fabric/packet_fabric.h"
#include "network/packet_incast.h"
#include "network/packet_network.h"
#include "network/packet_test_networks.h"

namespace mixnet {
namespace {

constexpr std::int64_t kFullTime = std::int64_t{9'000} * 80;  // ps of a full packet at kTestRate

PacketOptions dcqcn_options() {
  PacketOptions options;
  options.transport = Transport::kDcqcn;
  return options;
}

// All numbers of senders, as a table: network_bench --benchmark_filter=incast.
TEST(PacketLossless, dcqcn_fills_and_shares_a_port) {
  for (const int gbps : {100, 400}) {
    for (const int senders : {2, 4, 8, 16, 32}) {
      const Bandwidth rate = Bandwidth::gbps(gbps);
      const Incast incast = run_incast(senders, rate, {100'000'000}, dcqcn_options());
      EXPECT_GT(incast.utilisation, 0.95) << senders << " at " << gbps;
      EXPECT_GT(incast.jain, 0.95) << senders << " at " << gbps;
      EXPECT_EQ(incast.totals.drops, 0);
    }
  }
}

TEST(PacketLossless, dcqcn_has_the_queue_of_its_fluid_model) {
  const std::pair<int, int> cases[] = {{2, 100}, {4, 100}, {16, 100}, {32, 100}, {8, 400}};
  for (const auto& [senders, gbps] : cases) {
    const Bandwidth rate = Bandwidth::gbps(gbps);
    const PacketOptions options = dcqcn_options();
    // 100 ms: until alpha, at first 1, has settled, whose time constant is 256 x 55 us.
    const double bytes = std::max(100e6, rate.bytes_per_second() * 0.1 / senders);
    const Incast incast = run_incast(senders, rate, {std::llround(bytes)}, options);
    const DcqcnFixedPoint expected(senders, rate, options);
    ASSERT_LT(expected.probability, 0.8 * options.ecn_surest);
    EXPECT_NEAR(incast.mean_queue / expected.queue, 1, 0.15) << senders << " at " << gbps;
  }
}

TEST(PacketLossless, incasts_of_short_flows_end_soon) {
  for (const int senders : {2, 4, 6, 8, 16, 32, 64}) {
    const Incast incast = run_incast(senders, kTestRate, {2'000'000}, dcqcn_options(), false);
    EXPECT_LT(incast.slowdown, 2) << senders;
    EXPECT_EQ(incast.totals.drops, 0);
    EXPECT_EQ(incast.totals.retransmissions, 0);
  }
}

TEST(PacketLossless, a_paused_link_stays_busy_and_its_switch_within_its_room) {
  // Nobody hears of marks: pauses alone hold three senders to a third each.
  const Star star(4);
  PacketOptions options = dcqcn_options();
  options.ecn_threshold = {1'000'000'000};
  options.queue_limit = {45'000};
  PacketNetwork network(star.ports, options);
  Completions done;
  done.watch(network);
  const std::int64_t packets = 2'000;
  for (int s = 1; s <= 3; ++s) {
    star.add_flow(network, s, 0, full_packets(options, packets), Time::zero(), s);
  }
  const Time end = network.run();
  EXPECT_GE(end.ps, 3 * packets * kFullTime);
  EXPECT_LT(end.ps, 3 * packets * kFullTime + 20 * kFullTime);
  for (const auto& [tag, at] : done.at) EXPECT_GT(at.ps, 3 * packets * kFullTime * 98 / 100);
  EXPECT_EQ(network.totals().drops, 0);
  EXPECT_GT(network.totals().pauses, 100);
  // 45 kB of each, a round trip of the link (25 kB), and three packets.
  EXPECT_LE(network.port_totals(star.down(0)).deepest_queue.count, 3 * (45'000 + 25'000 + 27'000));
}

TEST(PacketLossless, without_pauses_the_same_loses_packets) {
  const Star star(4);
  PacketOptions options = dcqcn_options();
  options.pfc = false;
  options.queue_limit = {45'000};
  PacketNetwork network(star.ports, options);
  for (int s = 1; s <= 3; ++s) star.add_flow(network, s, 0, full_packets(options, 2'000));
  network.run();
  EXPECT_GT(network.totals().drops, 0);
  EXPECT_EQ(network.totals().pauses, 0);
}

/// Everybody to everybody over a fat-tree of three tiers, with hardly room for a packet.
TEST(PacketLossless, trees_with_tiny_buffers_neither_lose_nor_stand_still) {
  const int hosts = 128;
  const PacketFabric fabric(FabricKind::kFatTree, hosts / 8, 8, 1, PathPolicy::kEcmp);
  std::vector<PortSpec> ports;
  for (const double rate : fabric.link_rates()) {
    ports.push_back({{std::llround(rate * 100e9)}, kTestDelay});
  }
  for (const bool spray : {false, true}) {
    PacketOptions options = dcqcn_options();
    options.queue_limit = {18'000};
    options.ecn_threshold = {1'000'000'000};  // nobody slows down
    PacketNetwork network(ports, options);
    Completions done;
    done.watch(network);
    std::vector<std::uint32_t> there;
    std::vector<std::uint32_t> back;
    Random random(3);
    std::uint64_t flows = 0;
    for (int from = 0; from < hosts; ++from) {
      for (int i = 0; i < 12; ++i) {
        const int to = (from + 1 + random.below(hosts - 1)) % hosts;
        const int hops = fabric.hops(from, to);
        there.clear();
        back.clear();
        const int paths = spray ? std::min(16, fabric.path_choices(from, to)) : 1;
        for (int p = 0; p < paths; ++p) {
          fabric.append_path(from, to, spray ? p : derive_seed(1, from, to), there);
          fabric.append_path(to, from, spray ? p : derive_seed(2, from, to), back);
        }
        network.add_flow(network.add_paths(there, hops, back, hops), {300'000}, Time::zero(),
                         flows++);
      }
    }
    EXPECT_LT(network.run(), Time::milliseconds(50));
    EXPECT_EQ(done.at.size(), flows);
    EXPECT_EQ(network.totals().drops, 0);
    EXPECT_EQ(network.totals().time_outs, 0);
    EXPECT_GT(network.totals().pauses, 1'000);
    network.drain();
    EXPECT_EQ(network.totals().in_flight_bytes, 0);
  }
}

TEST(PacketLossless, headroom_suffices_at_every_rate_and_length) {
  for (const std::int64_t rate : {10'000'000LL, 10'000'000'000LL, 400'000'000'000LL}) {
    for (const std::int64_t delay_ns : {0, 600, 20'000}) {
      for (const int mtu : {1'500, 9'000}) {
        LeafSpine net(3, 3, 2, {Bandwidth{rate}, Time::nanoseconds(delay_ns)});
        PacketOptions options = dcqcn_options();
        options.mtu = mtu;
        options.queue_limit = {2 * mtu};
        PacketNetwork network(net.ports, options);
        for (int from = 1; from < net.hosts(); ++from) {
          network.add_flow(net.add_paths(network, from, 0), {600'000});
          network.add_flow(net.add_paths(network, 0, from), {200'000});
        }
        EXPECT_LT(network.run(), Time::max());
        network.drain();
        EXPECT_EQ(network.totals().drops, 0) << rate << ' ' << delay_ns << ' ' << mtu;
        EXPECT_EQ(network.totals().retransmissions, 0);
        EXPECT_EQ(network.totals().in_flight_bytes, 0);
      }
    }
  }
}

}  // namespace
}  // namespace mixnet
