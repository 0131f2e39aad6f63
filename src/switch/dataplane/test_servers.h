// Servers in network namespaces, one NIC each, whose other ends are interfaces port1, port2, ... of
// a namespace of the switch's own, in which the test's thread then is. For tests and benchmarks.
//
// Namespaces have no names: they live by this process's descriptors, so that they and all that is
// in them go when it ends, however it does. Server s is 10.9.0.s, and knows the others' addresses;
// its NIC is called "nic". Needs root and the program `ip`.
#pragma once

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <vector>

#include "dataplane/links.h"
#include "dataplane/privileges.h"

namespace mixnet {

class TestServers {
 public:
  /// Why there can be none here; empty: there can.
  static std::string missing() {
    if (std::system("ip -V > /dev/null 2>&1") != 0) return "the program 'ip' is not here";
    if (!may_adopt(effective_capabilities())) return "it takes root";
    const Descriptor before = own_namespace();
    if (unshare(CLONE_NEWNET) != 0) return "no network namespace can be made";
    const bool bpf = std::system("ip link add test0 type veth peer name test1 2> /dev/null") == 0;
    enter(before);
    return bpf ? "" : "the kernel has no veth";
  }

  /// Up to 254.
  explicit TestServers(int servers) : before_(own_namespace()) {
    for (int i = 0; i <= servers; ++i) {
      if (unshare(CLONE_NEWNET) != 0) throw std::runtime_error("no network namespace");
      run("sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1");
      spaces_.push_back(own_namespace());
    }
    enter(spaces_[0]);
    std::string links;
    for (int s = 1; s <= servers; ++s) links += link(s);
    batch(links);
    for (int s = 1; s <= servers; ++s) settle(s);
  }
  TestServers(const TestServers&) = delete;
  TestServers& operator=(const TestServers&) = delete;
  ~TestServers() { enter(before_); }

  static std::string address(int server) { return fmt::format("10.9.0.{}", server); }
  static std::string port(int server) { return fmt::format("port{}", server); }
  int size() const { return static_cast<int>(spaces_.size()) - 1; }

  /// A command by the shell in the switch's namespace (0) or a server's.
  void run_in(int server, const std::string& command) const {
    enter(spaces_[server]);
    run(command);
    enter(spaces_[0]);
  }
  /// Its port is made anew, as after a restart of the server's container.
  void make_again(int server) const {
    batch(link(server));
    settle(server);
  }

  /// A veth pair of two servers' own, beside the switch: they are 10.8.0.a and 10.8.0.b on it.
  void join_directly(int a, int b) const {
    enter(spaces_[a]);
    batch(
        fmt::format("link add direct type veth peer name direct netns /proc/{}/fd/{}\n"
                    "addr add 10.8.0.{}/24 dev direct\nlink set direct up\n",
                    getpid(), spaces_[b].get(), a));
    enter(spaces_[b]);
    batch(fmt::format("addr add 10.8.0.{}/24 dev direct\nlink set direct up\n", b));
    enter(spaces_[0]);
  }

  /// A socket of the server's, whichever thread uses it. Closed by who asks for it.
  int open_socket(int server, int type) const {
    enter(spaces_[server]);
    const int made = socket(AF_INET, type | SOCK_CLOEXEC, 0);
    enter(spaces_[0]);
    return made;
  }
  static sockaddr_in socket_address(const std::string& host, int port) {
    sockaddr_in made{};
    made.sin_family = AF_INET;
    made.sin_port = htons(static_cast<std::uint16_t>(port));
    inet_pton(AF_INET, host.c_str(), &made.sin_addr);
    return made;
  }

  /// The kernel's counters of a server's NIC, or of an interface of the switch (0).
  struct Packets {
    long long received = 0;
    long long sent = 0;
  };
  Packets packets(int server, const std::string& interface = "nic") const {
    enter(spaces_[server]);
    std::FILE* const table = std::fopen("/proc/thread-self/net/dev", "r");
    enter(spaces_[0]);
    Packets found;
    char line[512];
    while (table && std::fgets(line, sizeof line, table)) {
      char name[64];
      Packets one;
      if (std::sscanf(line, " %63[^:]: %*s %lld %*s %*s %*s %*s %*s %*s %*s %lld", name,
                      &one.received, &one.sent) == 3 &&
          interface == name) {
        found = one;
      }
    }
    if (table) std::fclose(table);
    return found;
  }

 private:
  static Descriptor own_namespace() {
    return Descriptor(open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
  }
  static void enter(const Descriptor& space) {
    if (setns(space.get(), CLONE_NEWNET) != 0) throw std::runtime_error("a namespace is lost");
  }
  static void run(const std::string& command) {
    if (std::system(command.c_str()) != 0) throw std::runtime_error("failed: " + command);
  }
  static void batch(const std::string& commands) {
    std::FILE* const ip = popen("ip -batch -", "w");
    if (ip) std::fputs(commands.c_str(), ip);
    if (!ip || pclose(ip) != 0) throw std::runtime_error("failed: ip -batch");
  }
  static std::string hardware_address(int server) {
    return fmt::format("02:00:00:00:00:{:02x}", server);
  }
  std::string link(int server) const {
    return fmt::format("link add {} type veth peer name nic address {} netns /proc/{}/fd/{}\n",
                       port(server), hardware_address(server), getpid(), spaces_[server].get());
  }
  void settle(int server) const {
    std::string commands = fmt::format(
        "addr add {}/24 broadcast 10.9.0.255 dev nic\nlink set nic up\n", address(server));
    for (int other = 1; other <= size(); ++other) {
      if (other == server) continue;
      commands += fmt::format("neigh add {} lladdr {} dev nic nud permanent\n", address(other),
                              hardware_address(other));
    }
    batch(fmt::format("link set {} up\n", port(server)));
    enter(spaces_[server]);
    batch(commands);
    // The kernel lets a NIC send some time after it is up.
    run("for i in $(seq 500); do ip link show nic | grep -q 'state UP' && exit 0; sleep 0.01; "
        "done; exit 1");
    enter(spaces_[0]);
  }

  Descriptor before_;
  std::vector<Descriptor> spaces_;  ///< the switch's, then the servers'
};

}  // namespace mixnet
