// Any bytes as a Host header: what is taken for the loopback has nothing of a stranger's name in
// it.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "host_header.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view header(reinterpret_cast<const char*>(data), size);
  if (mixnet::host_header_is_loopback(header)) {
    const bool is_known = header.starts_with("127.") || header.starts_with("[") ||
                          (size >= 9 && (header[0] == 'l' || header[0] == 'L'));
    if (!is_known) std::abort();
  }
  return 0;
}
