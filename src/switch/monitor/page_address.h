// Where the page listens, and who may ask for it. Pure.
#pragma once

#include <string>
#include <string_view>

namespace mixnet {

struct PageAddress {
  std::string host;  ///< an IPv6 address without its brackets
  int port = 0;      ///< 0: any that is free
};

/// "127.0.0.1:7412", "[::1]:0". Throws Error; `input` names the setting.
PageAddress parse_page_address(std::string_view text, std::string_view input);

/// 127.0.0.0/8, ::1 and "localhost".
bool is_loopback(std::string_view host);

/// Whether a Host header names the loopback, whatever its port: what an SSH tunnel asks for is
/// taken, and what a page elsewhere makes a browser ask for is not, though its name may have been
/// made to lead here (DNS rebinding).
bool host_header_is_loopback(std::string_view header);

}  // namespace mixnet
