// What the commands share for their answers: tables for people, files for programs, lists in flags.
//
// A command prints its tables on standard output, except when a machine-readable answer goes there
// (`--json -`, `--csv -`): then that answer is all it prints. So that both can be had at once,
// write_output() takes "-" or a path.
//
// Nothing here keeps state; TextTable is a plain value. Not for use by several threads at once.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/env.h"
#include "base/number_text.h"

namespace mixnet::cli {

enum class Align { kLeft, kRight };

/// A table with a header line and columns two spaces apart, as wide as their widest cell (in
/// bytes: keep the cells ASCII). Names go left, numbers right:
///     TextTable table({{"fabric", Align::kLeft}, {"USD"}});
///     const std::size_t row = table.add_row({"mixnet", "12.0"});
///     table.make_bold(row, 1);
///     table.print();
class TextTable {
 public:
  struct Column {
    std::string title;
    Align align = Align::kRight;
  };

  explicit TextTable(std::vector<Column> columns);

  /// One cell for each column (fewer leave the last ones empty); returns the row's index.
  std::size_t add_row(std::vector<std::string> cells);
  /// Emphasises a cell where the terminal can.
  void make_bold(std::size_t row, std::size_t column);

  /// The table as text, each line ended by '\n' and without trailing spaces.
  /// `emphasis`: with the terminal's codes for bold cells.
  std::string text(bool emphasis = false) const;
  /// On standard output, emphasised when stdout_is_terminal().
  void print() const;

 private:
  struct Cell {
    std::string text;
    bool bold = false;
  };
  std::vector<Column> columns_;
  std::vector<std::vector<Cell>> rows_;
};

/// Whether standard output is a terminal that may be sent control codes (NO_COLOR is not set).
bool stdout_is_terminal(Env& env = system_env());

/// Writes `content` to standard output for "-", else to the file, whole or not at all. A path that
/// leads to a device or pipe (/dev/stdout) is written to in place. Throws Error on failure.
void write_output(std::string_view file_or_dash, std::string_view content, Env& env = system_env());

/// One line beside the answer, on standard error: "mixnet: note: ..."; none of an empty note.
void print_note(std::string_view note, Env& env = system_env());

/// Whether a machine-readable answer (`--json`, and that of another flag; "" when not asked for)
/// goes to standard output, so that nothing else may. Throws Error when both would go to one place,
/// or when a file could not be written. Call it before the work: nobody should wait for an answer
/// to be lost.
bool answers_on_stdout(std::string_view json, std::string_view other = {},
                       std::string_view other_flag = "--csv", Env& env = system_env());

/// "simulated in 2.1 s, 3.4 million packet-hops a second"; without the rate when no packets were
/// simulated, or no time went by.
std::string describe_speed(double wall_seconds, std::optional<std::int64_t> packet_hops);

/// "a, b,c" as {"a", "b", "c"}. `input` names the flag. Throws Error on an empty element.
std::vector<std::string> split_list(std::string_view text, std::string_view input);

}  // namespace mixnet::cli
