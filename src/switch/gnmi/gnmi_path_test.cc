#include "gnmi/gnmi_path.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace mixnet {
namespace {

TEST(GnmiPath, ReadsOriginStepsAndKeys) {
  const gnmi::Path path =
      parse_gnmi_path("sonic-db:/CONFIG_DB/localhost/OCS_CROSS_CONNECT/1A-2B", "test");
  EXPECT_EQ(path.origin(), "sonic-db");
  ASSERT_EQ(path.elem_size(), 4);
  EXPECT_EQ(path.elem(3).name(), "1A-2B");

  const gnmi::Path keyed = parse_gnmi_path("/interfaces/interface[name=eth 0/1]/state", "test");
  EXPECT_EQ(keyed.origin(), "");
  ASSERT_EQ(keyed.elem_size(), 3);
  EXPECT_EQ(keyed.elem(1).key().at("name"), "eth 0/1");
  EXPECT_EQ(to_text(keyed), "/interfaces/interface[name=eth 0/1]/state");
}

TEST(GnmiPath, EscapesWhatWouldEndAStepOrKey) {
  const gnmi::Path path = parse_gnmi_path(R"(/a\/b\[c/d[k\=x=v\]w])", "test");
  EXPECT_EQ(path.elem(0).name(), "a/b[c");
  EXPECT_EQ(path.elem(1).key().at("k=x"), "v]w");
  EXPECT_EQ(to_text(path), R"(/a\/b\[c/d[k\=x=v\]w])");
}

TEST(GnmiPath, TheRootIsEmpty) {
  EXPECT_EQ(parse_gnmi_path("", "test").elem_size(), 0);
  EXPECT_EQ(parse_gnmi_path("/", "test").elem_size(), 0);
  EXPECT_EQ(parse_gnmi_path("sonic-db:/", "test").origin(), "sonic-db");
  EXPECT_EQ(to_text({}), "/");
}

TEST(GnmiPath, RefusesWhatIsNone) {
  for (const char* text : {"//", "/a//b", "/a/", "/a[", "/a[k", "/a[k]", "/a[=v]", "/a[k=v",
                           "/a[k=v]b", "/a[k=1][k=2]", "/a]", "/a\\", "/[k=v]"}) {
    EXPECT_THROW(parse_gnmi_path(text, "test"), Error) << text;
  }
}

}  // namespace
}  // namespace mixnet
