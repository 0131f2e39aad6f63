#include "region/region_messages.h"

namespace mixnet {

std::string_view to_string(AlarmCode code) {
  switch (code) {
    case AlarmCode::kBadEvent:
      return "bad-event";
    case AlarmCode::kTenantRefused:
      return "tenant-refused";
    case AlarmCode::kContradictoryDemand:
      return "contradictory-demand";
    case AlarmCode::kPhaseOverdue:
      return "phase-overdue";
    case AlarmCode::kCommandTimedOut:
      return "command-timed-out";
    case AlarmCode::kCommandDenied:
      return "command-denied";
    case AlarmCode::kDeviceSilent:
      return "device-silent";
    case AlarmCode::kDeviceBack:
      return "device-back";
    case AlarmCode::kContradiction:
      return "contradiction";
    case AlarmCode::kPortSuspect:
      return "port-suspect";
    case AlarmCode::kServersCut:
      return "servers-cut";
    case AlarmCode::kPinRefused:
      return "pin-refused";
    case AlarmCode::kMovesCapped:
      return "moves-capped";
  }
  return "unknown";
}

}  // namespace mixnet
