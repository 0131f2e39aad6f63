#include "base/names.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "base/error.h"
#include "base/suggest.h"

namespace mixnet {

bool same_word(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return std::tolower(static_cast<unsigned char>(c)); };
  return std::ranges::equal(a, b, {}, lower, lower);
}

void refuse_name(std::string_view name, std::string_view input, std::string_view what,
                 std::span<const std::string> known) {
  throw Error(input, fmt::format("unknown {} '{}'", what, name), suggest(name, known));
}

}  // namespace mixnet
