#include "scpi/scpi_text.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <utility>

#include "base/names.h"
#include "base/text_fields.h"

namespace mixnet {
namespace {

constexpr std::size_t kMostErrors = 64;
constexpr std::size_t kMostListed = 65'536;
constexpr std::size_t kMostHeader = 255;
constexpr int kSyntaxError = -102, kOutOfRange = -222, kMissing = -109, kQueueOverflow = -350;

/// SCPI-1999, volume 2, chapter 21.
std::string_view words_of(int code) {
  constexpr std::pair<int, std::string_view> kWords[] = {{0, "No error"},
                                                         {-100, "Command error"},
                                                         {-101, "Invalid character"},
                                                         {kSyntaxError, "Syntax error"},
                                                         {-103, "Invalid separator"},
                                                         {-104, "Data type error"},
                                                         {-108, "Parameter not allowed"},
                                                         {kMissing, "Missing parameter"},
                                                         {-113, "Undefined header"},
                                                         {-200, "Execution error"},
                                                         {-221, "Settings conflict"},
                                                         {kOutOfRange, "Data out of range"},
                                                         {-224, "Illegal parameter value"},
                                                         {-240, "Hardware error"},
                                                         {kQueueOverflow, "Queue overflow"},
                                                         {-363, "Input buffer overrun"}};
  for (const auto& [known, words] : kWords) {
    if (known == code) return words;
  }
  return "Device-specific error";
}

char capital(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; }

/// The parts between separators that stand outside quotes.
std::vector<std::string_view> parts_of(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  bool quoted = false;
  std::size_t begin = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '"') quoted = !quoted;
    if (quoted || text[i] != separator) continue;
    parts.push_back(trimmed(text.substr(begin, i - begin)));
    begin = i + 1;
  }
  parts.push_back(trimmed(text.substr(begin)));
  return parts;
}

/// One word of a list, "7" or "3:5".
bool add_numbers(std::string_view word, int most, std::vector<int>& numbers, int& code) {
  const std::size_t colon = word.find(':');
  const auto first = number_in<int>(trimmed(word.substr(0, colon)));
  const auto last = colon == word.npos ? first : number_in<int>(trimmed(word.substr(colon + 1)));
  code = first && last ? kOutOfRange : kSyntaxError;
  if (!first || !last || *first < 1 || *last > most || *last < *first) return false;
  if (numbers.size() + static_cast<std::size_t>(*last - *first) >= kMostListed) return false;
  for (int number = *first; number <= *last; ++number) numbers.push_back(number);
  return true;
}

}  // namespace

bool ScpiLines::feed(std::string_view bytes) {
  for (const char c : bytes) {
    if (!problem_.empty()) return false;
    if (c == '\r' || c == '\n') {
      if (!trimmed(line_).empty()) whole_.emplace_back(trimmed(line_));
      line_.clear();
    } else if (static_cast<unsigned char>(c) < ' ' && c != '\t') {
      problem_ = "a control character";
    } else if (line_.size() >= kMostLine) {
      problem_ = "a line longer than 256 KiB";
    } else {
      line_ += c;
    }
  }
  return problem_.empty();
}

std::optional<std::string> ScpiLines::next() {
  if (whole_.empty()) return std::nullopt;
  std::string line = std::move(whole_.front());
  whole_.pop_front();
  return line;
}

std::vector<ScpiCommand> parse_scpi_commands(std::string_view line) {
  std::vector<ScpiCommand> commands;
  std::string path;  // of the header before, up to its last colon
  for (const std::string_view unit : parts_of(line, ';')) {
    if (unit.empty()) continue;
    const std::size_t end = std::min(unit.find_first_of(" \t"), unit.size());
    std::string header;
    for (const char c : unit.substr(0, end)) header += capital(c);
    const bool is_common = header.front() == '*';
    if (header.front() == ':') {
      header.erase(0, 1);
    } else if (!is_common) {
      header.insert(0, path);
    }
    if (header.size() > kMostHeader) header.clear();  // nobody's: it would grow with each `;`
    if (!is_common) path = header.substr(0, header.rfind(':') + 1);
    commands.push_back({std::move(header), std::string(trimmed(unit.substr(end)))});
  }
  return commands;
}

bool is_scpi(std::string_view header, std::string_view pattern) {
  if (header.ends_with('?') != pattern.ends_with('?')) return false;
  if (header.ends_with('?')) {
    header.remove_suffix(1);
    pattern.remove_suffix(1);
  }
  while (true) {
    const std::string_view node = header.substr(0, header.find(':'));
    const std::string_view known = pattern.substr(0, pattern.find(':'));
    const std::string_view capitals =
        known.substr(0, std::min(known.find_first_of("abcdefghijklmnopqrstuvwxyz"), known.size()));
    if (!same_word(node, known) && !same_word(node, capitals)) return false;
    if (node.size() == header.size() || known.size() == pattern.size()) {
      return node.size() == header.size() && known.size() == pattern.size();
    }
    header.remove_prefix(node.size() + 1);
    pattern.remove_prefix(known.size() + 1);
  }
}

std::optional<std::vector<std::vector<int>>> parse_scpi_lists(std::string_view text, int most,
                                                              int& code) {
  std::vector<std::vector<int>> lists;
  text = trimmed(text);
  code = kMissing;
  if (text.empty()) return std::nullopt;
  while (true) {
    code = kSyntaxError;
    const std::size_t end = text.find(')');
    if (!text.starts_with("(@") || end == text.npos || lists.size() >= 64) return std::nullopt;
    const std::string_view words = trimmed(text.substr(2, end - 2));
    lists.emplace_back();
    if (!words.empty()) {
      for (const std::string_view word : parts_of(words, ',')) {
        if (!add_numbers(word, most, lists.back(), code)) return std::nullopt;
      }
    }
    text = trimmed(text.substr(end + 1));
    if (text.empty()) return lists;
    code = kSyntaxError;
    if (text.front() != ',') return std::nullopt;
    text = trimmed(text.substr(1));
  }
}

void ScpiErrorQueue::push(int code) {
  if (errors_.size() == kMostErrors) {
    errors_.pop_back();
    code = kQueueOverflow;
  }
  errors_.push_back({code, std::string(words_of(code))});
}

ScpiError ScpiErrorQueue::take() {
  if (errors_.empty()) return {0, std::string(words_of(0))};
  ScpiError error = std::move(errors_.front());
  errors_.pop_front();
  return error;
}

std::vector<ScpiError> ScpiErrorQueue::take_all() {
  std::vector<ScpiError> all;
  do {
    all.push_back(take());
  } while (!errors_.empty());
  return all;
}

std::optional<std::vector<Patch>> parse_scpi_patches(std::string_view text) {
  int code = 0;
  const auto lists = parse_scpi_lists(text, 1 << 20, code);
  if (!lists || lists->size() != 2 || (*lists)[0].size() != (*lists)[1].size()) return std::nullopt;
  std::vector<Patch> patches;
  for (std::size_t i = 0; i < (*lists)[0].size(); ++i) {
    patches.push_back({(*lists)[0][i], (*lists)[1][i]});
  }
  return patches;
}

std::string write_scpi_patches(const std::vector<Patch>& patches) {
  std::vector<int> in, out;
  for (const Patch& patch : patches) {
    in.push_back(patch.in);
    out.push_back(patch.out);
  }
  return write_scpi_list(in) + "," + write_scpi_list(out);
}

std::string write_scpi_list(const std::vector<int>& ports) {
  return fmt::format("(@{})", fmt::join(ports, ","));
}

std::vector<std::string> parse_scpi_values(std::string_view text) {
  text = trimmed(text);
  if (text.starts_with('(') && text.ends_with(')')) text = text.substr(1, text.size() - 2);
  std::vector<std::string> values;
  for (std::string_view word : parts_of(text, ',')) {
    if (word.size() > 1 && word.front() == '"' && word.back() == '"') {
      word = word.substr(1, word.size() - 2);
    }
    values.emplace_back(word);
  }
  return values;
}

std::optional<std::vector<ScpiError>> parse_scpi_errors(std::string_view text) {
  std::vector<ScpiError> errors;
  const std::vector<std::string_view> parts = parts_of(text, ',');
  if (parts.size() % 2 != 0) return std::nullopt;
  for (std::size_t i = 0; i < parts.size(); i += 2) {
    std::string_view number = parts[i];
    if (number.starts_with('+')) number.remove_prefix(1);
    const auto code = number_in<int>(number);
    const std::string_view words = parts[i + 1];
    if (!code || words.size() < 2 || words.front() != '"' || words.back() != '"') {
      return std::nullopt;
    }
    if (*code != 0) errors.push_back({*code, std::string(words.substr(1, words.size() - 2))});
  }
  return errors;
}

std::string write_scpi_errors(const std::vector<ScpiError>& errors) {
  std::string text;
  for (const ScpiError& error : errors) {
    text += fmt::format("{}{},\"{}\"", text.empty() ? "" : ",", error.code, error.text);
  }
  return text;
}

}  // namespace mixnet
