// A connection to an SCPI device, and exchanges on it (scpi_switch.h says how). Not thread-safe.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/env.h"
#include "ocs/back_off.h"
#include "ocs/switch_address.h"
#include "ocs/tcp_client.h"
#include "scpi/scpi_text.h"

namespace mixnet {

/// "-222: Data out of range"; of several, joined.
std::string describe(const std::vector<ScpiError>& errors);

class ScpiSession {
 public:
  struct Result {
    std::optional<std::string> answer;
    std::vector<ScpiError> errors;  ///< that were in the queue, of this command or before
  };

  ScpiSession(const SwitchAddress& address, Env& env);

  /// Connects where that is to be done, not within the back-off. Throws SwitchError.
  void open(MonotonicTime dead_line);
  /// `commands`: lines, of which one at most is a query. Throws SwitchError.
  Result exchange(std::string_view commands, MonotonicTime dead_line);
  /// The answer of a query. Throws SwitchError, kDenied as well.
  std::string ask(std::string_view query, MonotonicTime dead_line);
  /// Until then at most. Throws SwitchError when the connection breaks.
  void wait(MonotonicTime dead_line);

  /// Errors that came with answers: not of the command that was answered.
  std::vector<ScpiError>& stray_errors() { return stray_; }
  const std::string& device() const { return device_; }
  MonotonicTime last_sent() const { return client_.last_sent(); }

 private:
  bool take_unasked(MonotonicTime dead_line);
  Result read_result(MonotonicTime dead_line);
  std::string read_line(MonotonicTime dead_line);
  [[noreturn]] void garbled(std::string_view line, std::string_view what) const;

  const SwitchAddress& address_;
  Env& env_;
  std::string device_;
  TcpClient client_;
  BackOff back_off_;
  ScpiLines lines_;
  std::vector<ScpiError> stray_;
};

}  // namespace mixnet
