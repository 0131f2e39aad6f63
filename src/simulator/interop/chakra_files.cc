// Which files make a trace of a job.
#include <fmt/format.h>

#include <filesystem>

#include "base/error.h"
#include "base/text_fields.h"
#include "interop/chakra_trace.h"

namespace mixnet {
namespace {

namespace fs = std::filesystem;

/// The rank in "STEM.RANK.et"; none in other names.
std::optional<std::size_t> rank_in(std::string_view name, std::string_view stem) {
  constexpr std::string_view kEnding = ".et";
  if (!name.starts_with(stem) || !name.ends_with(kEnding)) return std::nullopt;
  name.remove_prefix(stem.size());
  if (name.size() <= kEnding.size() + 1 || name.front() != '.') return std::nullopt;
  name = name.substr(1, name.size() - 1 - kEnding.size());
  const auto rank = number_in<std::size_t>(name);
  return rank && std::to_string(*rank) == name ? rank : std::nullopt;
}

}  // namespace

std::size_t count_chakra_ranks(const std::string& prefix, Env& env) {
  const fs::path path(prefix);
  const fs::path folder = path.has_parent_path() ? path.parent_path() : fs::path(".");
  const std::string stem = path.filename().string();
  std::vector<std::string> names;
  const std::error_code reason = env.list(folder, names);
  std::size_t files = 0;
  std::size_t highest = 0;
  for (const std::string& name : names) {
    if (const auto rank = rank_in(name, stem)) {
      ++files;
      highest = std::max(highest, *rank);
    }
  }
  if (reason == std::errc::permission_denied) {
    throw Error(folder.string(), fmt::format("cannot be read ({})", reason.message()));
  }
  if (files == 0) {
    throw Error(chakra_path(prefix, 0).string(), "no such file",
                "give the prefix of traces PREFIX.0.et, PREFIX.1.et, ...");
  }
  if (files > kMaxChakraRanks) {
    throw Error(prefix, fmt::format("has {} ranks", files),
                fmt::format("give at most {}", kMaxChakraRanks));
  }
  if (highest + 1 == files) return files;
  std::size_t missing = 0;
  while (env.kind(chakra_path(prefix, missing)) != Env::FileKind::kNone) ++missing;
  throw Error(chakra_path(prefix, missing).string(),
              fmt::format("is missing, while {} is there",
                          chakra_path(prefix, highest).filename().string()),
              "give a file for every rank from 0 on");
}

}  // namespace mixnet
