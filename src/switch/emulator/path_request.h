// What is asked of an emulated switch, and what it answers.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/instant.h"
#include "base/names.h"
#include "ocs/optical_switch.h"

namespace mixnet {

enum class Refusal {
  kNone,
  kNoSuchPort,  ///< not one of 1..ports
  kPortInUse,   ///< a path to be added meets another that is not removed
  kNoSuchPath,  ///< a path to be removed does not stand
  kBadPair,     ///< a device of one side: half a circuit, or a position with itself
  kStuck,       ///< a port of it is known not to move
  kDenied       ///< a fault
};
template <>
struct Names<Refusal> {
  static constexpr std::string_view kWhat = "refusal";
  static constexpr NamedValue<Refusal> kTable[] = {{"none", Refusal::kNone},
                                                   {"no such port", Refusal::kNoSuchPort},
                                                   {"port in use", Refusal::kPortInUse},
                                                   {"no such path", Refusal::kNoSuchPath},
                                                   {"bad pair", Refusal::kBadPair},
                                                   {"port stuck", Refusal::kStuck},
                                                   {"denied", Refusal::kDenied}};
};

/// All of it or nothing: removed first, then added.
struct PathRequest {
  std::vector<LightPath> remove = {};
  std::vector<LightPath> add = {};
  /// Positions whose input or output is to be free, whatever it is in by then, if in anything. What
  /// is to be added and stands already is left alone.
  std::vector<int> clear_inputs = {};
  std::vector<int> clear_outputs = {};
  /// In place of the drawn time, as a management layer above needs it.
  std::optional<Duration> takes = std::nullopt;
  /// Asks for the unvalidated path; a front end refuses it where the timing has none.
  bool bypass = false;
};

using RequestId = std::uint64_t;

struct RequestAnswer {
  RequestId id = 0;
  Refusal refusal = Refusal::kNone;
  int port = 0;             ///< that it is refused for
  bool silent = false;      ///< a fault: no answer is to be sent
  bool drop = false;        ///< a fault: the connection it came by is to be closed, unanswered
  bool drop_after = false;  ///< a fault: likewise, after the answer is sent
  bool operator==(const RequestAnswer&) const = default;
};

}  // namespace mixnet
