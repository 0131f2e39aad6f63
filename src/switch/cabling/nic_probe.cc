#include "cabling/nic_probe.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <system_error>
#include <utility>

#include "base/error.h"
#include "base/text_fields.h"

namespace mixnet {
namespace {

constexpr std::size_t kLongestAnswer = std::size_t{1} << 20;

/// Both ends of a pipe; -1 once handed on.
struct Pipe {
  int read = -1;
  int write = -1;

  Pipe() {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) throw Error("pipe", "cannot be had");
    read = ends[0];
    write = ends[1];
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
  ~Pipe() {
    if (read >= 0) ::close(read);
    if (write >= 0) ::close(write);
  }
};

}  // namespace

OpticalNics optical_nics(const RegionSite& site) {
  OpticalNics nics;
  for (const SiteServer& server : site.servers) {
    for (const SiteNic& nic : server.nics) {
      if (nic.ocs == 0) continue;
      nics.names.push_back(fmt::format("{}:{}", server.name, nic.interface));
      nics.positions.push_back(nic.ocs);
    }
  }
  return nics;
}

class NicProbe::Agent {
 public:
  Agent(const SiteServer& server, const std::vector<std::string>& command, int first_nic, int nics,
        Env& env)
      : first(first_nic), count(nics), name_(server.name), env_(env) {
    std::vector<std::string> words = server.run;
    words.insert(words.end(), command.begin(), command.end());
    std::vector<char*> arguments;
    arguments.reserve(words.size() + 1);
    for (std::string& word : words) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_adddup2(&actions, to_.read, STDIN_FILENO);
    ::posix_spawn_file_actions_adddup2(&actions, from_.write, STDOUT_FILENO);
    // Ctrl-C reaches all that was started from a terminal. An agent lives on until we let go of it,
    // and sets up again what it took down.
    sigset_t held;
    sigemptyset(&held);
    for (const int signal : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&held, signal);
    posix_spawnattr_t attributes;
    ::posix_spawnattr_init(&attributes);
    ::posix_spawnattr_setsigmask(&attributes, &held);
    ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
    const int code =
        ::posix_spawnp(&process_, arguments[0], &actions, &attributes, arguments.data(), environ);
    ::posix_spawnattr_destroy(&attributes);
    ::posix_spawn_file_actions_destroy(&actions);
    if (code != 0) {
      throw Error(name_,
                  fmt::format("'{}' cannot be started ({})", words[0],
                              std::generic_category().message(code)),
                  "'run' in the region file is how commands run on this server");
    }
    ::close(std::exchange(to_.read, -1));
    ::close(std::exchange(from_.write, -1));
  }
  Agent(const Agent&) = delete;
  Agent& operator=(const Agent&) = delete;
  ~Agent() {
    // The end of its input ends it; one that hangs is not waited for.
    ::close(std::exchange(to_.write, -1));
    for (int tries = 0; tries < 200; ++tries) {
      if (::waitpid(process_, nullptr, WNOHANG) != 0) return;
      env_.sleep_until(env_.monotonic_now() + std::chrono::milliseconds(5));
    }
    ::kill(process_, SIGKILL);
    ::waitpid(process_, nullptr, 0);
  }

  void tell(const std::string& line) {
    const std::string text = line + "\n";
    // An agent that has ended must not end us: SIGPIPE is blocked for this write.
    sigset_t broken;
    sigset_t before;
    sigemptyset(&broken);
    sigaddset(&broken, SIGPIPE);
    ::pthread_sigmask(SIG_BLOCK, &broken, &before);
    const ssize_t written = ::write(to_.write, text.data(), text.size());
    const int code = errno;
    const timespec none{};
    if (written < 0 && code == EPIPE) ::sigtimedwait(&broken, nullptr, &none);
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    if (written != static_cast<ssize_t>(text.size())) throw ended();
  }

  std::string answer(MonotonicTime dead_line) {
    for (;;) {
      const std::size_t end = buffer_.find('\n');
      if (end != std::string::npos) {
        std::string line = buffer_.substr(0, end);
        buffer_.erase(0, end + 1);
        if (line.starts_with("error ")) throw Error(name_, line.substr(6));
        return line;
      }
      if (buffer_.size() > kLongestAnswer) throw Error(name_, "its agent answers without end");
      wait(dead_line);
      char bytes[4'096];
      const ssize_t got = ::read(from_.read, bytes, sizeof bytes);
      if (got < 0 && errno == EINTR) continue;
      if (got <= 0) throw ended();
      buffer_.append(bytes, static_cast<std::size_t>(got));
    }
  }

  const int first;  ///< number of its first NIC
  const int count;

 private:
  Error ended() const {
    return {name_, "its agent has ended", "what it wrote to standard error says why"};
  }

  void wait(MonotonicTime dead_line) const {
    for (;;) {
      const auto left =
          std::chrono::ceil<std::chrono::milliseconds>(dead_line - env_.monotonic_now());
      pollfd waiting{.fd = from_.read, .events = POLLIN, .revents = 0};
      const int time = static_cast<int>(std::clamp<std::int64_t>(left.count(), 0, 1'000'000));
      const int ready = ::poll(&waiting, 1, time);
      if (ready > 0) return;
      if (ready == 0) throw Error(name_, "its agent does not answer", "is the server in reach");
      if (errno != EINTR) throw ended();
    }
  }

  std::string name_;
  Env& env_;
  Pipe to_;
  Pipe from_;
  pid_t process_ = -1;
  std::string buffer_;
};

NicProbe::NicProbe(const RegionSite& site, const std::vector<std::string>& agent,
                   MonotonicTime dead_line, Env& env) {
  int first = 0;
  std::vector<std::string> lines;
  for (const SiteServer& server : site.servers) {
    std::string line = fmt::format("open {}", first);
    int count = 0;
    for (const SiteNic& nic : server.nics) {
      if (nic.ocs == 0) continue;
      line += " " + nic.interface;
      ++count;
    }
    if (count == 0) continue;
    agents_.push_back(std::make_unique<Agent>(server, agent, first, count, env));
    agents_.back()->tell(line);
    first += count;
  }
  for (const auto& each : agents_) each->answer(dead_line);
}

NicProbe::~NicProbe() = default;

std::vector<std::string> NicProbe::ask_all(const std::string& line, MonotonicTime dead_line) {
  for (const auto& agent : agents_) agent->tell(line);
  std::vector<std::string> answers;
  for (const auto& agent : agents_) answers.push_back(agent->answer(dead_line));
  return answers;
}

void NicProbe::shout(MonotonicTime dead_line) { ask_all("shout", dead_line); }

std::vector<std::pair<int, int>> NicProbe::heard(MonotonicTime dead_line) {
  std::vector<std::pair<int, int>> pairs;
  for (const std::string& answer : ask_all("heard", dead_line)) {
    std::string_view rest = answer;
    for (take_word(rest); !rest.empty();) {
      const std::string_view pair = take_word(rest);
      const std::size_t colon = pair.find(':');
      const auto to = number_in<int>(pair.substr(0, colon));
      const auto from =
          colon == std::string_view::npos ? std::nullopt : number_in<int>(pair.substr(colon + 1));
      const int nics = agents_.back()->first + agents_.back()->count;
      if (!to || !from || *to < 0 || *from < 0 || *to >= nics || *from >= nics) {
        throw Error("agent", fmt::format("'{}' is no answer", shown(answer)));
      }
      pairs.emplace_back(*to, *from);
    }
  }
  return pairs;
}

std::vector<bool> NicProbe::carrier(MonotonicTime dead_line) {
  std::vector<bool> carrier;
  const std::vector<std::string> answers = ask_all("carrier", dead_line);
  for (std::size_t at = 0; at < answers.size(); ++at) {
    std::string_view rest = answers[at];
    take_word(rest);
    for (int i = 0; i < agents_[at]->count; ++i) carrier.push_back(take_word(rest) == "1");
  }
  return carrier;
}

void NicProbe::set_up(int nic, bool up, MonotonicTime dead_line) {
  for (const auto& agent : agents_) {
    if (nic < agent->first || nic >= agent->first + agent->count) continue;
    agent->tell(fmt::format("{} {}", up ? "up" : "down", nic - agent->first));
    agent->answer(dead_line);
  }
}

}  // namespace mixnet
