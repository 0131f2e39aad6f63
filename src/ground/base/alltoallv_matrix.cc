#include "base/alltoallv_matrix.h"

#include <fmt/format.h>

#include <cmath>

#include "base/caller.h"
#include "base/text_fields.h"
#include "base/text_file.h"

namespace mixnet {
namespace {

struct Unit {
  char letter;
  double bytes;
};
constexpr Unit kUnits[] = {{'K', 0x1p10}, {'M', 0x1p20}, {'G', 0x1p30}, {'T', 0x1p40}};

/// What is sent for a value: times the scale, and cut to the alignment.
std::int64_t parse_value(std::string_view word, double scale, const TextPlace& place) {
  const auto fail = [&](std::string_view problem) {
    return place.error(
        word.empty() ? "value is empty" : fmt::format("value '{}' {}", shown(word), problem),
        "give a number of bytes, 0 or more, as 9810, 9.81e3, 64K, 5M or 1G");
  };
  double unit = 1;
  std::string_view digits = word;
  for (const Unit& one : kUnits) {
    if (digits.empty() || (digits.back() != one.letter && digits.back() != one.letter + 32))
      continue;
    unit = one.bytes;
    digits.remove_suffix(1);
    break;
  }
  const auto number = number_in<double>(digits);
  if (!number) throw fail("is not a number");
  if (!std::isfinite(*number)) throw fail("is not finite");
  if (*number < 0) throw fail("is negative");
  const double bytes = *number * unit * scale;
  if (!(bytes <= static_cast<double>(kMaxAlltoallvBytes.count))) {
    throw fail(scale == 1 ? "is too large" : fmt::format("is too large, times {}", scale));
  }
  return static_cast<std::int64_t>(bytes) / kAlltoallvAlignment * kAlltoallvAlignment;
}

/// Cuts the first value, with the blanks and the one comma after it, off `line`, which is trimmed
/// and stays so. A comma that ends the line stays: an empty value follows it.
std::string_view take_value(std::string_view& line) {
  const std::string_view value = line.substr(0, line.find_first_of(" \t,"));
  std::string_view rest = trimmed(line.substr(value.size()));
  if (rest.starts_with(',') && (rest.size() > 1 || value.empty())) {
    rest = trimmed(rest.substr(1));
  }
  line = rest;
  return value;
}

std::size_t count_values(std::string_view line) {
  std::size_t count = 0;
  for (; !line.empty(); ++count) take_value(line);
  return count;
}

/// As many as the first line has values, once every line has so many and there are as many lines.
std::size_t count_ranks(std::string_view text, std::string_view input) {
  constexpr std::string_view kRemedy =
      "give a square matrix of bytes: a line for each rank, a value for each rank";
  TextLines lines(text);
  std::size_t rows = 0;
  std::size_t columns = 0;
  while (lines.next()) {
    const TextPlace place{input, lines.number()};
    const std::size_t values = count_values(lines.line());
    if (rows == 0) columns = values;
    if (columns > kMaxAlltoallvRanks) {
      throw place.error(fmt::format("has {} values", columns),
                        fmt::format("an all-to-all has at most {} ranks", kMaxAlltoallvRanks));
    }
    if (values != columns) {
      throw place.error(
          fmt::format("has {} values where the lines before have {}", values, columns), kRemedy);
    }
    ++rows;
  }
  if (rows == 0) throw Error(input, "holds no values", kRemedy);
  if (rows != columns) {
    throw Error(input, fmt::format("is not square: {} lines of {} values", rows, columns), kRemedy);
  }
  return rows;
}

}  // namespace

Matrix<std::int64_t> parse_alltoallv_matrix(std::string_view text, std::string_view input,
                                            double scale) {
  const std::size_t ranks = count_ranks(text, input);
  Matrix<std::int64_t> matrix(ranks, ranks);
  Bytes total;
  bool has_flows = false;
  TextLines lines(text);
  for (std::size_t row = 0; lines.next(); ++row) {
    stop_point();
    std::string_view line = lines.line();
    for (std::size_t column = 0; column < ranks; ++column) {
      const TextPlace place{input, lines.number(), column + 1};
      const std::int64_t bytes = parse_value(take_value(line), scale, place);
      if (total += {bytes}; total > kMaxAlltoallvBytes) {
        throw place.error("the values add up to over 2^53 bytes (9 PB)",
                          "give the bytes of one all-to-all");
      }
      has_flows = has_flows || (bytes > 0 && row != column);
      matrix(row, column) = bytes;
    }
  }
  if (!has_flows) {
    throw Error(input,
                fmt::format("holds no flows: every value off the diagonal is under {} bytes",
                            kAlltoallvAlignment),
                "give the bytes that ranks send to other ranks");
  }
  return matrix;
}

Matrix<std::int64_t> read_alltoallv_matrix(const std::filesystem::path& path, double scale) {
  return parse_alltoallv_matrix(read_text_file(path), path.string(), scale);
}

}  // namespace mixnet
