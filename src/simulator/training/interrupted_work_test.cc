#include "training/interrupted_work.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <vector>

#include "base/random.h"

namespace mixnet {
namespace {

constexpr Time ms(std::int64_t n) { return Time::milliseconds(n); }

struct Answer {
  Time end;
  std::vector<double> shares;
  std::vector<Time> starts;
};

Answer work(Time start, std::vector<Time> begins, std::vector<Time> lengths,
            Time outage = Time::zero()) {
  Answer answer;
  std::vector<WorkPiece> pieces(begins.size());
  answer.end = end_of_work(start, begins, lengths, outage, pieces);
  for (const WorkPiece& piece : pieces) {
    answer.shares.push_back(piece.share);
    answer.starts.push_back(piece.start);
  }
  return answer;
}

TEST(InterruptedWork, WithoutChangesIsItsLength) {
  EXPECT_EQ(work(ms(3), {ms(0)}, {ms(10)}).end, ms(13));
}

TEST(InterruptedWork, TheRestGoesOnAtTheNewPace) {
  // 4 of 10 ms done, so six tenths of 20 ms are left.
  const Answer answer = work(ms(6), {ms(0), ms(10)}, {ms(10), ms(20)});
  EXPECT_EQ(answer.end, ms(22));
  EXPECT_DOUBLE_EQ(answer.shares[0], 0.4);
  EXPECT_DOUBLE_EQ(answer.shares[1], 0.6);
  EXPECT_EQ(answer.starts, (std::vector{ms(6), ms(10)}));
  const Answer still = work(ms(6), {ms(0), ms(10)}, {ms(10), ms(20)}, ms(5));
  EXPECT_EQ(still.end, ms(27)) << "stands still";
  EXPECT_EQ(still.starts, (std::vector{ms(6), ms(15)}));
  EXPECT_EQ(work(ms(12), {ms(0), ms(10)}, {ms(10), ms(20)}, ms(5)).end, ms(35)) << "has to wait";
  EXPECT_EQ(work(ms(0), {ms(0), ms(10)}, {ms(10), ms(20)}, ms(5)).end, ms(10)) << "was done";
}

TEST(InterruptedWork, WhatAFailureDoesNotTouchGoesOn) {
  EXPECT_EQ(work(ms(6), {ms(0), ms(10)}, {ms(10), ms(10)}, ms(50)).end, ms(16));
  EXPECT_EQ(work(ms(12), {ms(0), ms(10)}, {ms(10), ms(10)}, ms(50)).end, ms(22));
}

TEST(InterruptedWork, AChangeWithinTheOutageOfAnother) {
  // Stands still from 10 to 15 for the first and from 12 to 17 for the second.
  const Answer answer = work(ms(0), {ms(0), ms(10), ms(12)}, {ms(20), ms(30), ms(40)}, ms(5));
  EXPECT_EQ(answer.end, ms(17 + 20));
  EXPECT_DOUBLE_EQ(answer.shares[1], 0);
}

TEST(InterruptedWork, SharesAddUpAndSlowerIsNeverSooner) {
  for (int round = 0; round < 5'000; ++round) {
    Random random(derive_seed(1, round));
    const std::size_t epochs = 1 + random.below(4);
    std::vector<Time> begins(epochs);
    std::vector<Time> lengths;
    for (std::size_t e = 0; e < epochs; ++e) {
      if (e > 0) begins[e] = begins[e - 1] + ms(1 + static_cast<std::int64_t>(random.below(30)));
      lengths.push_back(ms(static_cast<std::int64_t>(random.below(40))));
    }
    const Time start = ms(static_cast<std::int64_t>(random.below(60)));
    const Time outage = ms(static_cast<std::int64_t>(random.below(10)));
    const Answer answer = work(start, begins, lengths, outage);
    EXPECT_NEAR(std::accumulate(answer.shares.begin(), answer.shares.end(), 0.0), 1, 1e-9);
    EXPECT_GE(answer.end, start + std::ranges::min(lengths));
    EXPECT_LE(answer.end, std::max(start, begins.back() + outage) + std::ranges::max(lengths) +
                              outage * static_cast<std::int64_t>(epochs));
  }
}

TEST(InterruptedWork, WhatNeverEndsGetsNowhereUntilItCan) {
  EXPECT_EQ(work(ms(3), {ms(0)}, {Time::max()}).end, Time::max());
  const Answer mended = work(ms(3), {ms(0), ms(10)}, {Time::max(), ms(20)}, ms(5));
  EXPECT_EQ(mended.end, ms(10 + 5 + 20));
  EXPECT_EQ(mended.shares, (std::vector<double>{0, 1}));
  const Answer broken = work(ms(0), {ms(0), ms(10)}, {ms(20), Time::max()});
  EXPECT_EQ(broken.end, Time::max());
  EXPECT_EQ(broken.shares, (std::vector<double>{0.5, 0.5}));
}

}  // namespace
}  // namespace mixnet
