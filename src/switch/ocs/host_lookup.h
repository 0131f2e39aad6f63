// The addresses behind a host's name, by a dead-line. The system's resolver knows none (it may ask
// dead name servers for a minute), so names are looked up on a thread of their own, which is left
// to itself when the dead-line has passed. Addresses are read at once, without it.
#pragma once

#include <netdb.h>

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/env.h"

namespace mixnet {

using HostAddresses = std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)>;

/// As getaddrinfo().
using Resolver = std::function<int(const char* host, const char* service, const addrinfo* hints,
                                   addrinfo** found)>;

/// Throws SwitchError, which names `device`: kUnreachable, kTimedOut.
HostAddresses look_up_host(const std::string& host, int port, std::string_view device,
                           MonotonicTime dead_line, Env& env = system_env(),
                           const Resolver& resolver = ::getaddrinfo);

}  // namespace mixnet
