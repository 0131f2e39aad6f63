#include "circuits/demand_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <string>
#include <system_error>

#include "base/error.h"
#include "base/text_fields.h"
#include "base/text_file.h"

namespace mixnet {
namespace {

constexpr std::int64_t kMaxTotal = std::int64_t{1} << 53;

std::size_t count_cells(std::string_view line) {
  return static_cast<std::size_t>(std::ranges::count(line, ',')) + 1;
}

/// The number of servers: as many lines as the first has values.
std::size_t count_servers(std::string_view text, std::string_view input) {
  TextLines lines(text);
  std::size_t rows = 0;
  std::size_t columns = 0;
  while (lines.next()) {
    const std::size_t cells = count_cells(lines.line());
    if (rows == 0) columns = cells;
    if (columns > kMaxDemandServers) {
      throw Error(fmt::format("{}:{}", input, lines.number()),
                  fmt::format("has {} values", columns),
                  fmt::format("a demand has at most {} servers", kMaxDemandServers));
    }
    ++rows;
    if (cells != columns) {
      throw Error(fmt::format("{}:{}", input, lines.number()),
                  fmt::format("has {} values where the lines before have {}", cells, columns),
                  "give a square matrix: one line for each server, one value for each server");
    }
  }
  if (rows == 0) {
    throw Error(input, "holds no values",
                "give a square matrix of bytes, one line for each server");
  }
  if (rows != columns) {
    throw Error(input, fmt::format("is not square: {} lines of {} values", rows, columns),
                "give one line for each server, one value for each server");
  }
  return rows;
}

/// The bytes in `cell`, or what is wrong with it.
std::int64_t parse_cell(std::string_view cell, const char*& problem) {
  const char* const end = cell.data() + cell.size();
  std::int64_t whole = 0;
  if (const auto [at, code] = std::from_chars(cell.data(), end, whole);
      code == std::errc{} && at == end) {
    if (whole < 0) problem = "is negative";
    if (whole > kMaxTotal) problem = "is over 2^53 bytes";
    return whole;
  }
  double value = 0;
  const auto [at, code] = std::from_chars(cell.data(), end, value);
  if (at != end || code == std::errc::invalid_argument) {
    problem = "is not a number";
  } else if (code == std::errc::result_out_of_range) {
    problem = "is out of range";
  } else if (!std::isfinite(value)) {
    problem = "is not finite";
  } else if (value < 0) {
    problem = "is negative";
  } else if (value > static_cast<double>(kMaxTotal)) {
    problem = "is over 2^53 bytes";
  } else if (value != std::floor(value)) {
    problem = "is not whole";
  }
  return problem == nullptr ? static_cast<std::int64_t>(value) : 0;
}

}  // namespace

ServerDemand parse_server_demand(std::string_view text, std::string_view input) {
  const std::size_t servers = count_servers(text, input);
  ServerDemand demand(servers, servers);
  std::int64_t total = 0;
  TextLines lines(text);
  for (std::size_t row = 0; lines.next(); ++row) {
    std::string_view line = lines.line();
    for (std::size_t column = 0; column < servers; ++column) {
      const auto comma = line.find(',');
      const std::string_view cell = trimmed(line.substr(0, comma));
      line.remove_prefix(comma == std::string_view::npos ? line.size() : comma + 1);
      const char* problem = nullptr;
      const std::int64_t bytes = parse_cell(cell, problem);
      if (problem != nullptr) {
        throw Error(fmt::format("{}:{} (column {})", input, lines.number(), column + 1),
                    fmt::format("'{}' {}", shown(cell), problem),
                    "give a whole number of bytes, 0 or more (the file has no header line)");
      }
      demand(row, column) = bytes;
      total += bytes;
      if (total > kMaxTotal) {
        throw Error(fmt::format("{}:{} (column {})", input, lines.number(), column + 1),
                    "the values add up to over 2^53 bytes (9 PB)",
                    "give the bytes of one all-to-all");
      }
    }
  }
  return demand;
}

ServerDemand read_server_demand(const std::filesystem::path& path) {
  return parse_server_demand(read_text_file(path), path.string());
}

}  // namespace mixnet
