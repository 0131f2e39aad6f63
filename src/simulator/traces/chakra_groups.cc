#include "traces/chakra_groups.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <iterator>
#include <numeric>

#include "base/error.h"
#include "base/json_reader.h"
#include "base/text_fields.h"
#include "base/text_file.h"
#include "interop/chakra_trace.h"

namespace mixnet {
namespace {

/// "ranks 1, 2, 3, 4 and 12 more".
std::string list_of(std::span<const std::uint32_t> ranks) {
  constexpr std::size_t kShown = 4;
  const auto first = ranks.first(std::min(kShown, ranks.size()));
  std::string text = fmt::format("rank{} {}", ranks.size() == 1 ? "" : "s", fmt::join(first, ", "));
  if (ranks.size() > kShown) text += fmt::format(" and {} more", ranks.size() - kShown);
  return text;
}

std::string name_of(const std::string& group) {
  return group.empty() ? "of all ranks" : fmt::format("of process group '{}'", shown(group));
}

}  // namespace

ChakraGroups parse_chakra_groups(std::string_view text, const std::string& input) {
  const nlohmann::json document = parse_json(text, input);
  const JsonReader root(document, input);
  ChakraGroups groups;
  for (const std::string& name : root.keys()) {
    const JsonReader list = root.at(name);
    std::vector<std::uint32_t>& ranks = groups[name];
    for (std::size_t i = 0; i < list.size(); ++i) {
      ranks.push_back(static_cast<std::uint32_t>(
          list.at(i).integer(0, static_cast<std::int64_t>(kMaxChakraRanks) - 1)));
    }
    std::ranges::sort(ranks);
    ranks.erase(std::unique(ranks.begin(), ranks.end()), ranks.end());
  }
  return groups;
}

ChakraGroups read_chakra_groups(const std::filesystem::path& path) {
  return parse_chakra_groups(read_text_file(path), path.string());
}

void check_chakra_group(const ChakraGroups& known, const std::string& name,
                        std::span<const std::uint32_t> members, std::size_t ranks,
                        const std::string& where) {
  std::vector<std::uint32_t> all, missing;
  if (name.empty()) {
    all.resize(ranks);
    std::iota(all.begin(), all.end(), 0U);
  } else if (const auto listed = known.find(name); listed != known.end()) {
    all = listed->second;
  }
  std::ranges::set_difference(all, members, std::back_inserter(missing));
  if (!missing.empty()) {
    throw Error(where,
                fmt::format("is a collective {} in which {}{} take{} no part", name_of(name),
                            list_of(missing), name.empty() ? "" : ", listed in comm_groups.json,",
                            missing.size() == 1 ? "s" : ""),
                name.empty() ? "give the group a pg_name, or the others the collective"
                             : "give the traces of all ranks of the group");
  }
  if (members.size() > 1) return;
  throw Error(
      where,
      fmt::format("is a collective {} in which rank {} is alone", name_of(name), members.front()),
      ranks == 1
          ? "give the traces of all ranks: those of rank 1 and up are missing; or --ranks N, "
            "if N ranks do the same as this one"
          : fmt::format("give the group's other ranks the collective, too: none of "
                        "ranks 0 to {} has it",
                        ranks - 1));
}

}  // namespace mixnet
