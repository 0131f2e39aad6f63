// mixnetd for as long as one likes: a change every 50 ms, with faults, and whether it grows.
//
//   region_soak [SECONDS]      600; `make soak`
//
// Beside this program's folder it starts mixnet-ocs and mixnetd, is a trainer that reports demands
// and marks phases, an operator that drains and pins, a Prometheus that scrapes and a page that is
// looked at now and then. Resident memory is looked at from a
// sixth of the time on; it fails where that grew by 2 % or more (between the means of the second
// and the last sixth), where descriptors were not given back, or where the daemon has ended.
#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <chrono>
#include <cstdlib>
#include <fstream>
#include <numeric>
#include <thread>

#include "base/random.h"
#include "child_program.h"
#include "client/region_client.h"
#include "scratch_folder.h"

namespace mixnet {
namespace {

using std::chrono::steady_clock;

constexpr int kServers = 8;
constexpr int kNics = 4;
constexpr Duration kLimit = Duration::seconds(5);

/// A line to a port of the loopback, and what comes back.
std::string ask(const std::string& endpoint, const std::string& text) {
  const std::size_t colon = endpoint.rfind(':');
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(std::stoi(endpoint.substr(colon + 1))));
  ::inet_pton(AF_INET, "127.0.0.1", &address.sin_addr);
  const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  std::string answer;
  if (::connect(socket, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0 &&
      ::send(socket, text.data(), text.size(), MSG_NOSIGNAL) > 0) {
    timeval limit{1, 0};
    ::setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    char buffer[65536];
    const ssize_t got = ::recv(socket, buffer, sizeof(buffer), 0);
    if (got > 0) answer.assign(buffer, static_cast<std::size_t>(got));
  }
  ::close(socket);
  return answer;
}

std::string region_text(const std::string& tl1) {
  std::string text = fmt::format("name: soak\nswitch: \"tl1://{}\"\nservers:\n", tl1);
  for (int server = 0; server < kServers; ++server) {
    text += fmt::format("  - name: gpu-{}\n    nics:\n", server);
    for (int nic = 0; nic < kNics; ++nic) {
      text += fmt::format("      - {{interface: eth{}, ocs: {}}}\n", nic, server * kNics + nic + 1);
    }
    text += "      - {interface: eth9}\n";
  }
  return text +
         "controller:\n  api: 127.0.0.1:0\n  page: 127.0.0.1:0\n  switch-delay: 5ms\n"
         "  command-timeout: 200ms\n  read-timeout: 200ms\n  suspect-hold: 200ms\n  audit: 1s\n";
}

class Soak {
 public:
  Soak(const std::filesystem::path& programs, const std::filesystem::path& folder)
      : ocs_(programs / "mixnet-ocs",
             {"--ports", "40", "--timing", "fixed:5ms", "--tl1", "127.0.0.1:0", "--control",
              "127.0.0.1:0"},
             folder / "ocs.log") {
    const std::string tl1 = ocs_.await("tl1");
    control_ = ocs_.await("control");
    ocs_.await("ready");
    const std::filesystem::path file = folder / "region.yaml";
    std::ofstream(file) << region_text(tl1);
    std::filesystem::permissions(
        file, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
    daemon_ = std::make_unique<ChildProgram>(
        programs / "mixnetd",
        std::vector<std::string>{"--config", file.string(), "--insecure", "--store",
                                 (folder / "store").string()},
        folder / "mixnetd.log");
    const std::string api = daemon_->await("api");
    page_ = daemon_->await("page");
    daemon_->await("ready");
    client_ = std::make_unique<RegionClient>(parse_controller_address(api, "api"));
    TenantAdd add{1, {}};
    for (int server = 0; server < kServers; ++server) add.servers.push_back(server);
    client_->add(add, kLimit);
  }

  int run(int seconds) {
    const auto begin = steady_clock::now();
    const auto until = begin + std::chrono::seconds(seconds);
    auto next = begin;
    std::vector<double> memory;
    long first_descriptors = 0, last_descriptors = 0;
    for (std::uint64_t phase = 1; next < until; ++phase) {
      next += std::chrono::milliseconds(50);
      step(phase);
      if (phase % 20 == 0) {
        if (!daemon_->runs()) return complain("mixnetd has ended");
        const double share = std::chrono::duration<double>(steady_clock::now() - begin).count() /
                             static_cast<double>(seconds);
        if (share >= 1.0 / 6) {
          memory.push_back(static_cast<double>(daemon_->memory_kib()));
          last_descriptors = daemon_->descriptors();
          if (first_descriptors == 0) first_descriptors = last_descriptors;
        }
      }
      if (phase % 600 == 0) {
        fmt::print("{:>6.0f} s: {} phases, {} KiB ({} KiB of no file), {} descriptors\n",
                   std::chrono::duration<double>(steady_clock::now() - begin).count(), phase,
                   daemon_->memory_kib(), daemon_->memory_kib(true), daemon_->descriptors());
        std::fflush(stdout);
      }
      std::this_thread::sleep_until(next);
    }
    const std::size_t sixth = std::max<std::size_t>(1, memory.size() / 5);
    const auto mean = [&](std::size_t from) {
      return std::accumulate(memory.begin() + from, memory.begin() + from + sixth, 0.0) /
             static_cast<double>(sixth);
    };
    const double before = mean(0), after = mean(memory.size() - sixth);
    const double growth = after / before - 1;
    fmt::print("resident: {:.0f} KiB, then {:.0f} KiB: {:+.2f} %; descriptors {}, then {}\n",
               before, after, 100 * growth, first_descriptors, last_descriptors);
    daemon_->signal(SIGTERM);
    if (daemon_->wait() != 0) return complain("mixnetd did not end well");
    if (growth >= 0.02) return complain("it grows");
    if (last_descriptors > first_descriptors + 4) return complain("descriptors are not given back");
    return 0;
  }

 private:
  static int complain(const char* what) {
    fmt::print(stderr, "region_soak: {}\n", what);
    return 1;
  }

  void step(std::uint64_t phase) {
    DemandReport report{1, {phase, 0, 0, false}, ServerDemand(kServers, kServers), {}};
    for (std::int64_t& cell : report.bytes.cells()) {
      cell = static_cast<std::int64_t>(random_.below(10) == 0 ? random_.below(100'000'000)
                                                              : random_.below(1'000'000));
    }
    client_->report(report, kLimit);
    client_->mark(PhaseMark{1, phase, true}, kLimit);
    client_->mark(PhaseMark{1, phase, false}, kLimit);
    if (phase % 40 == 0) strike();
    if (phase % 100 == 0) client_->drain(ServerDrain{2, phase % 200 == 0}, kLimit);
    if (phase % 20 == 0) ask(page_, "GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n");
    if (phase % 20 == 10) ask(page_, "GET /live HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n");
  }

  void strike() {
    constexpr const char* kFaults[] = {"deny@received",
                                       "silence@settled",
                                       "half-applied@moving",
                                       "drop@moving",
                                       "slow@moving",
                                       "stuck@idle port=3 for=2s",
                                       "lost-circuit@idle port=5",
                                       "drop@idle",
                                       "dark@idle port=7 for=1s",
                                       "alarm@idle",
                                       "reboot@idle for=1s",
                                       "silence@reading"};
    ask(control_, fmt::format("fault {}\n", kFaults[random_.below(std::size(kFaults))]));
  }

  ChildProgram ocs_;
  std::string control_, page_;
  std::unique_ptr<ChildProgram> daemon_;
  std::unique_ptr<RegionClient> client_;
  Random random_{7};
};

}  // namespace
}  // namespace mixnet

int main(int argc, char** argv) {
  const int seconds = argc > 1 ? std::max(12, std::atoi(argv[1])) : 600;
  const std::filesystem::path programs =
      std::filesystem::read_symlink("/proc/self/exe").parent_path().parent_path();
  try {
    const mixnet::ScratchFolder folder;
    return mixnet::Soak(programs, folder.path()).run(seconds);
  } catch (const std::exception& error) {
    fmt::print(stderr, "region_soak: {}\n", error.what());
    return 1;
  }
}
