// gRPC writes what goes wrong to standard error, in its own words and beside ours, which say it as
// well. GRPC_VERBOSITY in the environment, as gRPC knows it, lets it speak. Idempotent.
#pragma once

#include <grpc/support/log.h>

#include <cstdlib>

namespace mixnet {

inline void quiet_grpc() {
  if (std::getenv("GRPC_VERBOSITY") != nullptr) return;
  gpr_set_log_verbosity(static_cast<gpr_log_severity>(GPR_LOG_SEVERITY_ERROR + 1));
}

}  // namespace mixnet
