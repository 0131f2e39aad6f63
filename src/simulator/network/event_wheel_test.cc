#include "network/event_wheel.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <iterator>
#include <set>
#include <utility>
#include <vector>

#include "base/random.h"

namespace mixnet {
namespace {

using testing::ElementsAre;

struct TestEvent {
  std::int64_t time = 0;
  std::uint32_t next = kNoEvent;
};
constexpr std::int64_t kEver = INT64_MAX;

struct Wheel {
  std::vector<TestEvent> events;
  EventWheel<TestEvent> wheel{events};

  std::uint32_t push(std::int64_t time) {
    events.push_back({time});
    const auto event = static_cast<std::uint32_t>(events.size() - 1);
    wheel.push(event);
    return event;
  }
  std::vector<std::uint32_t> pop_all(std::int64_t end = kEver) {
    std::vector<std::uint32_t> popped;
    for (;;) {
      const std::uint32_t event = wheel.pop_before(end);
      if (event == kNoEvent) return popped;
      popped.push_back(event);
    }
  }
};

TEST(EventWheel, pops_by_time_and_equal_times_as_they_were_pushed) {
  Wheel w;
  w.wheel.set_slot(11);
  const auto late = w.push(9'000);
  const auto far = w.push(1LL << 40);
  const auto first = w.push(10);
  const auto equal = w.push(10);
  const auto early = w.push(3);
  EXPECT_THAT(w.pop_all(), ElementsAre(early, first, equal, late, far));
  EXPECT_TRUE(w.wheel.empty());
}

TEST(EventWheel, pops_only_what_is_before_the_end) {
  Wheel w;
  const auto a = w.push(100);
  const auto b = w.push(101);
  EXPECT_THAT(w.pop_all(100), ElementsAre());
  EXPECT_THAT(w.pop_all(101), ElementsAre(a));
  EXPECT_FALSE(w.wheel.empty());
  EXPECT_THAT(w.pop_all(), ElementsAre(b));
}

TEST(EventWheel, an_event_of_the_past_is_next) {
  Wheel w;
  w.push(1'000'000);
  w.push(2'000'000);
  w.pop_all(1'500'000);
  const auto past = w.push(5);
  EXPECT_EQ(w.wheel.pop_before(kEver), past);
}

// What waits behind a look far ahead must not end up in one sorted list.
TEST(EventWheel, looking_ahead_costs_later_pushes_nothing) {
  Wheel w;
  w.wheel.set_slot(4);
  const std::uint32_t timer = w.push(1'000'000'000);
  EXPECT_EQ(w.wheel.pop_before(1'000), kNoEvent);
  for (int i = 1; i <= 1'000'000; ++i) {
    w.events.push_back({std::int64_t{i} * 20});
    w.wheel.push(static_cast<std::uint32_t>(w.events.size() - 1));
    ASSERT_EQ(w.wheel.pop_before(i * 20 + 1), w.events.size() - 1);
    ASSERT_LT(w.wheel.capacity_bytes(), 8'000'000U);
  }
  EXPECT_EQ(w.wheel.pop_before(kEver), timer);
}

/// Random work, checked pop by pop against an ordered set. The events popped, in order.
std::vector<std::uint32_t> random_work(std::uint64_t seed, int steps) {
  Random random(seed);
  Wheel w;
  std::set<std::pair<std::int64_t, std::uint32_t>> reference;
  std::vector<std::uint32_t> popped;
  std::int64_t now = 0;
  w.wheel.set_slot(static_cast<int>(random.below(26)));
  const std::int64_t usual = std::int64_t{1} << (4 + random.below(30));
  for (int step = 0; step < steps; ++step) {
    switch (random.below(7)) {
      case 0:
      case 1:
      case 2: {
        std::int64_t time = now + static_cast<std::int64_t>(random.below(usual));
        const auto choice = random.below(20);
        if (choice == 0) time = now + static_cast<std::int64_t>(random.below(1LL << 50));
        if (choice == 1) time = now;
        if (choice == 2) time = std::max<std::int64_t>(0, now - 1000);
        if (choice == 3 && !reference.empty()) time = std::max(now, reference.rbegin()->first);
        reference.emplace(time, w.push(time));
        break;
      }
      default: {
        const std::int64_t end =
            random.below(3) == 0 ? now + static_cast<std::int64_t>(random.below(usual)) : kEver;
        const std::uint32_t event = w.wheel.pop_before(end);
        const bool any = !reference.empty() && reference.begin()->first < end;
        EXPECT_EQ(event != kNoEvent, any);
        if (event == kNoEvent) break;
        EXPECT_EQ(w.events[event].time, reference.begin()->first);
        EXPECT_EQ(reference.erase({w.events[event].time, event}), 1U);
        now = std::max(now, w.events[event].time);
        popped.push_back(event);
      }
    }
    EXPECT_EQ(w.wheel.empty(), reference.empty());
    if (testing::Test::HasFailure()) return popped;
  }
  return popped;
}

TEST(EventWheel, random_work_agrees_with_an_ordered_set_and_repeats) {
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    SCOPED_TRACE(seed);
    const auto popped = random_work(seed, 2'000);
    ASSERT_FALSE(HasFailure());
    ASSERT_EQ(popped, random_work(seed, 2'000));
  }
}

TEST(EventWheel, clear_forgets_all_and_time_starts_again) {
  Wheel w;
  for (const int bits : {4, 11, 24}) {
    w.wheel.set_slot(bits);
    w.push(50);
    w.push(1LL << 45);
    EXPECT_NE(w.wheel.pop_before(kEver), kNoEvent);
    w.push(70);
    w.wheel.clear();
    EXPECT_TRUE(w.wheel.empty());
    EXPECT_EQ(w.wheel.pop_before(kEver), kNoEvent);
    const auto again = w.push(7);
    EXPECT_THAT(w.pop_all(), ElementsAre(again));
  }
}

}  // namespace
}  // namespace mixnet
