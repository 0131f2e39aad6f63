#include "gnmi/sonic_state.h"

#include <algorithm>

#include "base/error.h"
#include "gnmi/sonic_watch.h"

namespace mixnet {
namespace {

Patch patch_of(const std::string& key, const SonicRow& row, const SonicPorts& ports) {
  if (const std::optional<Patch> patch = ports.patch(key)) return *patch;
  const auto a = row.find("a_side");
  const auto b = row.find("b_side");
  if (a != row.end() && b != row.end()) {
    const Patch patch{ports.port(a->second), ports.port(b->second)};
    if (ports.numbering().is_possible(patch)) return patch;
  }
  throw Error(kCrossConnectTable, "lists '" + key.substr(0, 64) + "', of ports that it lacks",
              "a key is 1A-2B");
}

SonicTable rows_of(const std::optional<gnmi::GetResponse>& response, std::string_view db,
                   std::string_view table) {
  SonicTable rows;
  if (!response) return rows;
  for (const gnmi::Notification& notification : response->notification()) {
    decode_rows(notification, db, table, rows);
  }
  return rows;
}

bool is_one_of(const std::vector<Patch>& patches, Patch patch) {
  return std::ranges::find(patches, patch) != patches.end();
}

}  // namespace

SonicState SonicState::decode(const std::optional<gnmi::GetResponse>& config,
                              const std::optional<gnmi::GetResponse>& state,
                              std::string_view state_table, const SonicPorts& ports) {
  SonicState all;
  all.has_table = config.has_value();
  for (const auto& [key, row] : rows_of(config, kConfigDb, kCrossConnectTable)) {
    SonicCrossConnect& entry = all.entries[patch_of(key, row, ports)];
    entry.key = key;
    entry.configured = true;
  }
  for (const auto& [key, row] : rows_of(state, kStateDb, state_table)) {
    SonicCrossConnect& entry = all.entries[patch_of(key, row, ports)];
    if (entry.key.empty()) entry.key = key;
    const std::string_view a = status_of(row, "a_side_status");
    const std::string_view b = status_of(row, "b_side_status");
    entry.stated = true;
    // An older model has no states here.
    entry.tuned = (a == "tuned" || a.empty()) && (b == "tuned" || b.empty());
    entry.tuning = a == "tuning" || b == "tuning";
  }
  return all;
}

std::vector<Patch> SonicState::standing() const {
  std::vector<Patch> patches;
  for (const auto& [patch, entry] : entries) {
    if (entry.stands()) patches.push_back(patch);
  }
  return patches;
}

std::vector<Patch> SonicState::holding(const std::vector<Patch>& wanted) const {
  std::vector<Patch> patches;
  for (const auto& [patch, entry] : entries) {
    const bool is_lost = !entry.stands() && !entry.tuning;
    if (is_lost && is_one_of(wanted, patch)) continue;
    patches.push_back(patch);
  }
  return patches;
}

std::vector<Patch> SonicState::judged(const std::vector<Patch>& wanted) const {
  std::vector<Patch> patches = standing();
  for (const auto& [patch, entry] : entries) {
    if (!entry.stands() && !is_one_of(wanted, patch)) patches.push_back(patch);
  }
  return patches;
}

bool SonicState::is_moving(const std::vector<Patch>& wanted, const std::vector<Patch>& gone) const {
  const auto find = [this](Patch patch) -> const SonicCrossConnect* {
    const auto found = entries.find(patch);
    return found == entries.end() ? nullptr : &found->second;
  };
  return std::ranges::any_of(wanted,
                             [&](Patch patch) {
                               const SonicCrossConnect* entry = find(patch);
                               if (entry == nullptr || entry->stands()) return false;
                               return entry->configured && (entry->tuning || !entry->stated);
                             }) ||
         std::ranges::any_of(gone, [&](Patch patch) {
           const SonicCrossConnect* entry = find(patch);
           return entry != nullptr && !entry->configured;
         });
}

gnmi::SetRequest SonicState::set_request(const ChangePlan& plan, const SonicPorts& ports,
                                         const std::string& target) const {
  gnmi::SetRequest request;
  if (!target.empty()) request.mutable_prefix()->set_target(target);
  SonicPath path{std::string(kConfigDb), std::string(kCrossConnectTable), {}, {}};
  const auto remove = [&](Patch patch) {
    const auto found = entries.find(patch);
    if (found == entries.end() || !found->second.configured) return;
    path.key = found->second.key;
    *request.add_delete_() = path.to_gnmi();
  };
  for (const Patch& patch : plan.remove) remove(patch);
  for (const Patch& patch : plan.add) remove(patch);  // configured, but lost
  SonicTable rows;
  for (const Patch& patch : plan.add) {
    rows[ports.key(patch)] = {{"a_side", ports.name(patch.in)}, {"b_side", ports.name(patch.out)}};
  }
  if (!has_table && !rows.empty()) {
    path.key.clear();
    gnmi::Update& update = *request.add_update();
    *update.mutable_path() = path.to_gnmi();
    update.mutable_val()->set_json_ietf_val(to_json(rows));
    return request;
  }
  for (const auto& [key, row] : rows) {
    path.key = key;
    gnmi::Update& update = *request.add_update();
    *update.mutable_path() = path.to_gnmi();
    update.mutable_val()->set_json_ietf_val(to_json(row));
  }
  return request;
}

}  // namespace mixnet
