#include "traces/shared_order.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "base/random.h"

namespace mixnet {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<std::uint32_t> merged(const std::vector<std::vector<std::uint32_t>>& files,
                                  std::size_t tasks) {
  std::vector<std::uint32_t> task_of, begins = {0};
  for (const auto& file : files) {
    task_of.insert(task_of.end(), file.begin(), file.end());
    begins.push_back(static_cast<std::uint32_t>(task_of.size()));
  }
  return shared_order(task_of, begins, tasks);
}

TEST(SharedOrder, ATaskWaitsForAllFilesThatListIt) {
  EXPECT_THAT(merged({{0, 3}, {1, 3, 4}, {2, 4}}, 6), ElementsAre(0, 1, 3, 2, 4));
  EXPECT_THAT(merged({{2, 1, 0}}, 3), ElementsAre(2, 1, 0));
  EXPECT_THAT(merged({{}, {0, 0, 1}}, 2), ElementsAre(0, 1)) << "listed twice";
  EXPECT_THAT(merged({}, 2), IsEmpty());
}

TEST(SharedOrder, WhereNoOrderIsThatOfAllTheFirstFileGoesFirst) {
  EXPECT_THAT(merged({{0, 1, 2}, {1, 0, 3}}, 4), ElementsAre(0, 1, 2, 3));
}

TEST(SharedOrder, KeepsTheOrderThatFilesWereMadeFrom) {
  constexpr std::uint32_t kTasks = 200;
  Random random(1);
  for (int trial = 0; trial < 100; ++trial) {
    std::vector<std::vector<std::uint32_t>> files(7);
    for (std::uint32_t task = 0; task < kTasks; ++task) {
      for (int i = 0; i < 2; ++i) {
        auto& file = files[random.below(files.size())];
        if (file.empty() || file.back() != task) file.push_back(task);
      }
    }
    const auto order = merged(files, kTasks);
    ASSERT_EQ(order.size(), kTasks);
    for (const auto& file : files) {
      std::vector<std::uint32_t> here;
      std::ranges::copy_if(order, std::back_inserter(here), [&](std::uint32_t task) {
        return std::ranges::find(file, task) != file.end();
      });
      EXPECT_EQ(here, file);
    }
  }
}

}  // namespace
}  // namespace mixnet
