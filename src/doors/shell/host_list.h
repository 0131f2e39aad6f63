// Names of servers as people and Slurm write them: "gpu-3", "gpu-[0-3,7]", "rack[1-2]-gpu[00-15]".
//
// A range counts with as many digits as its first number has: [08-11] is 08 09 10 11.
// Pure; linear in what it gives.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace mixnet::cli {

inline constexpr std::size_t kMostHosts = 65'536;

/// All that `text` names, in its order; several lists may be joined by commas. `input` names the
/// flag. Throws Error where brackets or numbers make no sense, or for over kMostHosts.
std::vector<std::string> expand_host_list(std::string_view text, std::string_view input);

}  // namespace mixnet::cli
