#include "ocs/switch_address.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"

namespace mixnet {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

SwitchAddress parsed(std::string_view text) { return parse_switch_address(text, "--switch"); }

TEST(SwitchAddress, WhatIsLeftOutIsAsDevicesShip) {
  const SwitchAddress tl1 = parsed("tl1://10.0.0.5");
  EXPECT_EQ(tl1.port, 3082);
  EXPECT_EQ(tl1.user + "/" + tl1.password, "root/root");
  EXPECT_EQ(tl1.shown(), "tl1://10.0.0.5:3082");
  const SwitchAddress gnmi = parsed("gnmi://ocs-1");
  EXPECT_EQ(gnmi.port, 8080);
  EXPECT_EQ(gnmi.user + "/" + gnmi.password, "admin/admin");
  EXPECT_FALSE(gnmi.tls);
  EXPECT_EQ(parsed("scpi://ocs").port, 5025);
}

TEST(SwitchAddress, TakesAllThatThereIsToSay) {
  const SwitchAddress address =
      parsed("gnmi+tls://op:p%40ss%3aword@[fe80::1]:9339?ca=ca.pem&bypass=yes&ports=64&sides=two");
  EXPECT_TRUE(address.tls);
  EXPECT_EQ(address.user, "op");
  EXPECT_EQ(address.password, "p@ss:word");
  EXPECT_EQ(address.host, "fe80::1");
  EXPECT_EQ(address.port, 9339);
  EXPECT_EQ(address.ca, "ca.pem");
  EXPECT_TRUE(address.bypass);
  EXPECT_EQ(address.ports, 64);
  EXPECT_EQ(address.sides, Sides::kTwo);
  EXPECT_THAT(address.shown(), Not(HasSubstr("word")));
  EXPECT_EQ(parsed("tl1://admin@10.0.0.5").password, "admin");
}

TEST(SwitchAddress, SaysWhatIsWrong) {
  const auto refusal = [](std::string_view text) -> std::string {
    try {
      parsed(text);
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  };
  EXPECT_THAT(refusal("10.0.0.5"), HasSubstr("no address of a switch"));
  EXPECT_THAT(refusal("ssh://10.0.0.5"), HasSubstr("tl1"));
  EXPECT_THAT(refusal("tl1+tls://10.0.0.5"), HasSubstr("no TLS"));
  EXPECT_THAT(refusal("tl1://"), HasSubstr("no host"));
  EXPECT_THAT(refusal("tl1://a b"), HasSubstr("no host"));
  EXPECT_THAT(refusal("tl1://h:0"), HasSubstr("no TCP port"));
  EXPECT_THAT(refusal("tl1://h:99999999999"), HasSubstr("no TCP port"));
  EXPECT_THAT(refusal("tl1://[::1"), HasSubstr("']'"));
  EXPECT_THAT(refusal("tl1://h?sides=three"), HasSubstr("sides"));
  EXPECT_THAT(refusal("tl1://h?ports=1"), HasSubstr("number of ports"));
  EXPECT_THAT(refusal("tl1://h?port=1"), HasSubstr("no setting"));
  EXPECT_THAT(refusal("tl1://h?ports"), HasSubstr("KEY=VALUE"));
  EXPECT_THAT(refusal("gnmi://h?ca=x"), HasSubstr("without TLS"));
  EXPECT_THAT(refusal("gnmi+tls://h?cert=x"), HasSubstr("go together"));
  EXPECT_THAT(refusal("tl1://u:%zz@h"), HasSubstr("hex digits"));
  EXPECT_THAT(refusal("tl1://u:secret%@h"), Not(HasSubstr("secret")));
}

}  // namespace
}  // namespace mixnet
