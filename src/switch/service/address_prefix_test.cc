#include "service/address_prefix.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"

namespace mixnet {
namespace {

using ::testing::HasSubstr;

bool matches(std::string_view prefix, std::string_view address) {
  return parse_prefix(prefix, "test").contains(parse_ip(address).value());
}

std::string error_of(std::string_view prefix) {
  try {
    parse_prefix(prefix, "region.yaml");
  } catch (const Error& error) {
    return error.what();
  }
  return {};
}

TEST(AddressPrefix, MatchesByItsFirstBits) {
  EXPECT_TRUE(matches("10.0.0.0/8", "10.255.1.2"));
  EXPECT_FALSE(matches("10.0.0.0/8", "11.0.0.1"));
  EXPECT_TRUE(matches("10.1.2.3", "10.1.2.3"));
  EXPECT_FALSE(matches("10.1.2.3", "10.1.2.4"));
  EXPECT_TRUE(matches("192.168.4.0/22", "192.168.7.255"));
  EXPECT_FALSE(matches("192.168.4.0/22", "192.168.8.0"));
  EXPECT_TRUE(matches("fd00::/8", "fdab::1"));
  EXPECT_FALSE(matches("fd00::/8", "fe80::1"));
  EXPECT_TRUE(matches("0.0.0.0/0", "8.8.8.8"));
  EXPECT_TRUE(matches("::/0", "2001:db8::1"));
}

TEST(AddressPrefix, Ipv4IsNotIpv6EvenWhereASocketTakesBoth) {
  EXPECT_FALSE(matches("0.0.0.0/0", "2001:db8::1"));
  EXPECT_FALSE(matches("::/0", "10.0.0.1"));
  EXPECT_TRUE(matches("10.0.0.0/8", "::ffff:10.0.0.1"));
  EXPECT_TRUE(matches("::ffff:10.0.0.0/104", "10.0.0.1"));
}

TEST(AddressPrefix, NonsenseIsRefusedInOneLine) {
  for (const char* text :
       {"", "/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/", "10.0.0/8", "fd00::/129", "host",
        "10.0.0.0/8/8", "fe80::1%eth0/64", "10.0.0.0/8 "}) {
    EXPECT_THAT(error_of(text), HasSubstr("region.yaml: '")) << text;
  }
  EXPECT_THAT(error_of("10.1.0.0/8"), HasSubstr("bits beyond its prefix; write 10.0.0.0/8"));
  EXPECT_THAT(error_of("fd00::1/8"), HasSubstr("write fd00::/8"));
}

TEST(AddressPrefix, ReadsTheNamesThatGrpcGivesToPeers) {
  EXPECT_EQ(address_of_peer("ipv4:1.2.3.4:5"), parse_ip("1.2.3.4"));
  EXPECT_EQ(address_of_peer("ipv6:%5B::1%5D:5"), parse_ip("::1"));
  EXPECT_EQ(address_of_peer("ipv6:[::1]:5"), parse_ip("::1"));
  EXPECT_EQ(address_of_peer("ipv6:%5Bfe80::1%25eth0%5D:5"), parse_ip("fe80::1"));
  EXPECT_EQ(address_of_peer("ipv6:%5B::ffff:10.0.0.1%5D:5")->shown(), "10.0.0.1");
  for (const char* peer : {"", "unix:/run/x", "unix:", "ipv4:", "ipv4:1.2.3.4", "ipv6:::1:5",
                           "ipv6:%5", "ipv6:%5B%5D:1", "ipv4:%00:1", "dns:a:1"}) {
    EXPECT_FALSE(address_of_peer(peer)) << peer;
  }
}

TEST(AddressPrefix, TheLoopbackAndNetworks) {
  EXPECT_TRUE(parse_ip("127.1.2.3")->is_loopback());
  EXPECT_TRUE(parse_ip("::1")->is_loopback());
  EXPECT_TRUE(parse_ip("::ffff:127.0.0.1")->is_loopback());
  EXPECT_FALSE(parse_ip("10.0.0.1")->is_loopback());
  EXPECT_FALSE(parse_ip("::")->is_loopback());
  EXPECT_EQ(parse_ip("10.0.0.1")->network(), parse_ip("10.0.0.1"));
  EXPECT_EQ(parse_ip("fd00::1:2:3:4")->network(), parse_ip("fd00::"));
}

}  // namespace
}  // namespace mixnet
