// Which frames skip the interface that they would leave by, and when none does.
#include <gtest/gtest.h>

#include "dataplane/test_data_plane.h"
#include "dataplane/test_datagrams.h"
#include "dataplane/test_stream.h"

namespace mixnet {
namespace {

class ShortWayTest : public DataPlaneTest {
 protected:
  /// Of two joined servers, the first sends the other a message. True: it arrives without leaving
  /// by port 2, whose counter of the kernel then stays.
  static bool goes_straight(const TestServers& servers, const TestMail& one, const TestMail& two) {
    const long long before = servers.packets(0, "port2").sent;
    one.send("10.9.0.2");
    EXPECT_TRUE(two.receive(1000));
    return servers.packets(0, "port2").sent == before;
  }
};

TEST_F(ShortWayTest, IsForFramesToTheNicAcross) {
  const TestServers servers(2);
  const TestMail one(servers, 1);
  const TestMail two(servers, 2);
  DataPlane plane({.ports = 2});
  plane.attach(all_of(servers));
  join(plane, 1, 2);
  EXPECT_TRUE(goes_straight(servers, one, two));

  // To all: by the interface, and taken as such.
  one.send("10.9.0.255");
  EXPECT_TRUE(two.receive(1000));
  EXPECT_EQ(servers.packets(0, "port2").sent, 1);
  EXPECT_EQ(servers.packets(2).received, 2);
  EXPECT_EQ(plane.counters(1).passed, 2U);

  // To the address of another NIC: it arrives, and that NIC is to throw it away.
  const std::string neighbour = "ip neigh replace 10.9.0.2 dev nic nud permanent lladdr ";
  servers.run_in(1, neighbour + "02:00:00:00:00:99");
  one.send("10.9.0.2");
  EXPECT_FALSE(two.receive(50));
  EXPECT_EQ(servers.packets(2).received, 3);

  // A NIC whose address is changed goes on, by the interface, until it is looked at again.
  servers.run_in(2, "ip link set nic address 02:00:00:00:00:99");
  EXPECT_FALSE(goes_straight(servers, one, two));
  servers.run_in(0, "ip link set port2 alias news");
  EXPECT_TRUE(plane.refresh().empty());
  EXPECT_TRUE(goes_straight(servers, one, two));
}

TEST_F(ShortWayTest, IsNotForAnInterfaceWithAQueue) {
  const TestServers servers(2);
  const TestMail one(servers, 1);
  const TestMail two(servers, 2);
  const std::string shape =
      "tc qdisc replace dev port2 root tbf rate 100mbit burst 64k latency 50ms";
  servers.run_in(0, shape);
  DataPlane plane({.ports = 2});
  plane.attach(all_of(servers));
  join(plane, 1, 2);
  EXPECT_FALSE(goes_straight(servers, one, two));
  const auto rate = [&] {
    return test_stream_rate(servers, 1, 2, "10.9.0.2", std::chrono::milliseconds(300));
  };
  EXPECT_LT(rate(), 120e6);

  servers.run_in(0, "tc qdisc del dev port2 root");
  EXPECT_TRUE(plane.refresh().empty());
  EXPECT_TRUE(goes_straight(servers, one, two));
  EXPECT_GT(rate(), 120e6);

  servers.run_in(0, shape);
  EXPECT_TRUE(plane.refresh().empty());
  EXPECT_FALSE(goes_straight(servers, one, two));
  EXPECT_LT(rate(), 120e6);
}

TEST_F(ShortWayTest, IsClosedInTheDark) {
  const TestServers servers(2);
  const TestMail one(servers, 1);
  const TestMail two(servers, 2);
  DataPlane plane({.ports = 2});
  plane.attach(all_of(servers));
  join(plane, 1, 2);
  EXPECT_TRUE(goes_straight(servers, one, two));
  part(plane, 1, 2);
  for (int i = 0; i < 100; ++i) one.send("10.9.0.2");
  join(plane, 1, 2, system_env().monotonic_now() + std::chrono::hours(1));
  for (int i = 0; i < 100; ++i) one.send("10.9.0.2");
  EXPECT_TRUE(soon([&] { return plane.counters(1).dark == 200; }));
  EXPECT_EQ(servers.packets(2).received, 1);
}

TEST_F(ShortWayTest, AnInterfaceThatIsSetDownClosesIt) {
  const TestServers servers(2);
  const TestMail one(servers, 1);
  const TestMail two(servers, 2);
  DataPlane plane({.ports = 2});
  plane.attach(all_of(servers));
  join(plane, 1, 2);
  EXPECT_TRUE(goes_straight(servers, one, two));
  servers.run_in(0, "ip link set port2 down");
  EXPECT_TRUE(plane.refresh().empty());
  one.send("10.9.0.2");
  EXPECT_TRUE(soon([&] { return plane.counters(1).frames == 2; }));
  EXPECT_EQ(servers.packets(2).received, 1);
}

TEST_F(ShortWayTest, LeadsToNoNicOfTheSwitchsOwnNamespace) {
  const TestServers servers(2);
  servers.run_in(0,
                 "ip link add here type veth peer name there address 02:00:00:00:00:33 && "
                 "ip link set there up");
  servers.run_in(1, "ip neigh replace 10.9.0.2 dev nic nud permanent lladdr 02:00:00:00:00:33");
  DataPlane plane({.ports = 2});
  plane.attach(std::vector<PortAttachment>{{"port1", 1}, {"here", 2}});
  join(plane, 1, 2);
  const TestMail one(servers, 1);
  one.send("10.9.0.2");
  EXPECT_TRUE(soon([&] { return servers.packets(0, "there").received == 1; }));
  EXPECT_EQ(servers.packets(0, "here").sent, 1);
}

TEST_F(ShortWayTest, WithCarrierThereIsNone) {
  const TestServers servers(2);
  const TestMail one(servers, 1);
  const TestMail two(servers, 2);
  DataPlane plane({.ports = 2, .carrier = true});
  plane.attach(all_of(servers));
  join(plane, 1, 2);
  EXPECT_TRUE(soon([&] {
    one.send("10.9.0.2");
    return two.receive(5).has_value();
  }));
  EXPECT_FALSE(goes_straight(servers, one, two));
}

}  // namespace
}  // namespace mixnet
