#include "circuits/demand_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <string>

#include "base/error.h"
#include "base/text_fields.h"
#include "base/text_file.h"

namespace mixnet {
namespace {

constexpr std::int64_t kMaxTotal = std::int64_t{1} << 53;
constexpr WholeField kCell = {.name = "cell",
                              .noun = "number of bytes",
                              .least = 0,
                              .most = kMaxTotal,
                              .over = "is over 2^53 bytes"};

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
      std::string_view problem;
      const std::int64_t bytes = parse_whole(cell, kCell, problem);
      if (!problem.empty()) {
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
