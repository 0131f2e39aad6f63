// Comma-separated values as our data files use them: one header line, '#' comment lines and blank
// lines skipped, no quoting. Every value is read through the table, so an error names file, line
// and column.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace mixnet {

/// A text as one value of a CSV that others will read (RFC 4180): quoted where it would end the
/// value.
std::string csv_cell(std::string_view text);

class CsvTable {
 public:
  /// Parses `text`; `input` names it in errors. With `has_header` false, columns are numbered "1",
  /// "2", ... Throws Error on a missing header, a row whose width differs from the first line's, or
  /// an empty table. At most 10 million rows.
  static CsvTable parse(std::string_view text, std::string_view input, bool has_header = true);

  std::size_t rows() const { return lines_.size(); }
  std::size_t columns() const { return header_.size(); }
  const std::vector<std::string>& header() const { return header_; }

  /// Index of the column called `name`; throws Error naming the columns that there are.
  std::size_t column(std::string_view name) const;

  const std::string& text(std::size_t row, std::size_t column) const;
  /// A finite number >= `least`; a whole number >= `least`.
  double number(std::size_t row, std::size_t column, double least = 0) const;
  std::int64_t integer(std::size_t row, std::size_t column, std::int64_t least = 0) const;

  /// "file.csv:12 (column 'nic')": where a cell stands, for errors of the caller's own.
  std::string place(std::size_t row, std::size_t column) const;
  const std::string& input() const { return input_; }

 private:
  /// A `noun` of at least `least`.
  template <typename T>
  T value(std::size_t row, std::size_t column, T least, std::string_view noun) const;

  std::string input_;
  std::vector<std::string> header_;
  std::vector<std::string> cells_;
  std::vector<std::size_t> lines_;
};

}  // namespace mixnet
