// What the readers of plain text formats share: lines that hold something, the words in them, and
// numbers, with errors that name the line. Views into the text throughout: the text must
// outlive them. Every function is linear in what it reads.
#pragma once

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

#include "base/error.h"

namespace mixnet {

/// Without the spaces, tabs and carriage returns around it.
std::string_view trimmed(std::string_view text);

/// `word` as an error repeats it: cut after 40 characters.
std::string shown(std::string_view word);

/// Where an error is: a line of an input (from 1, or 0 for the whole) and a column of it, or 0.
struct TextPlace {
  std::string_view input;
  std::size_t line = 0;
  std::size_t column = 0;

  /// An Error at "flows.cm", "flows.cm:3" or "demand.txt:3 (column 2)".
  Error error(std::string_view problem, std::string_view remedy) const;
};

/// Steps through the lines of a text that are neither blank nor comments (first character '#').
/// Line ends are LF or CR LF; a byte order mark is skipped.
class TextLines {
 public:
  explicit TextLines(std::string_view text);

  bool next();
  std::string_view line() const { return line_; }  ///< trimmed
  std::size_t number() const { return number_; }   ///< from 1, blank lines and comments counted

 private:
  std::string_view rest_;
  std::string_view line_;
  std::size_t number_ = 0;
};

/// Cuts the first word, up to a space or tab, off `line`, which is trimmed and stays so; empty when
/// there is none.
std::string_view take_word(std::string_view& line);

/// The number that all of `text` is, in decimal; none when it is anything else or out of T's range.
template <typename T>
std::optional<T> number_in(std::string_view text) {
  T number{};
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (code != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

/// What a number may be: "size", a whole "number of bytes" from `least` to `most`, which lie within
/// +-2^53.
struct WholeField {
  std::string_view name;
  std::string_view noun;
  std::int64_t least = 0;
  std::int64_t most = 0;
  std::string_view over = "is too large";  ///< what is wrong with more than `most`
};

/// Reads "9810", "9810.0" or "9.81e3"; of anything else, `problem` says what is wrong with it, such
/// as "is not whole".
std::int64_t parse_whole(std::string_view word, const WholeField& field, std::string_view& problem);

/// The same; throws Error at `place` on anything else.
std::int64_t parse_whole(std::string_view word, const WholeField& field, const TextPlace& place);

}  // namespace mixnet
