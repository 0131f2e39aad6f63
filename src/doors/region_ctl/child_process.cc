#include "child_process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <system_error>
#include <utility>

#include "base/env.h"
#include "base/error.h"

namespace mixnet::ctl {
namespace {

constexpr std::size_t kMostErrors = 20;
constexpr std::size_t kLongestLine = 4'096;
constexpr std::chrono::milliseconds kBetweenLooks{20};
constexpr std::chrono::seconds kGrace{5};

struct Pipe {
  std::array<int, 2> ends{-1, -1};

  explicit Pipe(const std::string& name) {
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
      throw Error(name, std::generic_category().message(errno), "more descriptors (ulimit -n)");
    }
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
  ~Pipe() {
    for (const int end : ends) {
      if (end >= 0) ::close(end);
    }
  }
  int take(int which) { return std::exchange(ends[which], -1); }
};

/// In the child: only what is safe after fork().
[[noreturn]] void become(const char* program, char** words, int out, int error, pid_t parent) {
  ::setpgid(0, 0);  // Ctrl-C is for the parent, who ends us in order
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(127);
  ::dup2(out, STDOUT_FILENO);
  ::dup2(error, STDERR_FILENO);
  ::execv(program, words);
  ::_exit(127);
}

}  // namespace

ChildProcess::ChildProcess(const std::filesystem::path& program,
                           const std::vector<std::string>& arguments)
    : name_(program.filename().string()) {
  if (system_env().kind(program) != Env::FileKind::kFile) {
    throw Error(program.string(), "is not there", "'make build' makes it");
  }
  const std::string file = program.string();
  std::vector<std::string> words = {name_};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<char*> pointers;
  for (std::string& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  Pipe out(name_);
  Pipe error(name_);
  const pid_t parent = ::getpid();
  pid_ = ::fork();
  if (pid_ == 0) become(file.c_str(), pointers.data(), out.ends[1], error.ends[1], parent);
  if (pid_ < 0) throw Error(file, std::generic_category().message(errno), "more processes");
  reader_ = std::thread(&ChildProcess::read_lines, this, out.take(0), error.take(0));
}

ChildProcess::~ChildProcess() { stop(); }

void ChildProcess::read_lines(int out, int error) {
  std::array<pollfd, 2> ends = {pollfd{out, POLLIN, 0}, pollfd{error, POLLIN, 0}};
  std::array<std::string, 2> rest;
  while (ends[0].fd >= 0 || ends[1].fd >= 0) {
    if (::poll(ends.data(), ends.size(), -1) < 0 && errno != EINTR) break;
    for (std::size_t i = 0; i < ends.size(); ++i) {
      if (ends[i].fd < 0 || ends[i].revents == 0) continue;
      std::array<char, 4'096> buffer{};
      const ssize_t got = ::read(ends[i].fd, buffer.data(), buffer.size());
      if (got <= 0) {
        if (got < 0 && errno == EINTR) continue;
        ::close(ends[i].fd);
        ends[i].fd = -1;
        continue;
      }
      rest[i].append(buffer.data(), static_cast<std::size_t>(got));
      for (std::size_t end; (end = rest[i].find('\n')) != std::string::npos;) {
        take_line(i == 1, rest[i].substr(0, end));
        rest[i].erase(0, end + 1);
      }
      if (rest[i].size() > kLongestLine) rest[i].clear();
    }
  }
  const std::lock_guard lock(mutex_);
  is_silent_ = true;
  changed_.notify_all();
}

void ChildProcess::take_line(bool is_error, std::string line) {
  const std::lock_guard lock(mutex_);
  if (is_error) {
    errors_.push_back(std::move(line));
    if (errors_.size() > kMostErrors) errors_.pop_front();
  } else if (line == "ready") {
    is_ready_ = true;
  } else if (!is_ready_) {
    const std::size_t blank = line.find(' ');
    if (blank != std::string::npos) said_[line.substr(0, blank)] = line.substr(blank + 1);
  }
  changed_.notify_all();
}

std::map<std::string, std::string> ChildProcess::wait_ready(Duration limit, bool (*interrupted)()) {
  const MonotonicTime end = system_env().monotonic_now() + std::chrono::nanoseconds(limit.ns);
  std::unique_lock lock(mutex_);
  while (!is_ready_) {
    if (interrupted()) return {};
    const bool is_late = system_env().monotonic_now() >= end;
    if (is_silent_ || is_late) {
      lock.unlock();
      complain(is_late ? "does not get ready" : "has ended");
    }
    changed_.wait_for(lock, kBetweenLooks);
  }
  return said_;
}

void ChildProcess::complain(std::string_view problem) { throw Error(name_, problem, last_words()); }

bool ChildProcess::has_ended() {
  const std::lock_guard lock(mutex_);
  return is_silent_;
}

std::string ChildProcess::last_words() {
  const std::lock_guard lock(mutex_);
  return errors_.empty() ? "" : errors_.back();
}

void ChildProcess::stop() {
  if (pid_ > 0) {
    ::kill(pid_, SIGTERM);
    const MonotonicTime end = system_env().monotonic_now() + kGrace;
    int status = 0;
    while (::waitpid(pid_, &status, WNOHANG) == 0) {
      if (system_env().monotonic_now() >= end) ::kill(pid_, SIGKILL);
      system_env().sleep_until(system_env().monotonic_now() + kBetweenLooks);
    }
    pid_ = -1;
  }
  if (reader_.joinable()) reader_.join();
}

}  // namespace mixnet::ctl
