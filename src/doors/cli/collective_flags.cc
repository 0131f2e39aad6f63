#include "cli/collective_flags.h"

#include <fmt/format.h>

#include <cmath>

#include "base/error.h"
#include "base/number_text.h"
#include "cli/flag_group.h"
#include "hardware/gpu.h"
#include "shell/output.h"

namespace mixnet::cli {

std::vector<Bytes> parse_sizes(const std::string& text, const std::string& flag) {
  const std::size_t colon = text.find(':');
  std::vector<Bytes> sizes;
  if (colon == std::string::npos) {
    for (const std::string& one : split_list(text, flag)) sizes.push_back(parse_bytes(one, flag));
    return sizes;
  }
  const Bytes first = parse_bytes(text.substr(0, colon), flag);
  const Bytes last = parse_bytes(text.substr(colon + 1), flag);
  if (first < Bytes{1} || last < first) {
    throw Error(flag, fmt::format("'{}' is no range", text),
                "give the smaller size first, as in 1KiB:16GiB");
  }
  Bytes size = first;
  sizes.push_back(size);
  while (size <= last - size) {  // twice the size may be over what can be counted
    size += size;
    sizes.push_back(size);
  }
  return sizes;
}

CollectiveRequest CollectiveFlags::request() const {
  CollectiveRequest request;
  request.collective = parse<Collective>(collective, "--collective");
  if (!gpus) throw Error("--gpus", "is required by --collective", "give the GPUs that take part");
  request.gpus = *gpus;
  request.gpus_per_server = gpus_per_server;
  request.gpu_bandwidth = {std::llround(find_gpu(gpu).scale_up_bytes_per_second * 8)};
  request.sizes = parse_sizes(bytes, "--bytes");
  return request;
}

void add_collective_flags(CLI::App& command, CollectiveFlags& flags) {
  const FlagGroup group(command, "One collective, in place of flows");
  std::string names;
  for (const std::string& name : names_of<Collective>()) {
    if (!names.empty()) names += name == "broadcast" ? ",\n" : ", ";  // two lines
    names += name;
  }
  group.add("--collective", flags.collective, "nccl-tests' table of it:\n" + names);
  group.add_default("--bytes", flags.bytes,
                    "Sizes: 64MB, 1MB,1GB or 1KiB:16GiB (each twice the one before)");
  group.add("--gpus", flags.gpus, "GPUs that take part: one server's, or whole servers");
  group.add_default("--gpus-per-server", flags.gpus_per_server, "GPUs on one scale-up switch");
  group.add_default("--gpu", flags.gpu,
                    "Kind of GPU ('mixnet gpus') or FILE.yaml, for its scale-up network");
}

std::string table_of(const CollectiveReport& report) {
  const CollectiveRequest& request = report.request;
  std::string text = fmt::format(
      "{} of {} GPUs in {} servers: {}\n{}, {} NICs a server, {} a NIC, {} a link; {} a GPU "
      "inside; "
      "fidelity {}\n\n",
      to_string(request.collective), grouped(request.gpus),
      grouped(std::max(1, request.gpus / request.gpus_per_server)), report.algorithm,
      to_string(request.network.fabric), request.network.nics_per_server,
      to_string(request.network.bandwidth), to_string(request.network.latency),
      to_string(request.gpu_bandwidth), to_string(request.fidelity));
  TextTable table({{"size (B)"}, {"time (us)"}, {"algbw (GB/s)"}, {"busbw (GB/s)"}});
  for (const CollectiveRow& row : report.rows) {
    table.add_row({std::to_string(row.bytes.count),
                   fmt::format("{:.2f}", static_cast<double>(row.time.ps) / 1e6),
                   fmt::format("{:.2f}", row.algorithm_bandwidth / 1e9),
                   fmt::format("{:.2f}", row.bus_bandwidth / 1e9)});
  }
  return text + table.text();
}

}  // namespace mixnet::cli
