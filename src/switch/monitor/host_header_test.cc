#include "host_header.h"

#include <gtest/gtest.h>

namespace mixnet {
namespace {

TEST(HostHeader, ThatIsNotTheLoopbackIsAStrangers) {
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
