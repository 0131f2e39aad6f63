// What both ends of a mixnet.v1.Region connection agree on, beside the messages.
#pragma once

#include <google/protobuf/stubs/logging.h>
#include <grpc/support/log.h>

#include <cstdlib>

namespace mixnet {

inline constexpr int kMostRequestBytes = 4 << 20;  ///< that the daemon takes: 512 servers' demand
inline constexpr int kMostAnswerBytes = 64 << 20;  ///< that a client takes
/// Who waits for an announcement asks this often whether the daemon is there, and gives up after
/// so long. The daemon must allow it: gRPC's own default takes it for an attack.
inline constexpr int kKeepAliveMs = 10'000;
inline constexpr int kKeepAliveTimeoutMs = 5'000;
inline constexpr int kLeastPingMs = kKeepAliveMs / 2;  ///< for the daemon to allow

/// gRPC and protobuf write what goes wrong to standard error, in their own words and beside ours.
/// GRPC_VERBOSITY in the environment lets them speak. Idempotent.
inline void keep_grpc_quiet() {
  if (std::getenv("GRPC_VERBOSITY") != nullptr) return;
  gpr_set_log_verbosity(static_cast<gpr_log_severity>(GPR_LOG_SEVERITY_ERROR + 1));
  google::protobuf::SetLogHandler(nullptr);
}

}  // namespace mixnet
