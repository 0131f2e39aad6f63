#include "interop/flow_csv.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>

#include "base/csv.h"
#include "base/error.h"
#include "base/text_fields.h"
#include "base/text_file.h"

namespace mixnet {
namespace {

constexpr std::array<std::string_view, 4> kColumns = {"src", "dst", "bytes", "start"};

void check_header(const CsvTable& table) {
  const std::vector<std::string>& header = table.header();
  for (auto name = header.begin(); name != header.end(); ++name) {
    if (std::ranges::find(kColumns, *name) == kColumns.end()) {
      throw Error(table.input(), fmt::format("has a column '{}'", shown(*name)),
                  "the columns of a flow list are src, dst, bytes and start");
    }
    if (std::find(header.begin(), name, *name) != name) {
      throw Error(table.input(), fmt::format("has two columns '{}'", *name), "give it once");
    }
  }
}

int host_at(const CsvTable& table, std::size_t row, std::size_t column) {
  const std::int64_t host = table.integer(row, column);
  if (host >= kMaxFlowHosts) {
    throw Error(table.place(row, column), fmt::format("host {} is too large", host),
                fmt::format("give hosts from 0 to {}", kMaxFlowHosts - 1));
  }
  return static_cast<int>(host);
}

}  // namespace

FlowList parse_flow_csv(std::string_view text, std::string_view input) {
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  const CsvTable table = CsvTable::parse(text, input);
  check_header(table);
  const std::size_t from = table.column("src");
  const std::size_t to = table.column("dst");
  const std::size_t bytes = table.column("bytes");
  std::optional<std::size_t> start;
  if (table.columns() == kColumns.size()) start = table.column("start");

  FlowList list;
  list.flows.reserve(table.rows());
  Bytes total;
  for (std::size_t row = 0; row < table.rows(); ++row) {
    FlowRecord flow;
    flow.from = host_at(table, row, from);
    flow.to = host_at(table, row, to);
    if (flow.from == flow.to) {
      throw Error(table.place(row, to), fmt::format("host {} sends to itself", flow.from),
                  "give flows between two hosts");
    }
    flow.bytes = {table.integer(row, bytes, 1)};
    if (flow.bytes > kMaxFlowBytes) {
      throw Error(table.place(row, bytes), "is over 2^53 bytes (9 PB)", "give a smaller flow");
    }
    if (total += flow.bytes; total > kMaxFlowBytes) {
      throw Error(table.place(row, bytes), "the flows add up to over 2^53 bytes (9 PB)",
                  "give fewer or smaller ones");
    }
    if (start) {
      const std::string place = table.place(row, *start);
      flow.start = parse_time(table.text(row, *start), place);
      if (flow.start > kMaxFlowStart) {
        throw Error(place, fmt::format("'{}' is too late", shown(table.text(row, *start))),
                    "give a start within 60min");
      }
    }
    list.hosts = std::max({list.hosts, flow.from + 1, flow.to + 1});
    list.flows.push_back(flow);
  }
  return list;
}

FlowList read_flow_csv(const std::filesystem::path& path) {
  return parse_flow_csv(read_text_file(path), path.string());
}

}  // namespace mixnet
