#include "tl1/tl1_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/text_fields.h"
#include "ocs/switch_error.h"

namespace mixnet {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

/// Numbers with `between` between them: "26-11-23", "14:52:28".
bool is_triple(std::string_view word, char between) {
  int separators = 0;
  for (const char c : word) {
    if (c == between) {
      ++separators;
    } else if (!is_digit(c) && c != '.') {
      return false;
    }
  }
  return separators == 2 && is_digit(word.front());
}

/// Cuts the last word off.
std::string_view take_last_word(std::string_view& line) {
  const std::size_t space = line.find_last_of(" \t");
  const std::string_view word = space == line.npos ? line : line.substr(space + 1);
  line = trimmed(line.substr(0, line.size() - word.size()));
  return word;
}

/// `   SID 26-11-23 14:52:28`, whatever the device's name is.
bool is_header(std::string_view line) {
  const std::string_view time = take_last_word(line);
  const std::string_view date = take_last_word(line);
  return !time.empty() && !date.empty() && is_triple(time, ':') && is_triple(date, '-');
}

bool is_acknowledgement(std::string_view word) {
  constexpr std::string_view kCodes[] = {"IP", "PF", "OK", "NA", "NG", "RL"};
  return std::ranges::find(kCodes, word) != std::end(kCodes);
}

/// A command as it is typed: a verb, and a colon.
bool is_echo(std::string_view line) {
  const std::size_t end = line.find(':');
  if (end == line.npos || end == 0 || !is_letter(line.front())) return false;
  return std::ranges::all_of(line.substr(0, end),
                             [](char c) { return is_letter(c) || is_digit(c) || c == '-'; });
}

/// An error's code, "IIAC".
bool is_error_code(std::string_view word) {
  return word.size() == 4 &&
         std::ranges::all_of(word, [](char c) { return (c >= 'A' && c <= 'Z') || is_digit(c); });
}

bool is_tag(std::string_view word) {
  return !word.empty() && std::ranges::all_of(word, [](char c) {
    return c > ' ' && c < 0x7f && c != '"' && c != '/';
  });
}

std::optional<AlarmLevel> level_of(std::string_view mark) {
  if (mark == "A") return AlarmLevel::kEvent;
  if (mark == "*") return AlarmLevel::kMinor;
  for (const AlarmLevel level : {AlarmLevel::kMinor, AlarmLevel::kMajor, AlarmLevel::kCritical}) {
    if (mark == tl1_mark(level)) return level;
  }
  return std::nullopt;
}

std::string key_of(const Tl1Message& message) {
  if (const auto* response = std::get_if<Tl1Response>(&message)) return "M " + response->ctag;
  return "A " + std::get<Tl1Autonomous>(message).atag;
}

void append(std::string& text, std::string_view more) {
  if (more.empty()) return;
  if (!text.empty()) text += ' ';
  text += more;
}

/// `later` behind `earlier`, which is of the same kind.
template <typename T>
void join(T& earlier, T&& later) {
  append(earlier.comment, later.comment);
  earlier.rows.insert(earlier.rows.end(), std::make_move_iterator(later.rows.begin()),
                      std::make_move_iterator(later.rows.end()));
}

}  // namespace

void Tl1Reader::refuse(std::string_view problem) const {
  throw SwitchError(SwitchFault::kGarbled, device_,
                    fmt::format("at byte {} of what it sent: {}", position_, problem),
                    "it may not speak TL1 at this port");
}

void Tl1Reader::feed(std::string_view bytes) {
  for (const char c : bytes) {
    if (telnet_.is_text(static_cast<unsigned char>(c))) take(c);
    ++position_;
  }
}

std::optional<Tl1Message> Tl1Reader::next() {
  if (whole_.empty()) return std::nullopt;
  Tl1Message message = std::move(whole_.front());
  whole_.pop_front();
  return message;
}

void Tl1Reader::take(char c) {
  const bool after_return = std::exchange(after_return_, c == '\r');
  if (c == '\0' && after_return) return;  // as telnet ends a line
  if (c == '\r' || c == '\n') {
    if (quoted_) refuse("a quoted text does not end on its line");
    escaped_ = false;
    end_line();
    return;
  }
  const unsigned char byte = static_cast<unsigned char>(c);
  if ((byte < ' ' && c != '\t' && c != '\a') || byte == 0x7f) {
    refuse(fmt::format("a control character (0x{:02x})", byte));
  }
  if (!quoted_ && !comment_) {
    // `>` within a line is text; behind a finished message it is a prompt.
    const bool at_start = trimmed(std::string_view(line_).substr(0, 64)).empty();
    if (c == ';') return end_message(false);
    if (at_start && (c == '>' || c == '<')) {
      if (c == '>' && place_ == Place::kBody) return end_message(true);
      if (place_ == Place::kBetween) return;
    }
  }
  if (line_.size() >= kMostLine) refuse("a line is longer than 64 KiB");
  const char before = line_.empty() ? ' ' : line_.back();
  line_ += c;
  if (comment_) {
    if (before == '*' && c == '/') comment_ = false;
  } else if (quoted_) {
    if (!escaped_ && c == '"') quoted_ = false;
    escaped_ = !escaped_ && c == '\\';
  } else if (c == '"') {
    quoted_ = true;
  } else if (before == '/' && c == '*') {
    comment_ = true;
  }
}

void Tl1Reader::end_line() {
  const std::string_view line = trimmed(line_);
  if (!line.empty()) {
    part_.bytes += line_.size() + 2;
    if (part_.bytes > kMostMessage) refuse("a message is longer than 4 MiB");
    switch (place_) {
      case Place::kBetween:
        read_between(line);
        break;
      case Place::kHeader:
        read_start(line);
        break;
      case Place::kBody:
        read_body(line);
        break;
      case Place::kEcho:
        break;
    }
  }
  line_.clear();
}

void Tl1Reader::end_message(bool more_follows) {
  end_line();
  amid_comment_ = false;
  const Place place = std::exchange(place_, Place::kBetween);
  if (place == Place::kHeader) refuse("a message ends behind its header");
  Part part = std::exchange(part_, Part{});
  if (place != Place::kBody) return;

  const std::string key = key_of(part.message);
  if (const auto earlier = begun_.find(key); earlier != begun_.end()) {
    Part whole = std::move(earlier->second);
    begun_.erase(earlier);
    whole.bytes += part.bytes;
    if (whole.bytes > kMostMessage) refuse("a message is longer than 4 MiB");
    std::visit(
        [&]<typename T>(T& first) {
          if constexpr (!std::is_same_v<T, Tl1Acknowledgement>) {
            join(first, std::move(std::get<T>(part.message)));
          }
          if constexpr (std::is_same_v<T, Tl1Response>) {
            const auto& last = std::get<Tl1Response>(part.message);
            first.completion = last.completion;
            if (!last.error.empty()) first.error = last.error;
          }
        },
        whole.message);
    part = std::move(whole);
  }
  if (!more_follows) {
    whole_.push_back(std::move(part.message));
    return;
  }
  if (begun_.size() >= kMostParts) refuse("more than 64 messages are begun and not ended");
  begun_.emplace(key, std::move(part));
}

void Tl1Reader::read_between(std::string_view line) {
  std::string_view rest = line;
  const std::string_view first = take_word(rest);
  if (is_acknowledgement(first) && is_tag(rest)) {
    part_ = {};
    whole_.push_back(Tl1Acknowledgement{std::string(first), std::string(rest)});
  } else if (is_header(line)) {
    place_ = Place::kHeader;
  } else if (is_echo(line)) {
    place_ = Place::kEcho;
  } else {
    refuse(fmt::format("'{}' is neither a header nor an acknowledgement", shown(line)));
  }
}

void Tl1Reader::read_start(std::string_view line) {
  std::string_view rest = line;
  const std::string_view mark = take_word(rest);
  const std::string_view tag = take_word(rest);
  place_ = Place::kBody;
  if (mark == "M" && is_tag(tag)) {
    const std::string_view word = take_word(rest);
    for (const auto& code : Names<Tl1Completion>::kTable) {
      if (code.name != word) continue;
      part_.message = Tl1Response{.ctag = std::string(tag), .completion = code.value};
      if (!rest.empty()) read_body(rest);
      return;
    }
  }
  const std::size_t verb_end = std::min({rest.find('"'), rest.find("/*"), rest.size()});
  const std::string_view verb = trimmed(rest.substr(0, verb_end));
  const auto level = level_of(mark);
  if (level && is_tag(tag) && !verb.empty()) {
    part_.message = Tl1Autonomous{*level, std::string(tag), std::string(verb)};
    read_body(rest.substr(verb_end));
    return;
  }
  refuse(fmt::format("'{}' begins neither an answer nor an autonomous message", shown(line)));
}

void Tl1Reader::read_body(std::string_view line) {
  while (!line.empty()) {
    std::size_t end = 0;
    if (amid_comment_) {
      end = line.find("*/");
      add_comment(line.substr(0, end));
      amid_comment_ = end == line.npos;
      end = amid_comment_ ? line.size() : end + 2;
    } else if (line.starts_with("/*")) {
      amid_comment_ = true;
      end = 2;
    } else if (line.front() == '"') {
      for (end = 1; line[end] != '"';) end += line[end] == '\\' ? 2 : 1;  // take() saw that it ends
      add_row(line.substr(1, end - 1));
      ++end;
    } else {
      end = std::min({line.find('"'), line.find("/*"), line.size()});
      add_text(trimmed(line.substr(0, end)));
    }
    line = trimmed(line.substr(end));
  }
}

void Tl1Reader::add_text(std::string_view text) {
  auto* response = std::get_if<Tl1Response>(&part_.message);
  if (response && response->error.empty() && response->comment.empty() && is_error_code(text)) {
    response->error = text;
  } else {
    add_comment(text);
  }
}

void Tl1Reader::add_comment(std::string_view text) {
  auto* response = std::get_if<Tl1Response>(&part_.message);
  append(response ? response->comment : std::get<Tl1Autonomous>(part_.message).comment,
         trimmed(text));
}

void Tl1Reader::add_row(std::string_view row) {
  std::string plain;
  plain.reserve(row.size());
  for (std::size_t i = 0; i < row.size(); ++i) {
    if (row[i] == '\\' && i + 1 < row.size()) ++i;
    plain += row[i];
  }
  auto* response = std::get_if<Tl1Response>(&part_.message);
  (response ? response->rows : std::get<Tl1Autonomous>(part_.message).rows)
      .push_back(std::move(plain));
}

}  // namespace mixnet
