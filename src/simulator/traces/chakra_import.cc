#include "traces/chakra_import.h"

#include <fmt/format.h>

#include <filesystem>

#include "base/env.h"
#include "base/error.h"
#include "interop/chakra_files.h"
#include "interop/chakra_trace.h"

namespace mixnet {

bool is_chakra(const std::string& path) {
  switch (system_env().kind(path)) {
    case Env::FileKind::kFolder:
      return true;
    case Env::FileKind::kFile:
      return path.ends_with(".et") || path.ends_with(".json");
    default:
      return system_env().kind(chakra_path(path, 0)) == Env::FileKind::kFile;
  }
}

std::string copies_note(std::size_t ranks) {
  return fmt::format("one trace stands for {} ranks: each of its process groups joins them all",
                     ranks);
}

TaskGraph read_chakra_graph(ChakraImport options, ImportNotes* notes) {
  const ChakraFiles files = find_chakra_files(options.prefix);
  if (options.ranks > 0 && files.ranks.size() > 1) {
    throw Error("--ranks",
                fmt::format("{} is for one trace that stands for all, and there are {}",
                            options.ranks, files.ranks.size()),
                "leave it out, or give one file");
  }
  if (!files.groups.empty()) options.groups = read_chakra_groups(files.groups);
  const auto read_one = [](const std::filesystem::path& path) {
    return RankTrace{path.string(), read_chakra_file(path)};
  };
  if (options.ranks == 0) {
    return join_rank_traces(
        files.ranks.size(), [&](std::size_t rank) { return read_one(files.ranks[rank]); }, options,
        notes);
  }
  const RankTrace one = read_one(files.ranks.front());
  return join_rank_traces(
      options.ranks, [&](std::size_t) { return one; }, options, notes);
}

TaskGraph parse_chakra_graph(std::span<const std::string> files, const ChakraImport& options) {
  return join_rank_traces(
      files.size(),
      [&](std::size_t rank) {
        const std::string file = chakra_path(options.prefix, rank).string();
        return RankTrace{file, parse_chakra_trace(files[rank], file)};
      },
      options);
}

}  // namespace mixnet
