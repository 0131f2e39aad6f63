// gRPC and protobuf write what goes wrong to standard error, in their own words and beside ours,
// which say it as well; a client could fill a log by it. GRPC_VERBOSITY in the environment, as gRPC
// knows it, lets them speak. Idempotent.
#pragma once

#include <google/protobuf/stubs/logging.h>
#include <grpc/support/log.h>

#include <cstdlib>

namespace mixnet {

inline void quiet_grpc() {
  if (std::getenv("GRPC_VERBOSITY") != nullptr) return;
  gpr_set_log_verbosity(static_cast<gpr_log_severity>(GPR_LOG_SEVERITY_ERROR + 1));
  google::protobuf::SetLogHandler(nullptr);
}

}  // namespace mixnet
