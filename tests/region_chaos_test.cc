// A daemon killed at every moment, while every fault of a switch strikes and the clock is set:
// after each restart the switch agrees with the store within one reconciliation, no port outside
// the slice has moved, and nothing that stood was moved again.
//
// The test owns the emulated switch; the daemon (region_chaos_daemon.cc) is a process of its own,
// over TL1, SCPI or gNMI by turns. Each round aims at the pairs of fault and state that were hit
// least, kills, lets the switch come to rest, starts the daemon again without its job, and looks.
//   region_chaos_test               MIXNET_CHAOS_RUNS rounds (50), MIXNET_CHAOS_SEED
//   region_chaos_test --daemon FOLDER SEED
#include "region_chaos.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <csignal>
#include <cstdlib>
#include <fstream>
#include <map>
#include <optional>
#include <set>
#include <sstream>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/random.h"
#include "emulated_device.h"
#include "scratch_folder.h"

namespace mixnet::chaos {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

/// What is done to the daemon and not to the switch.
enum class Blow { kKill, kClockBack, kClockForward, kFreeze };
constexpr std::array<const char*, 4> kBlowNames = {"kill -9", "clock -1h", "clock +1d", "freeze"};

/// A fault of the switch at a stage, or a blow: a line of the table.
struct Trouble {
  bool is_blow = false;
  Blow blow = Blow::kKill;
  FaultKind kind = FaultKind::kDeny;
  FaultStage stage = FaultStage::kIdle;

  std::string name() const {
    if (is_blow) return kBlowNames[static_cast<std::size_t>(blow)];
    return fmt::format("{}@{}", to_string(kind), to_string(stage));
  }
  /// Strikes when it is told to, and not when something is asked of the switch.
  bool is_at_once() const { return is_blow || stage == FaultStage::kIdle; }
};

/// Why a trouble cannot befall a daemon in that state; empty: it can.
std::string_view why_not(const Trouble& trouble, int state) {
  if (trouble.is_at_once() || trouble.stage == FaultStage::kReading) return "";
  if (state == kSwitching) return "";
  if (state == kStarting) return "nothing is commanded before the switch has been read";
  if (state == kReading) return "the command was answered, or given up at its dead-line";
  return "no command is out";
}

std::vector<Trouble> troubles() {
  std::vector<Trouble> all;
  for (const auto& kind : Names<FaultKind>::kTable) {
    for (const auto& stage : Names<FaultStage>::kTable) {
      if (!why_impossible(kind.value, stage.value).empty()) continue;
      // What comes from outside comes at any time, so that when it strikes is the daemon's state.
      if (is_event(kind.value) && stage.value != FaultStage::kIdle) continue;
      all.push_back({false, Blow::kKill, kind.value, stage.value});
    }
  }
  for (std::size_t blow = 0; blow < kBlowNames.size(); ++blow) {
    all.push_back({true, static_cast<Blow>(blow)});
  }
  return all;
}

class Daemon {
 public:
  Daemon(std::filesystem::path folder) : folder_(std::move(folder)) {}
  Daemon(const Daemon&) = delete;
  Daemon& operator=(const Daemon&) = delete;
  ~Daemon() { kill(); }

  void start(std::uint64_t seed) {
    const std::string self = std::filesystem::read_symlink("/proc/self/exe").string();
    const std::string folder = folder_.string();
    const std::string number = std::to_string(seed);
    pid_ = ::vfork();
    if (pid_ == 0) {
      ::execl(self.c_str(), self.c_str(), "--daemon", folder.c_str(), number.c_str(), nullptr);
      ::_exit(127);
    }
  }
  bool runs() const { return pid_ > 0; }
  void signal(int number) const { ::kill(pid_, number); }
  void kill() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(std::exchange(pid_, -1), nullptr, 0);
  }
  /// It has ended by itself.
  bool has_failed() {
    if (pid_ <= 0 || ::waitpid(pid_, nullptr, WNOHANG) != pid_) return false;
    pid_ = -1;
    return true;
  }

 private:
  std::filesystem::path folder_;
  pid_t pid_ = -1;
};

EmulatedSwitchConfig device_config() {
  EmulatedSwitchConfig config;
  config.ports = kPositions;
  config.sides = Sides::kTwo;
  config.timing = SwitchTiming::fixed(Duration::milliseconds(3));
  return config;
}

class Chaos {
 public:
  Chaos(std::filesystem::path folder, std::uint64_t seed)
      : folder_(std::move(folder)),
        random_(seed),
        device_(device_config()),
        shared_(folder_ / "shared"),
        daemon_(folder_),
        troubles_(troubles()),
        hits_(troubles_.size()) {
    join_foreign();
    foreign_ = foreign_paths();
    shared_->clock_offset_ns = 0;
  }

  void round() {
    write_settings(static_cast<SwitchProtocol>(rounds_ % 3));
    ++rounds_;
    if (!daemon_.runs()) daemon_.start(random_.next());
    shared_->job_runs = 1;
    bool begins_anew = false;
    for (int i = 0; i < 3; ++i) {
      const auto [trouble, state] = least_hit();
      if (state == kStarting) {
        daemon_.kill();
        shared_->state = kStarting;
        daemon_.start(random_.next());
        begins_anew = true;
      }
      strike(trouble, state);
      if (!daemon_.runs()) {
        shared_->state = kStarting;
        daemon_.start(random_.next());
      }
    }
    if (!begins_anew) std::this_thread::sleep_for(microseconds(random_.below(20'000)));
    daemon_.kill();
    verify();
  }

  const std::vector<std::array<int, kStates>>& hits() const { return hits_; }

  void print() const {
    std::string table = fmt::format("{:>24}", fmt::format("{} rounds", rounds_));
    for (const char* name : kStateNames) table += fmt::format(" {:>9}", name);
    std::set<std::string> reasons;
    for (std::size_t t = 0; t < troubles_.size(); ++t) {
      table += fmt::format("\n{:>24}", troubles_[t].name());
      for (int state = 0; state < kStates; ++state) {
        const std::string_view why = why_not(troubles_[t], state);
        table += why.empty() ? fmt::format(" {:>9}", hits_[t][state]) : fmt::format(" {:>9}", "-");
        if (!why.empty()) reasons.insert(fmt::format("{}: {}", kStateNames[state], why));
      }
    }
    fmt::print("{}\nPairs that cannot be, faults of a change:\n", table);
    for (const std::string& reason : reasons) fmt::print("  {}\n", reason);
    fmt::print(
        "{} phases; restarts that moved nothing {}, one command {}; calls to the switch were "
        "late by {:.1f} ms at most\n",
        shared_->phases.load(), quiet_restarts_, mended_restarts_,
        static_cast<double>(worst_late_ns_) / 1e6);
  }

 private:
  void write_settings(SwitchProtocol protocol) {
    std::string text = fmt::format(
        "name: chaos\nswitch: \"{}://{}\"\nports: 1-{}\nservers:\n", to_string(protocol),
        fmt::format("127.0.0.1:{}", device_.address(protocol).port), kOurs);
    for (int server = 0; server < kServers; ++server) {
      text += fmt::format("  - name: gpu-{}\n    nics:\n", server);
      for (int nic = 0; nic < kNics; ++nic) {
        text +=
            fmt::format("      - {{interface: eth{}, ocs: {}}}\n", nic, server * kNics + nic + 1);
      }
      text += "      - {interface: eth9}\n";
    }
    text += fmt::format(
        "controller:\n  store: {}\n  policy: block\n  allocator: greedy\n  drain: 3ms\n"
        "  switch-delay: 3ms\n  command-timeout: {}ms\n  read-timeout: {}ms\n  audit: 20ms\n"
        "  suspect-hold: 50ms\n  phase-limit: 200ms\n  api: none\n  page: none\n",
        (folder_ / "store").string(), kCommandTimeout, kCommandTimeout);
    const std::filesystem::path file = folder_ / "region.yaml";
    std::ofstream(file) << text;
    std::filesystem::permissions(
        file, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  }

  void join_foreign() {
    device_.with([](EmulatedSwitch& emulated) {
      PathRequest request;
      for (int port = kOurs + 1; port < kPositions; port += 2) {
        request.add.push_back({port, port + 1});
        request.add.push_back({port + 1, port});
      }
      emulated.request(request, steady_clock::now());
    });
    std::this_thread::sleep_for(milliseconds(20));
  }
  std::vector<std::int64_t> foreign_paths() {
    return device_.with([](EmulatedSwitch& emulated) {
      std::vector<std::int64_t> all;
      for (int port = kOurs + 1; port <= kPositions; ++port) {
        all.push_back(emulated.path_from(port));
        all.push_back(emulated.wear(port));
      }
      return all;
    });
  }

  std::pair<std::size_t, int> least_hit() {
    int least = 1 << 30;
    std::vector<std::pair<std::size_t, int>> open;
    for (std::size_t t = 0; t < troubles_.size(); ++t) {
      for (int state = 0; state < kStates; ++state) {
        if (!why_not(troubles_[t], state).empty()) continue;
        const int tried = hits_[t][state];
        if (tried < least) open.clear();
        least = std::min(least, tried);
        if (tried == least) open.emplace_back(t, state);
      }
    }
    return open[random_.below(open.size())];
  }

  /// Aims at a state; counts what it hits.
  void strike(std::size_t t, int state) {
    const Trouble& trouble = troubles_[t];
    if (state == kReading && trouble.is_at_once()) arm(FaultKind::kDeny, FaultStage::kReceived);
    if (!trouble.is_at_once()) {
      if (state == kReading && trouble.stage == FaultStage::kReading) {
        arm(FaultKind::kDeny, FaultStage::kReceived);
      }
      return strike_request(t, state);
    }
    await_state(state);
    if (trouble.is_blow) {
      blow(trouble.blow, t);
    } else {
      const Fault fault = fault_of(trouble.kind, trouble.stage);
      const int now = device_.with([&](EmulatedSwitch& emulated) {
        const int seen = shared_->state;
        emulated.strike(fault, steady_clock::now());
        return seen;
      });
      ++hits_[t][now];
    }
  }

  void strike_request(std::size_t t, int state) {
    const Trouble& trouble = troubles_[t];
    await_state(state == kSwitching ? kSettled : state);
    const auto count = [&] {
      return device_.with([&](EmulatedSwitch& emulated) {
        return emulated.faults().count(trouble.kind, trouble.stage);
      });
    };
    const std::int64_t before = count();
    arm(trouble.kind, trouble.stage);
    const auto until = steady_clock::now() + milliseconds(300);
    while (steady_clock::now() < until) {
      const int now = shared_->state;
      if (count() > before) {
        // A change is struck while a command is out, whatever has been said since.
        ++hits_[t][trouble.stage == FaultStage::kReading ? now : static_cast<int>(kSwitching)];
        return;
      }
      std::this_thread::yield();
    }
  }

  void await_state(int state) {
    const auto until = steady_clock::now() + milliseconds(state == kReading ? 600 : 200);
    while (shared_->state != state && steady_clock::now() < until) {
      if (daemon_.has_failed()) {
        ADD_FAILURE() << "the daemon has ended by itself";
        return;
      }
    }
    if (state == kStarting) std::this_thread::sleep_for(microseconds(random_.below(20'000)));
  }

  void blow(Blow blow, std::size_t t) {
    ++hits_[t][shared_->state];
    if (blow == Blow::kKill) return daemon_.kill();
    if (blow == Blow::kFreeze) {
      daemon_.signal(SIGSTOP);
      std::this_thread::sleep_for(milliseconds(1 + random_.below(2 * kCommandTimeout)));
      return daemon_.signal(SIGCONT);
    }
    shared_->clock_offset_ns +=
        blow == Blow::kClockBack ? -std::int64_t{3'600'000'000'000} : 86'400'000'000'000;
  }

  Fault fault_of(FaultKind kind, FaultStage stage) {
    Fault fault;
    fault.kind = kind;
    fault.stage = stage;
    // Only ports of ours are struck: what befalls another's is not the daemon's doing.
    if (is_event(kind) || kind == FaultKind::kStuck || kind == FaultKind::kStuckSilently) {
      fault.port = stage == FaultStage::kIdle ? 1 + static_cast<int>(random_.below(kOurs)) : 0;
    }
    if (kind == FaultKind::kSwapped) fault.with = 1 + fault.port % kOurs;
    if (kind == FaultKind::kSlow) fault.lasts = Duration::milliseconds(30);
    if (kind == FaultKind::kReboot || kind == FaultKind::kRebootLost) {
      fault.port = 0;
      fault.lasts = Duration::milliseconds(30);
    }
    return fault;
  }
  void arm(FaultKind kind, FaultStage stage) {
    const Fault fault = fault_of(kind, stage);
    device_.with([&](EmulatedSwitch& emulated) { emulated.faults().arm(fault); });
  }

  struct Port {
    std::int64_t to, from, wear;  ///< where its light leads, and whose it gets
  };
  std::vector<Port> ours() {
    return device_.with([](EmulatedSwitch& emulated) {
      std::vector<Port> all;
      for (int port = 1; port <= kOurs; ++port) {
        all.push_back({emulated.path_from(port), emulated.path_to(port), emulated.wear(port)});
      }
      return all;
    });
  }

  std::string as_it_is() {
    const std::vector<Port> ports = ours();
    std::string text = fmt::format("ready {}, settled {}, state {}, suspects {}, commands {};",
                                   shared_->ready.load(), shared_->settled.load(),
                                   kStateNames[static_cast<std::size_t>(shared_->state.load())],
                                   shared_->suspects.load(), shared_->commands.load());
    for (int port = 0; port < kOurs; ++port) {
      text += fmt::format(" {}: {}>{} lit {} target {};", port + 1, ports[port].from,
                          ports[port].to, shared_->lit[port] + 1, shared_->target[port] + 1);
    }
    std::ostringstream log;
    log << std::ifstream(folder_ / "log").rdbuf();
    return text + "\n" + log.str().substr(0, 4'000);
  }

  /// Until all is settled, lit as wanted, and on the switch as the daemon has it.
  bool await_agreement() {
    const auto until = steady_clock::now() + milliseconds(8'000);
    while (steady_clock::now() < until) {
      if (daemon_.has_failed()) return false;
      const std::uint64_t asked = ++shared_->asked;
      while (shared_->answered != asked && steady_clock::now() < until) {
        std::this_thread::sleep_for(microseconds(500));
      }
      bool as_wanted = shared_->ready != 0 && shared_->settled != 0;
      const std::vector<Port> ports = ours();
      for (int port = 0; port < kOurs; ++port) {
        const int target = shared_->target[port], lit = shared_->lit[port];
        as_wanted = as_wanted && (target < 0 || lit == target) &&
                    ports[port].to == (lit < 0 ? 0 : lit + 1) && ports[port].from == ports[port].to;
      }
      if (as_wanted) return true;
      std::this_thread::sleep_for(milliseconds(2));
    }
    return false;
  }

  /// What the dead daemon asked for at last has come to rest: what it is then counts.
  void await_rest() {
    const auto moves = [](EmulatedSwitch& emulated) { return emulated.next_event().has_value(); };
    for (int at_rest = 0; at_rest < 5; ++at_rest) {  // commands may wait for one another
      std::this_thread::sleep_for(milliseconds(10));
      if (device_.with(moves)) at_rest = 0;
    }
  }

  void verify() {
    const std::string what = fmt::format("round {}", rounds_);
    device_.with([](EmulatedSwitch& emulated) { emulated.heal(steady_clock::now()); });
    await_rest();
    if (foreign_paths() != foreign_ && lost_all()) {
      join_foreign();
      foreign_ = foreign_paths();
    }
    EXPECT_EQ(foreign_paths(), foreign_) << what << ": a foreign port was touched";
    const std::vector<Port> before = ours();
    shared_->job_runs = 0;
    shared_->state = kStarting;
    worst_late_ns_ = std::max(worst_late_ns_, shared_->late_ns.load());
    daemon_.start(random_.next());
    ASSERT_TRUE(await_agreement()) << what << ": it does not agree with the switch; " << as_it_is();
    const std::vector<Port> after = ours();
    EXPECT_EQ(foreign_paths(), foreign_) << what << ": a foreign port was touched";
    const std::int64_t commands = shared_->commands;
    // The end of a phase that ran, a demand that waited for it, and a port that is trusted again
    // are news, and may move once more.
    if (shared_->suspects == 0 && shared_->pending == 0) {
      EXPECT_LE(commands, 1) << what << ": more than one reconciliation; " << as_it_is();
    }
    (commands == 0 ? quiet_restarts_ : mended_restarts_) += 1;
    if (commands > 1) return;
    for (int port = 0; port < kOurs; ++port) {
      if (after[port].to != before[port].to || after[port].from != before[port].from) continue;
      EXPECT_EQ(after[port].wear, before[port].wear)
          << what << ": position " << port + 1 << " was moved to where it was";
    }
  }

  /// All circuits of the switch were lost, those of others as well: a fault of ours.
  bool lost_all() {
    const auto count = device_.with([](EmulatedSwitch& emulated) {
      return emulated.faults().count(FaultKind::kRebootLost, FaultStage::kIdle);
    });
    return std::exchange(losses_, count) != count;
  }

  std::filesystem::path folder_;
  Random random_;
  EmulatedDevice device_;
  SharedFile shared_;
  Daemon daemon_;
  std::vector<Trouble> troubles_;
  std::vector<std::array<int, kStates>> hits_;
  std::vector<std::int64_t> foreign_;
  std::int64_t losses_ = 0;
  std::int64_t worst_late_ns_ = 0;
  int rounds_ = 0, quiet_restarts_ = 0, mended_restarts_ = 0;
};

int number_in_environment(const char* name, int otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::atoi(text);
}

TEST(RegionChaos, IsSurvived) {
  const int rounds = number_in_environment("MIXNET_CHAOS_RUNS", 50);
  const auto seed = static_cast<std::uint64_t>(number_in_environment("MIXNET_CHAOS_SEED", 1));
  const ScratchFolder folder;
  {
    Chaos chaos(folder.path(), seed);
    for (int round = 0; round < rounds && !HasFatalFailure(); ++round) chaos.round();
    chaos.print();
    // Where there are rounds enough, no pair that can be was left out.
    const std::vector<Trouble> all = troubles();
    for (std::size_t t = 0; t < all.size() && rounds >= 1'000; ++t) {
      for (int state = 0; state < kStates; ++state) {
        if (!why_not(all[t], state).empty()) continue;
        EXPECT_GE(chaos.hits()[t][state], 20) << all[t].name() << ", " << kStateNames[state];
      }
    }
  }
}

}  // namespace
}  // namespace mixnet::chaos

int main(int argc, char** argv) {
  if (argc == 4 && std::string_view(argv[1]) == "--daemon") {
    return mixnet::chaos::run_daemon(argv[2], std::strtoull(argv[3], nullptr, 10));
  }
  ::testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
