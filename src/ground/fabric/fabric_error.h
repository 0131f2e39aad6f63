// An Error of one fabric: what was asked for is possible, but not on that. A comparison leaves the
// fabric out, with the reason; who asked for it alone has an Error.
#pragma once

#include <string_view>

#include "base/error.h"
#include "fabric/fabric_kind.h"

namespace mixnet {

class FabricError : public Error {
 public:
  FabricError(FabricKind fabric, std::string_view input, std::string_view problem,
              std::string_view remedy)
      : Error(input, problem, remedy), fabric_(fabric) {}

  FabricKind fabric() const { return fabric_; }

 private:
  FabricKind fabric_;
};

}  // namespace mixnet
