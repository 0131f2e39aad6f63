#include "network/fluid_network.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <vector>

#include "base/random.h"

namespace mixnet {
namespace {

constexpr Bandwidth kLink = Bandwidth::gbps(80);  // 10 GB/s: 1 MB takes 100 us

struct TestFlow {
  std::vector<LinkId> path;
  Bytes bytes;
  std::uint32_t count = 1;
  Time start = Time::zero();
};

std::vector<Time> completions(FluidNetwork& network, const std::vector<TestFlow>& flows) {
  for (const TestFlow& flow : flows) {
    network.add_flow(flow.path, flow.bytes, flow.count, flow.start);
  }
  const Time last = network.run();
  std::vector<Time> result;
  for (std::size_t i = 0; i < flows.size(); ++i) result.push_back(network.completion(i));
  EXPECT_EQ(last, flows.empty() ? Time::zero() : *std::max_element(result.begin(), result.end()));
  return result;
}

std::vector<Time> completions(const std::vector<Bandwidth>& capacities,
                              const std::vector<TestFlow>& flows,
                              FluidSolver solver = FluidSolver::kAuto) {
  FluidNetwork network(capacities, solver);
  return completions(network, flows);
}

// ---- A second computation, from the textbook and slow. Every event solves all rates from nothing:
// the rates of all flows rise together; when a link fills, its flows stop rising.

std::vector<long double> textbook_rates(const std::vector<Bandwidth>& capacities,
                                        const std::vector<TestFlow>& flows,
                                        const std::vector<bool>& running) {
  std::vector<long double> rates(flows.size(), 0);
  std::vector<bool> rising = running;
  std::vector<long double> spare;
  spare.reserve(capacities.size());
  for (const Bandwidth c : capacities) spare.push_back(c.bits_per_second / 8e12L);
  for (;;) {
    std::vector<long double> demand(capacities.size(), 0);
    for (std::size_t f = 0; f < flows.size(); ++f) {
      if (!rising[f]) continue;
      for (const LinkId l : flows[f].path) demand[l] += flows[f].count;
    }
    long double step = -1;
    for (std::size_t l = 0; l < demand.size(); ++l) {
      if (demand[l] > 0 && (step < 0 || spare[l] / demand[l] < step)) step = spare[l] / demand[l];
    }
    if (step < 0) return rates;
    std::vector<bool> full(capacities.size(), false);
    for (std::size_t l = 0; l < demand.size(); ++l) {
      if (demand[l] <= 0) continue;
      full[l] = spare[l] / demand[l] <= step * (1 + 1e-15L);
      spare[l] -= step * demand[l];
    }
    for (std::size_t f = 0; f < flows.size(); ++f) {
      if (!rising[f]) continue;
      rates[f] += step;
      for (const LinkId l : flows[f].path) rising[f] = rising[f] && !full[l];
    }
  }
}

/// Completions in ps, -1 for never; `carried`, when given, integrates each link's rate over time.
std::vector<long double> textbook_completions(const std::vector<Bandwidth>& capacities,
                                              const std::vector<TestFlow>& flows,
                                              std::vector<long double>* carried = nullptr) {
  const std::size_t n = flows.size();
  std::vector<long double> remaining;
  remaining.reserve(n);
  std::vector<long double> ends(n, -1);
  std::vector<bool> running(n, false);
  std::vector<bool> waiting(n, true);
  for (const TestFlow& flow : flows) remaining.push_back(flow.bytes.count);
  if (carried != nullptr) carried->assign(capacities.size(), 0);
  long double now = 0;
  for (;;) {
    for (std::size_t f = 0; f < n; ++f) {
      if (!waiting[f] || flows[f].start.ps > now) continue;
      waiting[f] = false;
      running[f] = flows[f].bytes.count > 0 && !flows[f].path.empty();
      if (!running[f]) ends[f] = flows[f].start.ps;
    }
    const auto rates = textbook_rates(capacities, flows, running);
    long double next = -1;
    for (std::size_t f = 0; f < n; ++f) {
      long double at = -1;
      if (waiting[f]) at = flows[f].start.ps;
      if (running[f] && rates[f] > 0) at = now + remaining[f] / rates[f];
      if (at >= 0 && (next < 0 || at < next)) next = at;
    }
    if (next < 0) return ends;
    for (std::size_t f = 0; f < n; ++f) {
      if (!running[f]) continue;
      const long double served = std::min(remaining[f], rates[f] * (next - now));
      remaining[f] -= served;
      if (carried != nullptr) {
        for (const LinkId l : flows[f].path) (*carried)[l] += served * flows[f].count;
      }
      if (remaining[f] > 1e-12L * flows[f].bytes.count) continue;
      running[f] = false;
      ends[f] = next;
    }
    now = next;
  }
}

void expect_as_textbook(const std::vector<Bandwidth>& capacities,
                        const std::vector<TestFlow>& flows, const std::vector<Time>& ends) {
  const auto expected = textbook_completions(capacities, flows);
  for (std::size_t f = 0; f < flows.size(); ++f) {
    if (expected[f] < 0) {
      EXPECT_EQ(ends[f], Time::max()) << "flow " << f;
    } else {
      const double tolerance = std::max(1.0, static_cast<double>(expected[f]) * 1e-9);
      EXPECT_NEAR(static_cast<double>(ends[f].ps), static_cast<double>(expected[f]), tolerance)
          << "flow " << f;
    }
  }
}

struct RandomCase {
  std::vector<Bandwidth> capacities;
  std::vector<TestFlow> flows;
};

RandomCase random_case(Random& random) {
  RandomCase made;
  const auto links = 1 + random.below(random.below(4) == 0 ? 80 : 12);
  const bool equal_links = random.below(3) == 0;
  for (std::uint64_t l = 0; l < links; ++l) {
    const auto gbps = static_cast<std::int64_t>(1 + random.below(400));
    made.capacities.push_back(equal_links ? kLink : Bandwidth::gbps(gbps));
    if (random.below(100) == 0) made.capacities.back() = Bandwidth{0};
  }
  const auto flows = random.below(random.below(4) == 0 ? 90 : 20);
  const bool staggered = random.below(2) == 0;
  const bool few_sizes = random.below(2) == 0;
  const auto longest = 1 + random.below(std::min<std::uint64_t>(links, 5));
  for (std::uint64_t f = 0; f < flows; ++f) {
    TestFlow flow;
    if (!made.flows.empty() && random.below(3) == 0) {
      flow.path = made.flows[random.below(made.flows.size())].path;
    } else {
      std::vector<LinkId> all(links);
      std::iota(all.begin(), all.end(), 0);
      const auto hops = random.below(40) == 0 ? 0 : 1 + random.below(longest);
      for (std::uint64_t h = 0; h < hops; ++h) {
        std::swap(all[h], all[h + random.below(links - h)]);
        flow.path.push_back(all[h]);
      }
    }
    flow.bytes.count = static_cast<std::int64_t>(few_sizes ? 1'000'000 * random.below(4)
                                                           : random.below(10'000'000));
    if (random.below(3) == 0) flow.count = static_cast<std::uint32_t>(1 + random.below(20));
    if (staggered) {
      flow.start = Time::microseconds(static_cast<std::int64_t>(random.below(5) * 200));
      if (random.below(2) == 0) flow.start.ps = static_cast<std::int64_t>(random.below(1ULL << 31));
    }
    made.flows.push_back(flow);
  }
  return made;
}

// ---- Closed forms

TEST(FluidNetwork, ALoneFlowTakesItsSizeOverTheNarrowestLink) {
  EXPECT_THAT(completions({kLink, Bandwidth::gbps(8), kLink}, {{{0, 1, 2}, Bytes{1'000'000}}}),
              testing::ElementsAre(Time::milliseconds(1)));
}

TEST(FluidNetwork, CompletionsAreRoundedToTheNearestPicosecond) {
  // 2 bytes at 3 Gb/s: 5333.33 ps; 1 byte: 2666.67 ps.
  EXPECT_THAT(
      completions({Bandwidth::gbps(3), Bandwidth::gbps(3)}, {{{0}, Bytes{2}}, {{1}, Bytes{1}}}),
      testing::ElementsAre(Time{5333}, Time{2667}));
}

TEST(FluidNetwork, IncastSharesTheReceiverEvenly) {
  // Seven senders, one receiver (link 7).
  std::vector<TestFlow> flows;
  for (LinkId s = 0; s < 7; ++s) flows.push_back({{s, 7}, Bytes{1'000'000}});
  EXPECT_THAT(completions(std::vector(8, kLink), flows), testing::Each(Time::microseconds(700)));
}

TEST(FluidNetwork, FlowsOfOneLinkEndInOrderOfSize) {
  // Sizes 1, 2, 3 MB on one link: 3 x 1 MB at a third each, then 2 x 1 MB at half each, then 1 MB.
  EXPECT_THAT(
      completions({kLink},
                  {{{0}, Bytes{3'000'000}}, {{0}, Bytes{1'000'000}}, {{0}, Bytes{2'000'000}}}),
      testing::ElementsAre(Time::microseconds(600), Time::microseconds(300),
                           Time::microseconds(500)));
}

TEST(FluidNetwork, PermutationRunsAtFullRate) {
  std::vector<TestFlow> flows;
  for (LinkId s = 0; s < 100; ++s) flows.push_back({{s, 100 + (s + 1) % 100}, Bytes{1'000'000}});
  EXPECT_THAT(completions(std::vector(200, kLink), flows), testing::Each(Time::microseconds(100)));
}

TEST(FluidNetwork, DumbbellSharesTheMiddle) {
  // Three pairs over one middle link (6): 10 GB/s among three.
  std::vector<TestFlow> flows;
  for (LinkId s = 0; s < 3; ++s) flows.push_back({{s, 6, s + 3}, Bytes{1'000'000}});
  EXPECT_THAT(completions(std::vector(7, kLink), flows), testing::Each(Time::microseconds(300)));
}

TEST(FluidNetwork, ParkingLotGivesTheLongFlowItsShareOfTheTightestLink) {
  // The long flow (0) crosses all links. Link 0 has two others, links 1 and 2 one other each.
  // At first: 1/3 of link 0 for flows 0, 1, 2; the others get 2/3. 1 MB at 2/3 ends at 150 us, then
  // flow 0 still has its third of link 0. At 300 us flows 0, 1, 2 all end.
  EXPECT_THAT(completions({kLink, kLink, kLink}, {{{0, 1, 2}, Bytes{1'000'000}},
                                                  {{0}, Bytes{1'000'000}},
                                                  {{0}, Bytes{1'000'000}},
                                                  {{1}, Bytes{1'000'000}},
                                                  {{2}, Bytes{1'000'000}}}),
              testing::ElementsAre(Time::microseconds(300), Time::microseconds(300),
                                   Time::microseconds(300), Time::microseconds(150),
                                   Time::microseconds(150)));
}

TEST(FluidNetwork, AStartSlowsDownWhatRuns) {
  // Alone until 50 us, then shared: the first has 0.5 MB left, which takes 100 us at half rate.
  EXPECT_THAT(completions({kLink}, {{{0}, Bytes{1'000'000}},
                                    {{0}, Bytes{1'000'000}, 1, Time::microseconds(50)}}),
              testing::ElementsAre(Time::microseconds(150), Time::microseconds(200)));
}

TEST(FluidNetwork, CountStandsForThatManyFlows) {
  EXPECT_THAT(completions({kLink}, {{{0}, Bytes{1'000'000}, 9}, {{0}, Bytes{2'000'000}}}),
              testing::ElementsAre(Time::microseconds(1000), Time::microseconds(1100)));
}

TEST(FluidNetwork, NothingToCarryEndsAtTheStart) {
  const Time start = Time::microseconds(3);
  EXPECT_THAT(completions({kLink, Bandwidth{0}},
                          {{{0}, Bytes{0}, 1, start}, {{}, Bytes{5}, 1, start}, {{1}, Bytes{0}}}),
              testing::ElementsAre(start, start, Time::zero()));
  EXPECT_TRUE(completions({}, {}).empty());
}

TEST(FluidNetwork, ADeadLinkStopsItsFlowsAndNoOthers) {
  FluidNetwork network(std::vector{kLink, Bandwidth{0}});
  EXPECT_THAT(completions(network, {{{0, 1}, Bytes{1'000'000}}, {{0}, Bytes{1'000'000}}}),
              testing::ElementsAre(Time::max(), Time::microseconds(100)));
  EXPECT_EQ(network.link_bytes(0), 1e6);
  EXPECT_EQ(network.link_bytes(1), 0);
}

TEST(FluidNetwork, ACompletionPastTheRangeOfTimeIsNever) {
  EXPECT_EQ(completions({Bandwidth{1}}, {{{0}, Bytes{INT64_MAX}}}).front(), Time::max());
}

TEST(FluidNetwork, AllToAllOfEqualSizesEndsTogether) {
  for (const LinkId hosts : {2U, 8U, 33U, 100U}) {
    std::vector<TestFlow> flows;
    for (LinkId s = 0; s < hosts; ++s) {
      for (LinkId d = 0; d < hosts; ++d) {
        if (s != d) flows.push_back({{s, hosts + d}, Bytes{1'000'000}});
      }
    }
    EXPECT_THAT(completions(std::vector(std::size_t{2} * hosts, kLink), flows),
                testing::Each(Time::microseconds(100) * (hosts - 1)));
  }
}

// ---- Against the textbook

TEST(FluidNetwork, EqualsTheTextbookOnRandomCases) {
  Random random(derive_seed(1, 7));
  for (int i = 0; i < 1000; ++i) {
    SCOPED_TRACE(testing::Message() << "case " << i);
    const RandomCase made = random_case(random);
    const auto ends = completions(made.capacities, made.flows);
    expect_as_textbook(made.capacities, made.flows, ends);
    expect_as_textbook(made.capacities, made.flows,
                       completions(made.capacities, made.flows, FluidSolver::kLarge));
    // A used object gives the same bits as a new one.
    FluidNetwork reused(made.capacities);
    for (int run = 0; run < 2; ++run) {
      reused.clear();
      EXPECT_EQ(completions(reused, made.flows), ends);
    }
    if (HasFailure()) break;
  }
}

TEST(FluidNetwork, CarriesEveryByteOnEveryLink) {
  Random random(derive_seed(2, 7));
  for (int i = 0; i < 50; ++i) {
    const RandomCase made = random_case(random);
    std::vector<long double> carried;
    textbook_completions(made.capacities, made.flows, &carried);
    FluidNetwork network(made.capacities);
    completions(network, made.flows);
    for (LinkId l = 0; l < made.capacities.size(); ++l) {
      EXPECT_NEAR(network.link_bytes(l), static_cast<double>(carried[l]),
                  1e-6 + 1e-9 * network.link_bytes(l));
    }
  }
}

/// Every host to every other; each has a link up (its number) and one down (hosts + its number).
std::vector<TestFlow> all_to_all(LinkId hosts, std::uint64_t largest) {
  Random random(hosts);
  std::vector<TestFlow> flows;
  for (LinkId s = 0; s < hosts; ++s) {
    for (LinkId d = 0; d < hosts; ++d) {
      const auto bytes = static_cast<std::int64_t>(1 + random.below(largest));
      if (s != d) flows.push_back({{s, hosts + d}, Bytes{bytes}});
    }
  }
  return flows;
}

TEST(FluidNetwork, BothSolversAgreeOnDenseTrafficOfDistinctSizes) {
  for (const LinkId hosts : {4U, 8U, 16U, 22U}) {
    const auto flows = all_to_all(hosts, 10'000'000);
    const std::vector capacities(std::size_t{2} * hosts, kLink);
    const auto small = completions(capacities, flows);
    const auto large = completions(capacities, flows, FluidSolver::kLarge);
    for (std::size_t f = 0; f < flows.size(); ++f) {
      EXPECT_LE(std::abs((small[f] - large[f]).ps), 1);
    }
    if (hosts <= 16) expect_as_textbook(capacities, flows, large);
  }
}

// ---- Resolution

TEST(FluidNetwork, AFineResolutionEqualsTheTextbook) {
  Random random(derive_seed(3, 7));
  for (int i = 0; i < 300; ++i) {
    SCOPED_TRACE(testing::Message() << "case " << i);
    const RandomCase made = random_case(random);
    FluidNetwork network(made.capacities, FluidSolver::kLarge);
    network.set_resolution(1e-13);
    expect_as_textbook(made.capacities, made.flows, completions(network, made.flows));
    if (HasFailure()) break;
  }
}

TEST(FluidNetwork, ACoarseResolutionIsCloseOnDenseTraffic) {
  const auto flows = all_to_all(40, 10'000'000);
  const std::vector capacities(80, kLink);
  const auto exact = completions(capacities, flows);
  FluidNetwork network(capacities);
  network.set_resolution(0.01);
  const auto coarse = completions(network, flows);
  double sum = 0;
  for (std::size_t f = 0; f < flows.size(); ++f) {
    const double error = std::abs(coarse[f].to_seconds() / exact[f].to_seconds() - 1);
    EXPECT_LT(error, 0.02) << "flow " << f;
    sum += error;
  }
  EXPECT_LT(sum / static_cast<double>(flows.size()), 0.001);
}

TEST(FluidNetwork, AnyResolutionEndsEveryRandomCase) {
  Random random(derive_seed(4, 7));
  for (int i = 0; i < 300; ++i) {
    const RandomCase made = random_case(random);
    const auto exact = completions(made.capacities, made.flows);
    FluidNetwork network(made.capacities, FluidSolver::kLarge);
    network.set_resolution(0.05);
    const auto coarse = completions(network, made.flows);
    for (std::size_t f = 0; f < exact.size(); ++f) {
      EXPECT_EQ(coarse[f] == Time::max(), exact[f] == Time::max());
      EXPECT_GE(coarse[f], made.flows[f].start);
    }
  }
}

}  // namespace
}  // namespace mixnet
