// How numbers and lists stand in PyTorch's JSON: as such, or as text ("[1, 2, 3]", "12"), by
// release.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "interop/torch_comm.h"

namespace mixnet {

/// The member of an object; null where it is none, or null.
const nlohmann::json* torch_member(const nlohmann::json& object, std::string_view name);

/// Of a string, without quotes that are part of it, or a number; "" for anything else.
std::string torch_text(const nlohmann::json* value);

/// 0 or more.
std::optional<std::uint64_t> torch_whole(const nlohmann::json* value);

/// Of numbers; `is_cut` where it ends in "...". What is no number is left out.
std::vector<std::int64_t> torch_list(const nlohmann::json* value, bool& is_cut);

/// [{"pg_name": "1", "ranks": [0, 1], "pg_size" or "group_size": 2}], by pg_name, and by "uid" or
/// "backend_id" where there is one; or text of that, which is passed over where it is cut. No
/// ranks: all of them, which may be more than are known here.
void add_torch_groups(const nlohmann::json& list, TorchGroups& groups);

/// Of the attributes of record_param_comms, by their names in Kineto's profiles; the name of the
/// collective is there. Throws Error where it is not one that is known.
TorchComm comm_of_record(const nlohmann::json& attributes, const std::string& where);

}  // namespace mixnet
