#include "site/region_site.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"

namespace mixnet {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr std::string_view kRegion = R"(switch: tl1://admin@10.0.0.5
servers:
  - name: gpu-0
    run: [ssh, gpu-0]
    nics:
      - {interface: eth2, ocs: 3}
      - {interface: eth3, ocs: 1}
      - {interface: eth0}
  - name: gpu-1
    nics: [{interface: eth2, ocs: 2}]
)";

std::string refusal(const std::string& text) {
  try {
    parse_region_site(text, "region.yaml");
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST(RegionSite, IsServersAndWhereTheirNicsArePlugged) {
  const RegionSite site = parse_region_site(std::string(kRegion), "region.yaml");
  EXPECT_EQ(site.switch_url, "tl1://admin@10.0.0.5");
  EXPECT_THAT(site.ports, ElementsAre(1, 2, 3));
  ASSERT_EQ(site.servers.size(), 2U);
  EXPECT_THAT(site.servers[0].run, ElementsAre("ssh", "gpu-0"));
  EXPECT_THAT(site.servers[1].run, IsEmpty());
  EXPECT_EQ(site.servers[0].nics[2].interface, "eth0");
  EXPECT_EQ(site.servers[0].nics[2].ocs, 0);
}

TEST(RegionSite, SaysWhereItIsWrong) {
  EXPECT_THAT(refusal("servers: []"), HasSubstr("no server"));
  EXPECT_THAT(refusal("server: []"), HasSubstr("region.yaml:1:9: there is no key 'server'"));
  EXPECT_THAT(refusal("- 1"), HasSubstr("no mapping"));
  EXPECT_THAT(refusal("servers: [{name: a, nics: [{interface: e, ocs: 0}]}]"),
              HasSubstr("from 1 to 2048"));
  EXPECT_THAT(refusal("servers: [{name: a, nics: [{interface: a/b}]}]"), HasSubstr("no interface"));
  EXPECT_THAT(refusal("servers: [{name: a, nics: []}, {name: a, nics: []}]"),
              HasSubstr("second server"));
  EXPECT_THAT(refusal("servers: [{name: a, nics: [{interface: e, ocs: 1},"
                      " {interface: f, ocs: 1}]}]"),
              HasSubstr("port 1 is that of a:e already"));
  EXPECT_THAT(refusal("ports: 2-4\nservers: [{name: a, nics: [{interface: e, ocs: 1}]}]"),
              HasSubstr("port 1, of a:e, is not among them"));
  EXPECT_THAT(refusal("servers: [{name: a}]"), HasSubstr("'nics' is missing"));
  EXPECT_THAT(refusal("servers: {"), HasSubstr("region.yaml:"));
  EXPECT_THAT(refusal(std::string(2 << 20, ' ')), HasSubstr("1 MiB"));
}

TEST(Positions, AreRangesAndNumbers) {
  EXPECT_THAT(parse_positions("1-3, 7", "--ports", 8), ElementsAre(1, 2, 3, 7));
  for (const char* wrong : {"", "0", "9", "3-1", "1-", "a", "1,,2", "-1", "1-99999999999"}) {
    EXPECT_THROW(parse_positions(wrong, "--ports", 8), Error) << wrong;
  }
  EXPECT_THROW(parse_positions("1-3,2", "--ports", 8), Error);
}

}  // namespace
}  // namespace mixnet
