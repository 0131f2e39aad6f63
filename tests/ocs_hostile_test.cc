// A hostile client beside an honest one: the honest one hardly notices.
#include <arpa/inet.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>

#include "emulated_device.h"
#include "ocs/switch_error.h"

namespace mixnet {
namespace {

int connect_to(int port) {
  const int connection = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  static_cast<void>(
      ::connect(connection, reinterpret_cast<const sockaddr*>(&address), sizeof address));
  return connection;
}

void push(int connection, std::string_view bytes) {
  static_cast<void>(::send(connection, bytes.data(), bytes.size(), MSG_NOSIGNAL));
}

/// Keeps `count` connections busy with mischief until told to stop.
class HostileClient {
 public:
  HostileClient(int port, int count) : thread_([this, port, count] { run(port, count); }) {}
  ~HostileClient() {
    stop_ = true;
    thread_.join();
  }

 private:
  void run(int port, int count) {
    const std::string oversized(64 << 10, 'A');
    std::vector<int> connections(static_cast<std::size_t>(count), -1);
    std::size_t next = 0;
    while (!stop_) {
      for (int burst = 0; burst < 20; ++burst) {
        int& connection = connections[next];
        switch (next % 4) {
          case 0:  // connects and says nothing; is made anew now and then
            if (connection >= 0) ::close(connection);
            connection = connect_to(port);
            break;
          case 1:  // a line without end
            if (connection < 0) connection = connect_to(port);
            push(connection, oversized);
            break;
          case 2:  // a byte at a time
            if (connection < 0) connection = connect_to(port);
            push(connection, "A");
            break;
          default:  // asks much and reads nothing
            if (connection < 0) connection = connect_to(port);
            push(connection, "RTRV-PATCH:::1:;*idn?;:oxc:swit:conn:stat?\n");
            break;
        }
        char buffer[64];
        // Closed by the server: the next turn begins again.
        if (next % 4 != 3 && ::recv(connection, buffer, sizeof buffer, MSG_PEEK) == 0) {
          ::close(std::exchange(connection, -1));
        }
        next = (next + 1) % connections.size();
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    for (const int connection : connections) {
      if (connection >= 0) ::close(connection);
    }
  }

  std::atomic<bool> stop_ = false;
  std::thread thread_;
};

class OcsHostile : public ::testing::TestWithParam<SwitchProtocol> {};

double p99(std::vector<double> values) {
  std::ranges::sort(values);
  return values[values.size() * 99 / 100];
}

std::vector<double> latencies(OpticalSwitch& driver) {
  std::vector<double> times;
  for (int i = 0; i < 600; ++i) {
    const auto start = std::chrono::steady_clock::now();
    static_cast<void>(driver.cross_connects(from_now(5'000)));
    const auto took = std::chrono::steady_clock::now() - start;
    times.push_back(std::chrono::duration<double, std::milli>(took).count());
  }
  return times;
}

/// Where there is a login, who has none makes room. (SCPI has none: nobody can be told apart.)
void expect_newcomer(const EmulatedDevice& device) {
  const auto newcomer = device.open(OcsHostile::GetParam());
  bool is_in = false;
  for (int tries = 0; tries < 20 && !is_in; ++tries) {
    try {
      static_cast<void>(newcomer->cross_connects(from_now(2'000)));
      is_in = true;
    } catch (const SwitchError&) {
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
    }
  }
  EXPECT_TRUE(is_in);
}

// The bound of 10 ms is for a quiet machine; here it is doubled.
TEST_P(OcsHostile, ClientDelaysAnHonestOneByLittle) {
  rlimit limit{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &limit), 0);
  limit.rlim_cur = limit.rlim_max;
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &limit), 0);
  EmulatedSwitchConfig config;
  config.ports = 64;
  EmulatedDevice device(config);
  const auto driver = device.open(GetParam());
  const double quiet = p99(latencies(*driver));
  double busy = 0;
  {
    const HostileClient hostile(device.address(GetParam()).port, 1'000);
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
    busy = p99(latencies(*driver));
    if (GetParam() != SwitchProtocol::kScpi) expect_newcomer(device);
  }
  fmt::print("{}: a read takes {:.2f} ms at p99, {:.2f} ms beside 1,000 hostile connections\n",
             to_string(GetParam()), quiet, busy);
  EXPECT_LT(busy - quiet, 20);
}

INSTANTIATE_TEST_SUITE_P(Drivers, OcsHostile,
                         ::testing::Values(SwitchProtocol::kTl1, SwitchProtocol::kScpi,
                                           SwitchProtocol::kGnmi),
                         [](const ::testing::TestParamInfo<SwitchProtocol>& tested) {
                           return std::string(to_string(tested.param));
                         });

}  // namespace
}  // namespace mixnet
