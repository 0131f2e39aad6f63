// Who is in a process group of Chakra traces, where that is known from elsewhere: from
// PREFIX.comm_groups.json, which mixnet convert writes and ASTRA-sim reads. Traces themselves only
// say who names a group, so that a rank whose trace is missing would not be missed.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace mixnet {

/// Ranks, ascending, by the group's name.
using ChakraGroups = std::map<std::string, std::vector<std::uint32_t>>;

/// {"1": [0, 4], "2": ...}. Throws Error naming the file and the place in it.
ChakraGroups parse_chakra_groups(std::string_view text, const std::string& input);

ChakraGroups read_chakra_groups(const std::filesystem::path& path);

/// Throws Error, naming ranks that are missing, when those of `known` who are in the group are
/// others than its `members`, or there is one member alone. `where`: the group's first collective;
/// `ranks`: of all traces.
void check_chakra_group(const ChakraGroups& known, const std::string& name,
                        std::span<const std::uint32_t> members, std::size_t ranks,
                        const std::string& where);

}  // namespace mixnet
