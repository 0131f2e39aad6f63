#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "base/error.h"
#include "shell/host_list.h"

// Any text is refused with an Error, or names servers, none without a name.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  try {
    const auto names = mixnet::cli::expand_host_list(text, "fuzz");
    if (names.empty() || names.size() > mixnet::cli::kMostHosts) std::abort();
    for (const std::string& name : names) {
      if (name.empty()) std::abort();
    }
  } catch (const mixnet::Error&) {
  }
  return 0;
}
