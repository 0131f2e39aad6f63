#include "shell/host_list.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <optional>

#include "base/error.h"
#include "base/text_fields.h"

namespace mixnet::cli {
namespace {

constexpr std::size_t kMostDigits = 9;
constexpr std::size_t kMostLetters = 255;  // of a host's name

struct Fault {
  std::string_view input;
  std::string_view text;

  [[noreturn]] void say(std::string_view problem) const {
    throw Error(input, fmt::format("'{}' {}", shown(text), problem), "as in gpu-[0-3,7]");
  }
};

/// "0-3,07" in brackets: each number as text.
std::vector<std::string> numbers_of(std::string_view inside, const Fault& fault) {
  std::vector<std::string> numbers;
  while (true) {
    const std::size_t comma = inside.find(',');
    const std::string_view part = inside.substr(0, comma);
    const std::size_t dash = part.find('-');
    const std::string_view first = part.substr(0, dash);
    const std::string_view last = dash == part.npos ? first : part.substr(dash + 1);
    const auto from = number_in<std::uint32_t>(first);
    const auto to = number_in<std::uint32_t>(last);
    if (!from || !to || first.size() > kMostDigits || last.size() > kMostDigits) {
      fault.say("has no numbers between its brackets");
    }
    if (*from > *to) fault.say("counts backwards");
    if (*to - *from >= kMostHosts) fault.say("names too many servers");
    for (std::uint32_t n = *from; n <= *to; ++n) {
      numbers.push_back(fmt::format("{:0{}}", n, first.size()));
    }
    if (numbers.size() > kMostHosts) fault.say("names too many servers");
    if (comma == inside.npos) return numbers;
    inside.remove_prefix(comma + 1);
  }
}

std::vector<std::string> expand(std::string_view pattern, const Fault& fault) {
  std::vector<std::string> names = {""};
  while (!pattern.empty()) {
    const std::size_t open = pattern.find('[');
    const std::string_view plain = pattern.substr(0, open);
    if (plain.find(']') != plain.npos) fault.say("closes a bracket that is not open");
    if (names.front().size() + plain.size() > kMostLetters) fault.say("has too long a name");
    for (std::string& name : names) name += plain;
    if (open == pattern.npos) break;
    pattern.remove_prefix(open + 1);
    const std::size_t close = pattern.find(']');
    if (close == pattern.npos) fault.say("lacks a ]");
    const std::vector<std::string> numbers = numbers_of(pattern.substr(0, close), fault);
    pattern.remove_prefix(close + 1);
    if (names.size() * numbers.size() > kMostHosts) fault.say("names too many servers");
    std::vector<std::string> longer;
    for (const std::string& name : names) {
      for (const std::string& number : numbers) longer.push_back(name + number);
    }
    names = std::move(longer);
  }
  return names;
}

}  // namespace

std::vector<std::string> expand_host_list(std::string_view text, std::string_view input) {
  const Fault fault{input, text};
  std::vector<std::string> names;
  int depth = 0;
  std::size_t start = 0;
  for (std::size_t i = 0; i <= text.size(); ++i) {
    if (i < text.size() && text[i] == '[') ++depth;
    if (i < text.size() && text[i] == ']') --depth;
    if (i < text.size() && (text[i] != ',' || depth > 0)) continue;
    const std::string_view pattern = trimmed(text.substr(start, i - start));
    if (pattern.empty()) fault.say("has an empty name");
    std::vector<std::string> more = expand(pattern, fault);
    if (names.size() + more.size() > kMostHosts) fault.say("names too many servers");
    std::ranges::move(more, std::back_inserter(names));
    start = i + 1;
  }
  return names;
}

}  // namespace mixnet::cli
