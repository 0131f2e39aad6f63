#include "service/fair_queue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

namespace mixnet {
namespace {

using ::testing::ElementsAre;

TEST(FairQueue, AnotherPeersJobsDoNotWait) {
  FairQueue queue;
  std::vector<std::string> run;
  const auto submit = [&](const std::string& peer, int number) {
    queue.submit(peer, [&run, peer, number] { run.push_back(peer + std::to_string(number)); });
  };
  for (int i = 0; i < 5; ++i) submit("hostile", i);
  submit("honest", 0);
  EXPECT_THAT(run, ElementsAre("hostile0", "hostile1", "honest0"));
  EXPECT_EQ(queue.waiting(), 3U);
  queue.done("hostile");
  queue.done("honest");
  EXPECT_THAT(run, ElementsAre("hostile0", "hostile1", "honest0", "hostile2"));
  for (int i = 0; i < 4; ++i) queue.done("hostile");
  EXPECT_EQ(run.back(), "hostile4");
  EXPECT_EQ(queue.waiting(), 0U);
}

TEST(FairQueue, AJobThatIsOverAtOnceLetsTheNextGo) {
  FairQueue queue;
  int run = 0;
  for (int i = 0; i < 1'000; ++i) {
    queue.submit("a", [&] {
      ++run;
      queue.done("a");
    });
  }
  EXPECT_EQ(run, 1'000);
  queue.done("nobody");
}

}  // namespace
}  // namespace mixnet
