// The user and password of the switch, from a file of their own:
//
//   user: admin
//   password: secret
//
// A file with a secret must be ours, or root's, and nobody else's to read or write: else Error.
// That is asked of the very file that is read. Neither ever appears in an error.
#pragma once

#include <filesystem>
#include <string>

namespace mixnet {

struct SwitchCredentials {
  std::string user, password;
};

SwitchCredentials parse_credentials(const std::string& text, std::string_view input);
/// Throws Error.
SwitchCredentials read_credentials(const std::filesystem::path& file);

/// Throws Error unless the file is ours, or root's, alone.
void check_private(const std::filesystem::path& file);

}  // namespace mixnet
