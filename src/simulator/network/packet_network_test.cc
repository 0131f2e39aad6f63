// The packet network against closed forms: transmission and delay to the picosecond, incast, fair
// shares, the queue of DCTCP, lost packets. Random cases are in packet_accounting_test.cc.
#include "network/packet_network.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "base/error.h"
#include "base/random.h"
#include "fabric/packet_fabric.h"
#include "network/packet_test_networks.h"

namespace mixnet {
namespace {

constexpr std::int64_t kFullTime = std::int64_t{9'000} * 80;  // ps of a full packet at kTestRate
constexpr std::int64_t kDelay = kTestDelay.ps;

/// One flow alone over a line.
Time alone(const Line& line, const PacketOptions& options, Bytes payload) {
  PacketNetwork network(line.ports, options);
  network.add_flow(line.add_paths(network), payload);
  return network.run();
}

void expect_accounts(const PacketNetwork& network) {
  const PacketTotals t = network.totals();
  EXPECT_EQ(t.sent_bytes, t.delivered_bytes + t.dropped_bytes + t.in_flight_bytes);
}

double ratio(Time time, double ps) { return static_cast<double>(time.ps) / ps; }

// ---- One flow.

TEST(PacketNetwork, one_packet_takes_transmission_and_delay_at_every_hop) {
  for (const std::int64_t payload : {1, 100, 8'936}) {
    for (int hops = 1; hops <= 6; ++hops) {
      EXPECT_EQ(alone(Line(hops), {}, {payload}).ps, hops * ((payload + 64) * 80 + kDelay));
    }
  }
  const Line mixed({{Bandwidth::gbps(100), Time::nanoseconds(500)},
                    {Bandwidth::gbps(400), Time::microseconds(2)},
                    {Bandwidth::gbps(10), Time::zero()}});
  EXPECT_EQ(alone(mixed, {}, {8'936}).ps, 9'000 * (80 + 20 + 800) + 2'500'000);
}

TEST(PacketNetwork, packets_follow_each_other_through_the_hops) {
  const PacketOptions options = unlimited_options();
  for (int hops = 1; hops <= 6; ++hops) {
    for (const std::int64_t n : {1, 2, 7, 100, 1'000}) {
      EXPECT_EQ(alone(Line(hops), options, full_packets(options, n)).ps,
                n * kFullTime + (hops - 1) * kFullTime + hops * kDelay);
      // A last packet of one byte trails behind, but is never alone at a port but the last.
      const std::int64_t last = std::int64_t{65} * 80;
      EXPECT_EQ(alone(Line(hops), options, full_packets(options, n) + Bytes{1}).ps,
                n * kFullTime + (hops - 1) * kFullTime + last + hops * kDelay);
    }
  }
}

TEST(PacketNetwork, the_slowest_hop_paces) {
  const PacketOptions options = unlimited_options();
  const Line line({{Bandwidth::gbps(100), kTestDelay},
                   {Bandwidth::gbps(25), kTestDelay},
                   {Bandwidth::gbps(50), kTestDelay}});
  EXPECT_EQ(alone(line, options, full_packets(options, 200)).ps,
            800 * kFullTime + kFullTime + 2 * kFullTime + 3 * kDelay);
}

TEST(PacketNetwork, headers_and_the_mtu_decide_what_is_on_the_wire) {
  for (const int mtu : {256, 1'500, 9'000, 65'535}) {
    for (const int header : {0, 64, 100}) {
      for (const std::int64_t payload : {1, 155, 156, 157, 100'000, 1'000'000}) {
        PacketOptions options = unlimited_options();
        options.mtu = mtu;
        options.header = header;
        const Line line(1);
        PacketNetwork network(line.ports, options);
        network.add_flow(line.add_paths(network), {payload});
        const std::int64_t wire = wire_bytes_of(options, payload);
        // Windows wait for acknowledgements when there are thousands of packets.
        if (packets_of(options, payload) < 4'096) {
          EXPECT_EQ(network.run().ps, wire * 80 + kDelay);
        } else {
          network.run();
        }
        network.drain();
        EXPECT_EQ(network.totals().delivered_bytes, wire);
        EXPECT_EQ(network.totals().data_packets, packets_of(options, payload));
        EXPECT_EQ(network.port_totals(0).bytes, wire);
      }
    }
  }
}

TEST(PacketNetwork, a_window_allows_so_many_packets_a_round_trip) {
  for (const bool free_acks : {false, true}) {
    for (const int window : {1, 2, 4}) {
      for (const int hops : {2, 5}) {
        PacketOptions options = unlimited_options(window);
        options.largest_window = window;
        options.free_acks = free_acks;
        const std::int64_t there = hops * (kFullTime + kDelay);
        const std::int64_t round_trip = there + hops * ((free_acks ? 0 : 64 * 80) + kDelay);
        ASSERT_LT(window * kFullTime, round_trip);
        for (const std::int64_t n : {1, 2, 9, 50}) {
          EXPECT_EQ(alone(Line(hops), options, full_packets(options, n)).ps,
                    (n - 1) / window * round_trip + (n - 1) % window * kFullTime + there);
        }
      }
    }
  }
}

TEST(PacketNetwork, slow_start_doubles_the_window_every_round_trip) {
  PacketOptions options = unlimited_options(1);
  options.free_acks = true;
  const Line line(1, {Bandwidth::gbps(100), Time::milliseconds(0) + Time::microseconds(400)});
  options.time_out = Time::milliseconds(10);
  // 1 + 2 + 4 + .. + 128 = 255 packets in eight round trips; the last packet of the last window.
  const std::int64_t round_trip = kFullTime + 800'000'000;
  EXPECT_EQ(alone(line, options, full_packets(options, 255)).ps,
            7 * round_trip + 128 * kFullTime + 400'000'000);
}

TEST(PacketNetwork, a_flow_starts_when_it_is_said_to) {
  const Line line(2);
  PacketNetwork network(line.ports, {});
  Completions done;
  done.watch(network);
  const auto paths = line.add_paths(network);
  network.add_flow(paths, {8'936}, Time::microseconds(50), 7);
  network.add_flow(paths, {8'936}, Time::microseconds(10), 8);
  EXPECT_EQ(network.running_flows(), 2U);
  EXPECT_EQ(network.run(), Time::microseconds(50) + Time{2 * (kFullTime + kDelay)});
  EXPECT_EQ(done.at[8], Time::microseconds(10) + Time{2 * (kFullTime + kDelay)});
  EXPECT_EQ(done.at[7], network.now());
  EXPECT_EQ(network.running_flows(), 0U);
}

TEST(PacketNetwork, a_flow_that_the_callback_adds_starts_at_that_moment) {
  const Star star(4);
  PacketNetwork network(star.ports, unlimited_options());
  const auto first = star.add_paths(network, 0, 1);
  const auto other = star.add_paths(network, 2, 3);
  std::vector<Time> ends;
  // A long flow elsewhere, and timers, must not delay the chain.
  network.add_flow(other, full_packets({}, 1'000), Time::zero(), 100);
  network.add_flow(first, {8'936}, Time::zero(), 1);
  network.on_completion([&](std::uint64_t tag, Time at) {
    if (tag == 100) return;
    ends.push_back(at);
    if (tag < 20) network.add_flow(first, {8'936}, at, tag + 1);
  });
  network.run();
  ASSERT_EQ(ends.size(), 20U);
  for (std::size_t i = 0; i < ends.size(); ++i) {
    EXPECT_EQ(ends[i].ps, static_cast<std::int64_t>(i + 1) * 2 * (kFullTime + kDelay));
  }
}

TEST(PacketNetwork, run_until_stops_at_the_time_and_goes_on) {
  const PacketOptions options = unlimited_options();
  const Line line(3);
  PacketNetwork network(line.ports, options);
  network.add_flow(line.add_paths(network), full_packets(options, 100));
  const Time end = {102 * kFullTime + 3 * kDelay};
  EXPECT_FALSE(network.run_until(Time::microseconds(20)));
  EXPECT_EQ(network.now(), Time::microseconds(20));
  EXPECT_FALSE(network.run_until(Time::microseconds(5)));  // the past
  EXPECT_EQ(network.now(), Time::microseconds(20));
  EXPECT_FALSE(network.run_until(end - Time{1}));
  EXPECT_EQ(network.running_flows(), 1U);
  EXPECT_TRUE(network.run_until(end));
  EXPECT_EQ(network.now(), end);
  EXPECT_EQ(network.run(), end);
}

TEST(PacketNetwork, a_flow_of_an_idle_time_later_starts_at_once) {
  const Line line(2);
  PacketNetwork network(line.ports, {});
  const auto paths = line.add_paths(network);
  Time expected = Time::zero();
  for (int i = 0; i < 5; ++i) {
    const Time start = network.now();
    EXPECT_EQ(start, expected);
    network.add_flow(paths, {8'936}, start);
    expected = network.run();
    EXPECT_EQ(expected - start, Time{2 * (kFullTime + kDelay)});
  }
}

// ---- Several flows.

TEST(PacketNetwork, incast_drains_at_the_rate_of_the_last_port_in_equal_shares) {
  for (const int senders : {2, 4, 8, 16, 32}) {
    const Star star(senders + 1);
    PacketOptions options;
    options.queue_limit = {1'000'000'000};
    PacketNetwork network(star.ports, options);
    Completions done;
    done.watch(network);
    const std::int64_t packets = 3'000;
    for (int s = 1; s <= senders; ++s) {
      star.add_flow(network, s, 0, full_packets(options, packets), Time::zero(), s);
    }
    const double ideal =
        static_cast<double>(senders * packets * kFullTime + kFullTime + 2 * kDelay);
    EXPECT_NEAR(ratio(network.run(), ideal), 1, 0.002) << senders;
    EXPECT_GE(ratio(network.now(), ideal), 1) << senders;
    for (const auto& [tag, at] : done.at) EXPECT_GT(ratio(at, ideal), 0.8) << senders << ' ' << tag;
    EXPECT_EQ(network.totals().retransmissions, 0);
  }
}

TEST(PacketNetwork, flows_of_one_nic_are_served_in_turn) {
  const Star star(5);
  const PacketOptions options = unlimited_options();
  PacketNetwork network(star.ports, options);
  Completions done;
  done.watch(network);
  for (int to = 1; to <= 4; ++to) {
    star.add_flow(network, 0, to, full_packets(options, 50), Time::zero(), to);
  }
  network.run();
  // The last packet of flow i leaves as number 4 * 49 + i.
  for (int to = 1; to <= 4; ++to) {
    EXPECT_EQ(done.at[to].ps, (4 * 49 + to) * kFullTime + kFullTime + 2 * kDelay);
  }
}

TEST(PacketNetwork, shares_are_max_min_fair) {
  // Port down 3 gives three flows a third each; host 2's other flow gets the other two thirds of
  // its NIC. Bytes in these proportions: all should end together.
  const Star star(5);
  PacketNetwork network(star.ports, {});
  Completions done;
  done.watch(network);
  const std::int64_t packets = 20'000;
  for (const int from : {0, 1, 2}) {
    star.add_flow(network, from, 3, full_packets({}, packets), Time::zero(), from);
  }
  star.add_flow(network, 2, 4, full_packets({}, 2 * packets), Time::zero(), 3);
  network.run();
  const auto ideal = static_cast<double>(3 * packets * kFullTime);
  for (const auto& [tag, at] : done.at) EXPECT_NEAR(ratio(at, ideal), 1, 0.03) << tag;
}

TEST(PacketNetwork, acknowledgements_take_their_room) {
  // Two flows against each other: every NIC sends data and the other's acknowledgements.
  const Star star(2);
  for (const bool free_acks : {false, true}) {
    PacketOptions options = unlimited_options();
    options.free_acks = free_acks;
    options.ack_bytes = 900;
    PacketNetwork network(star.ports, options);
    star.add_flow(network, 0, 1, full_packets(options, 1'000));
    star.add_flow(network, 1, 0, full_packets(options, 1'000));
    const auto ideal = static_cast<double>(1'000 * kFullTime);
    EXPECT_NEAR(ratio(network.run(), ideal), free_acks ? 1 : 1.1, 0.01);
  }
}

// ---- DCTCP against Alizadeh et al., SIGCOMM 2010, section 3.3.

struct Queue {
  double least = 1e18, most = 0, sum = 0;
  int samples = 0;
  double share = 0;  ///< of the bottleneck's rate, after start-up
};

/// Long flows of `senders` over one port, whose queue single small packets measure from
/// `from` on. 10 Gb/s, packets of 1,500 bytes, 50 us each way: 83 packets in a round trip.
constexpr Time kLongDelay = Time::microseconds(25);
constexpr std::int64_t kSmallTime = std::int64_t{1'500} * 800;

PacketOptions theory_options(std::int64_t threshold_packets) {
  PacketOptions options;
  options.mtu = 1'500;
  options.queue_limit = {100'000'000};
  options.ecn_threshold = {threshold_packets * 1'500};
  options.largest_window = 4'096;
  options.free_acks = true;
  return options;
}

Queue observe_queue(int senders, PacketOptions options, Time from, Time until) {
  Star star(senders + 2, {Bandwidth::gbps(10), kLongDelay});
  // NICs are faster, or a single sender would wait in its own host.
  for (int host = 0; host < star.hosts; ++host)
    star.ports[star.up(host)].rate = Bandwidth::gbps(40);
  PacketNetwork network(star.ports, options);
  Queue queue;
  const std::int64_t base = 65'000 + 2 * kLongDelay.ps;
  network.on_completion([&](std::uint64_t tag, Time at) {
    if (tag == 0) return;
    const double packets =
        static_cast<double>(at.ps - static_cast<std::int64_t>(tag) - base) / kSmallTime;
    queue.least = std::min(queue.least, packets);
    queue.most = std::max(queue.most, packets);
    queue.sum += packets;
    ++queue.samples;
  });
  for (int s = 1; s <= senders; ++s) {
    star.add_flow(network, s, 0, {10'000'000'000}, Time::microseconds(37) * s);
  }
  const auto probe = star.add_paths(network, senders + 1, 0);
  for (Time t = from; t < until; t += Time::nanoseconds(6'317)) {
    network.add_flow(probe, {1}, t, static_cast<std::uint64_t>(t.ps));
  }
  network.run_until(from);
  const std::int64_t before = network.port_totals(star.down(0)).bytes;
  network.run_until(until);
  const std::int64_t bytes = network.port_totals(star.down(0)).bytes - before;
  queue.share = static_cast<double>(bytes) * 800 / static_cast<double>((until - from).ps);
  return queue;
}

constexpr Time kSettled = Time::milliseconds(40);
constexpr Time kObserved = Time::milliseconds(80);
constexpr double kRoundTripPackets = 4 * 25'000.0 * 1'000 / kSmallTime;  // C * RTT, 83.3

TEST(PacketNetwork, the_queue_of_dctcp_is_the_sawtooth_of_theory) {
  for (const int senders : {1, 2, 4}) {
    const std::int64_t threshold = 40;
    const Queue queue = observe_queue(senders, theory_options(threshold), kSettled, kObserved);
    const double amplitude = 0.5 * std::sqrt(2 * senders * (kRoundTripPackets + threshold));
    // Q_max = K + N; Q_min = Q_max - A. Probes see whole packets, and flows are not quite in step:
    // one packet a flow and a quarter of the amplitude are allowed either way.
    const double allowed = senders + amplitude / 4;
    EXPECT_NEAR(queue.most, threshold + senders, allowed) << senders;
    EXPECT_NEAR(queue.least, threshold + senders - amplitude, allowed) << senders;
    EXPECT_GT(queue.samples, 6'000);
  }
}

TEST(PacketNetwork, dctcp_fills_the_link_above_the_bound_for_the_threshold_and_not_far_below) {
  // Equation 13: K > C * RTT / 7, here 11.9 packets.
  const Queue above = observe_queue(1, theory_options(14), kSettled, kObserved);
  EXPECT_GT(above.share, 0.9999);
  EXPECT_GT(above.least, 1);
  const Queue below = observe_queue(1, theory_options(1), kSettled, kObserved);
  EXPECT_LT(below.share, 0.995);
  EXPECT_GT(below.share, 0.90);
}

// ---- DCQCN.

PacketOptions dcqcn_options() {
  PacketOptions options;
  options.transport = Transport::kDcqcn;
  return options;
}

TEST(PacketNetwork, dcqcn_alone_sends_at_the_rate_of_its_nic) {
  PacketOptions options = dcqcn_options();
  const Line line(3);
  EXPECT_EQ(alone(line, options, full_packets(options, 50)).ps, 52 * kFullTime + 3 * kDelay);
}

TEST(PacketNetwork, dcqcn_flows_share_fairly_and_fill_the_port) {
  for (const int senders : {2, 4, 8}) {
    const Star star(senders + 1);
    PacketOptions options = dcqcn_options();
    options.queue_limit = {100'000'000};  // nothing pauses senders, and all start at full rate
    PacketNetwork network(star.ports, options);
    Completions done;
    done.watch(network);
    const std::int64_t packets = 160'000 / senders;  // 115 ms
    for (int s = 1; s <= senders; ++s) {
      star.add_flow(network, s, 0, full_packets(options, packets), Time::zero(), s);
    }
    const double ideal = static_cast<double>(senders * packets * kFullTime);
    const auto busy_until = [&](double part) {
      network.run_until(Time{static_cast<std::int64_t>(ideal * part)});
      return static_cast<double>(network.port_totals(star.down(0)).bytes) * 80;
    };
    const double start = busy_until(0.4);
    const double later = busy_until(0.8);
    EXPECT_GT(start, 0.85 * 0.4 * ideal) << senders;
    EXPECT_GT(later - start, 0.97 * 0.4 * ideal) << senders;
    EXPECT_LT(ratio(network.run(), ideal), 1.08) << senders;
    for (const auto& [tag, at] : done.at)
      EXPECT_GT(ratio(at, ideal), 0.85) << senders << ' ' << tag;
    EXPECT_EQ(network.totals().drops, 0);
    EXPECT_GT(network.totals().ecn_marks, 0);
    // All start at the full rate: notifications come once the queue has been waited through, and
    // halve the rates every 50 us.
    const std::int64_t halvings = senders == 2 ? 1 : senders == 4 ? 2 : 3;
    EXPECT_LT(network.port_totals(star.down(0)).deepest_queue.count,
              senders * (halvings + 1) * 50'000'000 / 80);
  }
}

TEST(PacketNetwork, dcqcn_keeps_the_queue_about_the_marking_region) {
  PacketOptions options = dcqcn_options();
  options.free_acks = true;
  const Star star(6);
  PacketNetwork network(star.ports, options);
  double sum = 0;
  double most = 0;
  int samples = 0;
  network.on_completion([&](std::uint64_t tag, Time at) {
    if (tag == 0) return;
    const auto waited =
        static_cast<double>(at.ps - static_cast<std::int64_t>(tag) - 2 * (5'200 + kDelay)) /
        80;  // bytes
    sum += waited;
    most = std::max(most, waited);
    ++samples;
  });
  for (int s = 1; s <= 4; ++s) star.add_flow(network, s, 0, {10'000'000'000});
  for (Time t = Time::milliseconds(60); t < Time::milliseconds(120); t += Time::microseconds(13)) {
    network.add_flow(star.add_paths(network, 5, 0), {1}, t, static_cast<std::uint64_t>(t.ps));
  }
  network.run_until(Time::milliseconds(120));
  EXPECT_GT(samples, 4'000);
  EXPECT_LT(sum / samples, 500'000);  // the ceiling, 4 * 125 kB
  EXPECT_LT(most, 2'000'000);
}

// ---- Losses.

TEST(PacketNetwork, three_later_acknowledgements_find_a_lost_packet) {
  // Host 0 sends at twice the rate of host 2's port and fills its room for two packets at the
  // moment when host 1's first packet comes; those after it get through.
  Star star(3);
  star.ports[star.up(0)].rate = Bandwidth::gbps(200);
  PacketOptions options;
  options.queue_limit = {18'000};
  for (const int packets : {3, 4}) {
    PacketNetwork network(star.ports, options);
    Completions done;
    done.watch(network);
    star.add_flow(network, 0, 2, full_packets(options, 3), Time::zero(), 1);
    star.add_flow(network, 1, 2, full_packets(options, packets), Time{kFullTime * 3 / 4}, 2);
    network.run();
    network.drain();
    EXPECT_EQ(network.totals().drops, 1);
    EXPECT_EQ(network.totals().retransmissions, 1);
    EXPECT_EQ(network.totals().time_outs, packets == 4 ? 0 : 1);
    const bool by_time_out = done.at[2] > Time::milliseconds(1);
    EXPECT_EQ(by_time_out, packets == 3);
    expect_accounts(network);
  }
}

TEST(PacketNetwork, losses_in_a_window_cost_no_time_out) {
  // A burst of ten at twice the second port's rate loses every other packet of its second half.
  const Line line({{Bandwidth::gbps(100), kTestDelay}, {Bandwidth::gbps(50), kTestDelay}});
  PacketOptions options;
  options.queue_limit = {18'000};
  PacketNetwork network(line.ports, options);
  network.add_flow(line.add_paths(network), full_packets(options, 300));
  const Time end = network.run();
  network.drain();
  EXPECT_GT(network.totals().drops, 3);
  EXPECT_EQ(network.totals().retransmissions, network.totals().drops);
  EXPECT_EQ(network.totals().time_outs, 0);
  EXPECT_LT(ratio(end, 300.0 * 2 * kFullTime), 1.5);
}

TEST(PacketNetwork, shallow_queues_lose_packets_and_deliver_all) {
  for (const Transport transport : {Transport::kDctcp, Transport::kDcqcn}) {
    for (const int senders : {2, 8, 16}) {
      const Star star(senders + 1);
      PacketOptions options;
      options.transport = transport;
      options.pfc = false;
      options.queue_limit = {45'000};
      options.ecn_threshold = {18'000};
      PacketNetwork network(star.ports, options);
      Completions done;
      done.watch(network);
      const std::int64_t packets = 2'000;
      for (int s = 1; s <= senders; ++s) {
        star.add_flow(network, s, 0, full_packets(options, packets), Time::zero(), s);
      }
      const Time end = network.run();
      network.drain();
      EXPECT_EQ(done.calls, senders);
      const PacketTotals t = network.totals();
      EXPECT_GT(t.drops, 0);
      // One path: nothing overtakes, so nothing is sent again that was not lost.
      EXPECT_EQ(t.retransmissions, t.drops);
      EXPECT_EQ(t.delivered_bytes, senders * packets * 9'000);
      EXPECT_EQ(t.in_flight_bytes, 0);
      expect_accounts(network);
      // With a window of one packet each, 16 flows overfill port and links (12.6 packets):
      // time-outs.
      const bool overfull = transport == Transport::kDctcp && senders == 16;
      EXPECT_LT(ratio(end, static_cast<double>(senders * packets * kFullTime)),
                overfull ? 3.5 : 1.7)
          << senders << ' ' << t.time_outs;
    }
  }
}

TEST(PacketNetwork, sprayed_flows_survive_shallow_queues) {
  const LeafSpine net(4, 4, 4);
  PacketOptions options;
  options.queue_limit = {72'000};
  PacketNetwork network(net.ports, options);
  Completions done;
  done.watch(network);
  const std::int64_t packets = 2'000;
  for (int host = 0; host < net.hosts(); ++host) {
    network.add_flow(net.add_paths(network, host, (host + 4) % net.hosts()),
                     full_packets(options, packets), Time::zero(), host);
    network.add_flow(net.add_paths(network, host, (host + 9) % net.hosts()),
                     full_packets(options, packets), Time::zero(), 100 + host);
  }
  const Time end = network.run();
  network.drain();
  EXPECT_EQ(done.calls, 32U);
  EXPECT_GE(network.totals().retransmissions * 9'000, network.totals().dropped_bytes);
  expect_accounts(network);
  EXPECT_LT(ratio(end, static_cast<double>(2 * packets * kFullTime)), 1.3);
}

// ---- Flows that cannot end.

TEST(PacketNetwork, a_dead_port_ends_the_run_for_its_flows_and_not_for_others) {
  for (const Transport transport : {Transport::kDctcp, Transport::kDcqcn}) {
    Star star(4);
    // NIC, port to the receiver, the receiver's NIC and the port that acknowledgements come by.
    for (const std::uint32_t port : {star.up(0), star.down(1), star.up(1), star.down(0)}) {
      star = Star(4);
      star.ports[port].rate = Bandwidth{0};
      PacketOptions options;
      options.transport = transport;
      PacketNetwork network(star.ports, options);
      Completions done;
      done.watch(network);
      star.add_flow(network, 0, 1, full_packets(options, 20'000), Time::zero(), 1);
      star.add_flow(network, 2, 3, full_packets(options, 1'000), Time::zero(), 2);
      EXPECT_EQ(network.run(), Time::max()) << port;
      EXPECT_EQ(done.at.count(1), 0U);
      EXPECT_EQ(done.at.count(2), 1U);
      expect_accounts(network);
      EXPECT_EQ(network.run(), Time::max());  // says so again
    }
  }
}

// ---- Larger networks.

TEST(PacketNetwork, all_to_all_neither_collapses_nor_times_out) {
  const int hosts = 64;
  const PacketFabric fabric(FabricKind::kFatTree, hosts / 8, 8, 1, PathPolicy::kEcmp);
  std::vector<PortSpec> ports;
  for (const double rate : fabric.link_rates()) {
    ports.push_back({{std::llround(rate * 100e9)}, kTestDelay});
  }
  const PacketOptions options;
  const double ideal = 63.0 * 1'000'000 * 80;  // ps, 5,040 us
  const std::int64_t packets = packets_of(options, 1'000'000);
  for (const bool spray : {true, false}) {
    PacketNetwork network(ports, options);
    Completions done;
    done.watch(network);
    std::vector<std::uint32_t> there;
    std::vector<std::uint32_t> back;
    std::vector<std::int64_t> bytes(ports.size());  // on the wire, hashed
    for (int step = 1; step < hosts; ++step) {
      for (int from = 0; from < hosts; ++from) {
        const int to = (from + step) % hosts;
        const int hops = fabric.hops(from, to);
        there.clear();
        back.clear();
        const int paths = spray ? std::min(16, fabric.path_choices(from, to)) : 1;
        for (int p = 0; p < paths; ++p) {
          fabric.append_path(from, to, spray ? p : derive_seed(1, from, to), there);
          fabric.append_path(to, from, spray ? p : derive_seed(2, from, to), back);
        }
        for (const std::uint32_t port : there) bytes[port] += wire_bytes_of(options, 1'000'000);
        for (const std::uint32_t port : back) bytes[port] += packets * options.ack_bytes;
        network.add_flow(network.add_paths(there, hops, back, hops), {1'000'000}, Time::zero(),
                         static_cast<std::uint64_t>(from) * hosts + to);
      }
    }
    const Time end = network.run();
    EXPECT_EQ(done.at.size(), 64U * 63U);
    EXPECT_EQ(network.totals().time_outs, 0);
    EXPECT_LT(ratio(end, ideal), spray ? 1.10 : 1.5);
    const double busiest = 80 * static_cast<double>(std::ranges::max(bytes));
    EXPECT_LT(spray ? 1 : ratio(end, busiest), 1.03);
    EXPECT_GT(ratio(end, ideal), 1.0);
  }
}

// ---- Options and reuse.

TEST(PacketNetwork, reset_forgets_all_but_the_ports) {
  const Star star(9);
  for (const Transport transport : {Transport::kDctcp, Transport::kDcqcn}) {
    PacketOptions options;
    options.transport = transport;
    options.queue_limit = {90'000};
    PacketNetwork network(star.ports, options);
    const auto run = [&] {
      for (int s = 1; s <= 8; ++s) star.add_flow(network, s, 0, {3'000'000}, Time::zero(), s);
      const Time end = network.run();
      network.drain();
      return std::pair(end, network.totals().events);
    };
    const auto first = run();
    network.reset();
    EXPECT_EQ(network.now(), Time::zero());
    EXPECT_EQ(network.totals().data_packets, 0);
    EXPECT_EQ(network.port_totals(star.down(0)).bytes, 0);
    EXPECT_EQ(run(), first);
    // Also from the middle of a run, with a flow still to start.
    network.reset();
    star.add_flow(network, 1, 0, {30'000'000});
    star.add_flow(network, 2, 0, {30'000'000}, Time::milliseconds(1));
    network.run_until(Time::microseconds(120));
    network.reset();
    EXPECT_EQ(run(), first);
  }
}

TEST(PacketNetwork, options_out_of_range_are_refused_by_name) {
  const auto refused = [](auto change) {
    PacketOptions options;
    change(options);
    try {
      check_packet_options(options);
    } catch (const Error& error) {
      return std::string(error.what());
    }
    return std::string("accepted");
  };
  EXPECT_EQ(refused([](PacketOptions&) {}), "accepted");
  const auto has = [](const std::string& text, const char* flag) {
    return text.find(flag) != std::string::npos;
  };
  EXPECT_TRUE(has(refused([](PacketOptions& o) { o.mtu = 255; }), "--mtu"));
  EXPECT_TRUE(has(refused([](PacketOptions& o) { o.mtu = 65'536; }), "--mtu"));
  EXPECT_TRUE(has(refused([](PacketOptions& o) { o.header = -1; }), "--header"));
  EXPECT_TRUE(has(refused([](PacketOptions& o) { o.header = 4'501; }), "--header"));
  EXPECT_TRUE(has(refused([](PacketOptions& o) { o.queue_limit = {17'999}; }), "--queue"));
  EXPECT_TRUE(has(refused([](PacketOptions& o) { o.ack_bytes = 0; }), "--ack-bytes"));
  EXPECT_TRUE(has(refused([](PacketOptions& o) { o.initial_window = 0; }), "--initial-window"));
  EXPECT_TRUE(has(refused([](PacketOptions& o) { o.time_out = Time{1}; }), "--time-out"));
}

TEST(PacketNetwork, ACallbackStopsTheRun) {
  const Line line({{kTestRate, kTestDelay}});
  PacketNetwork whole(line.ports, unlimited_options());
  PacketNetwork parted(line.ports, unlimited_options());
  Completions whole_ends;
  whole_ends.watch(whole);
  std::vector<Time> ends;
  parted.on_completion([&](std::uint64_t, Time at) {
    ends.push_back(at);
    parted.stop();
  });
  for (PacketNetwork* network : {&whole, &parted}) {
    const std::uint32_t there[] = {0};
    const std::uint32_t back[] = {1};
    const auto paths = network->add_paths(there, 1, back, 1);
    for (std::uint64_t flow = 0; flow < 3; ++flow) {
      network->add_flow(paths,
                        full_packets(unlimited_options(), 10 + 5 * static_cast<std::int64_t>(flow)),
                        Time::zero(), flow);
    }
  }
  whole.run();
  EXPECT_FALSE(parted.run_until(Time::max()));
  EXPECT_EQ(parted.now(), whole_ends.at[0]);
  EXPECT_EQ(parted.running_flows(), 2U);
  EXPECT_FALSE(parted.run_until(Time::max()));
  EXPECT_TRUE(parted.run_until(Time::max()));
  EXPECT_EQ(ends, (std::vector{whole_ends.at[0], whole_ends.at[1], whole_ends.at[2]}));
  EXPECT_EQ(parted.totals().events, whole.totals().events);
}

// ---- The ends of the range.

TEST(PacketNetwork, a_queue_may_hold_months_of_a_slow_port) {
  PacketOptions options = unlimited_options();
  options.queue_limit = options.ecn_threshold = {1'000'000'000'000};  // 463 days at 200 kb/s
  const Line line(2, {Bandwidth{200'000}, kTestDelay});
  EXPECT_EQ(alone(line, options, {8'936}).ps, 2 * (9'000 * std::int64_t{40'000'000} + kDelay));
}

TEST(PacketNetwork, a_port_without_speed_never_sends) {
  EXPECT_EQ(alone(Line(2, {Bandwidth{0}, kTestDelay}), {}, {8'936}), Time::max());
}

TEST(PacketNetwork, what_takes_over_53_days_never_ends) {
  // 1,000 packets of 72 seconds over a port each: 20 hours; a million would take over two years.
  const Line line(1, {Bandwidth{1'000}, kTestDelay});
  PacketOptions options = unlimited_options();
  options.time_out = Time::seconds(10'000);
  EXPECT_EQ(alone(line, options, full_packets(options, 1'000)), Time::seconds(72'000) + kTestDelay);
  EXPECT_EQ(alone(line, options, full_packets(options, 100'000)), Time::max());
  PacketNetwork network(line.ports, options);
  network.add_flow(line.add_paths(network), full_packets(options, 100'000));
  EXPECT_FALSE(network.run_until(Time::seconds(9'000'000)));
  EXPECT_GE(network.now(), Time::zero());
  EXPECT_LE(network.now(), Time::seconds(9'000'000));
}

}  // namespace
}  // namespace mixnet
