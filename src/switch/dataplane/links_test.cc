#include "dataplane/links.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace mixnet {
namespace {

TEST(Links, AreFoundByName) {
  Links links;
  const std::optional<Link> loopback = links.find("lo");
  ASSERT_TRUE(loopback);
  EXPECT_GT(loopback->index, 0);
  EXPECT_EQ(loopback->master, 0);
  EXPECT_FALSE(links.find("no-such-link"));
  EXPECT_FALSE(links.find(""));
  EXPECT_FALSE(links.find("a-name-of-16-byt"));
}

TEST(Links, OneThatIsNotThereCannotBeSet) { EXPECT_FALSE(Links().set(2'000'000'000, true, false)); }

TEST(Links, NoNewsIsNoNews) {
  Links links;
  EXPECT_GE(links.news_fd(), 0);
  while (links.has_news()) {
  }
  EXPECT_FALSE(links.has_news());
}

}  // namespace
}  // namespace mixnet
