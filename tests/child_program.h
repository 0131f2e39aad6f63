// A program of ours as a child of a test: its standard output line by line, its memory and its
// descriptors; killed with the test.
#pragma once

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace mixnet {

class ChildProgram {
 public:
  /// Standard error goes to `log`.
  ChildProgram(const std::filesystem::path& program, const std::vector<std::string>& arguments,
               const std::filesystem::path& log) {
    std::vector<std::string> words = {program.string()};
    words.insert(words.end(), arguments.begin(), arguments.end());
    std::vector<char*> argv;
    for (std::string& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) throw std::runtime_error("no pipe");
    pid_ = ::fork();
    if (pid_ == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      const int file = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
      ::dup2(ends[1], STDOUT_FILENO);
      ::dup2(file, STDERR_FILENO);
      ::execv(argv[0], argv.data());
      ::_exit(127);
    }
    ::close(ends[1]);
    out_ = ::fdopen(ends[0], "r");
  }
  ChildProgram(const ChildProgram&) = delete;
  ChildProgram& operator=(const ChildProgram&) = delete;
  ~ChildProgram() {
    if (pid_ > 0) {
      ::kill(pid_, SIGKILL);
      ::waitpid(pid_, nullptr, 0);
    }
    ::fclose(out_);
  }

  /// What follows `word` in the first line that begins with it. Throws where the program ends
  /// first.
  std::string await(const std::string& word) {
    char line[512];
    while (std::fgets(line, sizeof(line), out_) != nullptr) {
      std::string text = line;
      if (!text.empty() && text.back() == '\n') text.pop_back();
      if (text == word) return "";
      if (text.starts_with(word + " ")) return text.substr(word.size() + 1);
    }
    throw std::runtime_error("the program has ended before it said '" + word + "'");
  }

  void signal(int number) const { ::kill(pid_, number); }
  /// Its status, once it has ended.
  int wait() {
    int status = 0;
    ::waitpid(std::exchange(pid_, -1), &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }
  bool runs() const { return ::waitpid(pid_, nullptr, WNOHANG) == 0; }

  /// KiB that are resident; `of_no_file`: without the pages of files, which come and go.
  long memory_kib(bool of_no_file = false) const {
    const std::string key = of_no_file ? "RssAnon:" : "VmRSS:";
    std::ifstream file("/proc/" + std::to_string(pid_) + "/status");
    for (std::string line; std::getline(file, line);) {
      if (line.starts_with(key)) return std::stol(line.substr(key.size()));
    }
    return 0;
  }
  long descriptors() const {
    const std::filesystem::path folder = "/proc/" + std::to_string(pid_) + "/fd";
    long count = 0;
    for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(folder)) ++count;
    return count;
  }

 private:
  pid_t pid_ = -1;
  std::FILE* out_ = nullptr;
};

}  // namespace mixnet
