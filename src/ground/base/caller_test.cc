#include "base/caller.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "base/fake_env.h"
#include "base/parallel.h"
#include "base/progress.h"

namespace mixnet {
namespace {

using Step = Caller::Step;

TEST(CallerTest, WithoutOneNothingStops) {
  EXPECT_EQ(current_caller(), nullptr);
  EXPECT_NO_THROW(stop_point());
}

TEST(CallerTest, StopsTheThreadsThatWorkForIt) {
  Caller mine, other;
  const CallerScope scope(&mine);
  other.stop();
  EXPECT_NO_THROW(stop_point());
  {
    const CallerScope inner(&other);
    EXPECT_THROW(stop_point(), Stopped);
  }
  EXPECT_EQ(current_caller(), &mine);
  mine.stop();
  EXPECT_THROW(stop_point(), Stopped);
  std::thread([] { EXPECT_NO_THROW(stop_point()); }).join();
}

TEST(CallerTest, ParallelLoopsStopOnAllThreads) {
  for (const int threads : {1, 3}) {
    Caller caller;
    const CallerScope scope(&caller);
    std::atomic<int> steps = 0;
    const auto loop = [&] {
      parallel_for(1'000'000, threads, [&](std::size_t, int) {
        EXPECT_EQ(current_caller(), &caller);
        if (++steps == 10) caller.stop();
      });
    };
    EXPECT_THROW(loop(), Stopped);
    EXPECT_LT(steps, 10 + threads);
  }
}

TEST(CallerTest, HearsHowFarTheWholeIsInPlaceOfTheTerminal) {
  FakeEnv env;
  env.put_terminal(Env::Stream::kError);
  Caller caller(Caller::Hears::kSteps);
  const CallerScope scope(&caller);
  EXPECT_EQ(caller.step(), std::nullopt);
  {
    ProgressBar whole("sweep", 7, env);
    ProgressBar part("packets", 100, env);
    whole.advance(3);
    part.advance(50);
    EXPECT_EQ(caller.step(), (Step{"sweep", 3, 7}));
  }
  ProgressBar next("packets", 100, env);
  EXPECT_EQ(caller.step(), (Step{"packets", 0, 100}));
  env.advance(std::chrono::seconds(10));
  next.advance();
  EXPECT_EQ(env.take_printed(Env::Stream::kError), "");
}

TEST(CallerTest, HearsNothingWhereItWantsNothing) {
  FakeEnv env;
  env.put_terminal(Env::Stream::kError);
  Caller caller(Caller::Hears::kNothing);
  const CallerScope scope(&caller);
  ProgressBar bar("sweep", 7, env);
  env.advance(std::chrono::seconds(10));
  bar.advance();
  EXPECT_EQ(caller.step(), std::nullopt);
  EXPECT_EQ(env.take_printed(Env::Stream::kError), "");
}

TEST(CallerTest, ABarIsAStopPoint) {
  FakeEnv env;
  Caller caller;
  const CallerScope scope(&caller);
  ProgressBar bar("sweep", 7, env);
  bar.advance();
  caller.stop();
  EXPECT_THROW(bar.advance(), Stopped);
}

}  // namespace
}  // namespace mixnet
