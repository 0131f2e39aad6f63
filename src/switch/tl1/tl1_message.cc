#include "tl1/tl1_message.h"

#include <fmt/format.h>

#include <chrono>

namespace mixnet {
namespace {

std::string header(std::string_view sid, WallTime now) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(now);
  const auto day = std::chrono::floor<std::chrono::days>(seconds);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss time(seconds - day);
  return fmt::format("\r\n   {} {:02}-{:02}-{:02} {:02}:{:02}:{:02}\r\n", sid,
                     static_cast<int>(date.year()) % 100, static_cast<unsigned>(date.month()),
                     static_cast<unsigned>(date.day()), time.hours().count(),
                     time.minutes().count(), time.seconds().count());
}

/// Nothing that ends the line or the comment.
std::string plain(std::string_view text) {
  std::string kept(text);
  for (char& c : kept) {
    if (static_cast<unsigned char>(c) < ' ' || c == 0x7f) c = '?';
  }
  for (std::size_t at = 0; (at = kept.find("*/", at)) != kept.npos;) kept[at] = '?';
  return kept;
}

std::string body(std::string_view comment, const std::vector<std::string>& rows) {
  std::string text;
  if (!comment.empty()) text += fmt::format("   /* {} */\r\n", plain(comment));
  for (const std::string& row : rows) text += fmt::format("   {}\r\n", tl1_quoted(row));
  return text + ";";
}

}  // namespace

std::string_view tl1_mark(AlarmLevel level) {
  switch (level) {
    case AlarmLevel::kCritical:
      return "*C";
    case AlarmLevel::kMajor:
      return "**";
    case AlarmLevel::kMinor:
      return "*^";
    case AlarmLevel::kEvent:
      break;
  }
  return "A ";
}

std::string tl1_quoted(std::string_view text) {
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') quoted += '\\';
    quoted += static_cast<unsigned char>(c) < ' ' || c == 0x7f ? '?' : c;
  }
  return quoted + '"';
}

std::string encode_tl1(const Tl1Response& response, std::string_view sid, WallTime now) {
  std::string text =
      header(sid, now) + fmt::format("M  {} {}\r\n", response.ctag, to_string(response.completion));
  if (!response.error.empty()) text += fmt::format("   {}\r\n", response.error);
  return text + body(response.comment, response.rows);
}

std::string encode_tl1(const Tl1Autonomous& message, std::string_view sid, WallTime now) {
  return header(sid, now) +
         fmt::format("{} {} {}\r\n", tl1_mark(message.level), message.atag, message.verb) +
         body(message.comment, message.rows);
}

std::string encode_tl1(const Tl1Acknowledgement& acknowledgement) {
  return fmt::format("\r\n{} {}\r\n<", acknowledgement.code, acknowledgement.ctag);
}

}  // namespace mixnet
