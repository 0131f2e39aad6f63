// Reads what a TL1 device sends: bytes in, as they come, messages out (tl1_message.h).
//
// A message ends in `;`. One that ends in `>` is the first part of one: what follows of the same
// tag is added to it. Skipped: blank lines, prompts (`<`, `>`, a `;` alone), telnet's options, and
// commands that the device repeats to the terminal. Anything else is no TL1.
//
// Limits, each a SwitchError (kGarbled) that says what and at which byte: 64 KiB a line, 4 MiB a
// message with its parts, 64 messages begun at once. After an error nothing more is read: the
// connection is to be closed. Not thread-safe; linear in the bytes, whatever they are.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "tl1/telnet_filter.h"
#include "tl1/tl1_message.h"

namespace mixnet {

class Tl1Reader {
 public:
  static constexpr std::size_t kMostLine = 64 << 10;
  static constexpr std::size_t kMostMessage = 4 << 20;
  static constexpr std::size_t kMostParts = 64;

  /// `device` is named in errors.
  explicit Tl1Reader(std::string_view device) : device_(device) {}

  /// Throws SwitchError (kGarbled). Messages that ended before the fault are there.
  void feed(std::string_view bytes);
  /// The oldest message that is whole.
  std::optional<Tl1Message> next();

 private:
  enum class Place { kBetween, kHeader, kBody, kEcho };
  struct Part {
    Tl1Message message;
    std::size_t bytes = 0;
  };

  void take(char c);
  void end_line();
  void end_message(bool more_follows);
  void read_between(std::string_view line);
  void read_start(std::string_view line);
  void read_body(std::string_view line);
  void add_text(std::string_view text);
  void add_comment(std::string_view text);
  void add_row(std::string_view row);
  [[noreturn]] void refuse(std::string_view problem) const;

  std::string device_;
  TelnetFilter telnet_;
  std::uint64_t position_ = 0;
  std::string line_;
  bool quoted_ = false, escaped_ = false, comment_ = false, after_return_ = false;
  bool amid_comment_ = false;  // of the lines read before this one
  Place place_ = Place::kBetween;
  Part part_;
  std::map<std::string, Part> begun_;  // by kind and tag
  std::deque<Tl1Message> whole_;
};

}  // namespace mixnet
