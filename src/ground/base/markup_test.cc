#include "base/markup.h"

#include <gtest/gtest.h>

namespace mixnet {
namespace {

TEST(Markup, NothingIsATag) {
  EXPECT_EQ(escaped("<a href=\"x\">R&D</a>", Markup::kHtml),
            "&lt;a href=&quot;x&quot;&gt;R&amp;D&lt;/a&gt;");
  EXPECT_EQ(escaped("a < b && \"c\"", Markup::kXml), "a &lt; b &amp;&amp; &quot;c&quot;");
  EXPECT_EQ(escaped("", Markup::kXml), "");
}

TEST(Markup, Apostrophe) {
  EXPECT_EQ(escaped("a server's", Markup::kHtml), "a server&#39;s");
  EXPECT_EQ(escaped("a server's", Markup::kXml), "a server's");
}

TEST(Markup, ControlCharacters) {
  EXPECT_EQ(escaped("a\n\tb\x01", Markup::kHtml), "a\n\tb\x01");
  EXPECT_EQ(escaped("a\n\tb\x01", Markup::kXml), "a  b ");
  EXPECT_EQ(escaped("\xC3\xBC", Markup::kXml), "\xC3\xBC");
}

}  // namespace
}  // namespace mixnet
