#include "process_facts.h"

#include <unistd.h>

#include <string>
#include <string_view>
#include <vector>

#include "base/text_fields.h"

namespace mixnet {

ProcessFacts::Now ProcessFacts::now() const {
  Now now;
  std::string text;
  // proc(5): pages of the program in all, then those that are resident.
  if (!env_.read("/proc/self/statm", 256, text)) {
    std::string_view rest = trimmed(text);
    take_word(rest);
    const auto pages = number_in<std::uint64_t>(take_word(rest));
    now.resident_bytes = pages.value_or(0) * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  }
  std::vector<std::string> names;
  // One of them is that of the listing itself.
  if (!env_.list("/proc/self/fd", names) && !names.empty()) now.descriptors = names.size() - 1;
  return now;
}

}  // namespace mixnet
