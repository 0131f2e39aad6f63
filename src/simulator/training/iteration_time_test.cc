#include "training/iteration_time.h"

#include <gmock/gmock.h>

#include <stdexcept>

namespace mixnet {
namespace {

using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

TEST(IterationTime, PartsAddUpAndNoneIsNegative) {
  IterationTime time;
  time.compute = Time::seconds(5);
  time.ep = Time::seconds(3);
  time.bubble = Time::seconds(2);
  time.total = Time::seconds(10);
  EXPECT_NO_THROW(check_invariants(time));
  time.dp = Time::milliseconds(1);
  EXPECT_THAT(
      [&] { check_invariants(time); },
      ThrowsMessage<std::logic_error>(HasSubstr("its parts take 10.001 s, all of it 10 s")));
  time.dp = Time::milliseconds(-1);
  EXPECT_THAT([&] { check_invariants(time); },
              ThrowsMessage<std::logic_error>(HasSubstr("a part takes -1 ms")));
  time = {};
  time.total = Time::seconds(4);
  time.compute = Time::seconds(5);
  EXPECT_THAT([&] { check_invariants(time); },
              ThrowsMessage<std::logic_error>(HasSubstr("it takes 4 s, its computation 5 s")));
}

}  // namespace
}  // namespace mixnet
