#include "daemon/position_lease.h"

#include <sys/wait.h>
#include <unistd.h>

#include <optional>

#include "base/error.h"
#include "daemon/test_region.h"

namespace mixnet {
namespace {

using ::testing::HasSubstr;

const SwitchAddress kSwitch = parse_switch_address("tl1://[fe80::1%eth0]:3082", "test");

std::string refusal(const SwitchAddress& address, const std::vector<int>& positions,
                    const std::filesystem::path& folder) {
  try {
    const PositionLease lease(address, positions, folder);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST(PositionLease, IsForOneDaemonAPosition) {
  const TestFolder folder;
  const std::vector<int> mine = {1, 2, 7};
  std::optional<PositionLease> lease(std::in_place, kSwitch, mine, folder.path());
  EXPECT_THAT(refusal(kSwitch, {3, 7}, folder.path()), HasSubstr("port 7 is driven by another"));
  EXPECT_EQ(refusal(kSwitch, {3, 4}, folder.path()), "");
  EXPECT_EQ(refusal(parse_switch_address("tl1://other", "test"), {7}, folder.path()), "");
  lease.reset();
  EXPECT_EQ(refusal(kSwitch, {3, 7}, folder.path()), "");
}

TEST(PositionLease, GoesWithItsProcess) {
  const TestFolder folder;
  int ready[2];
  ASSERT_EQ(::pipe(ready), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    const std::vector<int> all = {1, 2};
    const PositionLease lease(kSwitch, all, folder.path());
    static_cast<void>(!::write(ready[1], "x", 1));
    ::pause();
    ::_exit(0);
  }
  char byte = 0;
  ASSERT_EQ(::read(ready[0], &byte, 1), 1);
  EXPECT_NE(refusal(kSwitch, {2}, folder.path()), "");
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  EXPECT_EQ(refusal(kSwitch, {2}, folder.path()), "");
}

TEST(PositionLease, SaysWhereItCannotBe) {
  EXPECT_THAT(refusal(kSwitch, {1}, "/nowhere"),
              HasSubstr("/nowhere/mixnet-fe80__1_eth0-3082.lock"));
}

}  // namespace
}  // namespace mixnet
