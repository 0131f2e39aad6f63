#include "network/packet_phase.h"

#include <gtest/gtest.h>

#include <atomic>
#include <latch>
#include <thread>
#include <vector>

#include "base/error.h"

namespace mixnet {
namespace {

constexpr Bandwidth kSpeed = Bandwidth::gbps(100);

/// A star: host h sends over port h; ports hosts + h lead down to host h.
class Star {
 public:
  explicit Star(int hosts, FidelityOptions fidelity = {},
                std::shared_ptr<PhaseCache> cache = std::make_shared<PhaseCache>())
      : hosts_(hosts),
        phase_(std::vector<PhasePort>(2 * hosts, PhasePort{}), fidelity, std::move(cache)) {}

  void send(std::uint32_t from, std::uint32_t to, Bytes bytes, Time start = Time::zero()) {
    const std::uint32_t forward[] = {from, hosts_ + to};
    const std::uint32_t back[] = {to, hosts_ + from};
    phase_.add_flow(forward, 2, back, 2, bytes, start);
  }
  PacketPhase& phase() { return phase_; }

 private:
  std::uint32_t hosts_;
  PacketPhase phase_;
};

TEST(PacketPhase, OneFlowTakesItsPacketsAndItsPath) {
  Star star(2);
  star.send(0, 1, {893'600});  // 100 packets of 9000 bytes, 720 ns each
  const PhaseTime time = star.phase().run();
  EXPECT_EQ(time.at(kSpeed), Time::nanoseconds(101 * 720) + Time::microseconds(2));
  EXPECT_EQ(time.packet_hops, 400);  // 100 packets and their acknowledgements, two hops each
  EXPECT_EQ(star.phase().run().transfer, Time::zero()) << "the flow has been forgotten";
}

TEST(PacketPhase, ATimeHoldsAtItsSpeedToThePicosecond) {
  for (const std::int64_t gbps : {1, 100, 400, 800}) {
    for (const Time time : {Time{1}, Time{123'456'789}, Time::milliseconds(3)}) {
      const Bandwidth speed = Bandwidth::gbps(gbps);
      EXPECT_NEAR(static_cast<double>(PhaseTime::measured(time, speed).at(speed).ps),
                  static_cast<double>(time.ps), 1 + static_cast<double>(100 / gbps));
    }
  }
}

TEST(PacketPhase, IdenticalPhasesAreSimulatedOnceWhereverTheyAre) {
  Star star(6);
  star.send(0, 1, {1'000'000});
  star.send(2, 1, {500'000});
  const PhaseTime first = star.phase().run();
  star.send(3, 5, {1'000'000});  // the same between other hosts
  star.send(4, 5, {500'000});
  const PhaseTime again = star.phase().run();
  EXPECT_EQ(first.transfer, again.transfer);
  EXPECT_EQ(star.phase().totals().simulated, 1);
  EXPECT_EQ(star.phase().totals().phases, 2);

  star.send(3, 5, {1'000'000});  // one byte more, other ends, another order: other phases
  star.send(4, 5, {500'001});
  star.phase().run();
  star.send(3, 5, {1'000'000});
  star.send(4, 3, {500'000});
  star.phase().run();
  star.send(2, 1, {500'000});
  star.send(0, 1, {1'000'000});
  star.phase().run();
  EXPECT_EQ(star.phase().totals().simulated, 4);
}

TEST(PacketPhase, APhaseGivenUpComesBackForNoneThatMustEnd) {
  for (const bool first_limited : {true, false}) {
    Star star(2);
    for (const bool limited : {first_limited, !first_limited}) {
      star.phase().set_most_hops(limited ? 100 : 0);
      star.send(0, 1, {100'000'000});
      EXPECT_EQ(star.phase().run().transfer == Time::max(), limited) << first_limited;
    }
  }
}

TEST(PacketPhase, TheLimitOfHopsHoldsInPlainPacketsToo) {
  for (const Fidelity fidelity : {Fidelity::kPacket, Fidelity::kAuto}) {
    for (const bool skip : {false, true}) {
      FidelityOptions options;
      options.fidelity = fidelity;
      options.skip_steady = skip;
      Star star(9, options);
      star.phase().set_most_hops(5'000);
      for (int host = 1; host < 9; ++host) star.send(host, 0, {50'000'000});
      EXPECT_EQ(star.phase().run().transfer, Time::max());
      EXPECT_LT(star.phase().totals().packet_hops, 10'000);
      EXPECT_EQ(star.phase().totals().given_up, 1);
    }
  }
}

TEST(PacketPhase, ALimitThatIsNotReachedChangesNothing) {
  const auto time = [](std::int64_t most_hops) {
    FidelityOptions options;
    options.fidelity = Fidelity::kPacket;
    Star star(5, options);
    star.phase().set_most_hops(most_hops);
    for (int host = 1; host < 5; ++host) star.send(host, 0, {3'000'000 + 500'000 * host});
    return star.phase().run().transfer;
  };
  EXPECT_EQ(time(0), time(1'000'000));
}

TEST(PhaseCache, WhatASimulationThrowsAllWaitersThrow) {
  PhaseCache cache;
  std::latch is_waited_for(2);
  std::atomic<int> simulated = 0;
  const auto ask = [&](bool& threw) {
    bool is_new = false;
    try {
      cache.find_or({1, 2}, is_new, [&]() -> PhaseCache::Result {
        ++simulated;
        // The other thread is at the same phase by now, or will be.
        is_waited_for.arrive_and_wait();
        throw Error("a phase", "cannot be simulated", "leave it");
      });
    } catch (const Error&) {
      threw = true;
    }
  };
  bool first = false;
  bool second = false;
  std::thread one([&] { ask(first); });
  while (simulated == 0) std::this_thread::yield();
  std::thread two([&] {
    is_waited_for.count_down();
    ask(second);
  });
  one.join();
  two.join();
  EXPECT_TRUE(first && second);
  EXPECT_EQ(simulated, 1);
  bool third = false;
  ask(third);
  EXPECT_TRUE(third);
  bool is_new = false;
  const PhaseCache::Result other = cache.find_or({1, 3}, is_new, [] {
    return PhaseCache::Result{Time{7}, {}};
  });
  EXPECT_EQ(other.time, Time{7}) << "other phases are as before";
}

TEST(PacketPhase, AFlowThatStartsLaterIsAnotherPhase) {
  Star star(3);
  star.send(0, 1, {893'600});
  const Time at_once = star.phase().run().at(kSpeed);
  star.send(0, 1, {893'600}, Time::milliseconds(25));
  EXPECT_EQ(star.phase().run().at(kSpeed), at_once + Time::milliseconds(25));
  // Beside another that is over by then.
  star.send(0, 1, {893'600}, Time::milliseconds(25));
  star.send(2, 1, {893'600});
  const PhaseTime both = star.phase().run();
  EXPECT_EQ(both.at(kSpeed), at_once + Time::milliseconds(25));
  EXPECT_EQ(both.packet_hops, 800);
  EXPECT_EQ(star.phase().totals().simulated, 3);
  // Who starts late, and when, is part of it.
  for (const bool first_is_late : {true, false}) {
    for (const Time late : {Time::microseconds(20), Time::microseconds(40)}) {
      star.send(0, 1, {893'600}, first_is_late ? late : Time::zero());
      star.send(2, 1, {89'360}, first_is_late ? Time::zero() : late);
      star.phase().run();
    }
  }
  EXPECT_EQ(star.phase().totals().simulated, 7);
}

TEST(PacketPhase, ReuseChangesNothing) {
  FidelityOptions plain;
  plain.reuse = false;
  Star with(8);
  Star without(8, plain);
  for (int round = 0; round < 6; ++round) {
    for (std::uint32_t i = 0; i < 4; ++i) {
      for (Star* star : {&with, &without}) {
        star->send(i, 4 + i / 2, {100'000 * (1 + i) + round % 3});
      }
    }
    EXPECT_EQ(with.phase().run().transfer, without.phase().run().transfer) << round;
  }
  EXPECT_EQ(with.phase().totals().simulated, 3);
  EXPECT_EQ(without.phase().totals().simulated, 6);
}

TEST(PacketPhase, ThreadsSimulateAPhaseOnceAmongThem) {
  const auto cache = std::make_shared<PhaseCache>();
  std::vector<PhaseTime> times(4);
  std::vector<PhaseTotals> totals(4);
  std::vector<std::thread> crew;
  for (int i = 0; i < 4; ++i) {
    crew.emplace_back([&, i] {
      Star star(4, {}, cache);
      star.send(0, 1, {2'000'000});
      star.send(2, 1, {2'000'000});
      times[i] = star.phase().run();
      totals[i] = star.phase().totals();
    });
  }
  PhaseTotals sum;
  for (int i = 0; i < 4; ++i) {
    crew[i].join();
    sum += totals[i];
    EXPECT_EQ(times[i].transfer, times[0].transfer);
  }
  EXPECT_EQ(sum.simulated, 1);
  EXPECT_EQ(sum.phases, 4);
}

TEST(PacketPhase, WhatIsSteadyIsSkippedAndWhatIsTooMuchGivenUp) {
  FidelityOptions skip;
  skip.fidelity = Fidelity::kAuto;
  Star plain(4);
  Star skipping(4, skip);
  for (Star* star : {&plain, &skipping}) {
    star->send(0, 1, {200'000'000});
    star->send(1, 0, {200'000'000});
  }
  const double exact = plain.phase().run().at(kSpeed).to_seconds();
  EXPECT_NEAR(skipping.phase().run().at(kSpeed).to_seconds(), exact, 1e-3 * exact);
  EXPECT_LT(skipping.phase().totals().packet_hops * 20, plain.phase().totals().packet_hops);

  // Three that share and never settle within so few hops.
  Star poor(4, skip);
  poor.phase().set_most_hops(1000);
  for (std::uint32_t i = 0; i < 3; ++i) poor.send(i, 3, {50'000'000});
  EXPECT_EQ(poor.phase().run().transfer, Time::max());
  EXPECT_EQ(poor.phase().totals().given_up, 1);
}

TEST(PacketPhase, AFlowOfTooManyPacketsIsRefusedOrGivenUp) {
  const Bytes bytes = Bytes{8'936} * ((std::int64_t{1} << 31) + 1);
  Star star(2);
  star.send(0, 1, bytes);
  EXPECT_THROW(star.phase().run(), Error);
  Star other(2);
  other.phase().set_most_hops(1'000'000);  // whoever calls has another way
  other.send(0, 1, bytes);
  const PhaseTime time = other.phase().run();
  EXPECT_EQ(time.transfer, Time::max());
  EXPECT_EQ(time.packet_hops, 4 * ((std::int64_t{1} << 31) + 1));
  EXPECT_EQ(other.phase().totals().given_up, 1);
}

}  // namespace
}  // namespace mixnet
