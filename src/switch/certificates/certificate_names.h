// What people may call certificates, and the subject alternative names of servers and clients.
// Pure functions.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "certificates/openssl.h"

namespace mixnet {

inline constexpr int kMostCertificateDays = 36'500;

/// 1 to 64 letters, digits, dots, dashes and underlines, and no file of the authority. Throws
/// Error.
void check_certificate_name(std::string_view name, std::string_view input);

/// Of DNS names and addresses; at least one. Throws Error.
AlternativeNames host_names(const std::vector<std::string>& hosts);

/// Of "viewer", "trainer/17" or "operator". Throws Error.
AlternativeNames role_name(std::string_view role);

}  // namespace mixnet
