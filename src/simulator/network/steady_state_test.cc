// Jumps over the steady state against the same runs without them.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <utility>

#include "base/random.h"
#include "network/packet_network.h"
#include "network/packet_test_networks.h"

namespace mixnet {
namespace {

struct Outcome {
  std::map<std::uint64_t, Time> at;
  Time end;
  PacketTotals totals;
  std::int64_t first_port_bytes = 0;
};

using Fill = std::function<void(PacketNetwork&)>;

Outcome run(const std::vector<PortSpec>& ports, const PacketOptions& options, bool skip,
            const Fill& fill) {
  PacketNetwork network(ports, options);
  network.set_skip(skip);
  Completions done;
  done.watch(network);
  fill(network);
  Outcome outcome;
  outcome.end = network.run();
  outcome.at = done.at;
  outcome.totals = network.totals();
  outcome.first_port_bytes = network.port_totals(0).bytes;
  return outcome;
}

/// The largest relative difference of completions, and the share of packets that were skipped.
struct Comparison {
  double error = 0, skipped = 0;
};

Comparison compare(const std::vector<PortSpec>& ports, const PacketOptions& options,
                   std::int64_t packets, const Fill& fill) {
  const Outcome plain = run(ports, options, false, fill);
  const Outcome jumped = run(ports, options, true, fill);
  EXPECT_EQ(plain.totals.skipped_packets, 0);
  EXPECT_EQ(plain.at.size(), jumped.at.size());
  Comparison result;
  for (const auto& [tag, at] : plain.at) {
    const auto a = static_cast<double>(at.ps);
    const auto b = static_cast<double>(jumped.at.at(tag).ps);
    result.error = std::max(result.error, std::abs(b - a) / a);
  }
  // Every packet was either sent or skipped.
  const PacketTotals& t = jumped.totals;
  EXPECT_EQ(t.data_packets - t.retransmissions + t.skipped_packets, packets);
  EXPECT_EQ(t.skipped_time == Time::zero(), t.skipped_packets == 0);
  result.skipped = static_cast<double>(t.skipped_packets) / static_cast<double>(packets);
  return result;
}

TEST(SteadyState, a_long_flow_is_nearly_all_skipped) {
  const PacketOptions options;
  for (const Transport transport : {Transport::kDctcp, Transport::kDcqcn}) {
    PacketOptions with = options;
    with.transport = transport;
    const Star star(2);
    const std::int64_t packets = 200'000;
    const Fill fill = [&](PacketNetwork& network) {
      star.add_flow(network, 0, 1, full_packets(with, packets));
    };
    const Comparison c = compare(star.ports, with, packets, fill);
    EXPECT_LT(c.error, 1e-4);
    EXPECT_GT(c.skipped, 0.99);
    const Outcome jumped = run(star.ports, with, true, fill);
    EXPECT_EQ(jumped.first_port_bytes, packets * 9'000);
    EXPECT_LT(jumped.totals.events, 50'000);
  }
}

TEST(SteadyState, a_ring_is_nearly_all_skipped) {
  const Star star(16);
  const PacketOptions options;
  const std::int64_t packets = 20'000;
  const Comparison c = compare(star.ports, options, 16 * packets, [&](PacketNetwork& network) {
    for (int h = 0; h < 16; ++h) {
      star.add_flow(network, h, (h + 1) % 16, full_packets(options, packets), Time::zero(), h);
    }
  });
  EXPECT_LT(c.error, 1e-3);
  EXPECT_GT(c.skipped, 0.9);
}

TEST(SteadyState, a_sprayed_permutation_is_skipped) {
  const LeafSpine net(4, 4, 4);
  const PacketOptions options;
  const std::int64_t packets = 20'000;
  const Comparison c = compare(net.ports, options, 16 * packets, [&](PacketNetwork& network) {
    for (int h = 0; h < 16; ++h) {
      network.add_flow(net.add_paths(network, h, (h + 5) % 16), full_packets(options, packets),
                       Time::zero(), h);
    }
  });
  EXPECT_LT(c.error, 1e-2);
  EXPECT_GT(c.skipped, 0.9);
}

TEST(SteadyState, an_incast_ends_when_it_would) {
  for (const Transport transport : {Transport::kDctcp, Transport::kDcqcn}) {
    const Star star(9);
    PacketOptions options;
    options.transport = transport;
    options.queue_limit = {100'000'000};
    const std::int64_t packets = 20'000;
    const auto last = [&](bool skip) {
      return run(star.ports, options, skip, [&](PacketNetwork& network) {
        for (int s = 1; s <= 8; ++s) {
          star.add_flow(network, s, 0, full_packets(options, packets), Time::zero(), s);
        }
      });
    };
    const Outcome plain = last(false);
    const Outcome jumped = last(true);
    EXPECT_NEAR(jumped.end.to_seconds() / plain.end.to_seconds(), 1, 0.01);
    const PacketTotals& t = jumped.totals;
    EXPECT_EQ(t.data_packets - t.retransmissions + t.skipped_packets, 8 * packets);
  }
}

// ---- Changes.

TEST(SteadyState, the_end_of_a_flow_gives_its_share_to_the_other) {
  // The shorter flow may end at any moment of the checks, so many lengths are tried.
  const Star star(3);
  PacketOptions options;
  const std::int64_t packets = 20'000;
  double skipped = 0;
  for (int i = 0; i < 40; ++i) {
    const std::int64_t shorter = 3'000 + 7 * i;
    const Comparison c =
        compare(star.ports, options, packets + shorter, [&](PacketNetwork& network) {
          star.add_flow(network, 1, 0, full_packets(options, packets), Time::zero(), 1);
          star.add_flow(network, 2, 0, full_packets(options, shorter), Time::zero(), 2);
        });
    EXPECT_LT(c.error, 0.03) << shorter;  // the shorter one's share is its luck
    skipped += c.skipped / 40;
    const Outcome jumped = run(star.ports, options, true, [&](PacketNetwork& network) {
      star.add_flow(network, 1, 0, full_packets(options, packets), Time::zero(), 1);
      star.add_flow(network, 2, 0, full_packets(options, shorter), Time::zero(), 2);
    });
    const double ideal = static_cast<double>(packets + shorter) * 720'000;
    EXPECT_NEAR(static_cast<double>(jumped.end.ps) / ideal, 1, 0.005) << shorter;
  }
  EXPECT_GT(skipped, 0.5);
}

TEST(SteadyState, a_start_is_not_jumped_over) {
  const Star star(4);
  const PacketOptions options;
  const std::int64_t packets = 50'000;  // 36 ms alone
  const Comparison c = compare(star.ports, options, packets + 1'000, [&](PacketNetwork& network) {
    star.add_flow(network, 1, 0, full_packets(options, packets), Time::zero(), 1);
    // Elsewhere, so its time is exact.
    star.add_flow(network, 2, 3, full_packets(options, 1'000), Time::milliseconds(20), 2);
  });
  EXPECT_LT(c.error, 1e-4);
  EXPECT_GT(c.skipped, 0.9);
  const Outcome jumped = run(star.ports, options, true, [&](PacketNetwork& network) {
    star.add_flow(network, 1, 0, full_packets(options, packets), Time::zero(), 1);
    star.add_flow(network, 2, 3, {8'936}, Time::milliseconds(20), 2);
  });
  EXPECT_EQ(jumped.at.at(2), Time::milliseconds(20) + Time{2 * (720'000 + kTestDelay.ps)});
}

TEST(SteadyState, run_until_stops_in_time_and_goes_on) {
  const Star star(2);
  const PacketOptions options;
  const std::int64_t packets = 50'000;
  const Fill fill = [&](PacketNetwork& network) {
    star.add_flow(network, 0, 1, full_packets(options, packets));
  };
  const Time whole = run(star.ports, options, true, fill).end;
  PacketNetwork network(star.ports, options);
  network.set_skip(true);
  fill(network);
  for (int ms = 3; ms < 36; ms += 3) {
    EXPECT_FALSE(network.run_until(Time::milliseconds(ms)));
    EXPECT_EQ(network.now(), Time::milliseconds(ms));
    // What has been sent or skipped by now is the time's worth.
    const double sent = static_cast<double>(network.port_totals(0).bytes) * 80;
    EXPECT_NEAR(sent / Time::milliseconds(ms).to_seconds() * 1e-12, 1, 0.02);
  }
  EXPECT_NEAR(network.run().to_seconds() / whole.to_seconds(), 1, 1e-3);
}

TEST(SteadyState, random_flows_end_when_they_would) {
  // Sizes and starts at random over one switch: the whole ends within 2 %.
  double skipped = 0;
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    const Star star(8);
    PacketOptions options;
    std::int64_t packets = 0;
    const auto fill = [&](PacketNetwork& network) {
      Random random(derive_seed(3, seed));
      packets = 0;
      for (std::uint64_t f = 0; f < 6; ++f) {
        const int from = static_cast<int>(random.below(8));
        const int to = (from + 1 + static_cast<int>(random.below(7))) % 8;
        const auto n = static_cast<std::int64_t>(2'000 + random.below(20'000));
        packets += n;
        const Time start = Time::microseconds(static_cast<std::int64_t>(random.below(5'000)));
        star.add_flow(network, from, to, full_packets(options, n), start, f);
      }
    };
    const Outcome plain = run(star.ports, options, false, fill);
    const Outcome jumped = run(star.ports, options, true, fill);
    EXPECT_NEAR(jumped.end.to_seconds() / plain.end.to_seconds(), 1, 0.02) << seed;
    const PacketTotals& t = jumped.totals;
    EXPECT_EQ(t.data_packets - t.retransmissions + t.skipped_packets, packets);
    EXPECT_EQ(t.sent_bytes, t.delivered_bytes + t.dropped_bytes + t.in_flight_bytes);
    skipped += static_cast<double>(t.skipped_packets) / static_cast<double>(packets) / 20;
  }
  EXPECT_GT(skipped, 0.3);
}

// ---- Switching it.

TEST(SteadyState, off_again_is_as_if_it_had_never_been_on) {
  const Star star(2);
  const PacketOptions options;
  PacketNetwork network(star.ports, options);
  network.set_skip(true);
  star.add_flow(network, 0, 1, full_packets(options, 20'000));
  network.run_until(Time::microseconds(30));
  network.set_skip(false);
  const Time end = network.run();
  EXPECT_EQ(network.totals().skipped_packets, 0);
  EXPECT_EQ(end.ps, 20'001 * std::int64_t{720'000} + 2 * kTestDelay.ps);
}

TEST(SteadyState, reset_and_repetition_give_the_same) {
  const Star star(4);
  const PacketOptions options;
  PacketNetwork network(star.ports, options);
  network.set_skip(true);
  const auto once = [&] {
    network.reset();
    for (int s = 1; s < 4; ++s) {
      star.add_flow(network, s, (s + 1) % 4, full_packets(options, 5'000 + 1'000 * s), Time::zero(),
                    s);
    }
    const Time end = network.run();
    return std::tuple(end, network.totals().events, network.totals().skipped_packets);
  };
  const auto first = once();
  EXPECT_EQ(once(), first);
  EXPECT_GT(std::get<2>(first), 0);
}

TEST(SteadyState, a_long_wait_for_a_start_is_jumped_over_too) {
  const Star star(2);
  PacketNetwork network(star.ports, {});
  network.set_skip(true);
  star.add_flow(network, 0, 1, {8'936}, Time::seconds(1'000));
  EXPECT_EQ(network.run(), Time::seconds(1'000) + Time{2 * (720'000 + kTestDelay.ps)});
}

TEST(SteadyState, drain_lets_the_last_acknowledgements_arrive) {
  const Star star(2);
  const PacketOptions options;
  PacketNetwork network(star.ports, options);
  network.set_skip(true);
  star.add_flow(network, 0, 1, full_packets(options, 20'000));
  EXPECT_EQ(network.run(), (Time{20'001 * std::int64_t{720'000} + 2 * kTestDelay.ps}));
  network.drain();
  const PacketTotals t = network.totals();
  EXPECT_EQ(t.in_flight_bytes, 0);
  EXPECT_EQ(t.sent_bytes, t.delivered_bytes);
  EXPECT_GT(t.skipped_packets, 0);
}

TEST(SteadyState, a_dead_path_ends_the_run) {
  Star star(4);
  star.ports[star.down(1)].rate = Bandwidth{0};
  PacketNetwork network(star.ports, {});
  network.set_skip(true);
  star.add_flow(network, 0, 1, full_packets({}, 20'000));
  star.add_flow(network, 2, 3, full_packets({}, 20'000));
  EXPECT_EQ(network.run(), Time::max());
}

}  // namespace
}  // namespace mixnet
