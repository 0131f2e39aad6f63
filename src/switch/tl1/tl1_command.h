// Reads the commands that a client types: the other end of tl1_reader.h, for a device made of
// software.
//
//   VERB-MODIFIER[-MODIFIER]:TID:AID:CTAG:GENERAL:PAYLOAD:...;
//
// Case of the verb does not matter; line breaks do not matter anywhere; a text in quotes may hold
// `:`, `,` and `;`. A command that does not parse is handed out all the same, with the code and the
// words that a Polatis switch denies it with ("IICT", "Parse error at offset 17 in command").
//
// A command longer than 64 KiB is an Error: the connection is to be closed. Not thread-safe;
// linear.
#pragma once

#include <cstddef>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tl1/telnet_filter.h"

namespace mixnet {

struct Tl1Command {
  std::string verb;                 ///< in capitals
  std::string tid;                  ///< the device's name, without quotes; empty: whoever listens
  std::string aid;                  ///< as it was typed
  std::string ctag = "0";           ///< "0" where none was given
  std::vector<std::string> blocks;  ///< the general one, then the payload's
  std::string error, comment;       ///< why it cannot be; empty: it can
  bool operator==(const Tl1Command&) const = default;
};

/// `text`: without the `;`.
Tl1Command parse_tl1_command(std::string_view text);

class Tl1CommandReader {
 public:
  static constexpr std::size_t kMostCommand = 64 << 10;

  /// Throws Error when a command is too long. `client` is named in it.
  void feed(std::string_view bytes, std::string_view client);
  std::optional<Tl1Command> next();

 private:
  TelnetFilter telnet_;
  std::string text_;
  bool quoted_ = false, escaped_ = false;
  std::deque<Tl1Command> whole_;
};

/// Cut at each `separator` outside quotes; each part without the quotes around it. One at least.
std::vector<std::string> split_tl1(std::string_view text, char separator);

/// What stands behind `NAME=` in a block, "PARAMETER=SIZE,...".
std::optional<std::string> tl1_parameter(std::string_view block, std::string_view name);

/// "11&4&10" and "1&&3" as numbers from 1 to `most`; none when one is anything else, which is then
/// in `wrong`. At most 65,536 of them.
std::optional<std::vector<int>> tl1_ports(std::string_view list, int most, std::string& wrong);

/// The opposite, in the order given: "11&4&10".
std::string tl1_list(const std::vector<int>& ports);

}  // namespace mixnet
