// What the fuzz targets of PyTorch's formats hold: any text is refused with an Error, or becomes a
// trace whose nodes depend on nodes before them, and whose sizes and times are within reason.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <map>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "interop/torch_rank.h"

namespace mixnet {

inline void check_torch_rank(TorchRank torch) {
  for (const std::uint32_t ranks : {1U, 4U}) {
    try {
      std::map<std::string, std::vector<std::uint32_t>> groups;
      const ChakraTrace trace = to_chakra_trace(torch, 0, ranks, groups);
      for (std::size_t i = 0; i < trace.nodes.size(); ++i) {
        const ChakraNode& node = trace.nodes[i];
        if (node.id != i) std::abort();
        for (const std::uint64_t dep : node.data_deps) {
          if (dep >= i) std::abort();
        }
        if (!node.splits.empty() && node.splits.size() > ranks) std::abort();
      }
      for (const auto& [name, members] : groups) {
        if (members.empty() || members.back() >= ranks) std::abort();
      }
    } catch (const Error&) {
    }
  }
}

inline int fuzz_torch(TorchRank (*parse)(std::string_view, std::string_view),
                      const std::uint8_t* data, std::size_t size) {
  try {
    check_torch_rank(parse({reinterpret_cast<const char*>(data), size}, "fuzz"));
  } catch (const Error&) {
  }
  return 0;
}

}  // namespace mixnet
