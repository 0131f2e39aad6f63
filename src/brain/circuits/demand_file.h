// Reads a server-to-server demand from a file: the square matrix of bytes that `mixnet plan` takes.
//
//   * one line a server, comma-separated: bytes to server 0, to server 1, ...; no header line;
//   * blank lines and lines that begin with '#' are skipped; blanks around values are ignored;
//   * values are whole, >= 0, and may be written as 9810, 9810.0 or 9.81e3 (as NumPy's savetxt
//   does);
//   * the diagonal (bytes that stay in a server) is read, checked, and ignored by the allocator;
//   * at most kMaxDemandServers servers, and all values together at most 2^53 bytes (9 PB), so no
//     sum of them can overflow and every JSON reader takes them exactly.
// The values need not be bytes: a matrix of tokens gives the same circuits.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string_view>

#include "circuits/circuits.h"

namespace mixnet {

inline constexpr std::size_t kMaxDemandServers = 4096;

/// `input` names the text in errors. Throws Error, with line and column, on anything else than the
/// format above.
ServerDemand parse_server_demand(std::string_view text, std::string_view input);

/// The same from a file; throws Error when it cannot be read.
ServerDemand read_server_demand(const std::filesystem::path& path);

}  // namespace mixnet
