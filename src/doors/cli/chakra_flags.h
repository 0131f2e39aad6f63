// What commands that take Chakra traces have in common.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace mixnet::cli {

/// Whether `path` is no file, but traces PATH.0.et, ... lie there.
bool is_chakra_prefix(const std::string& path);

/// The value of --gpus-per-server, 8 without it. Throws Error when it is out of range.
std::uint32_t gpus_per_node(const std::optional<int>& flag);

}  // namespace mixnet::cli
