// What can go wrong between us and an optical switch, by kind, so that a controller can tell what
// to do: try again, read, or call a person. As text it is an Error like all others.
#pragma once

#include <string_view>

#include "base/error.h"
#include "base/names.h"

namespace mixnet {

enum class SwitchFault {
  kUnreachable,   ///< no connection; in back-off as well
  kDisconnected,  ///< the connection broke amid a call
  kTimedOut,      ///< no answer by the dead-line
  kLogin,         ///< user or password refused
  kDenied,        ///< the device will not do it
  kGarbled,       ///< what came is not the protocol
  kMisuse         ///< a position outside the slice, twice in a change, or that the device lacks
};
template <>
struct Names<SwitchFault> {
  static constexpr std::string_view kWhat = "kind of fault";
  static constexpr NamedValue<SwitchFault> kTable[] = {{"unreachable", SwitchFault::kUnreachable},
                                                       {"disconnected", SwitchFault::kDisconnected},
                                                       {"timed-out", SwitchFault::kTimedOut},
                                                       {"login", SwitchFault::kLogin},
                                                       {"denied", SwitchFault::kDenied},
                                                       {"garbled", SwitchFault::kGarbled},
                                                       {"misuse", SwitchFault::kMisuse}};
};

class SwitchError : public Error {
 public:
  /// `device`: its address, "tl1://10.0.0.5:3082".
  SwitchError(SwitchFault fault, std::string_view device, std::string_view problem,
              std::string_view remedy = {})
      : Error(device, problem, remedy), fault_(fault) {}
  SwitchFault fault() const { return fault_; }

 private:
  SwitchFault fault_;
};

}  // namespace mixnet
