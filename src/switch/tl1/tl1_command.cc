#include "tl1/tl1_command.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "base/names.h"
#include "base/text_fields.h"

namespace mixnet {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

/// Follows a text and knows whether it is within quotes.
class Quoting {
 public:
  /// Whether `c` is itself outside quotes and none.
  bool is_outside(char c) {
    if (!quoted_) {
      quoted_ = c == '"';
      return !quoted_;
    }
    if (!escaped_ && c == '"') quoted_ = false;
    escaped_ = quoted_ && !escaped_ && c == '\\';
    return false;
  }
  bool is_open() const { return quoted_; }

 private:
  bool quoted_ = false, escaped_ = false;
};

/// The parts between separators that stand outside quotes, as they are.
std::vector<std::string_view> parts_of(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  Quoting quoting;
  std::size_t begin = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (!quoting.is_outside(text[i]) || text[i] != separator) continue;
    parts.push_back(text.substr(begin, i - begin));
    begin = i + 1;
  }
  parts.push_back(text.substr(begin));
  return parts;
}

std::string unquoted(std::string_view text) {
  text = trimmed(text);
  if (text.size() < 2 || text.front() != '"' || text.back() != '"') return std::string(text);
  text = text.substr(1, text.size() - 2);
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 1 < text.size()) ++i;
    plain += text[i];
  }
  return plain;
}

/// Where `part` first has a character that is none of a name: letters, digits and `more`; its end
/// when it has none.
std::size_t end_of_name(std::string_view part, std::string_view more) {
  std::size_t i = 0;
  while (i < part.size() &&
         (is_letter(part[i]) || is_digit(part[i]) || more.find(part[i]) != more.npos)) {
    ++i;
  }
  return i;
}

}  // namespace

std::vector<std::string> split_tl1(std::string_view text, char separator) {
  std::vector<std::string> plain;
  for (const std::string_view part : parts_of(text, separator)) plain.push_back(unquoted(part));
  return plain;
}

Tl1Command parse_tl1_command(std::string_view text) {
  const std::vector<std::string_view> parts = parts_of(text, ':');
  const auto part = [&](std::size_t i) {
    return i < parts.size() ? trimmed(parts[i]) : std::string_view();
  };
  Tl1Command command;
  const auto refuse = [&](std::string_view code, std::size_t offset) {
    if (!command.error.empty()) return;
    command.error = code;
    command.comment = fmt::format("Parse error at offset {} in command", offset + 1);
  };
  const auto offset_of = [&](std::size_t i) {
    if (i >= parts.size()) return text.size();
    const std::size_t blanks = std::min(parts[i].find_first_not_of(" \t"), parts[i].size());
    return static_cast<std::size_t>(parts[i].data() - text.data()) + blanks;
  };

  const std::string_view verb = part(0);
  for (const char c : verb) {
    command.verb += c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  }
  const std::size_t verb_end =
      verb.empty() || !is_letter(verb.front()) ? 0 : end_of_name(verb, "-");
  if (verb.empty() || verb_end < verb.size()) refuse("IICM", offset_of(0) + verb_end);

  command.tid = unquoted(part(1));
  const std::string_view tid = part(1);
  if (!tid.empty() && tid.front() != '"') {
    const std::size_t end = is_letter(tid.front()) ? end_of_name(tid, "-_. ") : 0;
    if (end < tid.size()) refuse("IITA", offset_of(1) + end);
  }
  command.aid = part(2);

  const std::string_view ctag = part(3);
  const std::size_t ctag_end = end_of_name(ctag, "-_.");
  if (ctag.empty() || ctag.size() > 64 || ctag_end < ctag.size()) {
    refuse("IICT", offset_of(3) + ctag_end);
  } else {
    command.ctag = ctag;
  }
  for (std::size_t i = 4; i < parts.size(); ++i) command.blocks.emplace_back(part(i));

  Quoting quoting;
  std::size_t opened = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool was_open = quoting.is_open();
    quoting.is_outside(text[i]);
    if (!was_open && quoting.is_open()) opened = i;
  }
  if (quoting.is_open()) refuse("IIAC", opened);
  return command;
}

void Tl1CommandReader::feed(std::string_view bytes, std::string_view client) {
  for (const char c : bytes) {
    if (!telnet_.is_text(static_cast<unsigned char>(c)) || c == '\0') continue;
    if (c == '\r' || c == '\n') {
      quoted_ = escaped_ = false;  // who forgot a quote gets an answer still
      continue;
    }
    if (c == ';' && !quoted_) {
      if (!trimmed(text_).empty()) whole_.push_back(parse_tl1_command(text_));
      text_.clear();
      continue;
    }
    if (c == '"' && !escaped_) quoted_ = !quoted_;
    escaped_ = quoted_ && !escaped_ && c == '\\';
    if (text_.size() >= kMostCommand) throw Error(client, "sent a command longer than 64 KiB");
    text_ += c;
  }
}

std::optional<Tl1Command> Tl1CommandReader::next() {
  if (whole_.empty()) return std::nullopt;
  Tl1Command command = std::move(whole_.front());
  whole_.pop_front();
  return command;
}

std::optional<std::string> tl1_parameter(std::string_view block, std::string_view name) {
  for (const std::string_view part : parts_of(block, ',')) {
    const std::size_t equals = part.find('=');
    if (equals == part.npos || !same_word(trimmed(part.substr(0, equals)), name)) continue;
    return unquoted(part.substr(equals + 1));
  }
  return std::nullopt;
}

std::optional<std::vector<int>> tl1_ports(std::string_view list, int most, std::string& wrong) {
  constexpr std::size_t kMost = 65'536;
  std::vector<int> ports;
  while (true) {
    const std::size_t end = std::min(list.find('&'), list.size());
    const std::string_view word = trimmed(list.substr(0, end));
    list.remove_prefix(end);
    const auto port = number_in<int>(word);
    wrong = word;
    if (!port || *port < 1 || *port > most || ports.size() >= kMost) return std::nullopt;
    ports.push_back(*port);
    if (list.starts_with("&&")) {
      list.remove_prefix(2);
      const std::size_t last_end = std::min(list.find('&'), list.size());
      const std::string_view last_word = trimmed(list.substr(0, last_end));
      list.remove_prefix(last_end);
      const auto last = number_in<int>(last_word);
      wrong = last_word;
      if (!last || *last < *port || *last > most) return std::nullopt;
      if (ports.size() + static_cast<std::size_t>(*last - *port) > kMost) return std::nullopt;
      for (int next = *port + 1; next <= *last; ++next) ports.push_back(next);
    }
    if (list.empty()) break;
    list.remove_prefix(1);
  }
  wrong.clear();
  return ports;
}

std::string tl1_list(const std::vector<int>& ports) {
  return fmt::format("{}", fmt::join(ports, "&"));
}

}  // namespace mixnet
