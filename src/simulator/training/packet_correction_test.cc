#include "training/packet_correction.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "base/random.h"
#include "network/sample_places.h"

namespace mixnet {
namespace {

constexpr Time ms(std::int64_t n) { return Time::milliseconds(n); }

constexpr Bandwidth kSpeed = Bandwidth::gbps(400);

/// `time` at kSpeed.
PhaseTime phase(Time time, std::int64_t packet_hops = 0) {
  PhaseTime phase = PhaseTime::measured(time, kSpeed);
  phase.packet_hops = packet_hops;
  return phase;
}

ExchangeTimes exchange(Time dispatch, Time combine, std::int64_t packet_hops = 0) {
  ExchangeTimes times;
  times.dispatch = phase(dispatch, packet_hops);
  times.combine = phase(combine, packet_hops);
  return times;
}

TEST(TimeRatio, IsThatOfTheSums) {
  TimeRatio ratio;
  EXPECT_EQ(ratio.ratio(), 1);
  EXPECT_EQ(ratio.deviation(), 0);
  ratio.add(ms(10), ms(11));
  ratio.add(ms(30), ms(31));
  EXPECT_DOUBLE_EQ(ratio.ratio(), 42.0 / 40);
  // Nothing is learnt from what was not sent or never ended.
  ratio.add(ms(0), ms(1));
  ratio.add(ms(1), Time::max());
  ratio.add(Time::max(), ms(1));
  EXPECT_DOUBLE_EQ(ratio.ratio(), 42.0 / 40);
}

TEST(TimeRatio, DeviationIsRelative) {
  TimeRatio ratio;
  ratio.add(ms(100), ms(99));
  ratio.add(ms(100), ms(121));  // 1.1 in the mean, each a tenth of that off
  EXPECT_NEAR(ratio.deviation(), std::sqrt(2 * 0.1 * 0.1), 1e-12);
}

TEST(PacketCorrection, NothingKnownChangesNothing) {
  const PacketCorrection correction(kSpeed);
  ExchangeTimes times = exchange(ms(4), ms(5));
  correction.correct(times, 1000);
  EXPECT_EQ(times.dispatch.at(kSpeed), ms(4));
  EXPECT_EQ(times.dispatch.packet_hops, 0);
  EXPECT_EQ(correction.error(), 0);
}

TEST(PacketCorrection, OwnAndOtherCircuitsHaveTheirOwnRatio) {
  ExchangeTimes fluid = exchange(ms(10), ms(10));
  ExchangeTimes packet = exchange(ms(11), ms(11), 500);
  fluid.present_dispatch = fluid.present_combine = phase(ms(20));
  packet.present_dispatch = packet.present_combine = phase(ms(24));
  fluid.moving_dispatch = phase(ms(10));
  packet.moving_dispatch = phase(ms(12));
  fluid.circuits_change = packet.circuits_change = true;
  PacketCorrection correction(kSpeed);
  correction.add(fluid, packet, 100'000);
  EXPECT_DOUBLE_EQ(correction.ratio(), 1.1);

  ExchangeTimes times = exchange(ms(30), ms(40));
  times.present_dispatch = times.present_combine = times.predicted_dispatch = phase(ms(50));
  times.moving_dispatch = {Time::max(), Time::zero()};
  times.shared_nics_busy = ms(100);
  times.circuits_change = true;
  correction.correct(times, 300'000);
  EXPECT_NEAR(times.dispatch.at(kSpeed).to_seconds(), 33e-3, 1e-9);
  EXPECT_NEAR(times.combine.at(kSpeed).to_seconds(), 44e-3, 1e-9);
  EXPECT_NEAR(times.shared_nics_busy.to_seconds(), 110e-3, 1e-9);
  EXPECT_NEAR(times.present_combine.at(kSpeed).to_seconds(), 60e-3, 1e-9);
  EXPECT_NEAR(times.predicted_dispatch.at(kSpeed).to_seconds(), 60e-3, 1e-9);
  EXPECT_EQ(times.moving_dispatch.at(kSpeed), Time::max());
  EXPECT_EQ(times.dispatch.packet_hops, 1500) << "as many a byte";
}

TEST(PacketCorrection, CircuitsThatAreTheOwnOnesKeepTheirTime) {
  ExchangeTimes fluid = exchange(ms(10), ms(10));
  ExchangeTimes packet = exchange(ms(11), ms(11));
  fluid.predicted_dispatch = phase(ms(10));
  packet.predicted_dispatch = phase(ms(13));
  PacketCorrection correction(kSpeed);
  correction.add(fluid, packet, 1);
  ExchangeTimes times = exchange(ms(30), ms(40));
  times.present_dispatch = times.moving_dispatch = times.predicted_dispatch = times.dispatch;
  times.present_combine = times.predicted_combine = times.combine;
  times.predicted_is_wanted = true;
  correction.correct(times, 1);
  for (const PhaseTime& same :
       {times.present_dispatch, times.moving_dispatch, times.predicted_dispatch}) {
    EXPECT_EQ(same.transfer, times.dispatch.transfer);
  }
  EXPECT_EQ(times.present_combine.transfer, times.combine.transfer);
  EXPECT_EQ(times.predicted_combine.transfer, times.combine.transfer);
}

TEST(PacketCorrection, MorePlacesAreSurer) {
  const auto error_of = [](int places) {
    PacketCorrection correction(kSpeed);
    for (int i = 0; i < places; ++i) {
      const Time packet = ms(100 + (i % 2 == 0 ? 5 : 15));
      correction.add(exchange(ms(100), ms(100)), exchange(packet, packet), 1);
    }
    return correction.error();
  };
  EXPECT_GT(error_of(4), 1.5 * error_of(16));
  EXPECT_GT(error_of(16), 1.9 * error_of(64));
  EXPECT_NEAR(error_of(64), 2 * (0.05 / 1.1) / 8, 0.001);
}

/// An iteration of which layers differ in what packets cost, and every place a little.
struct Iteration {
  static constexpr std::size_t kRounds = 128;
  std::size_t layers;
  std::vector<Time> fluid, packet;
  double fluid_sum = 0, packet_sum = 0;

  Iteration(std::size_t layer_count, std::uint64_t seed) : layers(layer_count) {
    Random random(seed);
    std::vector<double> ratios;
    for (std::size_t l = 0; l < layers; ++l) ratios.push_back(1.02 + 0.05 * random.uniform());
    for (std::size_t at = 0; at < kRounds * layers; ++at) {
      const double seconds = 1e-3 * (0.3 + random.uniform() * random.uniform());
      fluid.push_back(Time::from_seconds(seconds));
      packet.push_back(
          Time::from_seconds(seconds * ratios[at % layers] * (1 + 0.004 * random.normal())));
      fluid_sum += fluid.back().to_seconds();
      packet_sum += packet.back().to_seconds();
    }
  }
};

TEST(PacketCorrection, TheIntervalHoldsTheTruthAsOftenAsItSays) {
  constexpr Bandwidth kRate = Bandwidth::gbps(100);
  constexpr int kSeeds = 300;
  for (const std::size_t layers : {2, 8, 32}) {
    const Iteration iteration(layers, 77 + layers);
    const double truth = iteration.packet_sum / iteration.fluid_sum;
    for (const std::size_t count : {4, 8, 16, 32, 64}) {
      int held = 0;
      for (std::uint64_t seed = 0; seed < kSeeds; ++seed) {
        PacketCorrection correction(kRate);
        for (const std::size_t place : choose_places(Iteration::kRounds, layers, count, seed)) {
          ExchangeTimes fluid;
          ExchangeTimes packet;
          fluid.dispatch = fluid.combine = PhaseTime::measured(iteration.fluid[place], kRate);
          packet.dispatch = packet.combine = PhaseTime::measured(iteration.packet[place], kRate);
          correction.add(fluid, packet, 1);
        }
        held += std::abs(correction.ratio() / truth - 1) <= correction.error() ? 1 : 0;
      }
      EXPECT_GE(held, 0.9 * kSeeds) << layers << " layers, " << count << " samples";
    }
  }
}

}  // namespace
}  // namespace mixnet
