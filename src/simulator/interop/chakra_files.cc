#include "interop/chakra_files.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <string_view>

#include "base/error.h"
#include "base/text_fields.h"
#include "base/text_file.h"
#include "interop/chakra_json.h"

namespace mixnet {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kTrace = ".et";
constexpr std::string_view kJson = ".json";
constexpr std::string_view kGroups = ".comm_groups.json";
constexpr std::string_view kOnePerRank = "give a file for every rank from 0 on";

struct Found {
  std::size_t rank = 0;
  std::string name;
  auto operator<=>(const Found&) const = default;
};

/// The number that a name without its ending ends in.
std::optional<std::size_t> last_number(std::string_view stem) {
  const std::size_t digits = stem.find_last_not_of("0123456789") + 1;
  return number_in<std::size_t>(stem.substr(digits));
}

/// STEM.RANK.et; none in other names.
std::optional<std::size_t> rank_behind(std::string_view name, std::string_view stem) {
  if (!name.starts_with(stem) || !name.ends_with(kTrace)) return std::nullopt;
  name.remove_prefix(stem.size());
  if (name.size() <= kTrace.size() + 1 || name.front() != '.') return std::nullopt;
  name = name.substr(1, name.size() - 1 - kTrace.size());
  const auto rank = number_in<std::size_t>(name);
  return rank && std::to_string(*rank) == name ? rank : std::nullopt;
}

std::vector<std::string> names_in(const fs::path& folder, Env& env) {
  std::vector<std::string> names;
  const std::error_code reason = env.list(folder, names);
  if (reason == std::errc::permission_denied) {
    throw Error(folder.string(), fmt::format("cannot be read ({})", reason.message()));
  }
  return names;
}

std::vector<Found> found_with_ending(const std::vector<std::string>& names,
                                     std::string_view ending) {
  std::vector<Found> found;
  for (const std::string& name : names) {
    if (!name.ends_with(ending) || name.ends_with(kGroups)) continue;
    const std::string_view stem = std::string_view(name).substr(0, name.size() - ending.size());
    if (const auto rank = last_number(stem)) found.push_back({*rank, name});
  }
  return found;
}

/// `name_of`: the file of a rank that is missing.
ChakraFiles all_ranks(std::vector<Found> found, const fs::path& folder, const std::string& given,
                      const auto& name_of) {
  if (found.size() > kMaxChakraRanks) {
    throw Error(given, fmt::format("has {} ranks", found.size()),
                fmt::format("give at most {}", kMaxChakraRanks));
  }
  std::ranges::sort(found);
  ChakraFiles files;
  for (std::size_t rank = 0; rank < found.size(); ++rank) {
    if (found[rank].rank < rank) {
      throw Error(
          (folder / found[rank].name).string(),
          fmt::format("is of rank {}, and so is {}", found[rank].rank, found[rank - 1].name),
          "give one file for each rank");
    }
    if (found[rank].rank > rank) {
      throw Error(name_of(rank), fmt::format("is missing, while {} is there", found.back().name),
                  kOnePerRank);
    }
    files.ranks.push_back(folder / found[rank].name);
  }
  return files;
}

ChakraFiles in_folder(const std::string& given, Env& env) {
  const fs::path folder(given);
  const std::vector<std::string> names = names_in(folder, env);
  std::vector<Found> found = found_with_ending(names, kTrace);
  if (found.empty()) found = found_with_ending(names, kJson);
  if (found.empty()) {
    throw Error(given, "holds no traces",
                "give a folder of files like trace.0.et, trace.1.et, ...");
  }
  ChakraFiles files = all_ranks(std::move(found), folder, given, [&](std::size_t rank) {
    return fmt::format("{}: the trace of rank {}", given, rank);
  });
  const auto groups =
      std::ranges::find_if(names, [](const std::string& name) { return name.ends_with(kGroups); });
  if (groups != names.end()) files.groups = folder / *groups;
  return files;
}

ChakraFiles with_prefix(const std::string& prefix, Env& env) {
  const fs::path path(prefix);
  const fs::path folder = path.has_parent_path() ? path.parent_path() : fs::path(".");
  const std::string stem = path.filename().string();
  std::vector<Found> found;
  for (const std::string& name : names_in(folder, env)) {
    if (const auto rank = rank_behind(name, stem)) found.push_back({*rank, name});
  }
  if (found.empty()) {
    throw Error(chakra_path(prefix, 0).string(), "no such file",
                "give the prefix of traces PREFIX.0.et, PREFIX.1.et, ..., their folder, or a file");
  }
  const fs::path base = path.has_parent_path() ? folder : fs::path();
  ChakraFiles files = all_ranks(std::move(found), base, prefix, [&](std::size_t rank) {
    return chakra_path(prefix, rank).string();
  });
  const std::string groups = prefix + std::string(kGroups);
  if (env.kind(groups) == Env::FileKind::kFile) files.groups = groups;
  return files;
}

}  // namespace

ChakraFiles find_chakra_files(const std::string& given, Env& env) {
  switch (env.kind(given)) {
    case Env::FileKind::kFolder:
      return in_folder(given, env);
    case Env::FileKind::kFile:
    case Env::FileKind::kOther:
      return {{given}, {}};
    default:
      return with_prefix(given, env);
  }
}

ChakraTrace read_chakra_file(const fs::path& path) {
  const std::string bytes = read_text_file(path);
  return is_chakra_json(bytes) ? parse_chakra_json(bytes, path.string())
                               : parse_chakra_trace(bytes, path.string());
}

}  // namespace mixnet
