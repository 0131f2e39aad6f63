// How gRPC is to serve: certificates, and its own limits against clients that misuse it.
//
// With TLS a client must show a certificate of our CA, and gRPC verifies it, its dates as well,
// before any call is seen. Limits of gRPC's: messages of 4 MiB, none compressed (a small one could
// grow without bound); 64 MiB of memory for all calls; 64 calls and streams a connection;
// 5 s for handshakes; connections without a call end after 10 minutes, and take no new calls after
// a day, so that a client shows its certificate again; pings more often than every 5 s end them,
// and who does not answer ours within 10 s is gone.
#pragma once

#include <grpcpp/grpcpp.h>

#include <memory>

#include "base/env.h"
#include "daemon/daemon_settings.h"

namespace mixnet {

/// Of the TLS files; none where there are none (check_exposure()). Throws Error that names the
/// file: one that cannot be read, is no PEM, does not fit, or has expired.
std::shared_ptr<grpc::ServerCredentials> server_credentials(const DaemonSettings& settings,
                                                            Env& env);
void set_limits(grpc::ServerBuilder& builder);

}  // namespace mixnet
