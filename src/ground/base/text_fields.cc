#include "base/text_fields.h"

#include <fmt/format.h>

#include <cmath>

namespace mixnet {
namespace {

constexpr std::string_view kBlanks = " \t\r";

}  // namespace

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

std::string shown(std::string_view word) {
  constexpr std::size_t kMaxShown = 40;
  if (word.size() <= kMaxShown) return std::string(word);
  return fmt::format("{}...", word.substr(0, kMaxShown));
}

Error TextPlace::error(std::string_view problem, std::string_view remedy) const {
  std::string place(input);
  if (line != 0) place += fmt::format(":{}", line);
  if (column != 0) place += fmt::format(" (column {})", column);
  return {place, problem, remedy};
}

TextLines::TextLines(std::string_view text) : rest_(text) {
  if (rest_.starts_with("\xEF\xBB\xBF")) rest_.remove_prefix(3);
}

bool TextLines::next() {
  while (!rest_.empty()) {
    const auto newline = rest_.find('\n');
    line_ = trimmed(rest_.substr(0, newline));
    rest_.remove_prefix(newline == std::string_view::npos ? rest_.size() : newline + 1);
    ++number_;
    if (!line_.empty() && line_.front() != '#') return true;
  }
  return false;
}

std::string_view take_word(std::string_view& line) {
  const std::string_view word = line.substr(0, line.find_first_of(" \t"));
  line.remove_prefix(word.size());
  const auto next = line.find_first_not_of(" \t");
  line.remove_prefix(next == std::string_view::npos ? line.size() : next);
  return word;
}

std::int64_t parse_whole(std::string_view word, const WholeField& field,
                         std::string_view& problem) {
  if (const auto whole = number_in<std::int64_t>(word)) {
    if (*whole > field.most) problem = field.over;
    if (*whole < field.least) {
      problem = *whole < 0 && field.least >= 0 ? "is negative" : "is too small";
    }
    return *whole;
  }
  double value = 0;
  const char* const end = word.data() + word.size();
  const auto [at, code] = std::from_chars(word.data(), end, value);
  if (at != end || code == std::errc::invalid_argument) {
    problem = "is not a number";
  } else if (code == std::errc::result_out_of_range) {
    problem = "is out of range";
  } else if (!std::isfinite(value)) {
    problem = "is not finite";
  } else if (value < 0 && field.least >= 0) {
    problem = "is negative";
  } else if (value > static_cast<double>(field.most)) {
    problem = field.over;
  } else if (value < static_cast<double>(field.least)) {
    problem = "is too small";
  } else if (value != std::floor(value)) {
    problem = "is not whole";
  }
  return problem.empty() ? static_cast<std::int64_t>(value) : 0;
}

std::int64_t parse_whole(std::string_view word, const WholeField& field, const TextPlace& place) {
  std::string_view problem;
  const std::int64_t value = parse_whole(word, field, problem);
  if (problem.empty()) return value;
  throw place.error(word.empty() ? fmt::format("{} is empty", field.name)
                                 : fmt::format("{} '{}' {}", field.name, shown(word), problem),
                    fmt::format("give a whole {}, {} to {}", field.noun, field.least, field.most));
}

}  // namespace mixnet
