#include "moe/dispatch.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "base/csv.h"
#include "base/random.h"
#include "base/text_file.h"
#include "moe/demand.h"
#include "moe/model_catalog.h"

namespace mixnet {
namespace {

/// The share of tokens that have an expert below `local`, by drawing them: groups first, then
/// experts of these.
double drawn_share(const TokenTraffic& traffic, int local, int draws = 40'000) {
  Random random(7);
  std::vector<int> groups(static_cast<std::size_t>(traffic.groups));
  std::iota(groups.begin(), groups.end(), 0);
  const int each = traffic.experts / traffic.groups;
  int reached = 0;
  for (int draw = 0; draw < draws; ++draw) {
    for (std::size_t i = 0; i < groups.size(); ++i) {
      std::swap(groups[i], groups[i + random.below(groups.size() - i)]);
    }
    std::vector<int> pool;
    for (int g = 0; g < traffic.chosen_groups; ++g) {
      for (int e = 0; e < each; ++e) {
        pool.push_back(groups[static_cast<std::size_t>(g)] * each + e);
      }
    }
    bool is_there = false;
    for (std::size_t k = 0; k < static_cast<std::size_t>(traffic.top_k); ++k) {
      std::swap(pool[k], pool[k + random.below(pool.size() - k)]);
      is_there |= pool[k] < local;
    }
    reached += is_there ? 1 : 0;
  }
  return static_cast<double>(reached) / draws;
}

TEST(DistinctTokens, AreThoseOfUniformGatesDrawnOneByOne) {
  const TokenTraffic mixtral = {.experts = 8, .top_k = 2};
  const TokenTraffic qwen = {.experts = 128, .top_k = 8};
  const TokenTraffic deepseek = {.experts = 256, .top_k = 8, .groups = 8, .chosen_groups = 4};
  for (const TokenTraffic& traffic : {mixtral, qwen, deepseek}) {
    for (const int part : {1, 2, 4, 8}) {
      const int local = traffic.experts / part;
      const double copies = static_cast<double>(traffic.top_k) / part;
      EXPECT_NEAR(DistinctTokens(traffic, local).share(copies), drawn_share(traffic, local), 0.01)
          << traffic.experts << " / " << part;
    }
  }
  // By hand: both of a token's two experts are elsewhere with 6/8 * 5/7.
  EXPECT_NEAR(DistinctTokens(mixtral, 2).share(0.5), 1 - 6.0 / 8 * 5 / 7, 1e-6);
}

TEST(DistinctTokens, LimitedGroupsReachFewerServers) {
  const TokenTraffic free = {.experts = 256, .top_k = 8};
  TokenTraffic limited = free;
  limited.groups = 8;
  limited.chosen_groups = 4;
  // Of eight servers of a group each: 5.3 with any of 256 experts, at most four of four groups.
  EXPECT_NEAR(8 * DistinctTokens(free, 32).share(1), 5.29, 0.01);
  EXPECT_LT(8 * DistinctTokens(limited, 32).share(1), 4);
  EXPECT_GT(8 * DistinctTokens(limited, 32).share(1), 3.5);
}

TEST(DistinctTokens, OneExpertGetsATokenOnce) {
  const DistinctTokens place({.experts = 8, .top_k = 2}, 1);
  for (const double copies : {0.0, 0.1, 0.25, 0.6, 1.0}) {
    EXPECT_NEAR(place.share(copies), copies, 1e-12);
  }
}

// Which experts are chosen together is not in the counts; this says how much that matters.
TEST(DistinctTokens, OfARealGateAreNear) {
  const std::string path = MIXNET_SHARED_DATA_DIR "/routing_mixtral_8x7b_humaneval.csv";
  if (!std::filesystem::exists(path)) GTEST_SKIP() << path << " is not there";
  const CsvTable table = CsvTable::parse(read_text_file(path), path);
  constexpr int kLayers = 32;
  std::vector<std::vector<std::pair<int, int>>> choices(kLayers);
  for (std::size_t row = 0; row < table.rows(); ++row) {
    const auto cell = [&](const char* column) {
      return static_cast<int>(table.integer(row, table.column(column)));
    };
    choices.at(cell("layer")).emplace_back(cell("expert0"), cell("expert1"));
  }
  for (const int local : {2, 4}) {
    const DistinctTokens place({.experts = 8, .top_k = 2}, local);
    double ours = 0, real = 0, off = 0, worst = 0;
    const int places = kLayers * 8 / local;
    for (const auto& layer : choices) {
      for (int first = 0; first < 8; first += local) {
        const auto is_here = [&](int e) { return e >= first && e < first + local ? 1 : 0; };
        double copies = 0, tokens = 0;
        for (const auto& [a, b] : layer) {
          copies += is_here(a) + is_here(b);
          tokens += is_here(a) | is_here(b);
        }
        const auto all = static_cast<double>(layer.size());
        const double distinct = all * place.share(copies / all);
        ours += distinct;
        real += tokens;
        off += std::abs(distinct - tokens);
        worst = std::max(worst, std::abs(distinct - tokens));
      }
    }
    EXPECT_NEAR(ours / real, 1, 0.01) << local;
    EXPECT_LT(off / real, 0.045) << local;
    EXPECT_LT(worst / (real / places), 0.20) << local;
  }
}

TEST(DistinctTokens, AreNoMoreThanCopiesNorFewerThanTheseTogether) {
  for (const int groups : {1, 4}) {
    const TokenTraffic traffic = {.experts = 64, .top_k = 6, .groups = groups, .chosen_groups = 2};
    const DistinctTokens place(traffic, 8);
    double before = 0;
    for (double copies = 0; copies <= 6; copies += 0.01) {
      const double share = place.share(copies);
      EXPECT_LE(share, std::min(1.0, copies) + 1e-12);
      EXPECT_GE(share, copies / 6 - 1e-12);
      EXPECT_GE(share, before - 1e-9);
      before = share;
    }
  }
}

TEST(Dispatch, Fp8IsAByteAndAScaleForEach128) {
  EXPECT_EQ(dispatch_share({DispatchMode::kCopies, false}), 1);
  EXPECT_NEAR(dispatch_share({DispatchMode::kCopies, true}), 132.0 / 256, 1e-12);
}

TEST(Dispatch, KnowsTheGroupsOfDeepSeekV3) {
  const TokenTraffic traffic =
      token_traffic(find_model("deepseek-v3"), {DispatchMode::kDeduplicated, false});
  EXPECT_EQ(traffic.groups, 8);
  EXPECT_EQ(traffic.chosen_groups, 4);
  EXPECT_EQ(traffic.top_k, 8);
  EXPECT_EQ(token_traffic(find_model("mixtral-8x7b"), {}).groups, 1);
}

// Demands.

struct Case {
  int ep, etp, experts, top_k;
};
constexpr Case kCases[] = {
    {16, 1, 64, 8}, {8, 4, 8, 2}, {32, 1, 128, 8}, {4, 16, 16, 4}, {8, 1, 32, 3}};

ParallelPlan plan_of(const Case& c) {
  ParallelPlan plan;
  plan.ep = plan.dp = c.ep;
  plan.tp = c.etp;
  return plan;
}

/// What gates choose that like some experts better: distinct ones, token by token.
struct Gates {
  TokenCounts counts;
  Matrix<std::int64_t> to_rank, to_server;  // distinct tokens
};

Gates draw(const Case& c, std::int64_t tokens, double skew) {
  Random random(3);
  const auto ranks = static_cast<std::size_t>(c.ep);
  const int servers = plan_of(c).region_servers();
  const int ranks_of_server = c.ep / servers > 0 ? c.ep / servers : 1;
  const int servers_of_rank = std::max(1, servers / c.ep);
  Gates gates = {TokenCounts(ranks, static_cast<std::size_t>(c.experts)),
                 Matrix<std::int64_t>(ranks, ranks),
                 Matrix<std::int64_t>(ranks, static_cast<std::size_t>(servers))};
  const int local = c.experts / c.ep;
  for (int from = 0; from < c.ep; ++from) {
    for (std::int64_t token = 0; token < tokens; ++token) {
      std::vector<bool> rank(ranks), server(static_cast<std::size_t>(servers));
      std::vector<bool> chosen(static_cast<std::size_t>(c.experts));
      for (int k = 0; k < c.top_k;) {
        const double u = random.uniform();
        const auto e = static_cast<std::size_t>(std::pow(u, 1 + skew) * c.experts);
        if (chosen[e]) continue;
        chosen[e] = true;
        ++k;
        ++gates.counts(from, e);
        const std::size_t to = e / static_cast<std::size_t>(local);
        rank[to] = true;
        server[to / static_cast<std::size_t>(ranks_of_server) *
               static_cast<std::size_t>(servers_of_rank)] = true;
      }
      for (std::size_t r = 0; r < ranks; ++r) gates.to_rank(from, r) += rank[r] ? 1 : 0;
      for (std::size_t s = 0; s < server.size(); ++s) gates.to_server(from, s) += server[s] ? 1 : 0;
    }
  }
  return gates;
}

TEST(DeduplicatedDemand, IsThatOfTokensCountedOneByOne) {
  constexpr int kHidden = 64;
  for (const Case& c : kCases) {
    for (const double skew : {0.0, 0.5}) {
      const Gates gates = draw(c, 4000, skew);
      DemandMaker maker(plan_of(c), {.hidden = kHidden,
                                     .mode = DispatchMode::kDeduplicated,
                                     .experts = c.experts,
                                     .top_k = c.top_k});
      const RegionDemand& demand = maker.make(gates.counts);
      ASSERT_TRUE(demand.is_deduplicated());
      for (int from = 0; from < c.ep; ++from) {
        for (int to = 0; to < c.ep; ++to) {
          const auto real = static_cast<double>(gates.to_rank(from, to)) * 2 * kHidden;
          EXPECT_NEAR(static_cast<double>(demand.rank_bytes(from, to)), real, 0.04 * real + 8e3);
        }
        for (std::size_t s = 0; s < gates.to_server.columns(); ++s) {
          const auto real = static_cast<double>(gates.to_server(from, s)) * 2 * kHidden;
          EXPECT_NEAR(static_cast<double>(demand.rank_to_server(from, s)), real, 0.04 * real + 8e3);
        }
      }
    }
  }
}

TEST(DeduplicatedDemand, DropsCopiesNotTokens) {
  // Beyond a capacity copies are dropped, here two of five; a token goes as long as one is left.
  constexpr int kHidden = 64;
  constexpr std::int64_t kTokens = 4000;
  const Case c = {16, 1, 64, 8};
  const int servers = plan_of(c).region_servers();
  Random random(5);
  TokenCounts counts(16, 64);
  Matrix<std::int64_t> to_server(16, static_cast<std::size_t>(servers));
  for (std::size_t from = 0; from < 16; ++from) {
    for (std::int64_t token = 0; token < kTokens; ++token) {
      std::vector<bool> chosen(64);
      std::vector<bool> server(static_cast<std::size_t>(servers));
      for (int k = 0; k < c.top_k;) {
        const auto e = static_cast<std::size_t>(random.below(64));
        if (chosen[e]) continue;
        chosen[e] = true;
        ++k;
        if (random.uniform() < 0.4) continue;
        ++counts(from, e);
        server[e / 32] = true;
      }
      for (std::size_t s = 0; s < server.size(); ++s) to_server(from, s) += server[s] ? 1 : 0;
    }
  }
  DemandMaker maker(plan_of(c), {.hidden = kHidden,
                                 .mode = DispatchMode::kDeduplicated,
                                 .experts = c.experts,
                                 .top_k = c.top_k,
                                 .tokens = kTokens});
  const RegionDemand& demand = maker.make(counts);
  for (std::size_t from = 0; from < 16; ++from) {
    for (std::size_t s = 0; s < to_server.columns(); ++s) {
      const auto real = static_cast<double>(to_server(from, s)) * 2 * kHidden;
      EXPECT_NEAR(static_cast<double>(demand.rank_to_server(from, s)), real, 0.04 * real);
    }
  }
}

TEST(DeduplicatedDemand, IsAtMostThatOfCopiesAndAsMuchWithOneExpertAToken) {
  for (const Case& c : kCases) {
    const TokenCounts counts = draw(c, 500, 0.3).counts;
    const ParallelPlan plan = plan_of(c);
    DemandMaker plain(plan, 64);
    const RegionDemand copies = plain.make(counts);
    for (const int top_k : {c.top_k, 1}) {
      DemandMaker maker(plan, {64, DispatchMode::kDeduplicated, c.experts, top_k});
      const RegionDemand& distinct = maker.make(counts);
      EXPECT_EQ(distinct.busiest_rank_tokens, copies.busiest_rank_tokens);
      EXPECT_LE(distinct.scale_up_direct, copies.scale_up_direct);
      EXPECT_LE(distinct.scale_up_inside, copies.scale_up_inside);
      EXPECT_LE(distinct.scale_up_delegated, copies.scale_up_delegated);
      for (int s = 0; s < copies.servers; ++s) {
        for (int t = 0; t < copies.servers; ++t) {
          EXPECT_LE(distinct.server_bytes(s, t), copies.server_bytes(s, t));
          if (top_k == 1) {
            EXPECT_EQ(distinct.server_bytes(s, t), copies.server_bytes(s, t));
          }
          // What leaves on rails is what servers send each other.
          std::int64_t rails = 0;
          for (const auto& out : distinct.out) rails += out(s, t) * distinct.rail_width;
          if (s != t) {
            EXPECT_LE(std::abs(rails - distinct.server_bytes(s, t)), c.ep * c.ep * 8);
          }
        }
      }
    }
  }
}

}  // namespace
}  // namespace mixnet
