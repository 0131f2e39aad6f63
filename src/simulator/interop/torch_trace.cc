#include "interop/torch_trace.h"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>
#include <utility>

#include "base/error.h"
#include "base/json_items.h"
#include "base/text_fields.h"
#include "interop/torch_json.h"

namespace mixnet {
namespace {

using Json = nlohmann::json;

/// [id, storage, offset, elements, bytes of an element, device].
bool is_tensor(const Json& value) {
  constexpr std::size_t kFields = 6;
  if (!value.is_array() || value.size() != kFields || !value.back().is_string()) return false;
  return std::all_of(value.begin(), value.end() - 1,
                     [](const Json& one) { return one.is_number_integer(); });
}

void add_value(const Json& value, TorchArgument& argument) {
  if (is_tensor(value)) {
    constexpr std::size_t kElements = 3, kBytes = 4;
    const auto elements = torch_whole(&value[kElements]);
    const auto bytes = torch_whole(&value[kBytes]);
    if (!elements || !bytes) return;
    constexpr std::uint64_t kMost = std::uint64_t{1} << 50;
    argument.tensors.push_back(std::min(*elements, kMost));
    argument.element_bytes = std::min<std::uint64_t>(*bytes, 1024);
  } else if (value.is_array()) {
    for (const Json& one : value) add_value(one, argument);
  } else if (value.is_number_integer()) {
    argument.numbers.push_back(value.get<std::int64_t>());
  }
}

TorchArgument argument_of(const Json& value) {
  TorchArgument argument;
  add_value(value, argument);
  return argument;
}

/// How attributes are called in Kineto's profiles.
constexpr std::pair<std::string_view, std::string_view> kAttributes[] = {
    {"collective_name", "Collective name"},     {"in_msg_nelems", "In msg nelems"},
    {"in_split_size", "In split size"},         {"out_split_size", "Out split size"},
    {"global_rank_start", "Global rank start"}, {"global_rank_stride", "Global rank stride"},
    {"pg_name", "Process Group Name"},          {"pg_size", "Group size"},
};

struct Call {
  std::uint64_t id = 0;
  bool is_record = false;
  TorchComm comm;
};

class Reader {
 public:
  explicit Reader(std::string_view input) { torch_.file = input; }

  TorchRank read(std::string_view text) {
    bool has_nodes = false;
    read_json_items(text, torch_.file,
                    {.array = "nodes",
                     .item =
                         [&](Json& node) {
                           has_nodes = true;
                           read_node(node);
                           ++number_;
                         },
                     .other = [](const std::string&, Json&) {}});
    if (!has_nodes) {
      throw Error(torch_.file, "has no nodes", "give an execution trace of torch.profiler");
    }
    torch_.has_times = false;
    take_calls();
    return std::move(torch_);
  }

 private:
  std::string where(std::string_view name) const {
    return fmt::format("{}: node {} '{}'", torch_.file, number_, shown(name));
  }

  void read_node(const Json& node) {
    const std::string name = torch_text(torch_member(node, "name"));
    const auto id = torch_whole(torch_member(node, "id"));
    if (!id) throw Error(where(name), "has no id", "give each node an id of its own");
    const Json* parent = torch_member(node, "ctrl_deps");
    if (parent == nullptr) parent = torch_member(node, "parent");
    parents_[*id] = torch_whole(parent).value_or(0);
    const Json* inputs = torch_member(node, "inputs");
    if (inputs != nullptr && inputs->is_object()) inputs = torch_member(*inputs, "values");
    static const Json kNone = Json::array();
    const Json& values = inputs != nullptr && inputs->is_array() ? *inputs : kNone;
    if (name.find("process_group:init") != std::string::npos) return read_groups(values);
    const bool is_record = name == "record_param_comms";
    if (!is_record && !name.starts_with("c10d::")) return;
    if (!is_record) {
      if (!is_torch_comm(name, where(name))) return;
      std::vector<TorchArgument> arguments;
      for (const Json& value : values) arguments.push_back(argument_of(value));
      calls_.push_back({*id, false, comm_of_operator(name, arguments, where(name))});
      return;
    }
    read_record(node, values, *id);
  }

  void read_groups(const Json& values) {
    if (!values.empty()) add_torch_groups(values.front(), torch_.groups);
  }

  /// [tensors], sequence number, group, rank or peer, name, splits of input and output, ...; the
  /// tensors are left out where there are none.
  void read_record(const Json& node, const Json& values, std::uint64_t id) {
    Json attributes = attributes_of(node);
    constexpr std::size_t kFirst = 3, kLast = 4;
    std::size_t at = kFirst;
    while (at <= kLast && (at >= values.size() || !values[at].is_string())) ++at;
    const bool has_inputs = at <= kLast;
    if (torch_member(attributes, "Collective name") == nullptr) {
      if (!has_inputs) throw Error(where("record_param_comms"), "does not say what was called");
      attributes["Collective name"] = values[at];
    }
    const std::string called = torch_text(torch_member(attributes, "Collective name"));
    if (!is_torch_comm(called, where(called))) return;
    if (has_inputs) add_inputs(values, at, attributes);
    TorchComm comm = comm_of_record(attributes, where(called));
    if (has_inputs && at == kLast) {
      const TorchArgument tensors = argument_of(values.front());
      if (comm.element_bytes == 0) comm.element_bytes = tensors.element_bytes;
      if (!comm.elements) {
        comm.elements = 0;
        for (const std::uint64_t one : tensors.tensors) *comm.elements += one;
      }
    }
    calls_.push_back({id, true, std::move(comm)});
  }

  /// What older traces have in the inputs alone.
  static void add_inputs(const Json& values, std::size_t at, Json& attributes) {
    const auto add = [&](std::string_view name, const Json& value) {
      if (torch_member(attributes, name) == nullptr) attributes[std::string(name)] = value;
    };
    attributes["Rank"] = values[at - 1];
    const Json& group = values[at - 2];  // ["name", "description"], or an id
    add("Process Group Name", group.is_array() && !group.empty() ? group.front() : group);
    if (at + 1 < values.size()) add("In split size", values[at + 1]);
    if (at + 2 < values.size()) add("Out split size", values[at + 2]);
  }

  static Json attributes_of(const Json& node) {
    Json attributes = Json::object();
    const Json* list = torch_member(node, "attrs");
    if (list == nullptr || !list->is_array()) return attributes;
    for (const Json& one : *list) {
      const std::string name = torch_text(torch_member(one, "name"));
      const Json* value = torch_member(one, "value");
      if (name == "dtype" && value != nullptr) attributes[name] = *value;
      for (const auto& [here, there] : kAttributes) {
        if (name == here && value != nullptr) attributes[std::string(there)] = *value;
      }
    }
    return attributes;
  }

  /// In the order in which they began, which is that of ids; of calls within calls the outer one,
  /// and the record in place of the operator around it.
  void take_calls() {
    std::ranges::sort(calls_, {}, &Call::id);
    for (std::size_t i = 1; i < calls_.size(); ++i) {
      if (calls_[i].id == calls_[i - 1].id) {
        throw Error(torch_.file, fmt::format("two nodes have the id {}", calls_[i].id),
                    "give each node an id of its own");
      }
    }
    std::unordered_map<std::uint64_t, std::size_t> call_of;  // by node
    for (std::size_t i = 0; i < calls_.size(); ++i) call_of[calls_[i].id] = i;
    std::vector<bool> is_cut(calls_.size());
    for (std::size_t i = 0; i < calls_.size(); ++i) {
      for_each_outer(calls_[i].id, [&](std::uint64_t node) {
        const auto found = call_of.find(node);
        if (found == call_of.end()) return;
        const std::size_t outer = found->second;
        const bool replaces = calls_[i].is_record && !calls_[outer].is_record;
        is_cut[replaces ? outer : i] = true;
      });
    }
    for (std::size_t i = 0; i < calls_.size(); ++i) {
      if (is_cut[i]) continue;
      const auto place = static_cast<std::uint32_t>(torch_.comms.size());
      torch_.activities.push_back({static_cast<double>(place), static_cast<double>(place) + 1, 0, 0,
                                   place, TorchWork::kGpu});
      torch_.comms.push_back(std::move(calls_[i].comm));
    }
  }

  template <typename Function>
  void for_each_outer(std::uint64_t id, const Function& function) const {
    constexpr int kMostLevels = 10'000;  // of a file that is wrong
    auto found = parents_.find(id);
    for (int level = 0; found != parents_.end() && level < kMostLevels; ++level) {
      if (found->second == found->first) return;
      function(found->second);
      found = parents_.find(found->second);
    }
  }

  TorchRank torch_;
  std::size_t number_ = 0;  ///< of the node
  std::unordered_map<std::uint64_t, std::uint64_t> parents_;
  std::vector<Call> calls_;
};

}  // namespace

TorchRank parse_torch_trace(std::string_view text, std::string_view input) {
  return Reader(input).read(text);
}

}  // namespace mixnet
