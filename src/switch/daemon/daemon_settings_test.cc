#include "daemon/daemon_settings.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "base/text_file.h"
#include "daemon/credentials.h"
#include "daemon/test_region.h"

namespace mixnet {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr std::string_view kRegion = R"(switch: tl1://10.0.0.5
ports: 1-9
forbidden: [3]
pins: [1-4]
nic-up: 1s
servers:
  - name: a
    nics: [{interface: e0, ocs: 1, numa: 0}, {interface: e1, ocs: 2, numa: 1, up: 3s},
           {interface: n0}]
  - name: b
    nics: [{interface: e0, ocs: 4}, {interface: n0}, {interface: n1}]
)";

std::string refusal(const std::string& text) {
  try {
    parse_daemon_settings(text, "region.yaml");
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}
std::string with(const std::string& controller) {
  return refusal(std::string(kRegion) + "controller: {" + controller + "}\n");
}

TEST(DaemonSettings, NumbersThePortsOfTheRegion) {
  const DaemonSettings settings = parse_daemon_settings(std::string(kRegion), "/etc/x/pod.yaml");
  EXPECT_EQ(settings.site.name, "pod");
  EXPECT_EQ(settings.region.servers, 2);
  EXPECT_EQ(settings.region.optical_nics, 2);
  EXPECT_EQ(settings.region.eps_nics, 2);
  EXPECT_THAT(settings.position_of_port, ElementsAre(1, 2, 4, 0));
  EXPECT_THAT(settings.port_of_position, ElementsAre(-1, 0, 1, -1, 2, -1, -1, -1, -1, -1));
  EXPECT_THAT(settings.region.forbidden, ElementsAre(3));  // b has no second NIC
  EXPECT_THAT(settings.region.numa_of_nic, ElementsAre(0, 1));
  EXPECT_THAT(settings.pins, ElementsAre(PortPair{0, 2}));
  EXPECT_THAT(settings.slice(), ElementsAre(1, 2, 4, 5, 6, 7, 8, 9));
  EXPECT_EQ(settings.port_name(1), "a:e1");
  EXPECT_EQ(settings.port_name(2), "b:e0");
  EXPECT_EQ(settings.nic_up[0], Duration::seconds(1));
  EXPECT_EQ(settings.nic_up[1], Duration::seconds(3));
}

TEST(DaemonSettings, HasDefaultsThatFitTheSwitchAndTheNics) {
  const DaemonSettings settings = parse_daemon_settings(std::string(kRegion), "region.yaml");
  EXPECT_EQ(settings.region.policy, Reconfiguration::kHitless);
  EXPECT_EQ(settings.region.allocator, AllocatorKind::kRefined);
  EXPECT_EQ(settings.region.command_timeout, Duration::milliseconds(3'300));
  EXPECT_EQ(settings.region.read_timeout, Duration::milliseconds(3'250));
  EXPECT_EQ(settings.api, "127.0.0.1:7411");
  EXPECT_TRUE(settings.store.empty());
  EXPECT_EQ(test_settings(2, 1).region.command_timeout, Duration::milliseconds(500));
}

TEST(DaemonSettings, ReadsAllKeys) {
  const DaemonSettings settings = parse_daemon_settings(std::string(kRegion) + R"(controller:
  store: store
  credentials: switch.cred
  policy: block
  allocator: greedy
  budget: 100
  nic-rate: 100Gbps
  switch-delay: 40ms
  drain: 1ms
  command-timeout: 4s
  read-timeout: 5s
  phase-limit: 60s
  audit: 20s
  suspect-hold: 10s
  attempts: 5
  durability: power
  moves-per-minute: 30
  maintenance: ["Sun 02:00-04:00 UTC"]
  api: "[::1]:0"
  page: none
  tls: {cert: a.pem, key: /k/a.key, ca: ca.pem}
  peers: [10.0.0.0/8, "fd00::/8", 192.168.0.7]
)",
                                                        "/etc/mixnet/pod.yaml");
  EXPECT_EQ(settings.store, "/etc/mixnet/store");
  EXPECT_EQ(settings.credentials, "/etc/mixnet/switch.cred");
  EXPECT_EQ(settings.region.policy, Reconfiguration::kBlock);
  EXPECT_EQ(settings.region.budget, 100);
  EXPECT_EQ(settings.region.switch_delay, Duration::milliseconds(40));
  EXPECT_EQ(settings.region.audit_period, Duration::seconds(20));
  EXPECT_EQ(settings.region.moves_per_minute, 30);
  EXPECT_EQ(settings.store_options.durability, Durability::kPower);
  EXPECT_EQ(settings.maintenance.size(), 1U);
  EXPECT_EQ(settings.page, "");
  EXPECT_EQ(settings.tls.cert, "/etc/mixnet/a.pem");
  EXPECT_EQ(settings.tls.key, "/k/a.key");
  EXPECT_EQ(settings.peers.size(), 3U);
}

TEST(DaemonSettings, SaysWhereItIsWrong) {
  EXPECT_THAT(with("polic: block"), HasSubstr("did you mean 'policy'"));
  EXPECT_THAT(with("policy: x"), HasSubstr("unknown policy 'x'"));
  EXPECT_THAT(with("allocator: exact"), HasSubstr("whose time has no bound"));
  EXPECT_THAT(with("switch-delay: 25"), HasSubstr("region.yaml:12:"));
  EXPECT_THAT(with("audit: 0s"), HasSubstr("is zero"));
  EXPECT_THAT(with("audit: 200000s"), HasSubstr("too long"));
  EXPECT_THAT(with("command-timeout: 1s"), HasSubstr("less than switch-delay and nic-up"));
  EXPECT_THAT(with("read-timeout: 1s"), HasSubstr("less than nic-up"));
  EXPECT_THAT(with("maintenance: [never]"), HasSubstr("no maintenance window"));
  EXPECT_THAT(with("api: localhost:1"), HasSubstr("no ADDRESS:PORT"));
  EXPECT_THAT(with("api: 127.0.0.1:65536"), HasSubstr("no ADDRESS:PORT"));
  EXPECT_THAT(with("tls: {cert: a}"), HasSubstr("'key' is missing"));
  EXPECT_THAT(with("peers: [10.0.0.0/33]"), HasSubstr("no address prefix"));
  EXPECT_THAT(with("peers: [host]"), HasSubstr("no address prefix"));
  EXPECT_THAT(with("moves-per-minute: -1"), HasSubstr("no such number"));
  EXPECT_THAT(refusal("switch: tl1://x\nservers: [{name: a, nics: [{interface: e}]}]"),
              HasSubstr("no NIC is plugged into the switch"));
  EXPECT_THAT(refusal("servers: [{name: a, nics: [{interface: e, ocs: 1}]}]"),
              HasSubstr("'switch' is missing"));
  EXPECT_THAT(refusal("switch: tl1://x\nservers: [{name: a, nics: [{interface: e, ocs: 1}]},"
                      " {name: b, nics: [{interface: e, ocs: 2, numa: 1}]}]"),
              HasSubstr("NUMA node 0 elsewhere, and on 1 here"));
}

TEST(DaemonSettings, ListensOffTheLoopbackWithTlsOnly) {
  const auto check = [](const std::string& controller, bool insecure) {
    DaemonSettings settings =
        parse_daemon_settings(std::string(kRegion) + "controller: {" + controller + "}", "r.yaml");
    settings.insecure = insecure;
    try {
      check_exposure(settings);
    } catch (const Error& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  EXPECT_THAT(check("api: 10.0.0.1:1", true), HasSubstr("10.0.0.1:1 is not the loopback"));
  EXPECT_THAT(check("api: 10.0.0.1:1", false), HasSubstr("is not the loopback"));
  EXPECT_THAT(check("page: \"[::]:1\"", true), HasSubstr("controller.page: [::]:1"));
  EXPECT_THAT(check("api: 127.0.0.1:1", false), HasSubstr("--insecure"));
  EXPECT_EQ(check("api: 127.0.0.1:1, page: \"[::1]:2\"", true), "");
  EXPECT_EQ(check("api: none, page: none", false), "");
  EXPECT_EQ(check("api: 0.0.0.0:1, tls: {cert: a, key: b, ca: c}", false), "");
}

TEST(DaemonSettings, KeepsSecretsApart) {
  const TestFolder folder;
  const auto path = folder.path() / "region.yaml";
  const std::string url = "switch: tl1://joe:hunter2@10.0.0.5\n";
  write_text_file(path, url + region_text(2, 1).substr(region_text(2, 1).find("servers")));
  ASSERT_EQ(::chmod(path.c_str(), 0644), 0);
  try {
    read_daemon_settings(path);
    FAIL() << "it was read";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("chmod 600"));
    EXPECT_THAT(error.what(), Not(HasSubstr("hunter2")));
  }
  ASSERT_EQ(::chmod(path.c_str(), 0600), 0);
  const DaemonSettings settings = read_daemon_settings(path);
  EXPECT_EQ(settings.address.password, "hunter2");
  EXPECT_THAT(settings.site.switch_url, Not(HasSubstr("hunter2")));
}

TEST(Credentials, AreOursAlone) {
  const TestFolder folder;
  const auto path = folder.path() / "switch.cred";
  write_text_file(path, "user: joe\npassword: hunter2\n");
  ASSERT_EQ(::chmod(path.c_str(), 0600), 0);
  EXPECT_EQ(read_credentials(path).password, "hunter2");
  for (const mode_t mode : {0660, 0604, 0620, 0666}) {
    ASSERT_EQ(::chmod(path.c_str(), mode), 0);
    EXPECT_THROW(read_credentials(path), Error) << mode;
  }
  EXPECT_THROW(read_credentials(folder.path() / "none"), Error);
  EXPECT_THROW(read_credentials(folder.path()), Error);
}

TEST(Credentials, ArePrivateAsSystemdPassesThemToo) {
  constexpr uid_t kUs = 61'234;
  constexpr gid_t kOurs = 61'234;
  EXPECT_TRUE(is_private(0600, kUs, kOurs, kUs));
  EXPECT_TRUE(is_private(0400, 0, 0, kUs));
  EXPECT_TRUE(is_private(0440, 0, 0, kUs)) << "LoadCredential= of a service with a user";
  EXPECT_FALSE(is_private(0440, 0, kOurs, kUs));
  EXPECT_FALSE(is_private(0440, kUs, kOurs, kUs));
  EXPECT_FALSE(is_private(0440, kUs, 0, kUs));
  EXPECT_FALSE(is_private(0460, 0, 0, kUs));
  EXPECT_FALSE(is_private(0444, 0, 0, kUs));
  EXPECT_FALSE(is_private(0400, kUs + 1, kOurs, kUs));
}

TEST(Credentials, AreNotRepeatedInErrors) {
  for (const char* wrong : {"", "user: joe", "hunter2", "user: joe\npasword: hunter2",
                            "user: [hunter2]\npassword: x", "user: joe\npassword: {hunter2"}) {
    try {
      parse_credentials(wrong, "switch.cred");
      ADD_FAILURE() << wrong;
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), Not(HasSubstr("hunter2")));
    }
  }
}

}  // namespace
}  // namespace mixnet
