// What the nodes of one Chakra trace wait for. Others' traces are not strict about it: in those
// that are made from PyTorch's profiles, control dependencies are call stacks (a node names its
// caller), which may name nodes that the converter left out, or the node itself.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "interop/chakra_trace.h"

namespace mixnet {

struct NodeDependencies {
  std::vector<std::vector<std::uint32_t>> of;  ///< places in the trace, ascending, by place
  std::size_t passed_over = 0;  ///< names of nodes that are not there, or of the node itself
  bool is_call_stack = false;   ///< control dependencies are left out: they contradict the data's
};

/// Control dependencies count unless the trace says that they are of order only, or they make a
/// circle with data dependencies that have none. O(nodes + dependencies).
NodeDependencies dependencies_of(const ChakraTrace& trace);

}  // namespace mixnet
