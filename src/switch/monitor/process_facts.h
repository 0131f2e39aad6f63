// What the system knows of this process: memory and descriptors, from /proc.
#pragma once

#include <cstdint>

#include "base/env.h"

namespace mixnet {

class ProcessFacts {
 public:
  explicit ProcessFacts(Env& env) : env_(env) {}

  struct Now {
    std::uint64_t resident_bytes = 0;
    std::uint64_t descriptors = 0;
  };
  /// Zero for what cannot be read. About 30 us.
  Now now() const;

 private:
  Env& env_;
};

}  // namespace mixnet
