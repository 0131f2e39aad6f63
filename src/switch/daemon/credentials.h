// The user and password of the switch, from a file of their own:
//
//   user: admin
//   password: secret
//
// A file with a secret must be ours, or root's, and nobody else's to read or write: else Error.
// That is asked of the very file that is read. Neither ever appears in an error.
//
// systemd hands a credential to a service that is not root as root:root 0440, with an entry for the
// service's user (acl(5)) that shows as the group's bits: what root and root's group alone may read
// is private as well.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>

namespace mixnet {

struct SwitchCredentials {
  std::string user, password;
};

SwitchCredentials parse_credentials(const std::string& text, std::string_view input);
/// Throws Error.
SwitchCredentials read_credentials(const std::filesystem::path& file);

/// Of a file's mode and owners, as stat(2) tells them.
bool is_private(mode_t mode, uid_t owner, gid_t group, uid_t us);
/// Throws Error unless the file is ours, or root's, alone.
void check_private(const std::filesystem::path& file);

}  // namespace mixnet
