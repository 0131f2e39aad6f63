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

TEST(RegionSite, SaysWhatIsPinnedForbiddenAndHowNicsBehave) {
  const RegionSite site = parse_region_site(std::string(kRegion) + R"(  - name: gpu-2
    nics: [{interface: eth2, ocs: 5, numa: 1, up: 2s}]
ports: 1-8
name: pod-7
pins: [2-3]
forbidden: [4, 6-7]
nic-up: measured
controller: {whatever: the daemon reads}
)",
                                            "region.yaml");
  EXPECT_EQ(site.name, "pod-7");
  EXPECT_THAT(site.pins, ElementsAre(PositionPair{2, 3}));
  EXPECT_THAT(site.forbidden, ElementsAre(4, 6, 7));
  EXPECT_TRUE(site.nic_up_measured);
  EXPECT_EQ(site.servers[2].nics[0].numa, 1);
  EXPECT_EQ(site.servers[2].nics[0].up, Duration::seconds(2));
  EXPECT_EQ(site.servers[0].nics[0].up, std::nullopt);
}

TEST(RegionSite, IsNamedAsItsFileWhereItDoesNotSay) {
  EXPECT_EQ(parse_region_site(std::string(kRegion), "/etc/mixnet/pod-7.yaml").name, "pod-7");
  EXPECT_EQ(parse_region_site(std::string(kRegion), "../a b.yaml").name, "region");
  EXPECT_THAT(refusal("name: ../x\n" + std::string(kRegion)), HasSubstr("'../x' is no name"));
}

TEST(RegionSite, RefusesPinsAndForbiddenPortsThatCannotBe) {
  const auto with = [](const std::string& line) { return refusal(std::string(kRegion) + line); };
  EXPECT_THAT(with("pins: [2-4]"), HasSubstr("port 4 is that of no NIC"));
  EXPECT_THAT(with("pins: [1-3]"), HasSubstr("both ports are those of gpu-0"));
  EXPECT_THAT(with("pins: [1-2, 2-3]"), HasSubstr("port 2 is in two pins"));
  EXPECT_THAT(with("pins: [2-2]"), HasSubstr("'2-2' is no circuit"));
  EXPECT_THAT(with("pins: [2]"), HasSubstr("is no circuit"));
  EXPECT_THAT(with("pins: [1-2]\nforbidden: [1]"), HasSubstr("port 1 is forbidden"));
  EXPECT_THAT(with("forbidden: [9]"), HasSubstr("port 9 is not in the slice"));
  EXPECT_THAT(with("forbidden: [1-2, 2]"), HasSubstr("port 2 is named twice"));
  EXPECT_THAT(with("nic-up: 11min"), HasSubstr("region.yaml:"));
  EXPECT_THAT(with("nic-up: 2000s"), HasSubstr("10 min at most"));
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
