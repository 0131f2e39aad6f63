#include "dataplane/data_plane.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/capability.h>
#include <sys/syscall.h>

#include <chrono>
#include <thread>

#include "base/error.h"
#include "dataplane/test_data_plane.h"
#include "dataplane/test_datagrams.h"

namespace mixnet {
namespace {

using std::chrono::milliseconds;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::ThrowsMessage;

/// The thread's effective capabilities, fewer for a while.
class FewerCapabilities {
 public:
  explicit FewerCapabilities(std::uint64_t left) : before_(effective_capabilities()) { set(left); }
  ~FewerCapabilities() { set(before_); }

 private:
  static void set(std::uint64_t effective) {
    __user_cap_header_struct head{_LINUX_CAPABILITY_VERSION_3, 0};
    __user_cap_data_struct data[2] = {};
    syscall(SYS_capget, &head, data);
    data[0].effective = static_cast<std::uint32_t>(effective) & data[0].permitted;
    data[1].effective = static_cast<std::uint32_t>(effective >> 32) & data[1].permitted;
    syscall(SYS_capset, &head, data);
  }
  std::uint64_t before_;
};

TEST(DataPlaneAlone, NeedsNothingWhileNothingIsAttached) {
  DataPlane plane({.ports = 4});
  join(plane, 1, 2);
  part(plane, 1, 2);
  plane.detach(1);
  EXPECT_EQ(plane.counters(1), PortCounters{});
  EXPECT_EQ(plane.has_carrier(1), false);
  EXPECT_FALSE(plane.path_from(1));
  EXPECT_TRUE(plane.refresh().empty());
  EXPECT_EQ(plane.news_fd(), -1);
}

TEST(DataPlaneAlone, SaysWhichCapabilitiesAreMissing) {
  const FewerCapabilities none(0);
  DataPlane plane({.ports = 4});
  const std::vector<PortAttachment> ports = {{"lo", 1}};
  EXPECT_THAT([&] { plane.attach(ports); },
              ThrowsMessage<Error>("--attach: interfaces cannot be attached without CAP_NET_ADMIN "
                                   "and CAP_BPF; root, or setcap cap_net_admin,cap_bpf=ep on the "
                                   "program"));
}

TEST(DataPlaneAlone, WhatCannotBeAttachedIsSaid) {
  DataPlane plane({.ports = 4});
  const auto attach = [&](std::vector<PortAttachment> ports) {
    return [&plane, ports] { plane.attach(ports); };
  };
  EXPECT_THAT(attach({{"no-such", 1}}),
              ThrowsMessage<Error>(HasSubstr("'no-such=1': there is no such "
                                             "interface")));
  EXPECT_THAT(attach({{"", 1}}), ThrowsMessage<Error>(HasSubstr("there is no such interface")));
  EXPECT_THAT(attach({{"lo", 0}}), ThrowsMessage<Error>(HasSubstr("no such position; 1 to 4")));
  EXPECT_THAT(attach({{"lo", 5}}), ThrowsMessage<Error>(HasSubstr("no such position; 1 to 4")));
  EXPECT_THAT(attach({{"a-name-of-16-byt", 1}}),
              ThrowsMessage<Error>(HasSubstr("too long for an interface; up to 15 bytes")));
  EXPECT_THAT(attach({{"lo", 1}, {"lo", 2}}),
              ThrowsMessage<Error>(HasSubstr("'lo=2': the interface has a position already")));
  EXPECT_THAT(attach({{"lo", 1}, {"eth", 1}}),
              ThrowsMessage<Error>(HasSubstr("'eth=1': the position has an interface already")));
}

TEST_F(DataPlaneTest, TheCapabilitiesThatAreAskedForAreEnough) {
  const TestServers servers(2);
  const FewerCapabilities two(std::uint64_t{1} << CAP_NET_ADMIN | std::uint64_t{1} << CAP_BPF);
  {
    DataPlane plane({.ports = 2, .detach_on_stop = true});
    plane.attach(all_of(servers));
    join(plane, 1, 2);
    EXPECT_EQ(plane.path_from(1), (StandingPath{2, kLongAgo}));
  }
  {
    DataPlane plane({.ports = 2});
    plane.attach(all_of(servers));
  }
  DataPlane plane({.ports = 2});
  EXPECT_THAT(
      [&] { plane.attach(all_of(servers)); },
      ThrowsMessage<Error>(HasSubstr("or one of an earlier run, which takes CAP_SYS_ADMIN")));
}

TEST_F(DataPlaneTest, FramesPassBothWaysWhileJoinedAndNoneInTheDark) {
  const TestServers servers(3);
  const TestMail one(servers, 1);
  const TestMail two(servers, 2);
  const TestMail three(servers, 3);
  DataPlane plane({.ports = 3});
  plane.attach(all_of(servers));
  one.send();
  EXPECT_FALSE(two.receive(50));

  join(plane, 1, 2);
  one.send();
  ASSERT_TRUE(two.receive(1000));
  two.send();
  ASSERT_TRUE(one.receive(1000));
  EXPECT_FALSE(three.receive(0));

  part(plane, 1, 2);
  for (int i = 0; i < 100; ++i) one.send();
  EXPECT_FALSE(two.receive(50));

  EXPECT_EQ(servers.packets(1).sent, 102);
  EXPECT_EQ(servers.packets(1).received, 1);
  EXPECT_EQ(servers.packets(2).received, 1);
  EXPECT_EQ(servers.packets(3).received, 0);
  const PortCounters counters = plane.counters(1);
  EXPECT_EQ(counters.frames, 102U);
  EXPECT_EQ(counters.passed, 1U);
  EXPECT_EQ(counters.dark, 101U);
  EXPECT_EQ(counters.bytes, 102U * (14 + 20 + 8 + sizeof(TestDatagram)));
}

TEST_F(DataPlaneTest, LightMayGoOneWayOrBackToItsOwnPort) {
  const TestServers servers(2);
  const TestMail one(servers, 1);
  const TestMail two(servers, 2);
  DataPlane plane({.ports = 2});
  plane.attach(all_of(servers));
  plane.light_changed(1, 2, kLongAgo);
  one.send();
  EXPECT_TRUE(two.receive(1000));
  two.send();
  EXPECT_FALSE(one.receive(50));

  plane.light_changed(1, 1, kLongAgo);
  const long long before = servers.packets(1).received;
  one.send();
  EXPECT_FALSE(two.receive(50));
  EXPECT_EQ(servers.packets(1).received, before + 1);
}

TEST_F(DataPlaneTest, LightComesBackWhenItIsSaidToWithoutBeingAskedAgain) {
  const TestServers servers(2);
  const TestMail one(servers, 1);
  const TestMail two(servers, 2);
  DataPlane plane({.ports = 2});
  plane.attach(all_of(servers));
  const MonotonicTime lit_at = system_env().monotonic_now() + milliseconds(80);
  join(plane, 1, 2, lit_at);
  EXPECT_EQ(plane.path_from(1), (StandingPath{2, lit_at}));
  TestDatagram last;
  while (!two.receive(1)) last = one.send();
  const std::int64_t lit_ns = std::chrono::nanoseconds(lit_at.time_since_epoch()).count();
  EXPECT_GE(test_now_ns(), lit_ns);
  EXPECT_LT(last.sent_ns, lit_ns + 50'000'000);
}

TEST_F(DataPlaneTest, TheHostNeitherHearsNorSpeaks) {
  const TestServers servers(2);
  servers.run_in(
      0,
      "ip link set port1 address 02:00:00:00:00:77 up && ip addr add 10.9.0.77/24 dev port1 "
      "&& ip neigh add 10.9.0.1 lladdr 02:00:00:00:00:01 dev port1 nud permanent");
  servers.run_in(1, "ip neigh add 10.9.0.77 lladdr 02:00:00:00:00:77 dev nic nud permanent");
  const TestMail host(servers, 0);
  const TestMail one(servers, 1);
  one.send("10.9.0.77");
  EXPECT_TRUE(host.receive(1000));
  host.send("10.9.0.1");
  EXPECT_TRUE(one.receive(1000));

  DataPlane plane({.ports = 2});
  plane.attach(all_of(servers));
  const long long received = servers.packets(1).received;
  for (const int joined : {0, 2}) {
    plane.light_changed(1, joined, kLongAgo);
    one.send("10.9.0.77");
    EXPECT_FALSE(host.receive(50));
    host.send("10.9.0.1");
    EXPECT_FALSE(one.receive(50));
    EXPECT_EQ(servers.packets(1).received, received);
  }
}

TEST_F(DataPlaneTest, ADetachedInterfaceIsAnOrdinaryOneAgain) {
  const TestServers servers(3);
  const TestMail three(servers, 3);
  DataPlane plane({.ports = 3});
  plane.attach(all_of(servers));
  join(plane, 1, 2);
  plane.detach(2);
  EXPECT_FALSE(plane.path_from(1));
  servers.run_in(0,
                 "test -z \"$(tc qdisc show dev port2 clsact; tc filter show dev port2 ingress)\"");
  EXPECT_EQ(plane.has_carrier(2), false);
  EXPECT_EQ(plane.has_carrier(3), true);
  servers.run_in(3, "ip link set nic down");
  EXPECT_EQ(plane.has_carrier(3), false);
}

TEST_F(DataPlaneTest, WhatIsOthersIsLeftAlone) {
  const TestServers servers(4);
  servers.run_in(0, "ip link add bridge type bridge && ip link set port1 master bridge");
  servers.run_in(0,
                 "tc qdisc add dev port2 clsact && tc filter add dev port2 ingress pref 1 "
                 "protocol all u32 match u32 0 0 classid 1:1");
  servers.run_in(0,
                 "tc qdisc add dev port4 clsact && tc filter add dev port4 ingress pref 1 "
                 "handle 1 protocol all bpf bytecode '1,6 0 0 0,'");
  DataPlane plane({.ports = 4});
  const auto attach = [&](int server) {
    return [&, server] {
      plane.attach(std::vector<PortAttachment>{{"port3", 3}, {servers.port(server), server}});
    };
  };
  EXPECT_THAT(attach(1), ThrowsMessage<Error>(HasSubstr("'port1=1': the interface is a member of a "
                                                        "bridge or bond; ip link set port1 "
                                                        "nomaster")));
  EXPECT_THAT(attach(2), ThrowsMessage<Error>(
                             "--attach: 'port2=2': it takes no filter: Invalid argument; 'tc "
                             "filter show dev port2 ingress' (and egress) tells what is there"));
  EXPECT_THAT(attach(4),
              ThrowsMessage<Error>(HasSubstr("'port4=4': another filter has the first place")));
  servers.run_in(0, "test -z \"$(tc filter show dev port3 ingress)\"");
  servers.run_in(0, "test -n \"$(tc filter show dev port2 ingress)\"");
  servers.run_in(0, "tc filter show dev port4 ingress | grep -q bytecode");
}

TEST_F(DataPlaneTest, AnInterfaceThatGoesIsToldOfAndAttachedAgainWhenItIsBack) {
  const TestServers servers(2);
  DataPlane plane({.ports = 2});
  plane.attach(all_of(servers));
  join(plane, 1, 2);
  EXPECT_TRUE(plane.refresh().empty());
  const TestMail two(servers, 2);
  TestMail(servers, 1).send();
  EXPECT_TRUE(two.receive(1000));
  EXPECT_EQ(plane.counters(1).passed, 1U);

  servers.run_in(0, "ip link del port1");
  std::vector<PortNews> news = plane.refresh();
  ASSERT_EQ(news.size(), 1U);
  EXPECT_EQ(news[0].position, 1);
  EXPECT_FALSE(news[0].attached);
  EXPECT_FALSE(plane.path_from(2));
  part(plane, 1, 2);
  join(plane, 1, 2);
  EXPECT_EQ(plane.counters(1).passed, 1U);

  servers.make_again(1);
  news = plane.refresh();
  ASSERT_EQ(news.size(), 1U);
  EXPECT_EQ(news[0].interface, "port1");
  EXPECT_TRUE(news[0].attached);
  const TestMail one(servers, 1);
  two.send();
  EXPECT_TRUE(one.receive(1000));
  one.send();
  EXPECT_TRUE(two.receive(1000));
  EXPECT_EQ(plane.counters(1).passed, 2U);
}

/// A NIC sends some time after it has got its carrier back.
bool reaches(const TestMail& from, const TestMail& to) {
  return soon([&] {
    from.send();
    return to.receive(5).has_value();
  });
}

TEST_F(DataPlaneTest, AnInterfaceThatWasElsewhereMeanwhileIsAttachedAgain) {
  const TestServers servers(2);
  const TestMail one(servers, 1);
  const TestMail two(servers, 2);
  DataPlane plane({.ports = 2});
  plane.attach(std::vector<PortAttachment>{{"port1", 1}});
  plane.attach(std::vector<PortAttachment>{{"port2", 2}});
  join(plane, 1, 2);
  // Another namespace and back: the same index, no filters.
  servers.run_in(0,
                 "unshare -n sleep 30 & away=$!; sleep 0.2; ip link set port1 netns $away && "
                 "nsenter -t $away -n ip link set port1 netns $PPID; kill $away");
  ASSERT_EQ(plane.refresh().size(), 1U);
  servers.run_in(0, "ip link show port1 | grep -q PROMISC");
  EXPECT_TRUE(reaches(one, two));
  EXPECT_TRUE(reaches(two, one));
}

TEST_F(DataPlaneTest, WithCarrierADarkPortsNicHasNone) {
  const TestServers servers(2);
  const TestMail one(servers, 1);
  const TestMail two(servers, 2);
  DataPlane plane({.ports = 2, .carrier = true});
  plane.attach(all_of(servers));
  const std::string is_dark = "ip link show nic | grep -q NO-CARRIER";
  const std::string is_lit = "ip link show nic | grep -q LOWER_UP";
  servers.run_in(1, is_dark);
  join(plane, 1, 2);
  servers.run_in(1, is_lit);
  servers.run_in(2, is_lit);
  EXPECT_TRUE(reaches(one, two));

  part(plane, 1, 2);
  servers.run_in(2, is_dark);
  EXPECT_FALSE(plane.next_event());
  const MonotonicTime lit_at = system_env().monotonic_now() + milliseconds(50);
  join(plane, 1, 2, lit_at);
  EXPECT_EQ(plane.next_event(), lit_at);
  servers.run_in(2, is_dark);
  system_env().sleep_until(lit_at);
  plane.advance(lit_at);
  EXPECT_FALSE(plane.next_event());
  servers.run_in(1, is_lit);
  EXPECT_TRUE(reaches(two, one));
}

}  // namespace
}  // namespace mixnet
