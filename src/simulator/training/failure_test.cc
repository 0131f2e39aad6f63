#include "training/failure.h"

#include <gtest/gtest.h>

#include <string>

#include "base/error.h"

namespace mixnet {
namespace {

Failure parse(std::string_view text) { return parse_failure(text, "--fail"); }

TEST(Failure, IsReadAsItIsWritten) {
  const Failure nic = parse("nic:3.1");
  EXPECT_EQ(nic.part, FailedPart::kNic);
  EXPECT_EQ(nic.index, 3);
  EXPECT_EQ(nic.nic, 1);
  EXPECT_FALSE(nic.at);
  const Failure cable = parse("link:3.1@250ms");
  EXPECT_EQ(cable.part, FailedPart::kNic);
  EXPECT_EQ(cable.at, Time::milliseconds(250));
  EXPECT_EQ(cable.text, "link:3.1@250ms");
  const Failure link = parse("link:tor-up.17");
  EXPECT_EQ(link.part, FailedPart::kLink);
  EXPECT_EQ(link.tier, "tor-up");
  EXPECT_EQ(link.index, 17);
  EXPECT_EQ(parse("ocs:2").part, FailedPart::kOcs);
  EXPECT_EQ(parse("gpu:1023@1.5s").index, 1023);
  EXPECT_EQ(parse("server:0").part, FailedPart::kServer);
}

TEST(Failure, AnythingElseIsOneClearLine) {
  for (const std::string text : {"",
                                 "nic",
                                 "nic:",
                                 "nic:3",
                                 "nic:3.",
                                 "nic:.1",
                                 "nic:a.1",
                                 "nic:3.1.2",
                                 "nic:-1.0",
                                 "nic:+1.0",
                                 "nic: 1.0",
                                 "gpu:",
                                 "gpu:1.2",
                                 "gpu:1.",
                                 "gpu:x",
                                 "server:1x",
                                 "ocs:1e3",
                                 "link:tor-up",
                                 "link:up.3",
                                 "link:nic-up.3",
                                 "link:tor-up.",
                                 "nic:3.1@",
                                 "nic:3.1@5",
                                 "nic:3.1@-5s",
                                 "disk:3",
                                 "nic:99999999999.1",
                                 ":1",
                                 "nic:3.1@1s@2s"}) {
    try {
      parse(text);
      ADD_FAILURE() << text;
    } catch (const Error& error) {
      EXPECT_EQ(std::string(error.what()).find("--fail: "), 0U) << error.what();
      EXPECT_NE(std::string(error.what()).find("; "), std::string::npos) << error.what();
    }
  }
}

}  // namespace
}  // namespace mixnet
