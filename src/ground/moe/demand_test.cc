#include "moe/demand.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <vector>

#include "base/random.h"

namespace mixnet {
namespace {

struct Shape {
  int ep, tp, gpus_per_server;
};

// Groups within a server (one or several a server), in two and more servers, TP groups that fill a
// server, that span two and four, and servers of odd sizes.
constexpr Shape kShapes[] = {{8, 4, 8}, {16, 1, 8}, {64, 1, 8}, {4, 2, 8},  {2, 2, 8},
                             {1, 1, 8}, {8, 8, 8},  {4, 16, 8}, {1, 16, 8}, {2, 32, 8},
                             {6, 1, 3}, {4, 3, 6},  {12, 2, 4}, {5, 4, 4},  {3, 1, 1}};

ParallelPlan plan_of(const Shape& shape) {
  ParallelPlan plan;
  plan.ep = plan.dp = shape.ep;
  plan.tp = shape.tp;
  plan.gpus_per_server = shape.gpus_per_server;
  return plan;
}

TokenCounts random_counts(const Shape& shape, int experts_of_rank, std::uint64_t seed) {
  Random random(seed);
  TokenCounts counts(shape.ep, static_cast<std::size_t>(shape.ep) * experts_of_rank);
  for (auto& cell : counts.cells()) cell = static_cast<std::int32_t>(random.below(1000));
  return counts;
}

template <typename T>
std::int64_t sum(const Matrix<T>& matrix) {
  return std::accumulate(matrix.cells().begin(), matrix.cells().end(), std::int64_t{0});
}

/// Who sends what to whom, GPU by GPU of the group: nothing is folded.
Matrix<std::int64_t> gpu_bytes(const Shape& shape, const TokenCounts& counts, int hidden) {
  const std::size_t experts_of_rank = counts.columns() / shape.ep;
  const std::size_t gpus = static_cast<std::size_t>(shape.ep) * shape.tp;
  Matrix<std::int64_t> bytes(gpus, gpus);
  for (int e = 0; e < shape.ep; ++e) {
    for (std::size_t expert = 0; expert < counts.columns(); ++expert) {
      for (int t = 0; t < shape.tp; ++t) {
        bytes(e * shape.tp + t, expert / experts_of_rank * shape.tp + t) +=
            std::int64_t{counts(e, expert)} * 2 * hidden / shape.tp;
      }
    }
  }
  return bytes;
}

/// Bytes in and out of each GPU's scale-up port.
struct Ports {
  std::vector<std::int64_t> in, out;

  explicit Ports(std::size_t gpus) : in(gpus), out(gpus) {}
  void move(int from, int to, std::int64_t bytes) {
    if (from == to) return;
    out[from] += bytes;
    in[to] += bytes;
  }
  std::int64_t busiest() const { return std::max(std::ranges::max(in), std::ranges::max(out)); }
};

std::size_t gpus_in_servers(const Shape& shape) {
  return static_cast<std::size_t>(plan_of(shape).region_servers()) * shape.gpus_per_server;
}

std::int64_t direct_load(const Shape& shape, const Matrix<std::int64_t>& bytes, bool combine) {
  const int g = shape.gpus_per_server;
  Ports ports(gpus_in_servers(shape));
  for (int a = 0; a < shape.ep * shape.tp; ++a) {
    for (int b = 0; b < shape.ep * shape.tp; ++b) {
      // From a's own GPU if they share a server, else from where a's NIC is joined to.
      const int door = a / g == b / g ? a : b / g * g + a % g;
      combine ? ports.move(b, door, bytes(a, b)) : ports.move(door, b, bytes(a, b));
    }
  }
  return ports.busiest();
}

std::int64_t inside_load(const Shape& shape, const Matrix<std::int64_t>& bytes) {
  const int g = shape.gpus_per_server;
  Ports ports(gpus_in_servers(shape));
  for (int a = 0; a < shape.ep * shape.tp; ++a) {
    for (int b = 0; b < shape.ep * shape.tp; ++b) {
      if (a / g == b / g) ports.move(a, b, bytes(a, b));
    }
  }
  return ports.busiest();
}

std::int64_t delegated_load(const Shape& shape, const Matrix<std::int64_t>& bytes, bool combine) {
  const int g = shape.gpus_per_server;
  Ports ports(gpus_in_servers(shape));
  for (int a = 0; a < shape.ep * shape.tp; ++a) {
    for (int b = 0; b < shape.ep * shape.tp; ++b) {
      const int from = combine ? b : a;
      const int to = combine ? a : b;
      if (a / g == b / g) {
        ports.move(from, to, bytes(a, b));
        continue;
      }
      for (int delegate = 0; delegate < g; ++delegate) {
        ports.move(from, from / g * g + delegate, bytes(a, b) / g);
        ports.move(to / g * g + delegate, to, bytes(a, b) / g);
      }
    }
  }
  return ports.busiest();
}

TEST(Demand, ReadsAsAnExample) {
  // Two servers of 4 GPUs; tp 2, so ranks 0, 1 share server 0 and ranks 2, 3 server 1. A token is
  // 8 numbers, 16 bytes: 8 from each of its two GPUs.
  TokenCounts counts(4, 4);
  counts(0, 0) = 100;  // stays in the GPU
  counts(0, 1) = 10;   // stays in the server
  counts(0, 2) = 3;    // same place of the other server
  counts(1, 2) = 5;    // another place there
  DemandMaker maker(plan_of({4, 2, 4}), 8);
  const RegionDemand& demand = maker.make(counts);
  EXPECT_EQ(demand.servers, 2);
  EXPECT_EQ(demand.rail_classes, 2);
  EXPECT_EQ(demand.rail_width, 2);
  EXPECT_EQ(demand.server_bytes(0, 0), 110 * 16);
  EXPECT_EQ(demand.server_bytes(0, 1), 8 * 16);
  EXPECT_EQ(demand.server_bytes(1, 0), 0);
  EXPECT_EQ(demand.out[0](0, 1), 3 * 8);
  EXPECT_EQ(demand.out[1](0, 1), 5 * 8);
  EXPECT_EQ(demand.rank_bytes(0, 2), 3 * 16);
  EXPECT_EQ(demand.busiest_rank_tokens, 100);
  EXPECT_DOUBLE_EQ(demand.mean_rank_tokens, 118 / 4.0);
  // Rank 0 sends 10 tokens inside; of the others only rank 1's 5 are forwarded, in server 1.
  EXPECT_EQ(demand.scale_up_direct, 10 * 8);
  // A GPU of rank 1 gets 10 tokens from rank 0, and as a delegate a quarter of what its server's
  // other GPUs send out: 3 tokens each of rank 0's two, 5 its twin.
  EXPECT_EQ(demand.scale_up_delegated, 10 * 8 + (3 + 3 + 5) * 8 / 4);
}

TEST(Demand, ConservesTokens) {
  constexpr int kHidden = 1024;  // so that shares are whole bytes
  for (const Shape& shape : kShapes) {
    for (const int experts_of_rank : {1, 3}) {
      const TokenCounts counts = random_counts(shape, experts_of_rank, 1);
      DemandMaker maker(plan_of(shape), kHidden * 9);
      const RegionDemand& demand = maker.make(counts);
      const std::int64_t tokens = sum(counts);
      EXPECT_EQ(sum(demand.rank_bytes), tokens * kHidden * 9 * 2);
      EXPECT_EQ(sum(demand.server_bytes), tokens * kHidden * 9 * 2);
      EXPECT_DOUBLE_EQ(demand.mean_rank_tokens, static_cast<double>(tokens) / shape.ep);
      EXPECT_GE(static_cast<double>(demand.busiest_rank_tokens), demand.mean_rank_tokens);
      EXPECT_LE(demand.busiest_rank_tokens, tokens);
    }
  }
}

TEST(Demand, IsWhatGpusSendEachOther) {
  constexpr int kHidden = 1024 * 9;
  for (const Shape& shape : kShapes) {
    const int g = shape.gpus_per_server;
    const TokenCounts counts = random_counts(shape, 2, 7);
    DemandMaker maker(plan_of(shape), kHidden);
    const RegionDemand& demand = maker.make(counts);
    const Matrix<std::int64_t> bytes = gpu_bytes(shape, counts, kHidden);

    Matrix<std::int64_t> servers(demand.servers, demand.servers);
    Matrix<std::int64_t> to_server(gpus_in_servers(shape), demand.servers);  // from each GPU
    for (int a = 0; a < shape.ep * shape.tp; ++a) {
      for (int b = 0; b < shape.ep * shape.tp; ++b) {
        servers(a / g, b / g) += bytes(a, b);
        if (a / g != b / g) to_server(a, b / g) += bytes(a, b);
      }
    }
    EXPECT_EQ(demand.server_bytes, servers);
    ASSERT_EQ(demand.rail_classes * demand.rail_width, g);
    for (int gpu = 0; gpu < demand.servers * g; ++gpu) {
      for (int d = 0; d < demand.servers; ++d) {
        EXPECT_EQ(demand.out[gpu % g / demand.rail_width](gpu / g, d), to_server(gpu, d))
            << "ep " << shape.ep << " tp " << shape.tp << " gpu " << gpu;
      }
    }
  }
}

TEST(Demand, ScaleUpLoadsAreThoseOfTheBusiestGpu) {
  constexpr int kHidden = 1024 * 9;
  for (const Shape& shape : kShapes) {
    for (std::uint64_t seed = 0; seed < 5; ++seed) {
      const TokenCounts counts = random_counts(shape, 1, seed);
      DemandMaker maker(plan_of(shape), kHidden);
      const RegionDemand& demand = maker.make(counts);
      const Matrix<std::int64_t> bytes = gpu_bytes(shape, counts, kHidden);
      for (const bool combine : {false, true}) {
        EXPECT_EQ(demand.scale_up_direct, direct_load(shape, bytes, combine))
            << "ep " << shape.ep << " tp " << shape.tp;
        EXPECT_EQ(demand.scale_up_inside, inside_load(shape, bytes))
            << "ep " << shape.ep << " tp " << shape.tp;
        EXPECT_EQ(demand.scale_up_delegated, delegated_load(shape, bytes, combine))
            << "ep " << shape.ep << " tp " << shape.tp;
      }
    }
  }
}

TEST(Demand, RailsAddUpToServersButForRounding) {
  // 10-byte tokens do not divide by tp.
  for (const Shape& shape : kShapes) {
    DemandMaker maker(plan_of(shape), 5);
    const RegionDemand& demand = maker.make(random_counts(shape, 2, 3));
    // Less than a byte for each GPU and each pair of ranks of the two servers.
    const std::int64_t ranks = std::max(1, shape.gpus_per_server / shape.tp);
    const std::int64_t lost = ranks * ranks * std::min(shape.tp, shape.gpus_per_server);
    for (int s = 0; s < demand.servers; ++s) {
      for (int d = 0; d < demand.servers; ++d) {
        if (s == d) continue;
        std::int64_t rails = 0;
        for (const auto& out : demand.out) rails += demand.rail_width * out(s, d);
        EXPECT_LE(rails, demand.server_bytes(s, d));
        EXPECT_GT(rails, demand.server_bytes(s, d) - lost);
      }
    }
  }
}

TEST(Demand, TransposedCountsGiveTheTransposedDemand) {
  for (const Shape& shape : kShapes) {
    const TokenCounts counts = random_counts(shape, 1, 11);
    TokenCounts mirrored(counts.rows(), counts.columns());
    for (std::size_t i = 0; i < counts.rows(); ++i) {
      for (std::size_t j = 0; j < counts.rows(); ++j) mirrored(j, i) = counts(i, j);
    }
    DemandMaker maker(plan_of(shape), 1024 * 9);
    const RegionDemand there = maker.make(counts);
    const RegionDemand& back = maker.make(mirrored);
    for (int s = 0; s < there.servers; ++s) {
      for (int d = 0; d < there.servers; ++d) {
        EXPECT_EQ(there.server_bytes(s, d), back.server_bytes(d, s));
      }
    }
    EXPECT_EQ(there.scale_up_delegated, back.scale_up_delegated);
  }
}

TEST(Demand, ForgetsTheDemandBefore) {
  const Shape shape = {16, 1, 8};
  DemandMaker used(plan_of(shape), 64);
  used.make(random_counts(shape, 4, 1));
  DemandMaker fresh(plan_of(shape), 64);
  const TokenCounts counts = random_counts(shape, 4, 2);
  const RegionDemand& again = used.make(counts);
  const RegionDemand& first = fresh.make(counts);
  EXPECT_EQ(again.server_bytes, first.server_bytes);
  EXPECT_EQ(again.rank_bytes, first.rank_bytes);
  EXPECT_EQ(again.out, first.out);
  EXPECT_EQ(again.busiest_rank_tokens, first.busiest_rank_tokens);
  EXPECT_EQ(again.scale_up_direct, first.scale_up_direct);
  EXPECT_EQ(again.scale_up_delegated, first.scale_up_delegated);
}

TEST(Demand, OneServerKeepsEverythingInside) {
  for (const Shape& shape : {Shape{2, 2, 8}, Shape{8, 1, 8}, Shape{1, 8, 8}}) {
    DemandMaker maker(plan_of(shape), 64);
    const RegionDemand& demand = maker.make(random_counts(shape, 1, 5));
    EXPECT_EQ(demand.servers, 1);
    for (const auto& out : demand.out) EXPECT_EQ(sum(out), 0);
    EXPECT_EQ(demand.scale_up_direct, demand.scale_up_delegated);
  }
}

TEST(Demand, RanksThatMovedAreOnAServerOfTheirOwn) {
  for (const Shape& shape : {Shape{16, 1, 8}, Shape{8, 4, 8}, Shape{64, 1, 8}}) {
    const std::vector<int> moved = {1, shape.ep - 1};
    const TokenCounts counts = random_counts(shape, 2, 5);
    const RegionDemand before = DemandMaker(plan_of(shape), 64).make(counts);
    const RegionDemand after = DemandMaker(plan_of(shape), 64, moved).make(counts);
    EXPECT_EQ(after.servers, before.servers + 1);
    EXPECT_EQ(after.rank_bytes, before.rank_bytes);
    EXPECT_EQ(sum(after.server_bytes), sum(before.server_bytes));
    EXPECT_EQ(after.busiest_rank_tokens, before.busiest_rank_tokens);
    std::int64_t out = 0;
    for (int to = 0; to < shape.ep; ++to) {
      for (const int rank : moved) {
        const bool stays = to == 1 || to == shape.ep - 1;
        out += stays ? 0 : after.rank_bytes(rank, to);
      }
    }
    std::int64_t row = 0;
    for (int t = 0; t < before.servers; ++t) row += after.server_bytes(before.servers, t);
    EXPECT_EQ(row, out);
  }
}

// Where an EP group lies over the TP ranks, its demand is that of ranks of the experts' own size.
TEST(Demand, FollowsTheExpertsMesh) {
  const Shape shape = {16, 2, 8};
  const TokenCounts counts = random_counts(shape, 1, 5);
  ParallelPlan folded = plan_of(shape);
  folded.tp = 4;
  folded.cp = 2;
  folded.dp = 4;
  folded.etp = 2;
  DemandMaker of_folded(folded, 64);
  DemandMaker of_shape(plan_of(shape), 64);
  const RegionDemand& one = of_folded.make(counts);
  const RegionDemand& other = of_shape.make(counts);
  EXPECT_EQ(one.region_gpus, 32);
  EXPECT_EQ(one.servers, 4);
  EXPECT_EQ(one.server_bytes, other.server_bytes);
  EXPECT_EQ(one.out, other.out);
  EXPECT_EQ(one.scale_up_direct, other.scale_up_direct);
}

}  // namespace
}  // namespace mixnet
