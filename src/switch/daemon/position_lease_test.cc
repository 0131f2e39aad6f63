#include "daemon/position_lease.h"

#include <fmt/format.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <optional>

#include "base/error.h"
#include "daemon/test_region.h"

namespace mixnet {
namespace {

using ::testing::HasSubstr;

/// Of this test alone, whatever else runs on the machine.
SwitchAddress switch_of(const std::string& host) {
  return parse_switch_address(fmt::format("tl1://{}.{}", host, ::getpid()), "test");
}

std::string refusal(const SwitchAddress& address, const std::vector<int>& positions) {
  try {
    const PositionLease lease(address, positions);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST(PositionLease, SaysWhatIsShortWhereFilesAre) {
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  rlimit few = before;
  few.rlim_cur = 64;
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &few), 0);
  std::vector<int> many;
  for (int position = 1; position <= 100; ++position) many.push_back(position);
  EXPECT_THAT(refusal(switch_of("many"), many), HasSubstr("LimitNOFILE="));
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
  EXPECT_EQ(refusal(switch_of("many"), many), "");
}

TEST(PositionLease, IsForOneDaemonAPosition) {
  const SwitchAddress ocs = switch_of("lease");
  const std::vector<int> mine = {1, 2, 7};
  std::optional<PositionLease> lease(std::in_place, ocs, mine);
  EXPECT_THAT(refusal(ocs, {3, 7}), HasSubstr("port 7 is driven by another"));
  EXPECT_EQ(refusal(ocs, {3, 4}), "");  // and that of port 3 before has left nothing
  EXPECT_EQ(refusal(switch_of("other"), {7}), "");
  EXPECT_NE(refusal(switch_of("LEASE"), {7}), "");
  lease.reset();
  EXPECT_EQ(refusal(ocs, {3, 7}), "");
}

TEST(PositionLease, GoesWithItsProcess) {
  const SwitchAddress ocs = switch_of("killed");
  int ready[2];
  ASSERT_EQ(::pipe(ready), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    const std::vector<int> all = {1, 2};
    const PositionLease lease(ocs, all);
    static_cast<void>(!::write(ready[1], "x", 1));
    ::pause();
    ::_exit(0);
  }
  char byte = 0;
  ASSERT_EQ(::read(ready[0], &byte, 1), 1);
  EXPECT_NE(refusal(ocs, {2}), "");
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  EXPECT_EQ(refusal(ocs, {2}), "");
}

TEST(PositionLease, TakesHostsOfAnyLength) {
  const SwitchAddress one = switch_of(fmt::format("{:a>200}", 1));
  const std::vector<int> all = {1};
  const PositionLease lease(one, all);
  EXPECT_NE(refusal(one, {1}), "");
  EXPECT_EQ(refusal(switch_of(fmt::format("{:a>200}", 2)), {1}), "");
}

}  // namespace
}  // namespace mixnet
