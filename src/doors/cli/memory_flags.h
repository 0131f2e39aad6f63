// The flags that say what is kept in the GPUs' memory, and what is done when it is too much.
#pragma once

#include <CLI/CLI.hpp>
#include <optional>
#include <string>

#include "compare/comparison.h"

namespace mixnet::cli {

struct MemoryFlags {
  std::optional<std::string> recompute;  ///< default: the least that fits
  std::optional<int> zero;               ///< default: 1; as in the paper: 0
  int moment_bytes = IterationOptions{}.moment_bytes;
  bool ignore = false;

  /// `paper`: memory is not looked at. Throws Error on a value that is none of the choices.
  void apply(ComparisonRequest& request, bool paper) const;
};

/// Adds the flags to `command`; `flags` must outlive it.
void add_memory_flags(CLI::App& command, MemoryFlags& flags);

}  // namespace mixnet::cli
