#include "interop/kineto_trace.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <tuple>
#include <unordered_map>
#include <utility>

#include "base/error.h"
#include "base/json_items.h"
#include "base/text_fields.h"
#include "interop/torch_json.h"

namespace mixnet {
namespace {

constexpr std::uint32_t kNone = UINT32_MAX;
constexpr double kMaxUs = 1e16;

/// An operator of the CPU, or a kernel.
struct Span {
  double start = 0, end = 0;
  std::uint32_t lane = 0, name = 0;
  std::uint32_t comm = kNone;  ///< index of its call
  bool is_record = false;      ///< and it is PyTorch's record of one
  bool hides = false;          ///< its time is that of a call, not of work
  TorchWork work = TorchWork::kGpu;
  std::uint64_t external = 0;  ///< id; 0: none
};

/// What gloo did for a call.
struct Deed {
  std::uint64_t id = 0;
  double end = 0;
  std::uint64_t element_bytes = 0;
};

class Profile {
 public:
  explicit Profile(std::string_view input) { torch_.file = input; }

  TorchRank read(std::string_view text) {
    bool has_events = false;
    read_json_items(text, torch_.file,
                    {.array = "traceEvents",
                     .item =
                         [&](nlohmann::json& event) {
                           has_events = true;
                           read_event(event);
                           ++number_;
                         },
                     .other =
                         [&](const std::string& name, nlohmann::json& value) {
                           if (name == "distributedInfo") read_job(value);
                         }});
    if (!has_events) {
      throw Error(torch_.file, "has no traceEvents", "give a profile of torch.profiler");
    }
    std::ranges::sort(deeds_, {}, &Deed::id);
    nest();
    order_calls();
    torch_.is_on_cpu = kernels_.empty();
    torch_.keeps_gaps = !kernels_.empty();
    if (!kernels_.empty()) add_kernels();
    add_calls();
    return std::move(torch_);
  }

 private:
  void read_job(const nlohmann::json& value) {
    if (const auto rank = torch_whole(torch_member(value, "rank"))) {
      if (*rank >= kMaxChakraRanks) {
        throw Error(torch_.file, fmt::format("says that it is of rank {}", *rank));
      }
      torch_.rank = static_cast<std::uint32_t>(*rank);
    }
    if (const auto* list = torch_member(value, "pg_config")) add_torch_groups(*list, torch_.groups);
  }

  std::string where(std::string_view name) const {
    return fmt::format("{}: event {} '{}'", torch_.file, number_, shown(name));
  }

  void read_event(const nlohmann::json& event) {
    const std::string kind = torch_text(torch_member(event, "cat"));
    const bool is_op = kind == "cpu_op" || kind == "Operator";
    const bool is_kernel = kind == "kernel" || kind == "Kernel";
    const bool is_copy = kind == "gpu_memcpy" || kind == "gpu_memset";
    const bool is_deed = kind == "user_annotation";
    if (!(is_op || is_kernel || is_copy || is_deed)) return;
    if (torch_text(torch_member(event, "ph")) != "X") return;
    const std::string name = torch_text(torch_member(event, "name"));
    static const nlohmann::json kNothing = nlohmann::json::object();
    const nlohmann::json* found = torch_member(event, "args");
    const nlohmann::json& args = found == nullptr ? kNothing : *found;
    Span span = span_of(event, name);
    if (is_deed) return read_deed(args, name, span);
    span.external = torch_whole(torch_member(args, "External id")).value_or(0);
    if (is_op) {
      read_operator(args, name, span);
    } else {
      span.work = is_copy ? TorchWork::kCopy : TorchWork::kGpu;
      if (is_kernel) read_kernel(args, name, span);
      kernels_.push_back(span);
    }
  }

  Span span_of(const nlohmann::json& event, const std::string& name) {
    const auto time = [&](std::string_view key) {
      const nlohmann::json* value = torch_member(event, key);
      if (value == nullptr) return 0.0;
      const double us = value->is_number() ? value->get<double>() : -1;
      if (us >= 0 && us <= kMaxUs) return us;
      throw Error(where(name), fmt::format("has a '{}' that is no time", key),
                  "give microseconds, 0 or more");
    };
    Span span;
    span.start = time("ts");
    span.end = span.start + time("dur");
    const auto id = [&](std::string_view key) {
      const nlohmann::json* value = torch_member(event, key);
      return value == nullptr || value->is_structured() ? std::string() : value->dump();
    };
    span.lane = lane(id("pid") + " " + id("tid"));
    span.name = name_of(name);
    return span;
  }

  std::uint32_t lane(const std::string& key) {
    return lanes_.try_emplace(key, static_cast<std::uint32_t>(lanes_.size())).first->second;
  }
  std::uint32_t name_of(const std::string& name) {
    const auto [place, is_new] =
        names_.try_emplace(name, static_cast<std::uint32_t>(torch_.names.size()));
    if (is_new) torch_.names.push_back(name);
    return place->second;
  }

  void read_operator(const nlohmann::json& args, const std::string& name, Span& span) {
    span.is_record = name == "record_param_comms";
    span.hides = span.is_record || name.starts_with("c10d") || name.starts_with("_c10d");
    if (span.is_record) {
      if (torch_member(args, "Collective name") == nullptr) {
        throw Error(where(name), "does not say what was called",
                    "give a profile of PyTorch 2.2 or later, or the execution trace");
      }
      if (is_torch_comm(torch_text(torch_member(args, "Collective name")), where(name))) {
        span.comm = add_call(comm_of_record(args, where(name)), args);
      }
    } else if (name.starts_with("c10d::")) {
      if (is_torch_comm(name, where(name))) {
        span.comm = add_call(comm_of_operator(name, arguments_of(args), where(name)), args);
      }
    }
    operators_.push_back(span);
  }

  std::uint32_t add_call(TorchComm comm, const nlohmann::json& args) {
    calls_.push_back(std::move(comm));
    ids_.push_back(torch_whole(torch_member(args, "Record function id")).value_or(0));
    return static_cast<std::uint32_t>(calls_.size() - 1);
  }

  /// "Input Dims", "Input type" and "Concrete Inputs", by argument.
  static std::vector<TorchArgument> arguments_of(const nlohmann::json& args) {
    std::vector<TorchArgument> arguments;
    const auto list = [&](std::string_view key) {
      const nlohmann::json* value = torch_member(args, key);
      return value != nullptr && value->is_array() ? *value : nlohmann::json::array();
    };
    const nlohmann::json sizes = list("Input Dims"), types = list("Input type"),
                         values = list("Concrete Inputs");
    for (std::size_t i = 0; i < sizes.size(); ++i) {
      TorchArgument& argument = arguments.emplace_back();
      const std::string type = i < types.size() ? torch_text(&types[i]) : "";
      const bool is_tensor = type == "TensorList" || torch_element_bytes(type) > 0;
      if (is_tensor) add_tensors(sizes[i], argument);
      argument.element_bytes = torch_element_bytes(type);
      bool is_cut = false;
      if (i < values.size()) argument.numbers = torch_list(&values[i], is_cut);
    }
    return arguments;
  }

  /// [2, 3] is one tensor, [[2, 3], [4]] two; [] is a number.
  static void add_tensors(const nlohmann::json& sizes, TorchArgument& argument) {
    if (!sizes.is_array()) return;
    if (!sizes.empty() && sizes.front().is_array()) {
      for (const nlohmann::json& one : sizes) add_tensors(one, argument);
      return;
    }
    constexpr std::uint64_t kMost = std::uint64_t{1} << 40;
    std::uint64_t elements = 1;
    for (const nlohmann::json& size : sizes) {
      const auto number = torch_whole(&size);
      if (!number) return;
      elements = std::min(elements, kMost) * std::min(*number, kMost / 256);
    }
    argument.tensors.push_back(std::min(elements, kMost));
  }

  void read_deed(const nlohmann::json& args, const std::string& name, const Span& span) {
    const auto id = torch_whole(torch_member(args, "Record function id"));
    static constexpr std::string_view kBackends[] = {"gloo:", "nccl:", "mpi:", "ucc:", "xccl:"};
    const bool is_one = std::ranges::any_of(
        kBackends, [&](std::string_view backend) { return name.starts_with(backend); });
    if (!id || !is_one) return;
    Deed deed = {*id, span.end, 0};
    if (const auto* types = torch_member(args, "Input type");
        types != nullptr && types->is_array() && !types->empty()) {
      deed.element_bytes = torch_element_bytes(torch_text(&types->front()));
    }
    deeds_.push_back(deed);
  }

  void read_kernel(const nlohmann::json& args, const std::string& name, Span& span) {
    if (!name.starts_with("nccl")) return;
    span.hides = true;
    const std::string called = torch_text(torch_member(args, "Collective name"));
    if (called.empty() || !is_torch_comm(called, where(name))) return;
    // Used where the profile has no record of the call.
    span.comm = add_call(comm_of_record(args, where(name)), args);
  }

  /// Which operator calls which: cuts calls within calls, and the time of those that are called.
  void nest() {
    std::ranges::stable_sort(operators_, [](const Span& a, const Span& b) {
      return std::tie(a.lane, a.start, b.end) < std::tie(b.lane, b.start, a.end);
    });
    std::vector<Span*> open;
    double told = 0;  // up to which the time of the innermost is accounted for
    const auto close = [&](double until) {
      while (!open.empty() && open.back()->end <= until) {
        add_work(*open.back(), told, open.back()->end);
        told = std::max(told, open.back()->end);
        open.pop_back();
      }
    };
    for (std::size_t i = 0; i < operators_.size(); ++i) {
      Span& span = operators_[i];
      if (i == 0 || operators_[i - 1].lane != span.lane) {
        close(INFINITY);
        told = 0;
      }
      close(span.start);
      if (!open.empty()) add_work(*open.back(), told, span.start);
      told = span.start;
      for (const Span* outer : open) span.hides = span.hides || outer->hides;
      join_calls(span, open);
      open.push_back(&span);
    }
    close(INFINITY);
  }

  /// One call of those that stand within each other.
  void join_calls(Span& span, const std::vector<Span*>& open) {
    for (Span* outer : open) {
      if (outer->comm == kNone) continue;
      if (span.is_record && span.comm != kNone && !outer->is_record) {
        outer->comm = kNone;
        continue;
      }
      span.comm = kNone;
      if (span.external != 0) call_of_[span.external] = outer->comm;
    }
    if (span.comm != kNone && span.external != 0) call_of_[span.external] = span.comm;
  }

  void add_work(const Span& span, double start, double end) {
    if (span.hides || end <= start || !kernels_.empty()) return;
    torch_.activities.push_back(
        {start, end, span.lane, span.name, TorchActivity::kNoComm, TorchWork::kCpu});
  }

  /// Calls in the order in which they were made, without those that were cut.
  void order_calls() {
    std::vector<const Span*> made;
    for (const Span& span : operators_) {
      if (span.comm != kNone) made.push_back(&span);
    }
    const bool has_records = !made.empty();
    for (Span& kernel : kernels_) {
      if (!kernel.hides) continue;
      const auto found = call_of_.find(kernel.external);
      if (has_records) {
        const bool is_linked = kernel.external != 0 && found != call_of_.end();
        kernel.comm = is_linked ? found->second : kNone;
      } else if (kernel.comm == kNone) {
        throw Error(fmt::format("{}: kernel '{}'", torch_.file, shown(torch_.names[kernel.name])),
                    "communicates, and nothing says what",
                    "profile with ProfilerActivity.CPU, too");
      } else {
        made.push_back(&kernel);
      }
    }
    std::ranges::stable_sort(made, {}, &Span::start);
    order_.assign(calls_.size(), kNone);
    for (const Span* span : made) {
      if (order_[span->comm] != kNone) continue;
      order_[span->comm] = static_cast<std::uint32_t>(torch_.comms.size());
      torch_.comms.push_back(calls_[span->comm]);
      start_.push_back(span->start);
      end_.push_back(span->end);
      comm_lane_.push_back(lane("call of " + torch_.comms.back().group.value_or("the only group")));
      ids_in_order_.push_back(ids_[span->comm]);
    }
    for (std::size_t i = 0; i < torch_.comms.size(); ++i) find_deeds(i);
  }

  /// What gloo did for call i: begun after it was called, and before the next was.
  void find_deeds(std::size_t i) {
    const std::uint64_t id = ids_in_order_[i];
    if (id == 0) return;
    const std::uint64_t next = i + 1 < ids_in_order_.size() && ids_in_order_[i + 1] > id
                                   ? ids_in_order_[i + 1]
                                   : UINT64_MAX;
    auto deed = std::ranges::upper_bound(deeds_, id, {}, &Deed::id);
    for (; deed != deeds_.end() && deed->id < next; ++deed) {
      TorchComm& comm = torch_.comms[i];
      if (comm.element_bytes == 0) comm.element_bytes = deed->element_bytes;
      end_[i] = std::max(end_[i], deed->end);
    }
  }

  void add_kernels() {
    std::vector<bool> is_placed(torch_.comms.size());
    for (const Span& kernel : kernels_) {
      if (!kernel.hides) {
        torch_.activities.push_back({kernel.start, kernel.end, kernel.lane, kernel.name,
                                     TorchActivity::kNoComm, kernel.work});
        continue;
      }
      const std::uint32_t comm = kernel.comm == kNone ? kNone : order_[kernel.comm];
      if (comm == kNone) continue;  // of a batch: its calls have their own times
      start_[comm] = is_placed[comm] ? std::min(start_[comm], kernel.start) : kernel.start;
      end_[comm] = is_placed[comm] ? std::max(end_[comm], kernel.end) : kernel.end;
      comm_lane_[comm] = kernel.lane;
      is_placed[comm] = true;
    }
  }

  void add_calls() {
    for (std::uint32_t i = 0; i < torch_.comms.size(); ++i) {
      torch_.activities.push_back({start_[i], end_[i], comm_lane_[i], 0, i, TorchWork::kGpu});
    }
  }

  TorchRank torch_;
  std::size_t number_ = 0;  ///< of the event
  std::map<std::string, std::uint32_t> lanes_;
  std::unordered_map<std::string, std::uint32_t> names_;
  std::vector<Span> operators_, kernels_;
  std::vector<TorchComm> calls_;    ///< in the order of the file
  std::vector<std::uint64_t> ids_;  ///< "Record function id" of each; 0: none
  std::vector<Deed> deeds_;
  std::unordered_map<std::uint64_t, std::uint32_t> call_of_;  ///< by external id
  std::vector<std::uint32_t> order_;                          ///< of calls_, in torch_.comms
  std::vector<double> start_, end_;                           ///< of torch_.comms, as the next two
  std::vector<std::uint32_t> comm_lane_;
  std::vector<std::uint64_t> ids_in_order_;
};

}  // namespace

TorchRank parse_kineto_trace(std::string_view text, std::string_view input) {
  return Profile(input).read(text);
}

}  // namespace mixnet
