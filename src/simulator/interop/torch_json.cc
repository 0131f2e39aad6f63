#include "interop/torch_json.h"

#include <algorithm>
#include <limits>

#include "base/error.h"
#include "base/json_reader.h"
#include "base/text_fields.h"

namespace mixnet {
namespace {

std::vector<std::uint64_t> splits_of(const nlohmann::json* value, bool& is_cut,
                                     const std::string& where) {
  std::vector<std::uint64_t> splits;
  for (const std::int64_t split : torch_list(value, is_cut)) {
    if (split < 0) throw Error(where, "has a split below 0");
    splits.push_back(static_cast<std::uint64_t>(split));
  }
  return splits;
}

std::optional<std::uint32_t> rank_of(const nlohmann::json* value) {
  const auto number = torch_whole(value);
  if (!number || *number >= kMaxChakraRanks) return std::nullopt;
  return static_cast<std::uint32_t>(*number);
}

std::vector<std::uint32_t> ranks_of(const std::vector<std::int64_t>& numbers) {
  std::vector<std::uint32_t> ranks;
  for (const std::int64_t number : numbers) {
    if (number < 0 || number >= static_cast<std::int64_t>(kMaxChakraRanks)) return {};
    ranks.push_back(static_cast<std::uint32_t>(number));
  }
  return ranks;
}

/// Ranks of the group, where the record has them or their first and their stride.
std::vector<std::uint32_t> members_of(const nlohmann::json& attributes, std::uint64_t members) {
  bool is_cut = false;
  auto ranks = ranks_of(torch_list(torch_member(attributes, "Process Group Ranks"), is_cut));
  if (!is_cut && !ranks.empty()) return ranks;
  const auto start = torch_whole(torch_member(attributes, "Global rank start"));
  const auto stride = torch_whole(torch_member(attributes, "Global rank stride"));
  ranks.clear();
  if (!start || !stride || *stride == 0 || members == 0 || members > kMaxChakraRanks ||
      *start > kMaxChakraRanks || *stride > kMaxChakraRanks) {
    return ranks;
  }
  for (std::uint64_t i = 0; i < members; ++i) {
    const std::uint64_t rank = *start + i * *stride;
    if (rank >= kMaxChakraRanks) return {};
    ranks.push_back(static_cast<std::uint32_t>(rank));
  }
  return ranks;
}

}  // namespace

const nlohmann::json* torch_member(const nlohmann::json& object, std::string_view name) {
  if (!object.is_object()) return nullptr;
  const auto found = object.find(name);
  return found == object.end() || found->is_null() ? nullptr : &*found;
}

std::string torch_text(const nlohmann::json* value) {
  if (value == nullptr) return "";
  if (value->is_number_integer()) return value->dump();
  if (!value->is_string()) return "";
  std::string text = value->get<std::string>();
  if (text.size() >= 2 && text.front() == '"' && text.back() == '"') {
    text = text.substr(1, text.size() - 2);
  }
  return text;
}

std::optional<std::uint64_t> torch_whole(const nlohmann::json* value) {
  if (value == nullptr) return std::nullopt;
  if (value->is_number_unsigned() ||
      (value->is_number_integer() && value->get<std::int64_t>() >= 0)) {
    return value->get<std::uint64_t>();
  }
  if (value->is_string()) return number_in<std::uint64_t>(torch_text(value));
  return std::nullopt;  // negative, or a fraction
}

std::vector<std::int64_t> torch_list(const nlohmann::json* value, bool& is_cut) {
  std::vector<std::int64_t> numbers;
  if (value == nullptr) return numbers;
  if (value->is_number_integer()) return {value->get<std::int64_t>()};
  if (value->is_array()) {
    for (const nlohmann::json& one : *value) {
      if (one.is_number_integer()) numbers.push_back(one.get<std::int64_t>());
      is_cut = is_cut || (one.is_string() && one.get_ref<const std::string&>() == "...");
    }
    return numbers;
  }
  const std::string text = torch_text(value);
  is_cut = is_cut || text.find("...") != std::string::npos;
  constexpr std::string_view kOfNumber = "-0123456789";
  for (std::size_t at = text.find_first_of(kOfNumber); at != std::string::npos;) {
    const std::size_t end = std::min(text.find_first_not_of(kOfNumber, at), text.size());
    if (const auto number = number_in<std::int64_t>(std::string_view(text).substr(at, end - at))) {
      numbers.push_back(*number);
    }
    at = text.find_first_of(kOfNumber, end);
  }
  return numbers;
}

void add_torch_groups(const nlohmann::json& list, TorchGroups& groups) {
  if (list.is_string()) {
    try {
      add_torch_groups(parse_json(list.get_ref<const std::string&>(), "pg_config"), groups);
    } catch (const Error&) {  // PyTorch cuts long ones
    }
    return;
  }
  if (!list.is_array()) return;
  for (const nlohmann::json& one : list) {
    const nlohmann::json* name = torch_member(one, "pg_name");
    if (name == nullptr) continue;
    TorchGroup group;
    bool is_cut = false;
    group.ranks = ranks_of(torch_list(torch_member(one, "ranks"), is_cut));
    if (is_cut) group.ranks.clear();
    for (const std::string_view size : {"pg_size", "group_size"}) {
      if (const auto members = torch_whole(torch_member(one, size))) group.members = *members;
    }
    for (const std::string_view id : {"uid", "backend_id"}) {
      if (const auto* other = torch_member(one, id)) groups[torch_text(other)] = group;
    }
    groups[torch_text(name)] = std::move(group);
  }
}

TorchComm comm_of_record(const nlohmann::json& attributes, const std::string& where) {
  TorchComm comm;
  comm.where = where;
  comm.name = torch_text(torch_member(attributes, "Collective name"));
  comm.elements = torch_whole(torch_member(attributes, "In msg nelems"));
  comm.element_bytes = torch_element_bytes(torch_text(torch_member(attributes, "dtype")));
  comm.in_splits = splits_of(torch_member(attributes, "In split size"), comm.splits_are_cut, where);
  comm.out_splits =
      splits_of(torch_member(attributes, "Out split size"), comm.splits_are_cut, where);
  comm.members = torch_whole(torch_member(attributes, "Group size"));
  if (const auto* name = torch_member(attributes, "Process Group Name")) {
    comm.group = torch_text(name);
  }
  comm.ranks = members_of(attributes, comm.members.value_or(0));
  for (const std::string_view peer : {"Src Rank", "Dst Rank"}) {
    if (const auto rank = rank_of(torch_member(attributes, peer))) comm.peer = rank;
  }
  comm.group_peer = rank_of(torch_member(attributes, "Rank"));
  return comm;
}

}  // namespace mixnet
