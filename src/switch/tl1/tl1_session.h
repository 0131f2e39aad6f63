// A login at a TL1 device: commands in, their answers out, matched by tag.
//
// Each command gets a tag of its own. All are sent at once, but no more than 256 are unanswered at
// a time; answers may come in any order, with acknowledgements and autonomous messages amid them.
// What answers a command that was given up (its dead-line passed) is dropped by its tag.
//
// A connection that breaks or is garbled is closed, and made again by open() once the back-off
// (back_off.h) is over; one that broke while nothing was asked is made again at once. One that is
// silent for two exchanges is closed as well. A login that the device has ended (the dialect's
// not_logged_in) is made anew, and what was denied for it asked again, once. Not thread-safe.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/env.h"
#include "ocs/back_off.h"
#include "ocs/switch_address.h"
#include "ocs/switch_error.h"
#include "ocs/tcp_client.h"
#include "tl1/tl1_dialect.h"
#include "tl1/tl1_reader.h"

namespace mixnet {

/// A command of the dialect, and what fills it; {ctag} is the session's.
struct Tl1Request {
  std::string_view pattern;
  std::map<std::string, std::string, std::less<>> values = {};
};

/// "IDNV: Invalid OXC port: 1000".
std::string denial(const Tl1Response& response);

class Tl1Session {
 public:
  static constexpr std::size_t kMostInFlight = 256;
  static constexpr std::size_t kMostEvents = 4096;

  Tl1Session(const SwitchAddress& address, const Tl1Dialect& dialect, Env& env);
  /// Logs out, as far as that goes without waiting.
  ~Tl1Session();

  /// Connects and logs in where that is to be done. Throws SwitchError.
  void open(MonotonicTime dead_line);
  /// The answers, in the order of the requests; denied ones among them. Throws SwitchError.
  std::vector<Tl1Response> exchange(std::span<const Tl1Request> requests, MonotonicTime dead_line);
  /// Reads what comes, until something has or `dead_line` has passed. Throws SwitchError.
  void wait(MonotonicTime dead_line);

  std::deque<Tl1Autonomous>& events() { return events_; }
  MonotonicTime last_heard() const { return last_heard_; }
  MonotonicTime last_sent() const { return client_.last_sent(); }
  const std::string& device() const { return device_; }

 private:
  struct Pending {
    std::map<std::string, std::size_t> by_tag;  // of those unanswered
    std::vector<Tl1Response> answers;
  };

  void connect(MonotonicTime dead_line);
  void log_in(MonotonicTime dead_line);
  std::vector<Tl1Response> ask(std::span<const Tl1Request> requests, MonotonicTime dead_line);
  void ask_all(std::span<const Tl1Request> requests, Pending& pending, MonotonicTime dead_line);
  bool receive(Pending* pending, MonotonicTime dead_line);
  void take(Tl1Message message, Pending* pending);
  bool is_logged_out(const Tl1Response& response) const;
  void give_up();

  const SwitchAddress& address_;
  const Tl1Dialect& dialect_;
  Env& env_;
  std::string device_;
  TcpClient client_;
  std::optional<Tl1Reader> reader_;
  std::vector<char> buffer_;
  BackOff back_off_;
  int next_tag_ = 1;
  int silent_ = 0;  // exchanges in a row that heard nothing
  MonotonicTime last_heard_{};
  std::deque<Tl1Autonomous> events_;
};

}  // namespace mixnet
