// What commands that take Chakra traces have in common.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

namespace mixnet::cli {

/// The value of --ranks: how many did what the one trace says; 0 without it. Throws Error when it
/// is out of range.
std::size_t ranks_of(const std::optional<int>& flag);

inline constexpr const char* kRanksHelp =
    "One trace stands for that many ranks, which all do the same";

/// The value of --gpus-per-server, 8 without it. Throws Error when it is out of range.
std::uint32_t gpus_per_node(const std::optional<int>& flag);

}  // namespace mixnet::cli
