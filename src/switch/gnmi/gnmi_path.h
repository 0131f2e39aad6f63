// gNMI paths as text, the way its public tools write them, and back:
//
//   sonic-db:/CONFIG_DB/localhost/OCS_CROSS_CONNECT/1A-2B
//   /interfaces/interface[name=eth0]/state          "/" or nothing: the root
//
// An origin ends in ":" before the first "/". In a step's name a "\" escapes "/", "[", "]" and
// itself; in a key's name also "=". Keys are written in the order of their names. The target, which
// only prefixes have, is no part of the text.
//
// parse_gnmi_path(to_text(p)) is p for each p that parse_gnmi_path() gives. Pure; O(length).
#pragma once

#include <string>
#include <string_view>

#include "gnmi.pb.h"

namespace mixnet {

/// `input` names the flag, file or message for the error. Throws Error.
gnmi::Path parse_gnmi_path(std::string_view text, std::string_view input);
std::string to_text(const gnmi::Path& path);

}  // namespace mixnet
