#include "page_address.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"

namespace mixnet {
namespace {

using testing::HasSubstr;

TEST(PageAddress, IsAHostAndAPort) {
  EXPECT_EQ(parse_page_address("127.0.0.1:7412", "page").host, "127.0.0.1");
  EXPECT_EQ(parse_page_address("[fd00::5]:80", "page").host, "fd00::5");
  EXPECT_EQ(parse_page_address("localhost:0", "page").port, 0);
  for (const char* wrong : {"", "7412", ":7412", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536",
                            "::1:80", "[]:80", "h:-1", "h:1x"}) {
    EXPECT_THROW(parse_page_address(wrong, "page"), Error) << wrong;
  }
  try {
    parse_page_address("7412", "region.yaml: controller.page");
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("region.yaml: controller.page: '7412' is no address"));
  }
}

TEST(PageAddress, AHostHeaderThatIsNotTheLoopbackIsAStranger) {
  for (const char* ours : {"localhost", "localhost:7412", "LOCALHOST:1", "127.0.0.1:8080",
                           "127.9.9.9", "[::1]:7412", "[::1]"}) {
    EXPECT_TRUE(host_header_is_loopback(ours)) << ours;
  }
  for (const char* stranger :
       {"", "evil.example", "localhost.evil.example:7412", "10.0.0.1", "127.0.0.1.evil.example",
        "[::1", "[::1]x", "[::2]:1", "2130706433"}) {
    EXPECT_FALSE(host_header_is_loopback(stranger)) << stranger;
  }
}

}  // namespace
}  // namespace mixnet
