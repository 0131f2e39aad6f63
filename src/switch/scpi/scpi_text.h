// SCPI (IEEE 488.2, SCPI-1999) as Polatis switches speak it over TCP: lines of commands one way,
// lines of answers the other.
//
//   :oxc:swit:conn:add (@1,2,3),(@17,18,19)     pairs by position; no answer
//   :OXC:SWITch:CONNect:STATe?                  long forms and short ones, any case
//   :oxc:swit:conn:sub (@1),(@17); stat?        behind `;` a header goes on from the one before it,
//                                               unless it begins with `:` or `*`
//   -113,"Undefined header",-222,"..."          the error queue
//
// Pure but for the reader of lines; linear.
#pragma once

#include <cstddef>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ocs/port_numbering.h"

namespace mixnet {

/// Cuts bytes into lines, which end in LF, CR or both; empty ones are skipped.
class ScpiLines {
 public:
  static constexpr std::size_t kMostLine = 256 << 10;

  /// False: a line is too long, or holds a control character (`problem` says it); no more is read.
  bool feed(std::string_view bytes);
  std::optional<std::string> next();
  /// A line, or a part of one, has come and was not taken.
  bool has_any() const { return !line_.empty() || !whole_.empty(); }
  std::string_view problem() const { return problem_; }

 private:
  std::string line_;
  std::string_view problem_;
  std::deque<std::string> whole_;
};

struct ScpiError {
  int code = 0;
  std::string text;
  bool operator==(const ScpiError&) const = default;
};

// What a client types.

struct ScpiCommand {
  std::string header;      ///< from the root, in capitals, without the first `:`: "OXC:SWIT:SIZE?"
  std::string parameters;  ///< what stands behind it
  bool is_query() const { return header.ends_with('?'); }
  bool operator==(const ScpiCommand&) const = default;
};

/// The commands of one line. A header of over 255 characters is left empty.
std::vector<ScpiCommand> parse_scpi_commands(std::string_view line);

/// Whether a header is the one of `pattern`, whose capitals are its short form:
/// "OXC:SWITch:CONNect:STATe?".
bool is_scpi(std::string_view header, std::string_view pattern);

/// "(@1,2,3),(@17:19)": lists of numbers from 1 to `most`. None: it is anything else, or longer
/// than 65,536; `code` is then the error's.
std::optional<std::vector<std::vector<int>>> parse_scpi_lists(std::string_view text, int most,
                                                              int& code);

/// The errors that have not been read: first in, first out, 64 at most.
class ScpiErrorQueue {
 public:
  /// Of a standard's number, in the standard's words.
  void push(int code);
  ScpiError take();                   ///< 0, "No error" when there is none
  std::vector<ScpiError> take_all();  ///< likewise; one at least
  void clear() { errors_.clear(); }

 private:
  std::deque<ScpiError> errors_;
};

// What a device answers. `write_` is its opposite.

/// `(@1,2),(@17,18)`, two lists of one length.
std::optional<std::vector<Patch>> parse_scpi_patches(std::string_view text);
std::string write_scpi_patches(const std::vector<Patch>& patches);

/// `(@1,2,3)`
std::string write_scpi_list(const std::vector<int>& ports);

/// `(D,E,F)`, `(-29.55,-30.05)`, `16,16`: the words between commas.
std::vector<std::string> parse_scpi_values(std::string_view text);

/// `-113,"Undefined header",-222,"Data out of range"`; what is no error (code 0) is left out.
std::optional<std::vector<ScpiError>> parse_scpi_errors(std::string_view text);
std::string write_scpi_errors(const std::vector<ScpiError>& errors);

}  // namespace mixnet
