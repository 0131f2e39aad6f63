#include "interop/aicb_workload.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <utility>

#include "base/error.h"
#include "base/suggest.h"
#include "base/text_fields.h"
#include "interop/task_graph.h"

namespace mixnet {
namespace {

constexpr std::int64_t kMostNs = std::int64_t{3600} * 1'000'000'000;
constexpr std::int64_t kMostLayers = 1'000'000;

constexpr std::pair<std::string_view, ChakraCollective> kCollectives[] = {
    {"ALLREDUCE", ChakraCollective::kAllReduce},
    {"ALLGATHER", ChakraCollective::kAllGather},
    {"REDUCESCATTER", ChakraCollective::kReduceScatter},
    {"ALLTOALL", ChakraCollective::kAllToAll}};
constexpr std::pair<std::string_view, AicbGroup> kGroups[] = {{"_EP", AicbGroup::kEp},
                                                              {"_DP_EP", AicbGroup::kDpEp}};

enum Header : std::uint8_t { kTp, kEp, kPp, kVpp, kGa, kRanks, kCheckpoints, kInitiates, kPpComm };
constexpr std::array<WholeField, 9> kHeaders = {{
    {"model_parallel_NPU_group", "number of ranks", 1, kMaxGraphEndpoints},
    {"ep", "number of ranks", 1, kMaxGraphEndpoints},
    {"pp", "number of stages", 1, kMaxGraphEndpoints},
    {"vpp", "number", 0, kMostLayers},
    {"ga", "number of micro-batches", 0, kMostLayers},
    {"all_gpus", "number of ranks", 1, kMaxGraphEndpoints},
    {"checkpoints", "number", 0, kMostLayers},
    {"checkpoint_initiates", "number", 0, kMostLayers},
    {"pp_comm", "number of bytes", 0, kMaxTaskBytes.count},
}};

class Reader {
 public:
  Reader(std::string_view text, std::string_view input) : lines_(text), input_(input) {}

  AicbWorkload read() {
    if (!lines_.next()) throw Error(input_, "is empty", "give a workload of AICB");
    read_header(lines_.line());
    if (!lines_.next()) throw here().error("has no line after it", "give the number of lines");
    std::string_view rest = lines_.line();
    const std::int64_t count =
        parse_whole(take_word(rest), {"lines", "number of lines", 1, kMostLayers}, here());
    if (!rest.empty()) throw here().error("has more than the number of lines", "give it alone");
    const std::size_t counted = lines_.number();
    while (lines_.next()) read_layer(lines_.line());
    if (static_cast<std::int64_t>(workload_.layers.size()) != count) {
      throw TextPlace{input_, counted}.error(
          fmt::format("says {} lines, and {} follow", count, workload_.layers.size()),
          "correct the number or complete the file");
    }
    return std::move(workload_);
  }

 private:
  TextPlace here() const { return {input_, lines_.number()}; }

  void read_header(std::string_view rest) {
    const std::string_view kind = take_word(rest);
    if (kind != "HYBRID_TRANSFORMER_FWD_IN_BCKWD" && kind != "HYBRID_TRANSFORMER") {
      throw here().error(fmt::format("is a workload of kind '{}'", shown(kind)),
                         "give HYBRID_TRANSFORMER_FWD_IN_BCKWD, as AICB writes it");
    }
    std::array<std::int64_t, kHeaders.size()> values;
    values.fill(-1);
    while (!rest.empty()) {
      std::string_view word = take_word(rest);
      if (word.ends_with(':')) word.remove_suffix(1);
      const auto field = std::ranges::find(kHeaders, word, &WholeField::name);
      // AICB adds more from time to time.
      const std::string_view value = take_word(rest);
      if (field == kHeaders.end()) continue;
      values[static_cast<std::size_t>(field - kHeaders.begin())] =
          parse_whole(value, *field, here());
    }
    for (const Header needed : {kTp, kRanks}) {
      if (values[needed] >= 0) continue;
      throw here().error(fmt::format("has no '{}:'", kHeaders[needed].name),
                         "give the header that AICB writes");
    }
    if (values[kCheckpoints] > 0 || values[kInitiates] > 0) {
      throw here().error("has checkpoints, whose forward in backward is not run",
                         "give one with checkpoints: 0");
    }
    const auto number = [&](Header which) {
      return static_cast<std::uint32_t>(std::max<std::int64_t>(values[which], 1));
    };
    workload_.tp = number(kTp);
    workload_.ep = number(kEp);
    workload_.pp = number(kPp);
    workload_.ranks = number(kRanks);
    const std::uint64_t stage = std::uint64_t{workload_.tp} * workload_.ep * workload_.pp;
    if (workload_.ranks % stage != 0) {
      throw here().error(fmt::format("has {} ranks, which are not groups of tp {} x ep {} x pp {}",
                                     workload_.ranks, workload_.tp, workload_.ep, workload_.pp),
                         "give all_gpus a multiple of their product");
    }
  }

  void read_layer(std::string_view rest) {
    AicbLayer layer;
    layer.name = std::string(take_word(rest).substr(0, kMaxGraphName / 2));
    take_word(rest);  // -1
    layer.forward = read_step(rest, AicbGroup::kTp, 3);
    layer.input_gradient = read_step(rest, AicbGroup::kTp, 6);
    layer.weight_gradient = read_step(rest, AicbGroup::kDp, 9);
    layer.update_ns = time(take_word(rest), 12);
    if (!rest.empty()) {
      throw here().error(fmt::format("'{}' stands after the 12 fields", shown(rest)),
                         "give name, -1, three times TIME COLLECTIVE BYTES, and the update's time");
    }
    if (workload_.layers.size() >= static_cast<std::size_t>(kMostLayers)) {
      throw here().error(fmt::format("more than {} lines", kMostLayers), "give fewer");
    }
    workload_.layers.push_back(std::move(layer));
  }

  std::uint64_t time(std::string_view word, std::size_t column) const {
    const std::int64_t ns = parse_whole(word, {"time", "number of nanoseconds", 0, kMostNs},
                                        TextPlace{input_, lines_.number(), column});
    return ns <= 1 ? 0 : static_cast<std::uint64_t>(ns);
  }

  AicbStep read_step(std::string_view& rest, AicbGroup otherwise, std::size_t column) const {
    AicbStep step;
    step.work_ns = time(take_word(rest), column);
    read_collective(take_word(rest), otherwise, column + 1, step);
    step.bytes = static_cast<std::uint64_t>(
        parse_whole(take_word(rest), {"size", "number of bytes", 0, kMaxTaskBytes.count},
                    TextPlace{input_, lines_.number(), column + 2}));
    if (step.bytes == 0) step.collective.reset();
    return step;
  }

  void read_collective(std::string_view word, AicbGroup otherwise, std::size_t column,
                       AicbStep& step) const {
    step.group = otherwise;
    if (word == "NONE") return;
    std::vector<std::string> known = {"NONE"};
    for (const auto& [name, collective] : kCollectives) {
      known.emplace_back(name);
      if (!word.starts_with(name)) continue;
      const std::string_view ending = word.substr(name.size());
      const auto* group =
          std::ranges::find(kGroups, ending, [](const auto& one) { return one.first; });
      if (!ending.empty() && group == std::end(kGroups)) continue;
      step.collective = collective;
      if (!ending.empty()) step.group = group->second;
      return;
    }
    throw TextPlace{input_, lines_.number(), column}.error(
        fmt::format("'{}' is no collective that is run", shown(word)), suggest(word, known));
  }

  TextLines lines_;
  std::string_view input_;
  AicbWorkload workload_;
};

/// The nodes of one rank, one after another.
class Rank {
 public:
  Rank(const AicbWorkload& workload, std::uint32_t rank) : workload_(workload) {
    for (const AicbGroup group :
         {AicbGroup::kTp, AicbGroup::kDp, AicbGroup::kEp, AicbGroup::kDpEp}) {
      Group& one = groups_[static_cast<std::size_t>(group)];
      const auto members = workload.members(group, rank);
      one.members = members.size();
      static constexpr std::string_view kNames[] = {"tp", "dp", "ep", "dp_ep"};
      one.name = fmt::format("{} {}", kNames[static_cast<std::size_t>(group)], members.front());
    }
  }

  ChakraTrace run() {
    for (const AicbLayer& layer : workload_.layers) {
      step(layer, layer.forward, "FORWARD", false);
    }
    left_ = exchanges_ + exchanges_ % 2;
    for (auto layer = workload_.layers.rbegin(); layer != workload_.layers.rend(); ++layer) {
      step(*layer, layer->input_gradient, "BACKWARD", false);
      step(*layer, layer->weight_gradient, "BACKWARD", true);
      update(*layer);
    }
    return std::move(trace_);
  }

 private:
  struct Group {
    std::string name;
    std::uint64_t members = 1;
  };

  std::uint64_t put(ChakraNode node, std::optional<std::uint64_t> after) {
    node.id = trace_.nodes.size();
    if (after) node.data_deps = {*after};
    trace_.nodes.push_back(std::move(node));
    return trace_.nodes.back().id;
  }

  /// Whole microseconds, so that sums are right.
  std::uint64_t rounded(std::uint64_t ns) {
    const std::uint64_t all = spent_ns_ + ns;
    const std::uint64_t us = (all + 500) / 1000 - (spent_ns_ + 500) / 1000;
    spent_ns_ = all;
    return us;
  }

  void step(const AicbLayer& layer, const AicbStep& step, std::string_view kind, bool beside) {
    if (const std::uint64_t us = rounded(step.work_ns); us > 0) {
      ChakraNode node;
      node.name = fmt::format("{} {}", kind, layer.name);
      node.kind = ChakraKind::kCompute;
      node.is_cpu_op = false;
      node.duration_us = us;
      last_ = put(std::move(node), last_);
    }
    beside_.reset();
    const Group& group = groups_[static_cast<std::size_t>(step.group)];
    if (!step.collective || group.members < 2) return;
    ChakraNode node;
    node.name = name_of(layer, step, kind == "BACKWARD");
    node.kind = ChakraKind::kCollective;
    node.is_cpu_op = false;
    node.collective = step.collective;
    node.process_group = group.name;
    node.comm_size = step.bytes;
    if (step.collective == ChakraCollective::kAllGather) {
      node.comm_size = (step.bytes + group.members - 1) / group.members;
    }
    const std::uint64_t id = put(std::move(node), last_);
    (beside ? beside_ : last_) = id;
  }

  /// What EP groups exchange is a layer's dispatch, then its combine; backward, the other way
  /// round.
  std::string name_of(const AicbLayer& layer, const AicbStep& step, bool is_backward) {
    if (step.collective != ChakraCollective::kAllToAll) return layer.name;
    if (step.group != AicbGroup::kEp) {
      return fmt::format("ALLTOALL {}, layer 0, micro-batch 0", layer.name);
    }
    if (is_backward && left_ > 0) --left_;
    const std::uint64_t number = is_backward ? left_ : exchanges_++;
    return fmt::format("ALLTOALL {} {} all2all, layer {}, micro-batch 0",
                       number % 2 == 0 ? "GROUP_BY" : "AGGREGATE",
                       is_backward ? "backward" : "forward", number / 2);
  }

  /// After the weights' collective, which nothing else waits for.
  void update(const AicbLayer& layer) {
    if (!beside_ || layer.update_ns == 0) return;
    const std::uint64_t us = rounded(layer.update_ns);
    if (us == 0) return;
    ChakraNode node;
    node.name = "UPDATE " + layer.name;
    node.kind = ChakraKind::kCompute;
    node.is_cpu_op = false;
    node.duration_us = us;
    put(std::move(node), beside_);
  }

  const AicbWorkload& workload_;
  std::array<Group, 4> groups_;
  ChakraTrace trace_;
  std::optional<std::uint64_t> last_, beside_;
  std::uint64_t spent_ns_ = 0;
  std::uint64_t exchanges_ = 0;  ///< of EP groups, forward
  std::uint64_t left_ = 0;       ///< of those, whose backward is to come
};

}  // namespace

std::vector<std::uint32_t> AicbWorkload::members(AicbGroup group, std::uint32_t rank) const {
  const std::uint32_t per_stage = ranks / pp;
  const std::uint32_t stage = rank / per_stage * per_stage, within = rank % per_stage;
  const std::uint32_t place = within % tp, replica = within / tp;  // of dp
  std::uint32_t first = 0, count = dp(), stride = 1;               // of the replicas
  switch (group) {
    case AicbGroup::kTp: {
      std::vector<std::uint32_t> members(tp);
      for (std::uint32_t i = 0; i < tp; ++i) members[i] = rank - place + i;
      return members;
    }
    case AicbGroup::kDp:
      break;
    case AicbGroup::kEp:
      first = replica / ep * ep;
      count = ep;
      break;
    case AicbGroup::kDpEp:
      first = replica % ep;
      count = dp() / ep;
      stride = ep;
      break;
  }
  std::vector<std::uint32_t> members(count);
  for (std::uint32_t i = 0; i < count; ++i) members[i] = stage + (first + i * stride) * tp + place;
  return members;
}

AicbWorkload parse_aicb_workload(std::string_view text, std::string_view input) {
  return Reader(text, input).read();
}

ChakraTrace aicb_rank(const AicbWorkload& workload, std::uint32_t rank) {
  return Rank(workload, rank).run();
}

}  // namespace mixnet
