#include "network/congestion_control.h"

#include <gtest/gtest.h>

#include <cmath>

namespace mixnet {
namespace {

constexpr std::int64_t kMicrosecond = 1'000'000;
constexpr std::int64_t kTick = kDcqcnParameters.rate_timer;

TEST(DctcpWindow, slow_start_adds_one_a_mark_free_acknowledgement_then_one_a_window) {
  DctcpWindow w;
  w.window = 10;
  for (int i = 0; i < 10; ++i) w.on_ack(false, true, 4096);
  EXPECT_FLOAT_EQ(w.window, 20);
  w.slow_start_end = 20;
  for (int i = 0; i < 20; ++i) w.on_ack(false, true, 4096);
  EXPECT_NEAR(w.window, 21, 0.03);  // one a round trip
}

TEST(DctcpWindow, does_not_grow_when_it_is_not_what_limits_or_beyond_the_largest) {
  DctcpWindow w;
  w.window = 10;
  w.on_ack(false, false, 4096);
  EXPECT_FLOAT_EQ(w.window, 10);
  for (int i = 0; i < 10; ++i) w.on_ack(false, true, 16);
  EXPECT_FLOAT_EQ(w.window, 16);
}

TEST(DctcpWindow, congestion_cuts_by_half_of_alpha) {
  DctcpWindow w;
  w.window = 100;
  w.alpha = 0.5F;
  for (int i = 0; i < 8; ++i) w.on_ack(i < 2, false, 4096);
  w.on_congestion();
  EXPECT_FLOAT_EQ(w.window, 75);
  EXPECT_FLOAT_EQ(w.slow_start_end, 75);
  w.end_observation();  // 2 of 8 marked
  EXPECT_FLOAT_EQ(w.alpha, 0.5F + (0.25F - 0.5F) / 16);
  w.on_congestion();
  EXPECT_FLOAT_EQ(w.window, 75 * (1 - w.alpha / 2));
}

TEST(DctcpWindow, alpha_is_the_marked_share_averaged_with_a_sixteenth) {
  DctcpWindow w;
  float expected = 1;
  for (int round = 0; round < 100; ++round) {
    for (int i = 0; i < 10; ++i) w.on_ack(i < 3, false, 4096);
    w.end_observation();
    expected = expected * (15.0F / 16) + 0.3F / 16;
    ASSERT_NEAR(w.alpha, expected, 1e-5);
  }
  EXPECT_NEAR(w.alpha, 0.3, 0.002);
}

TEST(DctcpWindow, losses_halve_it_and_a_time_out_leaves_one_packet) {
  DctcpWindow w;
  w.window = 40;
  w.on_loss();
  EXPECT_FLOAT_EQ(w.window, 20);
  EXPECT_FLOAT_EQ(w.slow_start_end, 20);
  w.on_time_out();
  EXPECT_FLOAT_EQ(w.window, 1);
  EXPECT_FLOAT_EQ(w.slow_start_end, 10);
  w.on_loss();
  EXPECT_FLOAT_EQ(w.window, 1);  // never less
}

// ---- DCQCN, by hand from equations (1) to (4) of the paper.

TEST(DcqcnRate, a_notification_cuts_by_half_of_alpha_and_remembers_the_rate) {
  DcqcnRate r;
  r.alpha = 0.5F;
  r.on_cnp(0);
  EXPECT_FLOAT_EQ(r.rate, 0.75F);
  EXPECT_FLOAT_EQ(r.target, 1);
  EXPECT_FLOAT_EQ(r.alpha, 0.5F + 0.5F / 256);
  const float alpha = r.alpha;
  r.on_cnp(50 * kMicrosecond);  // no increase in between: the target stays
  EXPECT_FLOAT_EQ(r.target, 1);
  EXPECT_FLOAT_EQ(r.rate, 0.75F * (1 - alpha / 2));
  r.advance(50 * kMicrosecond + kTick);
  const float rate = r.rate;
  r.on_cnp(120 * kMicrosecond);
  EXPECT_FLOAT_EQ(r.target, rate);
}

TEST(DcqcnRate, the_receiver_answers_the_first_mark_and_then_one_an_interval) {
  DcqcnRate r;
  r.last_cnp_sent = -kDcqcnParameters.cnp_interval;
  EXPECT_FALSE(r.on_arrival(0, false));
  EXPECT_TRUE(r.on_arrival(10 * kMicrosecond, true));
  for (int t = 11; t < 60; ++t) EXPECT_FALSE(r.on_arrival(t * kMicrosecond, t == 30 || t == 31));
  EXPECT_TRUE(r.on_arrival(60 * kMicrosecond, false));  // for those
  EXPECT_FALSE(r.on_arrival(109 * kMicrosecond, false));
  EXPECT_FALSE(r.on_arrival(111 * kMicrosecond, false));  // none was marked
  EXPECT_TRUE(r.on_arrival(112 * kMicrosecond, true));    // at once again
  EXPECT_FALSE(r.on_arrival(120 * kMicrosecond, true));
  EXPECT_TRUE(r.on_arrival(162 * kMicrosecond, true));  // for the one before; this one waits
  EXPECT_TRUE(r.on_arrival(212 * kMicrosecond, false));
  EXPECT_FALSE(r.on_arrival(262 * kMicrosecond, false));
}

TEST(DcqcnRate, the_first_notification_halves) {
  DcqcnRate r;
  r.on_cnp(10 * kMicrosecond);
  EXPECT_FLOAT_EQ(r.rate, 0.5F);
}

TEST(DcqcnRate, alpha_falls_every_55_us_without_notifications) {
  DcqcnRate r;
  r.on_cnp(0);
  r.advance(kTick - 1);
  EXPECT_FLOAT_EQ(r.alpha, 1);
  r.advance(kTick);
  EXPECT_FLOAT_EQ(r.alpha, 255.0F / 256);
  r.advance(10 * kTick);
  EXPECT_NEAR(r.alpha, std::pow(255.0 / 256, 10), 1e-6);
}

TEST(DcqcnRate, recovers_half_way_five_times_then_adds_to_the_target) {
  DcqcnRate r;
  r.rate = r.target = 0.5F;
  r.on_cnp(0);  // to 0.25, target 0.5
  double rate = 0.25;
  for (int step = 1; step <= 5; ++step) {
    r.advance(step * kTick);
    rate = (rate + 0.5) / 2;
    ASSERT_NEAR(r.rate, rate, 1e-6) << step;
    ASSERT_FLOAT_EQ(r.target, 0.5F);
  }
  double target = 0.5;
  for (int step = 6; step <= 20; ++step) {
    r.advance(step * kTick);
    target += 1e-3;
    rate = (rate + target) / 2;
    ASSERT_NEAR(r.target, target, 1e-5) << step;
    ASSERT_NEAR(r.rate, rate, 1e-5) << step;
  }
}

TEST(DcqcnRate, bytes_recover_like_time_and_both_together_hyper) {
  DcqcnRate r;
  r.rate = r.target = 0.5F;
  r.on_cnp(0);
  r.on_send(1, kDcqcnParameters.byte_counter - 1);
  EXPECT_FLOAT_EQ(r.rate, 0.25F);
  r.on_send(2, 1);
  EXPECT_FLOAT_EQ(r.rate, 0.375F);
  for (int i = 0; i < 4; ++i) r.on_send(3, kDcqcnParameters.byte_counter);
  EXPECT_FLOAT_EQ(r.target, 0.5F);
  r.on_send(4, kDcqcnParameters.byte_counter);  // the sixth of bytes, none of time: additive
  EXPECT_FLOAT_EQ(r.target, 0.501F);
  r.advance(5 * kTick);  // five of time: still additive
  EXPECT_FLOAT_EQ(r.target, 0.506F);
  r.advance(6 * kTick);  // the sixth of both
  EXPECT_FLOAT_EQ(r.target, 0.516F);
}

TEST(DcqcnRate, a_notification_starts_the_recovery_again) {
  DcqcnRate r;
  r.on_cnp(0);
  r.advance(5 * kTick);
  r.on_cnp(5 * kTick);
  const float target = r.target;
  r.advance(6 * kTick - 1);
  EXPECT_EQ(r.timer_rounds, 0);
  r.advance(10 * kTick);
  EXPECT_FLOAT_EQ(r.target, target);
}

TEST(DcqcnRate, after_a_time_out_it_climbs_back_to_where_it_was) {
  DcqcnRate r;
  r.rate = r.target = 0.8F;
  r.on_time_out(3 * kTick);
  const double low = r.rate;
  EXPECT_NEAR(low, 0.01, 1e-6);
  r.advance(4 * kTick - 1);
  EXPECT_NEAR(r.rate, low, 1e-6);
  r.advance(4 * kTick);
  EXPECT_NEAR(r.rate, (low + r.target) / 2, 1e-6);
  r.advance(8 * kTick);
  EXPECT_GT(r.rate, 0.77);
}

TEST(DcqcnRate, never_beyond_the_link_nor_below_the_least) {
  DcqcnRate r;
  for (int i = 0; i < 1000; ++i) r.on_cnp(i);
  EXPECT_FLOAT_EQ(r.rate, kDcqcnParameters.least_rate);
  r.advance(2'000 * kTick);
  EXPECT_FLOAT_EQ(r.rate, 1);
  EXPECT_FLOAT_EQ(r.target, 1);
  r.on_send(2'001 * kTick, 9'000);
  EXPECT_FLOAT_EQ(r.rate, 1);
}

}  // namespace
}  // namespace mixnet
