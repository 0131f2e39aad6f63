// SHA-256 (FIPS 180-4), by which two people can tell that they have the same file; sha256sum prints
// the same. Not for secrets: it takes no care of timing. Of our own because a library of
// cryptography would cost every run a megabyte.
//
// Pure. About 200 MB/s.
#pragma once

#include <string>
#include <string_view>

namespace mixnet {

/// 64 digits, in lower case.
std::string sha256(std::string_view bytes);

}  // namespace mixnet
