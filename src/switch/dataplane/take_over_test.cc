// What outlives the process that attached interfaces: the circuits.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>

#include <atomic>
#include <functional>
#include <thread>

#include "dataplane/test_data_plane.h"
#include "dataplane/test_datagrams.h"

namespace mixnet {
namespace {

/// Another process attaches the first ports, does `work` and is killed.
void killed_after(int ports, const TestServers& servers,
                  const std::function<void(DataPlane&)>& work) {
  int done[2];
  ASSERT_EQ(pipe(done), 0);
  const pid_t child = fork();
  if (child == 0) {
    DataPlane plane({.ports = 8});
    std::vector<PortAttachment> some = all_of(servers);
    some.resize(ports);
    plane.attach(some);
    work(plane);
    (void)!write(done[1], "x", 1);
    while (true) pause();
  }
  close(done[1]);
  char told = 0;
  EXPECT_EQ(read(done[0], &told, 1), 1);
  close(done[0]);
  kill(child, SIGKILL);
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_TRUE(WIFSIGNALED(status));
}

bool pass(const TestMail& from, const TestMail& to) {
  from.send();
  return to.receive(200).has_value();
}

using TakeOverTest = DataPlaneTest;

TEST_F(TakeOverTest, CircuitsOfAKilledProcessPassAndTheNextCarriesOnWithoutAGap) {
  const TestServers servers(4);
  const TestMail one(servers, 1);
  const TestMail two(servers, 2);
  const TestMail three(servers, 3);
  killed_after(4, servers, [](DataPlane& plane) {
    join(plane, 1, 2);
    plane.light_changed(3, 4, kLongAgo);
  });
  EXPECT_TRUE(pass(one, two));
  EXPECT_TRUE(pass(two, one));

  DataPlane plane({.ports = 8});
  // Messages go on arriving while another process takes over.
  std::atomic<bool> is_attached = false;
  std::atomic<std::uint32_t> sent = 0;
  std::thread sender([&] {
    for (int after = 0; after < 1000; after += is_attached ? 1 : 0, ++sent) one.send("10.9.0.2");
  });
  while (sent == 0) std::this_thread::yield();
  plane.attach(all_of(servers));
  is_attached = true;
  std::uint32_t received = 0;
  while (two.receive(100)) ++received;
  sender.join();
  EXPECT_GT(sent, 1000U);
  EXPECT_EQ(received, sent);
  EXPECT_EQ(plane.path_from(1), (StandingPath{2, kLongAgo}));
  EXPECT_EQ(plane.path_from(3), (StandingPath{4, kLongAgo}));
  EXPECT_FALSE(plane.path_from(4));
  // Counters are the interface's, not the process's.
  EXPECT_EQ(plane.counters(1).passed, 1U + sent);

  part(plane, 1, 2);
  EXPECT_FALSE(pass(one, two));
  join(plane, 2, 3);
  EXPECT_TRUE(pass(two, three));
  EXPECT_FALSE(plane.path_from(1));
}

TEST_F(TakeOverTest, NoLightComesFromOrGoesToPortsLeftOut) {
  const TestServers servers(4);
  const TestMail one(servers, 1);
  const TestMail two(servers, 2);
  const TestMail three(servers, 3);
  const TestMail four(servers, 4);
  killed_after(4, servers, [](DataPlane& plane) {
    join(plane, 1, 2);
    join(plane, 3, 4);
  });
  DataPlane plane({.ports = 8});
  plane.attach(std::vector<PortAttachment>{{"port1", 7}, {"port3", 8}, {"port4", 1}});
  EXPECT_FALSE(pass(one, two));
  EXPECT_FALSE(pass(two, one));
  EXPECT_TRUE(pass(three, four));  // at other positions than before
  EXPECT_EQ(plane.path_from(8), (StandingPath{1, kLongAgo}));
  EXPECT_FALSE(plane.path_from(7));
}

TEST_F(TakeOverTest, InterfacesOfTwoRunsAreDarkUntilTold) {
  const TestServers servers(4);
  const TestMail one(servers, 1);
  const TestMail two(servers, 2);
  const TestMail three(servers, 3);
  killed_after(2, servers, [](DataPlane& plane) { join(plane, 1, 2); });
  {
    DataPlane other({.ports = 8});
    other.attach(std::vector<PortAttachment>{{"port3", 3}, {"port4", 4}});
    join(other, 3, 4);
  }
  EXPECT_TRUE(pass(one, two));
  DataPlane plane({.ports = 8, .detach_on_stop = true});
  plane.attach(all_of(servers));
  EXPECT_TRUE(plane.path_from(1));
  EXPECT_FALSE(plane.path_from(3));
  EXPECT_TRUE(pass(one, two));
  join(plane, 1, 3);
  EXPECT_TRUE(pass(one, three));
}

TEST_F(TakeOverTest, AStopThatDetachesLeavesNothing) {
  const TestServers servers(2);
  {
    DataPlane plane({.ports = 8, .detach_on_stop = true});
    plane.attach(all_of(servers));
    join(plane, 1, 2);
  }
  servers.run_in(0, "test -z \"$(tc qdisc show dev port1 clsact)\"");
  servers.run_in(0, "ip link show port2 | grep -qv PROMISC");
  const TestMail one(servers, 1);
  const TestMail two(servers, 2);
  EXPECT_FALSE(pass(one, two));
}

}  // namespace
}  // namespace mixnet
