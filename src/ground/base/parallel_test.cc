#include "base/parallel.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <vector>

#include "base/error.h"

namespace mixnet {
namespace {

TEST(Parallel, EveryStepRunsOnce) {
  for (const int threads : {1, 2, 7}) {
    std::vector<int> runs(1000);
    parallel_for(runs.size(), threads, [&](std::size_t i, int) { ++runs[i]; });
    EXPECT_EQ(runs, std::vector<int>(1000, 1)) << threads;
  }
  parallel_for(0, 4, [](std::size_t, int) { FAIL(); });
}

TEST(Parallel, AWorkerIsNeverInTwoSteps) {
  std::vector<std::atomic<int>> inside(4);
  std::atomic<bool> twice = false;
  parallel_for(10'000, 4, [&](std::size_t, int worker) {
    if (++inside[worker] != 1) twice = true;
    --inside[worker];
  });
  EXPECT_FALSE(twice);
}

TEST(Parallel, TheLowestStepsExceptionIsThrown) {
  for (const int threads : {1, 2, 8}) {
    try {
      parallel_for(100, threads, [](std::size_t i, int) {
        if (i >= 40) throw std::runtime_error(std::to_string(i));
      });
      FAIL() << "nothing was thrown";
    } catch (const std::runtime_error& error) {
      EXPECT_STREQ(error.what(), "40");
    }
  }
}

TEST(Parallel, ThreadsCanBeSetFromOutside) {
  ::setenv("MIXNET_THREADS", "3", 1);
  EXPECT_EQ(default_threads(), 3);
  for (const char* bad : {"0", "many", "-1", "2x", ""}) {
    ::setenv("MIXNET_THREADS", bad, 1);
    EXPECT_THROW(default_threads(), Error) << bad;
  }
  ::unsetenv("MIXNET_THREADS");
  EXPECT_GE(default_threads(), 1);
}

}  // namespace
}  // namespace mixnet
