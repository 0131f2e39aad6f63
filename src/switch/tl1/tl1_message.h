// What a TL1 device sends (Telcordia GR-831), as values, and how it is written.
//
//   answer          `M  CTAG COMPLD`, an error's code of four letters and its text, quoted rows
//   acknowledgement `IP CTAG` and kin, a line of its own: the answer is still to come
//   autonomous      `*C ATAG REPT ALM CRS`, quoted rows: an alarm or an event, amid anything
//
// Answers and autonomous messages begin with a header, `   SID 26-11-23 14:52:28`, and end in `;`.
// Pure; linear.
#pragma once

#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/env.h"
#include "base/names.h"
#include "ocs/optical_switch.h"

namespace mixnet {

enum class Tl1Completion {
  kCompleted,
  kDenied,
  kPartial,    ///< of a command about several things some were done
  kDelayed,    ///< will be done later
  kRetrieving  ///< part of an answer, more follows
};
template <>
struct Names<Tl1Completion> {
  static constexpr std::string_view kWhat = "completion code";
  static constexpr NamedValue<Tl1Completion> kTable[] = {{"COMPLD", Tl1Completion::kCompleted},
                                                         {"DENY", Tl1Completion::kDenied},
                                                         {"PRTL", Tl1Completion::kPartial},
                                                         {"DELAY", Tl1Completion::kDelayed},
                                                         {"RTRV", Tl1Completion::kRetrieving}};
};

struct Tl1Response {
  std::string ctag = {};
  Tl1Completion completion = Tl1Completion::kCompleted;
  std::string error = {};              ///< "IIAC"; empty: none
  std::string comment = {};            ///< what stood between /* and */, and text outside quotes
  std::vector<std::string> rows = {};  ///< quoted lines, without the quotes
  bool operator==(const Tl1Response&) const = default;
};

struct Tl1Acknowledgement {
  std::string code = {};  ///< IP, PF, OK, NA, NG, RL
  std::string ctag = {};
  bool operator==(const Tl1Acknowledgement&) const = default;
};

struct Tl1Autonomous {
  AlarmLevel level = AlarmLevel::kEvent;
  std::string atag = {};
  std::string verb = {};  ///< "REPT ALM CRS"
  std::string comment = {};
  std::vector<std::string> rows = {};
  bool operator==(const Tl1Autonomous&) const = default;
};

using Tl1Message = std::variant<Tl1Response, Tl1Acknowledgement, Tl1Autonomous>;

/// The two characters that an autonomous message begins with: "*C", "**", "*^", "A ".
std::string_view tl1_mark(AlarmLevel level);

/// With quotes and backslashes written as they are within quotes.
std::string tl1_quoted(std::string_view text);

// As a device sends it. `sid` is the device's name; the time is written in UTC.
std::string encode_tl1(const Tl1Response& response, std::string_view sid, WallTime now);
std::string encode_tl1(const Tl1Autonomous& message, std::string_view sid, WallTime now);
std::string encode_tl1(const Tl1Acknowledgement& acknowledgement);

}  // namespace mixnet
