#include "service/desk.h"

#include <gtest/gtest.h>

#include <future>
#include <vector>

namespace mixnet {
namespace {

TEST(Desk, WorksInOrderAndRefusesWhatIsTooMuch) {
  Desk desk(2);
  std::promise<void> begun, go, done;
  std::vector<int> run;
  ASSERT_TRUE(desk.put([&] {
    begun.set_value();
    go.get_future().wait();
  }));
  begun.get_future().wait();
  EXPECT_TRUE(desk.put([&] { run.push_back(1); }));
  EXPECT_TRUE(desk.put([&] {
    run.push_back(2);
    done.set_value();
  }));
  EXPECT_FALSE(desk.put([&] { run.push_back(3); }));
  go.set_value();
  done.get_future().wait();
  EXPECT_EQ(run, (std::vector<int>{1, 2}));
}

TEST(Desk, ClosedItTakesNothing) {
  Desk desk(1);
  desk.close();
  EXPECT_FALSE(desk.put([] {}));
}

}  // namespace
}  // namespace mixnet
