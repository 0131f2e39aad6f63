// What a browser says it asks, of a page on the loopback. Pure.
#pragma once

#include <string_view>

namespace mixnet {

/// Whether a Host header names the loopback, whatever its port: what an SSH tunnel asks for is
/// taken, and what a page elsewhere makes a browser ask for is not, though its name may have been
/// made to lead here (DNS rebinding).
bool host_header_is_loopback(std::string_view header);

}  // namespace mixnet
