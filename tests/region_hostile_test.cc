// Hostile clients of mixnetd's API beside an honest trainer, which hardly notices.
//
// The hostile ones are a process of their own (this program again), of less priority: in earnest
// their work is done on another machine.
#include <arpa/inet.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <thread>

#include "service/test_service.h"
#include "wire/region_channel.h"

namespace mixnet {
namespace {

using std::chrono::milliseconds;

constexpr const char* kPort = "MIXNET_HOSTILE_PORT";
constexpr const char* kMischief = "MIXNET_HOSTILE_MISCHIEF";
constexpr const char* kFolder = "MIXNET_HOSTILE_CERTIFICATES";
constexpr std::string_view kHttp2 = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
constexpr Duration kLimit = Duration::seconds(10);
constexpr double kMostDelayMs = 10;

// ---- the hostile process

/// From 127.0.0.2, so that without TLS it is another peer than the honest client.
int connect_to(int port) {
  const int connection = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1);
  static_cast<void>(
      ::bind(connection, reinterpret_cast<const sockaddr*>(&address), sizeof address));
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  static_cast<void>(
      ::connect(connection, reinterpret_cast<const sockaddr*>(&address), sizeof address));
  return connection;
}

void push(int connection, std::string_view bytes) {
  static_cast<void>(::send(connection, bytes.data(), bytes.size(), MSG_NOSIGNAL));
}

/// What raw connections say: first, and then again and again.
struct Speech {
  std::string first, then;
};

Speech speech_of(std::string_view mischief) {
  const std::string settings("\0\0\0\4\0\0\0\0\0", 9);
  if (mischief == "garbage") return {std::string(64 << 10, 'A'), std::string(16 << 10, '\x7f')};
  // A TLS ClientHello of 512 bytes, of which 11 come.
  if (mischief == "handshakes")
    return {std::string("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11), ""};
  // The head of HEADERS of 16 KiB, and a byte of it at a time.
  if (mischief == "half frames") {
    return {std::string(kHttp2) + settings + std::string("\0\x40\0\1\4\0\0\0\1", 9), "x"};
  }
  if (mischief == "pings") {
    std::string pings;
    for (int i = 0; i < 500; ++i) pings += std::string("\0\0\x8\6\0\0\0\0\0abcdefgh", 17);
    return {std::string(kHttp2) + settings, pings};
  }
  return {};  // connections that are left
}

[[noreturn]] void speak_raw(int port, const Speech& speech, bool leaves) {
  std::vector<int> connections(500, -1);
  for (std::size_t next = 0;; next = (next + 1) % connections.size()) {
    int& connection = connections[next];
    char byte = 0;
    const bool is_over = connection >= 0 && ::recv(connection, &byte, 1, MSG_PEEK) == 0;
    if (is_over || (leaves && connection >= 0)) {
      ::close(connection);
      connection = -1;
    }
    if (connection < 0) {
      connection = connect_to(port);
      push(connection, speech.first);
    } else {
      push(connection, speech.then);
    }
    if (next % 20 == 0) std::this_thread::sleep_for(milliseconds(1));
  }
}

std::string content(const std::string& file) {
  std::ifstream in(file);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::unique_ptr<v1::Region::Stub> viewer(int port) {
  const std::string folder = std::getenv(kFolder);
  const auto credentials =
      grpc::SslCredentials({content(folder + "/ours-ca.pem"), content(folder + "/ours-viewer.key"),
                            content(folder + "/ours-viewer.pem")});
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  return v1::Region::NewStub(
      grpc::CreateCustomChannel(fmt::format("127.0.0.1:{}", port), credentials, arguments));
}

[[noreturn]] void flood(int port, bool huge) {
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([port, huge, t] {
      const auto stub = viewer(port);
      v1::DemandReport demand;
      const int bytes = huge ? kMostRequestBytes + (t % 2 == 0 ? -4'096 : 4'096) : 64;
      for (int i = 0; i < bytes; ++i) demand.add_bytes(1);
      while (true) {
        grpc::ClientContext context;
        v1::Taken taken;
        v1::Status status;
        if (huge || t % 2 == 0) {
          static_cast<void>(stub->ReportDemand(&context, demand, &taken));
        } else {
          static_cast<void>(stub->GetStatus(&context, {}, &status));
        }
      }
    });
  }
  threads.front().join();
  std::abort();
}

[[noreturn]] void watch_and_not_read(int port) {
  const auto stub = viewer(port);
  std::vector<std::unique_ptr<grpc::ClientContext>> contexts;
  std::vector<std::unique_ptr<grpc::ClientReader<v1::Happening>>> readers;
  std::vector<std::unique_ptr<grpc::ClientReader<v1::Topology>>> topologies;
  v1::GetTopologyRequest request;
  request.set_tenant(1);
  for (int i = 0;; ++i) {
    contexts.push_back(std::make_unique<grpc::ClientContext>());
    if (i % 2 == 0) {
      readers.push_back(stub->WatchHappenings(contexts.back().get(), {}));
    } else {
      topologies.push_back(stub->WatchTopology(contexts.back().get(), request));
    }
    if (i >= 64) std::this_thread::sleep_for(milliseconds(50));
  }
}

[[noreturn]] void be_hostile(int port, std::string_view mischief) {
  static_cast<void>(::setpriority(PRIO_PROCESS, 0, 10));
  keep_grpc_quiet();
  if (mischief == "flood of calls") flood(port, false);
  if (mischief == "huge messages") flood(port, true);
  if (mischief == "streams never read") watch_and_not_read(port);
  speak_raw(port, speech_of(mischief), mischief == "connections left");
}

class HostileProcess {
 public:
  HostileProcess(const std::string& mischief, int port) {
    const std::string folder = TestCertificates::get().of("viewer").cert;
    ::setenv(kPort, std::to_string(port).c_str(), 1);
    ::setenv(kMischief, mischief.c_str(), 1);
    ::setenv(kFolder, std::filesystem::path(folder).parent_path().c_str(), 1);
    process_ = ::fork();
    if (process_ == 0) {
      ::execl("/proc/self/exe", "region_hostile_test", nullptr);
      ::_exit(1);
    }
  }
  HostileProcess(const HostileProcess&) = delete;
  HostileProcess& operator=(const HostileProcess&) = delete;
  ~HostileProcess() {
    EXPECT_EQ(::kill(process_, SIGKILL), 0);
    int status = 0;
    ::waitpid(process_, &status, 0);
    EXPECT_TRUE(WIFSIGNALED(status)) << "the hostile process had ended";
  }

 private:
  pid_t process_ = -1;
};

// ---- the honest client

class RegionHostile : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    rlimit limit{};
    ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &limit), 0);
    limit.rlim_cur = limit.rlim_max;
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &limit), 0);
  }

  /// Of a demand's report, in milliseconds.
  double p99(RegionClient& client) {
    std::vector<double> took;
    for (int i = 0; i < 500; ++i) {
      const auto start = std::chrono::steady_clock::now();
      client.report(ring_demand(1, ++sequence_, 2), kLimit);
      took.push_back(
          std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start)
              .count());
      std::this_thread::sleep_for(milliseconds(1));
    }
    std::ranges::sort(took);
    return took[took.size() * 99 / 100];
  }

  void expect_little_delay(ServedRegion& served, const std::string& operator_name,
                           const std::string& trainer_name,
                           const std::vector<std::string>& mischiefs) {
    served.client(operator_name)->add({1, {0, 1}}, kLimit);
    ASSERT_TRUE(served.region().wait_settled());
    const auto trainer = served.client(trainer_name);
    p99(*trainer);  // warms up
    const double quiet = p99(*trainer);
    fmt::print("a demand's report takes {:.2f} ms at p99 when it is quiet\n", quiet);
    for (const std::string& mischief : mischiefs) {
      const HostileProcess hostile(mischief, served.port());
      std::this_thread::sleep_for(milliseconds(700));
      double busy = p99(*trainer);
      // The machine's own pauses are not the hostile clients'.
      if (busy - quiet > kMostDelayMs) busy = std::min(busy, p99(*trainer));
      fmt::print("{:>20}: {:.2f} ms\n", mischief, busy);
      EXPECT_LT(busy - quiet, kMostDelayMs) << mischief;
      // And who is new comes in.
      EXPECT_EQ(served.client(trainer_name)->region(kLimit).name(), "test") << mischief;
    }
  }

  std::uint64_t sequence_ = 0;
};

TEST_F(RegionHostile, ClientsWithATrainersNeighbourCertificateDelayItByLittle) {
  ServedRegion served;
  expect_little_delay(served, "operator", "trainer-1",
                      {"connections left", "garbage", "handshakes", "flood of calls",
                       "huge messages", "streams never read"});
  EXPECT_TRUE(served.is_audited("viewer", "ReportDemand: refused"));
}

TEST_F(RegionHostile, ClientsWithoutTlsDelayAnHonestOneByLittle) {
  ServedRegion served(false);
  expect_little_delay(served, "", "", {"connections left", "garbage", "half frames", "pings"});
}

}  // namespace
}  // namespace mixnet

int main(int argc, char** argv) {
  if (const char* port = std::getenv(mixnet::kPort); port != nullptr) {
    mixnet::be_hostile(std::stoi(port), std::getenv(mixnet::kMischief));
  }
  ::testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
