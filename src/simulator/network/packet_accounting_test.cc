// Random networks and flows: every byte is accounted for at any time, every
// flow ends once, and the same calls give the same results.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "base/random.h"
#include "network/packet_network.h"
#include "network/packet_test_networks.h"

namespace mixnet {
namespace {

int below(Random& random, int bound) { return static_cast<int>(random.below(bound)); }

PacketOptions random_options(Random& random) {
  PacketOptions options;
  options.transport = below(random, 2) == 0 ? Transport::kDctcp : Transport::kDcqcn;
  options.pfc = below(random, 4) == 0;
  const int mtus[] = {256, 1'500, 4'096, 9'000};
  options.mtu = mtus[below(random, 4)];
  options.free_acks = below(random, 3) == 0;
  if (below(random, 2) == 0) {
    options.queue_limit = {std::int64_t{options.mtu} *
                           (2 + below(random, below(random, 2) == 0 ? 4 : 60))};
    options.ecn_threshold = {1 + options.queue_limit.count / (1 + below(random, 6))};
  }
  options.initial_window = 1 + below(random, 20);
  if (below(random, 3) == 0) options.largest_window = 1 << below(random, 8);
  options.reorder = 1 + below(random, 5);
  options.reorder_sprayed = 1 + below(random, 80);
  options.time_out = Time::microseconds(50 + below(random, 1'000));
  return options;
}

LeafSpine random_network(Random& random) {
  const int leaves = 1 + below(random, 4);
  LeafSpine net(leaves, leaves == 1 ? 2 + below(random, 8) : 1 + below(random, 4),
                1 + below(random, 4));
  for (PortSpec& port : net.ports) {
    const int rates[] = {10, 40, 100, 100, 400};
    port.rate = Bandwidth::gbps(rates[below(random, 5)]);
    port.delay = Time::nanoseconds(below(random, 2'000));
  }
  return net;
}

struct Result {
  std::vector<std::pair<std::uint64_t, std::int64_t>> completions;
  std::vector<std::int64_t> totals;

  bool operator==(const Result&) const = default;
};

class RandomCase {
 public:
  explicit RandomCase(std::uint64_t seed)
      : random_(derive_seed(11, seed)),
        options_(random_options(random_)),
        net_(random_network(random_)),
        network_(net_.ports, options_) {
    network_.on_completion([this](std::uint64_t tag, Time at) { complete(tag, at); });
    const int flows = 1 + below(random_, 12);
    more_ = below(random_, 8);
    for (int i = 0; i < flows; ++i) {
      add(Time::nanoseconds(std::int64_t{below(random_, 2)} * below(random_, 200'000)));
    }
  }

  Result run() {
    Time stop = Time::zero();
    for (int i = below(random_, 8); i > 0; --i) {
      stop += Time::nanoseconds(below(random_, 100'000));
      const bool complete = network_.run_until(stop);
      EXPECT_EQ(complete, network_.running_flows() == 0);
      if (!complete) {
        EXPECT_EQ(network_.now(), stop);
      }
      check_conservation();
    }
    const Time end = network_.run();
    check_conservation();
    EXPECT_EQ(network_.running_flows(), 0U);
    EXPECT_LT(end, Time::max());
    network_.drain();
    check_end(end);

    const PacketTotals t = network_.totals();
    result_.totals = {t.data_packets,  t.retransmissions, t.time_outs, t.packet_hops,
                      t.drops,         t.ecn_marks,       t.events,    t.sent_bytes,
                      t.dropped_bytes, network_.now().ps, end.ps};
    for (std::uint32_t port = 0; port < net_.ports.size(); ++port) {
      result_.totals.push_back(network_.port_totals(port).bytes);
      result_.totals.push_back(network_.port_totals(port).deepest_queue.count);
    }
    return result_;
  }

 private:
  struct Ends {
    int from = 0, to = 0;
    std::int64_t payload = 0;
    Time start;
  };

  void add(Time start) {
    Ends ends;
    ends.from = below(random_, net_.hosts());
    ends.to = below(random_, net_.hosts());
    if (ends.to == ends.from) ends.to = (ends.from + 1) % net_.hosts();
    const std::int64_t full = options_.mtu - options_.header;
    // Half of them end with a full packet.
    ends.payload = below(random_, 2) == 0 ? full * (1 + below(random_, 100))
                                          : 1 + static_cast<std::int64_t>(random_.below(full * 60));
    ends.start = start;
    const std::uint64_t tag = tag_++;
    flows_[tag] = ends;
    network_.add_flow(path(tag), {ends.payload}, start, tag);
  }

  PacketNetwork::PathSet path(std::uint64_t tag) {
    const Ends& ends = flows_[tag];
    return net_.add_paths(network_, ends.from, ends.to,
                          below(random_, 2) == 0 ? -1 : below(random_, net_.spines));
  }

  void complete(std::uint64_t tag, Time at) {
    result_.completions.emplace_back(tag, at.ps);
    EXPECT_TRUE(ended_.insert(tag).second) << "ended twice";
    EXPECT_EQ(at, network_.now());
    const Ends& flow = flows_[tag];
    EXPECT_GE(at, flow.start);
    if (more_ > 0) {
      --more_;
      add(at + Time::nanoseconds(std::int64_t{below(random_, 2)} * below(random_, 50'000)));
    }
  }

  void check_conservation() {
    const PacketTotals t = network_.totals();
    EXPECT_EQ(t.sent_bytes, t.delivered_bytes + t.dropped_bytes + t.in_flight_bytes);
    EXPECT_GE(t.in_flight_bytes, 0);
  }

  void check_end(Time end) {
    check_conservation();
    EXPECT_EQ(ended_.size(), flows_.size());
    EXPECT_EQ(end.ps, std::ranges::max(result_.completions, {}, [](const auto& c) {
                        return c.second;
                      }).second);
    std::int64_t wire = 0;
    std::int64_t packets = 0;
    std::int64_t shortest = options_.mtu;
    for (const auto& [tag, flow] : flows_) {
      wire += wire_bytes_of(options_, flow.payload);
      packets += packets_of(options_, flow.payload);
      const std::int64_t full = options_.mtu - options_.header;
      shortest = std::min(shortest, options_.header + (flow.payload - 1) % full + 1);
    }
    const PacketTotals t = network_.totals();
    EXPECT_EQ(t.in_flight_bytes, 0);
    EXPECT_GE(t.delivered_bytes, wire);
    EXPECT_EQ(t.data_packets, packets + t.retransmissions);
    EXPECT_LE(t.sent_bytes, wire + t.retransmissions * options_.mtu);
    EXPECT_GE(t.sent_bytes, wire + t.retransmissions * shortest);  // equal when all are full
    EXPECT_LE(t.delivered_bytes, t.sent_bytes);
    // NICs send what senders send, and acknowledgements.
    std::int64_t by_nics = 0;
    for (int host = 0; host < net_.hosts(); ++host) {
      by_nics += network_.port_totals(net_.up(host)).bytes;
    }
    EXPECT_GE(by_nics, t.sent_bytes);
    EXPECT_LE(by_nics, t.sent_bytes + t.data_packets * options_.ack_bytes);
    if (options_.free_acks) {
      EXPECT_EQ(by_nics, t.sent_bytes);
      std::int64_t to_hosts = 0;
      for (int host = 0; host < net_.hosts(); ++host) {
        to_hosts += network_.port_totals(net_.down(host)).bytes;
      }
      EXPECT_EQ(to_hosts, t.delivered_bytes);
    }
  }

  Random random_;
  PacketOptions options_;
  LeafSpine net_;
  PacketNetwork network_;
  std::map<std::uint64_t, Ends> flows_;
  std::set<std::uint64_t> ended_;
  std::uint64_t tag_ = 0;
  int more_ = 0;
  Result result_;
};

TEST(PacketAccounting, random_cases_lose_no_byte_and_end_every_flow_once) {
  std::int64_t drops = 0;
  std::int64_t time_outs = 0;
  std::int64_t marks = 0;
  for (std::uint64_t seed = 0; seed < 1'000; ++seed) {
    SCOPED_TRACE(seed);
    const Result result = RandomCase(seed).run();
    ASSERT_FALSE(HasFailure());
    if (seed % 4 == 0) {
      ASSERT_EQ(result, RandomCase(seed).run());
    }
    drops += result.totals[4];
    time_outs += result.totals[2];
    marks += result.totals[5];
  }
  // The cases are worth their name.
  EXPECT_GT(drops, 10'000);
  EXPECT_GT(time_outs, 1'000);
  EXPECT_GT(marks, 5'000);
}

TEST(PacketAccounting, dead_ports_lose_only_what_they_drop_and_every_run_ends) {
  int stuck = 0;
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    SCOPED_TRACE(seed);
    Random random(derive_seed(12, seed));
    PacketOptions options = random_options(random);
    LeafSpine net = random_network(random);
    net.ports[random.below(net.ports.size())].rate = Bandwidth{0};
    PacketNetwork network(net.ports, options);
    std::set<std::uint64_t> ended;
    network.on_completion([&](std::uint64_t tag, Time) { EXPECT_TRUE(ended.insert(tag).second); });
    const std::uint64_t flows = 1 + random.below(10);
    for (std::uint64_t tag = 0; tag < flows; ++tag) {
      const int from = below(random, net.hosts());
      const int to = (from + 1 + below(random, net.hosts() - 1)) % net.hosts();
      const int spine = below(random, 2) == 0 ? -1 : below(random, net.spines);
      const Time start = Time::nanoseconds(below(random, 100'000));
      network.add_flow(net.add_paths(network, from, to, spine),
                       {1 + static_cast<std::int64_t>(random.below(500'000))}, start, tag);
    }
    for (int i = 0; i < 4; ++i) {
      network.run_until(Time::microseconds(40) * i);
      const PacketTotals t = network.totals();
      ASSERT_EQ(t.sent_bytes, t.delivered_bytes + t.dropped_bytes + t.in_flight_bytes);
    }
    const Time end = network.run();
    ASSERT_EQ(end == Time::max(), ended.size() < flows);
    stuck += end == Time::max() ? 1 : 0;
    network.drain();
    const PacketTotals t = network.totals();
    ASSERT_EQ(t.sent_bytes, t.delivered_bytes + t.dropped_bytes);
    ASSERT_EQ(t.in_flight_bytes, 0);
  }
  EXPECT_GT(stuck, 10);
  EXPECT_LT(stuck, 90);
}

// A callback that adds the next flow: memory is that of the flows that are there at a time.
TEST(PacketAccounting, two_hundred_thousand_flows_in_a_row_take_the_memory_of_a_few) {
  for (const Transport transport : {Transport::kDctcp, Transport::kDcqcn}) {
    const Star star(2);
    PacketOptions options;
    options.transport = transport;
    options.time_out = Time::microseconds(50);  // timers keep a flow's slot until then
    PacketNetwork network(star.ports, options);
    const auto paths = star.add_paths(network, 0, 1);
    Bytes after_first;
    std::size_t most_running = 0;
    network.on_completion([&](std::uint64_t tag, Time at) {
      most_running = std::max(most_running, network.running_flows());
      if (tag == 1'000) after_first = network.memory();
      if (tag < 200'000) network.add_flow(paths, {20'000}, at, tag + 1);
    });
    network.add_flow(paths, {20'000}, Time::zero(), 1);
    network.run();
    EXPECT_EQ(network.totals().data_packets, 200'000 * 3);
    EXPECT_LE(most_running, 1U);
    EXPECT_GT(after_first.count, 0);
    EXPECT_EQ(network.memory(), after_first);
    EXPECT_LT(network.memory().count, 2'000'000);
  }
}

}  // namespace
}  // namespace mixnet
