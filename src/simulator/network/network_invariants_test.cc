#include "network/network_invariants.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>

namespace mixnet {
namespace {

using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

TEST(NetworkInvariants, NoPhaseIsFasterThanItsBusiestLink) {
  EXPECT_NO_THROW(check_not_faster(Time::seconds(3), Time::seconds(1), 2e12));
  EXPECT_NO_THROW(check_not_faster(Time{1}, Time::zero(), 2.4)) << "rounding";
  EXPECT_NO_THROW(check_not_faster(Time::max(), Time::zero(), 1e300)) << "never ends";
  EXPECT_THAT(
      [] { check_not_faster(Time::seconds(3), Time::seconds(1), 2.1e12); },
      ThrowsMessage<std::logic_error>(HasSubstr("takes 2 s, its busiest link alone 2.1 s")));
}

TEST(NetworkInvariants, BytesSentAreSomewhere) {
  PacketTotals totals;
  totals.sent_bytes = 1000;
  totals.delivered_bytes = 700;
  totals.dropped_bytes = 200;
  totals.in_flight_bytes = 100;
  EXPECT_NO_THROW(check_bytes_kept(totals));
  totals.dropped_bytes = 100;
  EXPECT_THAT([&] { check_bytes_kept(totals); },
              ThrowsMessage<std::logic_error>(
                  HasSubstr("1000 bytes were sent, 900 are delivered, dropped or on their way")));
}

}  // namespace
}  // namespace mixnet
