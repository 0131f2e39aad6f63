// Sets of sonic_view.h.
#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "frontends/sonic_view.h"

namespace mixnet {
namespace {

constexpr int kMostEdits = 8'192;

[[noreturn]] void refuse(grpc::StatusCode code, const std::string& text) {
  throw GnmiRefusal(code, text);
}

/// What a model says no to.
[[noreturn]] void refuse_patch(const std::string& text) {
  refuse(grpc::StatusCode::UNKNOWN,
         "Error: Failed to apply patch on the following scopes: " + text);
}

/// Edits the tables in the order of the request; what has changed is told at the end.
class SetPlanner {
 public:
  SetPlanner(bool bypass, const EmulatedSwitch& device, const SonicPorts& ports)
      : bypass_(bypass),
        device_(device),
        ports_(ports),
        to_(static_cast<std::size_t>(device.config().ports) + 1),
        from_(to_.size()) {
    for (const LightPath& path : device.paths()) join(path);
  }

  void remove(const SonicPath& at) {
    if (at.table == kPortTable) {
      refuse_patch("OCS_PORT: ports are there for good");
    } else if (at.key.empty()) {
      clear();
    } else if (!at.field.empty()) {
      refuse_patch(at.text() + ": a cross-connect has both its sides; delete the whole entry");
    } else {
      const LightPath path = path_of(at.key);
      if (to(path.from) == path.to) part(path);
    }
  }

  void put(const SonicPath& at, const gnmi::TypedValue& value, bool is_replace) {
    SonicTable rows;
    if (!value.has_json_ietf_val() && !value.has_json_val()) {
      refuse(grpc::StatusCode::UNKNOWN, "Value encoding is not IETF JSON");
    }
    try {
      decode_rows(at, *json_of(value), rows);
    } catch (const Error& error) {
      refuse(grpc::StatusCode::INVALID_ARGUMENT, error.what());
    }
    if (at.table == kPortTable) {
      for (const auto& [name, row] : rows) set_port(name, row);
      return;
    }
    // A patch that adds a member that is there replaces it: the whole table.
    if (at.key.empty() && (is_replace || !bypass_)) clear();
    for (const auto& [key, row] : rows) add(key, row);
  }

  void finish(SonicSet& set) {
    for (int from = 1; from <= device_.config().ports; ++from) {
      const int was = device_.path_from(from);
      if (was == to(from)) continue;
      if (was != 0) set.paths.remove.push_back({from, was});
      if (to(from) != 0) set.paths.add.push_back({from, to(from)});
    }
    if (device_.config().sides == Sides::kOne) check_whole(set.paths);
    set.paths.bypass = bypass_;
    set.shutters = std::move(shutters_);
    set.labels = std::move(labels_);
  }

 private:
  int& to(int from) { return to_[static_cast<std::size_t>(from)]; }
  int& from(int output) { return from_[static_cast<std::size_t>(output)]; }
  void join(LightPath path) {
    to(path.from) = path.to;
    from(path.to) = path.from;
  }
  void part(LightPath path) { to(path.from) = from(path.to) = 0; }
  void clear() {
    std::ranges::fill(to_, 0);
    std::ranges::fill(from_, 0);
  }

  LightPath path_of(const std::string& key) const {
    const std::optional<Patch> patch = ports_.patch(key);
    if (!patch) {
      refuse(grpc::StatusCode::INVALID_ARGUMENT,
             fmt::format("OCS_CROSS_CONNECT: '{}' names no two ports of this switch; a key is "
                         "1A-2B, ports are 1A to {}",
                         key.substr(0, 64), ports_.name(ports_.numbering().device_ports())));
    }
    return {patch->in, patch->out - ports_.numbering().positions};
  }

  std::string name(LightPath path) const {
    return ports_.key({path.from, ports_.numbering().positions + path.to});
  }

  void add(const std::string& key, const SonicRow& row) {
    const LightPath path = path_of(key);
    const int positions = ports_.numbering().positions;
    for (const auto& [field, value] : row) {
      const bool is_a = field == "a_side";
      if (!is_a && field != "b_side") refuse_patch(key + ": there is no field " + field);
      if (value != ports_.name(is_a ? path.from : positions + path.to)) {
        refuse_patch(fmt::format("{}: {} '{}' is not the key's", key, field, value.substr(0, 64)));
      }
    }
    if (to(path.from) == path.to) return;
    if (to(path.from) != 0) refuse_in_use(path, {path.from, to(path.from)});
    if (from(path.to) != 0) refuse_in_use(path, {from(path.to), path.to});
    join(path);
  }

  [[noreturn]] void refuse_in_use(LightPath path, LightPath other) const {
    refuse(grpc::StatusCode::FAILED_PRECONDITION,
           fmt::format("{}: a port of it is in use by {}; delete that first", name(path),
                       name(other)));
  }

  void set_port(const std::string& name, const SonicRow& row) {
    const int port = ports_.port(name);
    if (port == 0) {
      refuse(grpc::StatusCode::INVALID_ARGUMENT,
             fmt::format("OCS_PORT: there is no port '{}'", name.substr(0, 64)));
    }
    const int position = ports_.numbering().position(port);
    for (const auto& [field, value] : row) {
      if (field == "label") {
        if (value.size() > kMostLabel) refuse_patch(name + ": a label has at most 255 bytes");
        labels_.emplace_back(position, value);
      } else if (field == "state" || field == "config_status") {
        if (value != "normal" && value != "force_blocked") {
          refuse_patch(name + ": a state is normal or force_blocked");
        }
        shutters_.emplace_back(position, value == "force_blocked");
      } else {
        refuse_patch(name + ": there is no field " + field.substr(0, 64));
      }
    }
  }

  /// Where a port carries both directions, half a circuit cannot be.
  void check_whole(const PathRequest& paths) {
    for (const auto* list : {&paths.remove, &paths.add}) {
      for (const LightPath& path : *list) {
        const bool is_added = list == &paths.add;
        const bool has_other = is_added ? to(path.to) == path.from : to(path.to) != path.from;
        if (path.from != path.to && has_other) continue;
        refuse(grpc::StatusCode::INVALID_ARGUMENT,
               fmt::format("{}: ports of this switch carry both directions; the same Set is to {} "
                           "{} as well",
                           name(path), is_added ? "add" : "delete", name({path.to, path.from})));
      }
    }
  }

  bool bypass_;
  const EmulatedSwitch& device_;
  const SonicPorts& ports_;
  std::vector<int> to_;
  std::vector<int> from_;
  std::vector<std::pair<int, bool>> shutters_;
  std::vector<std::pair<int, std::string>> labels_;
};

SonicPath settable_path(const gnmi::Path& prefix, const gnmi::Path& path) {
  SonicPath at = refusing_path(prefix, path);
  if (at.table.empty()) {
    refuse(grpc::StatusCode::NOT_FOUND,
           "rpc error: code = Unimplemented desc = Invalid elem length");
  }
  if (at.db != kConfigDb || (at.table != kPortTable && at.table != kCrossConnectTable)) {
    refuse(grpc::StatusCode::INVALID_ARGUMENT,
           at.text().substr(0, 128) +
               " cannot be set; CONFIG_DB/OCS_CROSS_CONNECT and CONFIG_DB/OCS_PORT can");
  }
  return at;
}

void add_result(const gnmi::Path& path, gnmi::UpdateResult::Operation op,
                gnmi::SetResponse& response) {
  gnmi::UpdateResult& result = *response.add_response();
  *result.mutable_path() = path;
  result.set_op(op);
}

}  // namespace

SonicSet plan_set(const gnmi::SetRequest& request, bool bypass, const EmulatedSwitch& device,
                  const SonicPorts& ports) {
  if (request.delete__size() + request.replace_size() + request.update_size() > kMostEdits) {
    refuse(grpc::StatusCode::INVALID_ARGUMENT, "more than 8,192 edits in one Set");
  }
  // Before a path is told to be wrong otherwise, as SONiC does.
  SonicSet set;
  SetPlanner planner(bypass, device, ports);
  if (request.has_prefix()) *set.response.mutable_prefix() = request.prefix();
  for (const gnmi::Path& path : request.delete_()) {
    planner.remove(settable_path(request.prefix(), path));
    add_result(path, gnmi::UpdateResult::DELETE, set.response);
  }
  for (const gnmi::Update& update : request.replace()) {
    planner.put(settable_path(request.prefix(), update.path()), update.val(), true);
    add_result(update.path(), gnmi::UpdateResult::REPLACE, set.response);
  }
  for (const gnmi::Update& update : request.update()) {
    planner.put(settable_path(request.prefix(), update.path()), update.val(), false);
    add_result(update.path(), gnmi::UpdateResult::UPDATE, set.response);
  }
  planner.finish(set);
  return set;
}

void check_answer(const RequestAnswer& answer) {
  const std::string text = fmt::format("port {}: {}", answer.port, to_string(answer.refusal));
  switch (answer.refusal) {
    case Refusal::kNone:
      return;
    case Refusal::kNoSuchPort:
    case Refusal::kBadPair:
      refuse(grpc::StatusCode::INVALID_ARGUMENT, text);
    case Refusal::kPortInUse:
    case Refusal::kNoSuchPath:
      refuse(grpc::StatusCode::FAILED_PRECONDITION, text);
    case Refusal::kStuck:
    case Refusal::kDenied:
      refuse(grpc::StatusCode::ABORTED, text);
  }
}

}  // namespace mixnet
