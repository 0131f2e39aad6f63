#include "scpi/scpi_session.h"

#include <fmt/format.h>

#include <array>

#include "base/text_fields.h"
#include "ocs/switch_error.h"

namespace mixnet {
namespace {

constexpr std::size_t kMostStray = 4096;
constexpr MonotonicTime kAtOnce{};  // long past: what is there, without waiting

}  // namespace

std::string describe(const std::vector<ScpiError>& errors) {
  std::string text;
  for (const ScpiError& error : errors) {
    text += fmt::format("{}{}: {}", text.empty() ? "" : "; ", error.code, error.text);
  }
  return text;
}

ScpiSession::ScpiSession(const SwitchAddress& address, Env& env)
    : address_(address), env_(env), device_(address.shown()), client_(device_, env) {}

void ScpiSession::garbled(std::string_view line, std::string_view what) const {
  throw SwitchError(SwitchFault::kGarbled, device_, fmt::format("'{}' is {}", shown(line), what),
                    "it may not speak SCPI at this port");
}

void ScpiSession::open(MonotonicTime dead_line) {
  try {
    while (client_.is_open() && take_unasked(kAtOnce) && env_.monotonic_now() < dead_line) {
    }
  } catch (const SwitchError& error) {
    client_.close();
    if (error.fault() != SwitchFault::kDisconnected) throw;
  }
  if (client_.is_open()) return;
  if (!back_off_.is_over(env_.monotonic_now())) {
    throw SwitchError(SwitchFault::kUnreachable, device_,
                      "it could not be reached a moment ago, and is not tried again yet");
  }
  lines_ = {};
  try {
    client_.connect(address_.host, address_.port, dead_line);
  } catch (const SwitchError&) {
    back_off_.failed(env_.monotonic_now());
    throw;
  }
}

ScpiSession::Result ScpiSession::exchange(std::string_view commands, MonotonicTime dead_line) {
  try {
    client_.send(fmt::format("{}:syst:err:all?\n*opc?\n", commands), dead_line);
    Result result = read_result(dead_line);
    back_off_.succeeded();
    return result;
  } catch (const SwitchError& error) {
    client_.close();
    if (error.fault() != SwitchFault::kTimedOut) back_off_.failed(env_.monotonic_now());
    throw;
  }
}

/// Up to two lines, told apart by what they look like, and the `1`.
ScpiSession::Result ScpiSession::read_result(MonotonicTime dead_line) {
  Result result;
  bool has_errors = false;
  while (true) {
    std::string line = read_line(dead_line);
    if (line == "1" || line == "\"1\"") return result;
    if (auto errors = parse_scpi_errors(line); errors && !has_errors) {
      result.errors = std::move(*errors);
      has_errors = true;
    } else if (!result.answer && !has_errors) {
      result.answer = std::move(line);
    } else {
      garbled(line, "more than was asked for");
    }
  }
}

std::string ScpiSession::read_line(MonotonicTime dead_line) {
  std::array<char, 1 << 14> buffer;
  while (true) {
    if (auto line = lines_.next()) return std::move(*line);
    const std::size_t size = client_.receive(buffer.data(), buffer.size(), dead_line);
    if (size == 0 || env_.monotonic_now() >= dead_line) {
      throw SwitchError(SwitchFault::kTimedOut, device_, "a command was not answered in time");
    }
    if (!lines_.feed({buffer.data(), size})) {
      throw SwitchError(SwitchFault::kGarbled, device_, fmt::format("it sent {}", lines_.problem()),
                        "it may not speak SCPI at this port");
    }
  }
}

std::string ScpiSession::ask(std::string_view query, MonotonicTime dead_line) {
  Result result = exchange(fmt::format("{}\n", query), dead_line);
  if (!result.answer) {
    throw SwitchError(SwitchFault::kDenied, device_,
                      fmt::format("'{}' is not answered ({})", query,
                                  result.errors.empty() ? "no error" : describe(result.errors)));
  }
  if (stray_.size() < kMostStray) {
    stray_.insert(stray_.end(), result.errors.begin(), result.errors.end());
  }
  return std::move(*result.answer);
}

/// Whether anything came; more than the end of the last line must not.
bool ScpiSession::take_unasked(MonotonicTime dead_line) {
  std::array<char, 256> buffer{};
  const std::size_t size = client_.receive(buffer.data(), buffer.size(), dead_line);
  if (size > 0 && (!lines_.feed({buffer.data(), size}) || lines_.has_any())) {
    garbled({buffer.data(), size}, "not asked for");
  }
  return size > 0;
}

void ScpiSession::wait(MonotonicTime dead_line) {
  try {
    take_unasked(dead_line);
  } catch (const SwitchError&) {
    client_.close();
    back_off_.failed(env_.monotonic_now());
    throw;
  }
}

}  // namespace mixnet
