// `mixnet ctl demo`: a region on the loopback, from switch to page, with a job at work on it.
#include <fmt/format.h>
#include <stdlib.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <memory>

#include "base/error.h"
#include "child_process.h"
#include "commands.h"
#include "controller_flags.h"
#include "demo_job.h"
#include "demo_watch.h"
#include "region_view.h"
#include "shell/output.h"

namespace mixnet::ctl {
namespace {

constexpr int kServers = 8;
constexpr int kOpticalNics = 4;
constexpr Duration kStartLimit = Duration::seconds(20);
constexpr Duration kCallLimit = Duration::seconds(5);
constexpr std::chrono::milliseconds kPhase{200};   // five a second
constexpr std::chrono::milliseconds kTraffic{60};  // of which the all-to-all takes so long
constexpr std::chrono::seconds kBetweenLines{5};   // where there is no terminal
constexpr std::chrono::milliseconds kBetweenDraws{500};

struct DemoFlags {
  int seconds = 20;
  bool forever = false;
  std::uint64_t seed = 1;
  std::string json;
};

volatile std::sig_atomic_t stop_signal = 0;
bool is_interrupted() { return stop_signal != 0; }

/// Ctrl-C and SIGTERM end the job, not the program: there is something to put away. So there is
/// when who reads what we print has ended (`| head`): then a write fails.
class Interruptible {
 public:
  Interruptible() {
    stop_signal = 0;
    struct sigaction action = {};
    action.sa_handler = [](int signal) { stop_signal = signal; };
    ::sigaction(SIGINT, &action, &before_[0]);
    ::sigaction(SIGTERM, &action, &before_[1]);
    ::sigaction(SIGHUP, &action, &before_[2]);
    action.sa_handler = SIG_IGN;
    ::sigaction(SIGPIPE, &action, &before_[3]);
  }
  Interruptible(const Interruptible&) = delete;
  Interruptible& operator=(const Interruptible&) = delete;
  ~Interruptible() {
    ::sigaction(SIGINT, &before_[0], nullptr);
    ::sigaction(SIGTERM, &before_[1], nullptr);
    ::sigaction(SIGHUP, &before_[2], nullptr);
    ::sigaction(SIGPIPE, &before_[3], nullptr);
  }

 private:
  struct sigaction before_[4] = {};
};

/// A folder of our own, gone with all that is in it.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "mixnet-demo-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) {
      throw Error(name, std::generic_category().message(errno), "set TMPDIR to a folder of yours");
    }
    path_ = name;
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  ~TemporaryFolder() { remove(path_); }
  const std::filesystem::path& path() const { return path_; }

 private:
  static void remove(const std::filesystem::path& path) {
    std::vector<std::string> names;
    if (system_env().kind(path) == Env::FileKind::kFolder && !system_env().list(path, names)) {
      for (const std::string& name : names) remove(path / name);
    }
    static_cast<void>(system_env().remove(path));
  }
  std::filesystem::path path_;
};

std::string region_file(const std::string& ocs, const std::filesystem::path& folder) {
  std::string text = fmt::format("name: demo\nswitch: tl1://{}\nports: 1-{}\nservers:\n", ocs,
                                 kServers * kOpticalNics);
  for (int s = 0; s < kServers; ++s) {
    text += fmt::format("  - name: gpu-{}\n    nics: [", s);
    for (int k = 0; k < kOpticalNics; ++k) {
      text += fmt::format("{{interface: optical{}, ocs: {}}}, ", k, s * kOpticalNics + k + 1);
    }
    text += "{interface: eth0}, {interface: eth1}]\n";
  }
  return text + fmt::format(
                    "controller:\n  store: {}\n  policy: block\n  switch-delay: 42ms\n"
                    "  api: 127.0.0.1:0\n  page: 127.0.0.1:0\n",
                    (folder / "store").string());
}

/// The programs, from the switch to the page.
struct Stage {
  TemporaryFolder folder;
  std::unique_ptr<ChildProcess> ocs;
  std::unique_ptr<ChildProcess> daemon;
  std::string api, page;

  /// False: interrupted.
  bool start() {
    const std::filesystem::path beside = system_env().real_path("/proc/self/exe").parent_path();
    ocs = std::make_unique<ChildProcess>(
        beside / "mixnet-ocs",
        std::vector<std::string>{"--ports", fmt::to_string(kServers * kOpticalNics), "--timing",
                                 "polatis", "--tl1", "127.0.0.1:0"});
    const std::map<std::string, std::string> lines = ocs->wait_ready(kStartLimit, is_interrupted);
    if (is_interrupted()) return false;
    const std::filesystem::path config = folder.path() / "region.yaml";
    if (const auto error =
            system_env().write(config, region_file(lines.at("tl1"), folder.path()))) {
      throw Error(config.string(), error.message());
    }
    daemon = std::make_unique<ChildProcess>(
        beside / "mixnetd", std::vector<std::string>{"--config", config.string(), "--insecure"});
    std::map<std::string, std::string> at = daemon->wait_ready(kStartLimit, is_interrupted);
    if (is_interrupted()) return false;
    api = at["api"];
    page = at["page"];
    if (api.empty() || page.empty()) {
      throw Error("mixnetd", "does not say where it listens", "is it as new as mixnet-ctl?");
    }
    return true;
  }
  void check() const {
    for (ChildProcess* child : {ocs.get(), daemon.get()}) {
      if (child->has_ended()) {
        throw Error(child == ocs.get() ? "mixnet-ocs" : "mixnetd", "has ended",
                    child->last_words());
      }
    }
  }
};

/// Draws one line over and over on a terminal, else one every few seconds.
class LiveText {
 public:
  explicit LiveText(bool quiet) : quiet_(quiet), is_terminal_(cli::stdout_is_terminal()) {}

  void draw(const DemoFigures& figures, const PhaseId& phase) {
    const MonotonicTime now = system_env().monotonic_now();
    if (quiet_ || now < next_) return;
    next_ = now + (is_terminal_ ? MonotonicTime::duration(kBetweenDraws) : kBetweenLines);
    std::string line = fmt::format(
        "phase {} (iteration {}, layer {}{}): {} circuits lit, {} moved; p50 {:.1f} ms, p99 {:.1f} "
        "ms; {}",
        phase.sequence, phase.iteration, phase.layer, phase.backward ? ", backward" : "",
        figures.lit, figures.moved, figures.percentile_ms(50), figures.percentile_ms(99),
        counted(figures.alarms, "alarm"));
    const int width = is_terminal_ ? system_env().terminal_width() : 0;
    if (width > 1) line.resize(std::min(line.size(), static_cast<std::size_t>(width - 1)));
    cli::write_output("-", is_terminal_ ? fmt::format("\r\033[K{}", line) : line + "\n");
    is_open_ = is_terminal_;
  }
  void end() {
    if (std::exchange(is_open_, false)) cli::write_output("-", "\n");
  }

 private:
  bool quiet_;
  bool is_terminal_;
  bool is_open_ = false;
  MonotonicTime next_ = MonotonicTime::min();
};

void sleep(MonotonicTime until) {
  if (!is_interrupted()) system_env().sleep_until(until);
}

/// One phase after another, until the time or a signal.
void run_job(const DemoFlags& flags, const Stage& stage, RegionClient& daemon, DemoWatch& watch) {
  const MonotonicTime start = system_env().monotonic_now();
  const MonotonicTime end = start + std::chrono::seconds(flags.seconds);
  DemoJob job(kServers, flags.seed);
  LiveText text(flags.json == "-");
  for (MonotonicTime next = start; !is_interrupted(); next += kPhase) {
    sleep(next);
    const MonotonicTime now = system_env().monotonic_now();
    if (!flags.forever && now >= end) break;
    next = std::max(next, now - kPhase);  // what was missed is not made up for
    stage.check();
    const DemandReport report = job.next();
    watch.begin(report.phase.sequence);
    daemon.report(report, kCallLimit);
    watch.wait_served(kCallLimit, is_interrupted);
    daemon.mark({report.tenant, report.phase.sequence, true}, kCallLimit);
    sleep(system_env().monotonic_now() + kTraffic);
    daemon.mark({report.tenant, report.phase.sequence, false}, kCallLimit);
    text.draw(watch.figures(), report.phase);
  }
  text.end();
}

void tell(const DemoFlags& flags, const DemoFigures& figures) {
  if (!flags.json.empty()) {
    const Json document = {{"phases", figures.phases},
                           {"served", figures.served},
                           {"circuits_moved", figures.moved},
                           {"circuits_lit", figures.lit},
                           {"p50_ms", figures.percentile_ms(50)},
                           {"p99_ms", figures.percentile_ms(99)},
                           {"alarms", figures.alarms}};
    cli::write_output(flags.json, document.dump(2) + "\n");
  }
  if (flags.json != "-") {
    cli::write_output(
        "-", fmt::format("{}, {} of them served; {} moved; demand to topology p50 {:.1f} ms, p99 "
                         "{:.1f} ms; {}\n",
                         counted(figures.phases, "phase"), figures.served,
                         counted(figures.moved, "circuit"), figures.percentile_ms(50),
                         figures.percentile_ms(99), counted(figures.alarms, "alarm")));
  }
  if (figures.served < figures.phases && !is_interrupted()) throw CLI::RuntimeError(kNotSo);
}

void run(const DemoFlags& flags) {
  cli::answers_on_stdout(flags.json);
  if (flags.seconds < 1 || flags.seconds > 1'000'000) {
    throw Error("--seconds", fmt::format("{} is out of range", flags.seconds), "1 to 1000000");
  }
  const Interruptible interruptible;
  Stage stage;
  if (!stage.start()) return;
  if (flags.json != "-") {
    cli::write_output("-", fmt::format("page: http://{}/\nmixnet ctl status --controller {}\n",
                                       stage.page, stage.api));
  }
  RegionClient daemon(parse_controller_address(stage.api, "mixnetd"));
  TenantAdd add{1, {}};
  for (int s = 0; s < kServers; ++s) add.servers.push_back(s);
  if (daemon.add(add, kCallLimit).refused_size() > 0) {
    throw Error("mixnetd", "does not take the demo's job", stage.daemon->last_words());
  }
  DemoWatch watch(daemon);
  run_job(flags, stage, daemon, watch);
  const DemoFigures figures = watch.figures();
  watch.end();
  tell(flags, figures);
}

}  // namespace

void add_demo_command(CLI::App& app) {
  CLI::App* command = app.add_subcommand(
      "demo", "All of it on the loopback: a switch, a daemon, a job, and the page");
  const auto flags = std::make_shared<DemoFlags>();
  command->add_option("--seconds", flags->seconds, "So long (20)");
  command->add_flag("--forever", flags->forever, "Until Ctrl-C");
  command->add_option("--seed", flags->seed, "Of the job's traffic (1)");
  command->add_option("--json", flags->json,
                      "The summary as JSON to this file (-: standard output)");
  command->footer(
      "Example: mixnet ctl demo --forever\n"
      "Nothing is left of it afterwards: no process, no file.");
  on_call(*command, [flags] { run(*flags); });
}

}  // namespace mixnet::ctl
