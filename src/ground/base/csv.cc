#include "base/csv.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cmath>
#include <optional>

#include "base/error.h"
#include "base/text_fields.h"

namespace mixnet {
namespace {

constexpr std::size_t kMaxRows = 10'000'000;

std::vector<std::string_view> split(std::string_view line) {
  std::vector<std::string_view> cells;
  while (true) {
    const auto comma = line.find(',');
    cells.push_back(trimmed(line.substr(0, comma)));
    if (comma == std::string_view::npos) return cells;
    line.remove_prefix(comma + 1);
  }
}

}  // namespace

std::string csv_cell(std::string_view text) {
  if (text.find_first_of(",\"\r\n") == std::string_view::npos) return std::string(text);
  std::string quoted = "\"";
  for (const char c : text) quoted.append(c == '"' ? 2 : 1, c);
  return quoted + '"';
}

CsvTable CsvTable::parse(std::string_view text, std::string_view input, bool has_header) {
  CsvTable table;
  table.input_ = input;
  std::size_t number = 0;
  while (!text.empty()) {
    const auto newline = text.find('\n');
    const std::string_view line = trimmed(text.substr(0, newline));
    text.remove_prefix(newline == std::string_view::npos ? text.size() : newline + 1);
    ++number;
    if (line.empty() || line.front() == '#') continue;
    const std::vector<std::string_view> cells = split(line);
    if (table.header_.empty()) {
      for (std::size_t c = 0; c < cells.size(); ++c) {
        table.header_.push_back(has_header ? std::string(cells[c]) : std::to_string(c + 1));
      }
      if (has_header) continue;
    }
    if (cells.size() != table.header_.size()) {
      throw Error(
          fmt::format("{}:{}", input, number),
          fmt::format("has {} values in a table of {} columns", cells.size(), table.header_.size()),
          "give every row the same number of comma-separated values");
    }
    if (table.lines_.size() == kMaxRows) {
      throw Error(fmt::format("{}:{}", input, number), "more than 10 million rows");
    }
    table.lines_.push_back(number);
    table.cells_.insert(table.cells_.end(), cells.begin(), cells.end());
  }
  if (table.lines_.empty()) {
    throw Error(input, "holds no rows",
                has_header ? "give a header line and at least one row" : "give at least one row");
  }
  return table;
}

std::size_t CsvTable::column(std::string_view name) const {
  for (std::size_t c = 0; c < header_.size(); ++c) {
    if (header_[c] == name) return c;
  }
  throw Error(input_, fmt::format("has no column '{}'", name),
              fmt::format("its columns are {}", fmt::join(header_, ", ")));
}

const std::string& CsvTable::text(std::size_t row, std::size_t column) const {
  return cells_[row * header_.size() + column];
}

template <typename T>
T CsvTable::value(std::size_t row, std::size_t column, T least, std::string_view noun) const {
  const std::string& cell = text(row, column);
  const std::optional<T> value = number_in<T>(cell);
  if (!value || !std::isfinite(static_cast<double>(*value))) {
    throw Error(place(row, column), fmt::format("'{}' is not a {}", cell, noun));
  }
  if (*value < least) {
    throw Error(place(row, column), fmt::format("{} is too small", cell),
                fmt::format("give a {} of at least {}", noun, least));
  }
  return *value;
}

double CsvTable::number(std::size_t row, std::size_t column, double least) const {
  return value(row, column, least, "number");
}

std::int64_t CsvTable::integer(std::size_t row, std::size_t column, std::int64_t least) const {
  return value(row, column, least, "whole number");
}

std::string CsvTable::place(std::size_t row, std::size_t column) const {
  return fmt::format("{}:{} (column '{}')", input_, lines_[row], header_[column]);
}

}  // namespace mixnet
