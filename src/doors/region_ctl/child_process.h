// A program that runs beside this one and ends with it, however this one ends.
//
// What it prints is read as it comes: nothing blocks. The last lines of its standard error are kept
// for who asks why it ended. Thread-safe, but for the destructor.
#pragma once

#include <condition_variable>
#include <deque>
#include <filesystem>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/instant.h"

namespace mixnet::ctl {

class ChildProcess {
 public:
  /// Starts it; must be called by the main thread, with whose end it would end. Throws Error.
  ChildProcess(const std::filesystem::path& program, const std::vector<std::string>& arguments);
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;
  /// stop().
  ~ChildProcess();

  /// Waits for a line "ready" and gives what it printed before, by first word ("api" of "api
  /// 127.0.0.1:7411"). Throws Error where it ends, or takes longer; `interrupted` is asked
  /// meanwhile, and ends it as well.
  std::map<std::string, std::string> wait_ready(Duration limit, bool (*interrupted)());
  bool has_ended();
  /// What it last said on standard error; empty: nothing.
  std::string last_words();
  /// SIGTERM, and SIGKILL where that takes over five seconds. Idempotent.
  void stop();

 private:
  void read_lines(int out, int error);
  void take_line(bool is_error, std::string line);
  [[noreturn]] void complain(std::string_view problem);

  std::string name_;
  int pid_ = -1;
  std::mutex mutex_;  ///< of what follows
  std::condition_variable changed_;
  std::map<std::string, std::string> said_;
  std::deque<std::string> errors_;
  bool is_ready_ = false;
  bool is_silent_ = false;  ///< it has closed its outputs: it ends
  std::thread reader_;
};

}  // namespace mixnet::ctl
