// How long a GPU takes for an operation of a layer, there and back. A plain value.
#pragma once

#include "base/units.h"

namespace mixnet {

struct OperationTime {
  Time forward;
  Time backward;  ///< of the optimizer: zero

  friend bool operator==(const OperationTime&, const OperationTime&) = default;
};

}  // namespace mixnet
