#include "moe/config_text.h"

#include <cstdint>

#include "base/error.h"

namespace mixnet {
namespace {

struct Encoding {
  int unit = 1;  ///< bytes
  bool big_end_first = false;
  int mark = 0;  ///< bytes of the byte order mark
};

/// JSON begins with an ASCII character, whose zero bytes tell.
Encoding encoding_of(std::string_view bytes) {
  const auto starts = [&](std::string_view with) { return bytes.starts_with(with); };
  using namespace std::string_view_literals;
  if (starts("\xEF\xBB\xBF"sv)) return {1, false, 3};
  if (starts("\xFF\xFE\0\0"sv)) return {4, false, 4};
  if (starts("\0\0\xFE\xFF"sv)) return {4, true, 4};
  if (starts("\xFF\xFE"sv)) return {2, false, 2};
  if (starts("\xFE\xFF"sv)) return {2, true, 2};
  if (bytes.size() < 4) return {};
  const bool zero[] = {bytes[0] == 0, bytes[1] == 0, bytes[2] == 0, bytes[3] == 0};
  if (!zero[0] && zero[1]) return {zero[2] && zero[3] ? 4 : 2, false, 0};
  if (zero[0] && !zero[1]) return {2, true, 0};
  if (zero[0] && zero[1] && zero[2] && !zero[3]) return {4, true, 0};
  return {};
}

void append_utf8(std::uint32_t code, std::string& text) {
  const auto tail = [&](int shift) {
    text += static_cast<char>(0x80U | ((code >> shift) & 0x3FU));
  };
  if (code < 0x80) {
    text += static_cast<char>(code);
  } else if (code < 0x800) {
    text += static_cast<char>(0xC0U | (code >> 6));
    tail(0);
  } else if (code < 0x10000) {
    text += static_cast<char>(0xE0U | (code >> 12));
    tail(6), tail(0);
  } else {
    text += static_cast<char>(0xF0U | (code >> 18));
    tail(12), tail(6), tail(0);
  }
}

constexpr std::uint32_t kReplacement = 0xFFFD;  // of what is no character

std::string to_utf8(std::string_view bytes, const Encoding& encoding, std::string_view input) {
  const auto unit = static_cast<std::size_t>(encoding.unit);
  if (bytes.size() % unit != 0) {
    throw Error(input, "ends within a character", "give the whole file, in UTF-8");
  }
  std::string text;
  std::uint32_t high = 0;  // first half of a pair
  for (std::size_t i = 0; i < bytes.size(); i += unit) {
    std::uint32_t code = 0;
    for (std::size_t k = 0; k < unit; ++k) {
      const std::size_t at = encoding.big_end_first ? i + k : i + unit - 1 - k;
      code = (code << 8) | static_cast<unsigned char>(bytes[at]);
    }
    if (high != 0 && code >= 0xDC00 && code < 0xE000) {
      append_utf8(0x10000 + ((high - 0xD800) << 10) + (code - 0xDC00), text);
      high = 0;
      continue;
    }
    if (high != 0) append_utf8(kReplacement, text);
    high = code >= 0xD800 && code < 0xDC00 ? code : 0;
    if (high != 0) continue;
    const bool is_character = code < 0x110000 && (code < 0xDC00 || code >= 0xE000);
    append_utf8(is_character ? code : kReplacement, text);
  }
  if (high != 0) append_utf8(kReplacement, text);
  return text;
}

struct Word {
  std::string_view written;
  std::string_view meant;
};

void replace_words(std::string& text) {
  constexpr Word kWords[] = {
      {"-Infinity", "\"-inf\"   "}, {"Infinity", "\"inf\"   "}, {"NaN", "\"\" "}};
  bool is_quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (is_quoted && text[i] == '\\') {
      ++i;
      continue;
    }
    if (text[i] == '"') is_quoted = !is_quoted;
    if (is_quoted) continue;
    for (const Word& word : kWords) {
      if (!std::string_view(text).substr(i).starts_with(word.written)) continue;
      text.replace(i, word.written.size(), word.meant);
      i += word.written.size() - 1;
      break;
    }
  }
}

}  // namespace

std::string config_text(std::string_view bytes, std::string_view input) {
  const Encoding encoding = encoding_of(bytes);
  bytes.remove_prefix(static_cast<std::size_t>(encoding.mark));
  std::string text = encoding.unit == 1 ? std::string(bytes) : to_utf8(bytes, encoding, input);
  replace_words(text);
  return text;
}

}  // namespace mixnet
