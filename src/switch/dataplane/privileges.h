// What the kernel asks of a process that attaches interfaces.
#pragma once

#include <cstdint>
#include <string>

namespace mixnet {

/// The effective capabilities of this thread, a bit each (capabilities(7)). Some 0.2 us.
std::uint64_t effective_capabilities();

/// Those that `capabilities` lacks to attach an interface: "CAP_NET_ADMIN and CAP_BPF"; empty:
/// none. CAP_SYS_ADMIN stands for CAP_BPF, as for the kernel.
std::string missing_capabilities(std::uint64_t capabilities);

/// Whether filters that another process has left can be looked into.
bool may_adopt(std::uint64_t capabilities);

}  // namespace mixnet
