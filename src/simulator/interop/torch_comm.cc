#include "interop/torch_comm.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <limits>
#include <numeric>
#include <utility>

#include "base/error.h"
#include "base/text_fields.h"

namespace mixnet {
namespace {

constexpr std::uint32_t kGatherTag = 0x40000000, kScatterTag = 0x40000001;

enum class Call : std::uint8_t { kCollective, kSend, kReceive, kGather, kScatter, kNone };

/// How an operator c10d::NAME is called. Arguments by their place; -1: it has none.
struct CallKind {
  std::string_view name;  ///< without case, underscores and "c10d::"
  Call call;
  ChakraCollective collective = ChakraCollective::kBarrier;
  int input = -1, output = -1;  ///< tensors
  int peer = -1, tag = -1;
  int splits = -1;  ///< of the output; of the input in the next
};

using enum ChakraCollective;
constexpr CallKind kCalls[] = {
    {"allreduce", Call::kCollective, kAllReduce, 0},
    {"allreducecoalesced", Call::kCollective, kAllReduce, 0},
    {"allgather", Call::kCollective, kAllGather, 1, 0},
    {"allgatherbase", Call::kCollective, kAllGather, 1, 0},
    {"allgathercoalesced", Call::kCollective, kAllGather, 1, 0},
    {"allgatherintotensor", Call::kCollective, kAllGather, 1, 0},
    {"allgatherintotensorcoalesced", Call::kCollective, kAllGather, 1, 0},
    {"allgathersingle", Call::kCollective, kAllGather, 1, 0},
    {"reducescatter", Call::kCollective, kReduceScatter, 1, 0},
    {"reducescatterbase", Call::kCollective, kReduceScatter, 1, 0},
    {"reducescattercoalesced", Call::kCollective, kReduceScatter, 1, 0},
    {"reducescattertensor", Call::kCollective, kReduceScatter, 1, 0},
    {"reducescattertensorcoalesced", Call::kCollective, kReduceScatter, 1, 0},
    {"reducescattersingle", Call::kCollective, kReduceScatter, 1, 0},
    {"broadcast", Call::kCollective, kBroadcast, 0},
    {"broadcastoop", Call::kCollective, kBroadcast, 0},
    {"reduce", Call::kCollective, kReduce, 0},
    {"reduceoop", Call::kCollective, kReduce, 0},
    {"alltoall", Call::kCollective, kAllToAll, 1, 0},
    {"alltoallv", Call::kCollective, kAllToAll, 1, 0, -1, -1, 3},
    {"alltoallbase", Call::kCollective, kAllToAll, 1, 0, -1, -1, 3},
    {"alltoallsingle", Call::kCollective, kAllToAll, 1, 0, -1, -1, 3},
    {"barrier", Call::kCollective, kBarrier},
    {"monitoredbarrier", Call::kCollective, kBarrier},
    {"send", Call::kSend, kBarrier, 0, -1, 2, 3},
    {"recv", Call::kReceive, kBarrier, 0, -1, 2, 3},
    {"gather", Call::kGather, kBarrier, 1, 0, 3},
    {"scatter", Call::kScatter, kBarrier, 1, 0, 3},
    {"wait", Call::kNone},
    {"init", Call::kNone},
};

/// Types of so many bytes, each between blanks.
struct ElementTypes {
  std::uint64_t bytes;
  std::string_view names;
};
constexpr ElementTypes kElementTypes[] = {
    {1, " byte char signedchar unsignedchar bool uint8 int8 qint8 quint8 "},
    {2, " short shortint unsignedshort int16 uint16 half bfloat16 "},
    {4, " int unsignedint int32 uint32 qint32 float float32 complexhalf "},
    {8,
     " long longint longlong unsignedlong int64 uint64 double float64 complexfloat "
     "complex<float> "},
    {16, " complexdouble complex<double> "},
};

/// Lower case, without underscores, blanks and what stands before the last "::".
std::string plain(std::string_view name) {
  if (const auto colons = name.rfind("::"); colons != std::string_view::npos) {
    name.remove_prefix(colons + 2);
  }
  std::string text;
  for (const char c : name) {
    if (c == '_' || c == ' ') continue;
    text += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  }
  return text;
}

const CallKind* find_call(std::string_view name) {
  const std::string text = plain(name);
  const auto* found = std::ranges::find(kCalls, text, &CallKind::name);
  return found == std::end(kCalls) ? nullptr : found;
}

const CallKind& call_of(const TorchComm& comm) {
  const CallKind* call = find_call(comm.name);
  if (call == nullptr) {
    throw Error(comm.where, fmt::format("is a '{}', which is not known", shown(comm.name)),
                "a call of torch.distributed was expected");
  }
  return *call;
}

const TorchArgument* argument(const std::vector<TorchArgument>& arguments, int place) {
  const auto index = static_cast<std::size_t>(place);
  return place < 0 || index >= arguments.size() ? nullptr : &arguments[index];
}

std::uint64_t elements_of(const TorchArgument& argument) {
  return std::accumulate(argument.tensors.begin(), argument.tensors.end(), std::uint64_t{0});
}

std::optional<std::uint32_t> number_of(const TorchArgument* argument) {
  if (argument == nullptr || argument->numbers.size() != 1) return std::nullopt;
  const std::int64_t number = argument->numbers.front();
  if (number < 0 || number > std::numeric_limits<std::int32_t>::max()) return std::nullopt;
  return static_cast<std::uint32_t>(number);
}

std::vector<std::uint64_t> splits_of(const TorchArgument* argument, const std::string& where) {
  if (argument == nullptr) return {};
  std::vector<std::uint64_t> splits;
  for (const std::int64_t split : argument->numbers) {
    if (split < 0) throw Error(where, "has a split below 0");
    splits.push_back(static_cast<std::uint64_t>(split));
  }
  return splits;
}

/// The number of members that the sizes of an operator's arguments imply.
std::optional<std::uint64_t> members_of(const CallKind& call, const TorchComm& comm,
                                        const TorchArgument* input, const TorchArgument* output) {
  if (!comm.in_splits.empty()) return comm.in_splits.size();
  if (!comm.out_splits.empty()) return comm.out_splits.size();
  if (input == nullptr || output == nullptr) return std::nullopt;
  const std::uint64_t in = elements_of(*input), out = elements_of(*output);
  if (call.collective == kAllGather && in > 0 && out % in == 0 && out > in) return out / in;
  if (call.collective == kReduceScatter && out > 0 && in % out == 0 && in > out) return in / out;
  return std::nullopt;
}

[[noreturn]] void refuse_size(const TorchComm& comm) {
  throw Error(comm.where, "does not say how many bytes it sends",
              "profile with record_shapes=True, or give the execution trace");
}

std::uint64_t bytes_of(const TorchComm& comm) {
  if (comm.elements == 0U) return 0;
  if (!comm.elements || comm.element_bytes == 0) refuse_size(comm);
  constexpr std::uint64_t kMost = std::uint64_t{1} << 42;  // so that all ranks' together fit
  if (*comm.elements > kMost / comm.element_bytes) {
    throw Error(comm.where, fmt::format("has {} elements", *comm.elements),
                "give at most 4 TB of them");
  }
  return *comm.elements * comm.element_bytes;
}

/// Bytes to each member. Splits count rows, of as many bytes each as the input has for them.
std::vector<std::uint64_t> split_bytes(const TorchComm& comm, std::uint64_t members) {
  const std::uint64_t bytes = bytes_of(comm);
  if (comm.splits_are_cut) {
    throw Error(comm.where, "has more splits than the profile lists, which end in '...'",
                "give the execution trace (ExecutionTraceObserver) of the rank beside it");
  }
  std::vector<std::uint64_t> splits = comm.in_splits;
  if (splits.empty()) splits.assign(members, 1);
  if (splits.size() != members) {
    throw Error(comm.where, fmt::format("has {} splits in a group of {}", splits.size(), members));
  }
  if (bytes == 0) return std::vector<std::uint64_t>(members);  // rows of nothing
  std::uint64_t rows = 0;
  for (const std::uint64_t split : splits) rows += std::min(split, bytes + 1);
  if (rows == 0 || bytes % rows != 0) {
    throw Error(comm.where, fmt::format("has splits that do not make up its {} bytes", bytes),
                "give splits of the input");
  }
  for (std::uint64_t& split : splits) split *= bytes / rows;
  return splits;
}

std::uint32_t peer_of(const TorchComm& comm) {
  if (comm.peer) return *comm.peer;
  if (comm.group_peer && *comm.group_peer < comm.ranks.size()) return comm.ranks[*comm.group_peer];
  throw Error(comm.where, "does not say with which rank of the group",
              "give a trace with the peer or root of every call");
}

ChakraNode message(const TorchComm& comm, bool sends, std::uint32_t rank, std::uint32_t peer,
                   std::uint64_t bytes, std::uint32_t tag) {
  ChakraNode node;
  node.name = comm.name;
  node.kind = sends ? ChakraKind::kSend : ChakraKind::kReceive;
  node.source = sends ? rank : peer;
  node.destination = sends ? peer : rank;
  node.comm_size = bytes;
  node.tag = tag;
  return node;
}

std::vector<ChakraNode> rooted_nodes(const TorchComm& comm, bool is_gather, std::uint32_t rank) {
  const std::uint32_t root = peer_of(comm);
  const std::uint32_t tag = is_gather ? kGatherTag : kScatterTag;
  if (rank != root) return {message(comm, is_gather, rank, root, bytes_of(comm), tag)};
  std::vector<ChakraNode> nodes;
  for (const std::uint32_t other : comm.ranks) {
    if (other == root) continue;
    nodes.push_back(message(comm, !is_gather, rank, other, bytes_of(comm), tag));
  }
  return nodes;
}

}  // namespace

bool is_torch_comm(std::string_view name, const std::string& where) {
  TorchComm comm;
  comm.where = where;
  comm.name = name;
  if (plain(name) == "recvanysource") {
    throw Error(where, "receives from any source", "give calls that name their peers");
  }
  return call_of(comm).call != Call::kNone;
}

TorchComm comm_of_operator(std::string_view name, const std::vector<TorchArgument>& arguments,
                           const std::string& where) {
  TorchComm comm;
  comm.where = where;
  comm.name = plain(name);
  const CallKind& call = call_of(comm);
  const TorchArgument* input = argument(arguments, call.input);
  const TorchArgument* output = argument(arguments, call.output);
  if (call.splits >= 0) {
    comm.out_splits = splits_of(argument(arguments, call.splits), where);
    comm.in_splits = splits_of(argument(arguments, call.splits + 1), where);
  } else if (call.collective == kAllToAll && input != nullptr) {
    comm.in_splits = input->tensors;
  }
  comm.members = members_of(call, comm, input, output);
  if (input != nullptr) comm.element_bytes = input->element_bytes;
  if (comm.element_bytes == 0 && output != nullptr) comm.element_bytes = output->element_bytes;
  const bool is_part = call.collective == kReduceScatter || call.call == Call::kScatter;
  if (call.call == Call::kScatter) {  // the input is the root's alone
    if (output != nullptr && !output->tensors.empty()) comm.elements = elements_of(*output);
  } else if (input != nullptr && !input->tensors.empty()) {
    comm.elements = elements_of(*input);
  } else if (is_part && output != nullptr && !output->tensors.empty()) {
    comm.elements = elements_of(*output);
    comm.elements_are_a_part = true;
  }
  comm.group_peer = number_of(argument(arguments, call.peer));
  comm.tag = number_of(argument(arguments, call.tag)).value_or(0);
  return comm;
}

std::uint64_t torch_element_bytes(std::string_view type) {
  const std::string name = plain(type);
  if (name.starts_with("float8") || name.starts_with("float4")) return 1;
  for (const ElementTypes& types : kElementTypes) {
    if (types.names.find(" " + name + " ") != std::string_view::npos) return types.bytes;
  }
  return 0;
}

std::string settle_group(TorchComm& comm, const TorchGroups& groups, std::uint32_t rank,
                         std::uint32_t ranks) {
  const auto all_ranks = [&] {
    std::vector<std::uint32_t> all(ranks);
    std::iota(all.begin(), all.end(), 0U);
    return all;
  };
  const auto is_default = [](const std::string& name) {
    return name.empty() || name == "0" || name == "default_pg";
  };
  if (!comm.group) {
    // The operator does not say: the one group that it can be.
    std::vector<const TorchGroups::value_type*> fitting;
    for (const auto& one : groups) {
      const std::uint64_t members = std::max<std::uint64_t>(
          one.second.members, one.second.ranks.empty() ? ranks : one.second.ranks.size());
      if (members < 2 || (comm.members && *comm.members != members)) continue;
      fitting.push_back(&one);
    }
    if (fitting.size() > 1) {
      throw Error(comm.where,
                  fmt::format("does not say of which of {} process groups it is", fitting.size()),
                  "give profiles of NCCL, which do, or of a job of one group");
    }
    comm.group = fitting.empty() ? "0" : fitting.front()->first;
  }
  if (comm.ranks.empty()) {
    const auto known = groups.find(*comm.group);
    if (known != groups.end()) comm.ranks = known->second.ranks;
    const std::uint64_t members = known != groups.end() && known->second.members > 0
                                      ? known->second.members
                                      : comm.members.value_or(ranks);
    if (comm.ranks.empty() && members == ranks) comm.ranks = all_ranks();
    if (comm.ranks.empty()) {
      throw Error(comm.where,
                  fmt::format("does not say who is in process group '{}' of {}", shown(*comm.group),
                              members),
                  is_default(*comm.group) && members > ranks
                      ? fmt::format("give the traces of all {} ranks", members)
                      : "give traces that list the group's ranks");
    }
  }
  std::vector<std::uint32_t> sorted = comm.ranks;
  std::ranges::sort(sorted);
  if (std::ranges::adjacent_find(sorted) != sorted.end() ||
      !std::ranges::binary_search(sorted, rank)) {
    throw Error(comm.where,
                fmt::format("is of a process group of ranks {}, in the trace of rank {}",
                            fmt::join(comm.ranks, ", "), rank),
                "give each rank its own trace");
  }
  if (sorted.back() >= ranks) {
    throw Error(comm.where,
                fmt::format("is of a process group with rank {}, and there are {} traces",
                            sorted.back(), ranks),
                "give the traces of all ranks");
  }
  if (sorted.size() == ranks && is_default(*comm.group)) return "";
  return fmt::format("{} of ranks {}", *comm.group, fmt::join(sorted, ", "));
}

std::vector<ChakraNode> chakra_nodes(const TorchComm& comm, const std::string& group,
                                     std::uint32_t rank) {
  const CallKind& call = call_of(comm);
  const std::uint64_t members = comm.ranks.size();
  switch (call.call) {
    case Call::kNone:
      return {};
    case Call::kSend:
    case Call::kReceive: {
      const std::uint32_t peer = peer_of(comm);
      return {message(comm, call.call == Call::kSend, rank, peer, bytes_of(comm), comm.tag)};
    }
    case Call::kGather:
    case Call::kScatter:
      return members < 2 ? std::vector<ChakraNode>{}
                         : rooted_nodes(comm, call.call == Call::kGather, rank);
    case Call::kCollective:
      break;
  }
  if (members < 2) return {};
  ChakraNode node;
  node.name = comm.name;
  node.kind = ChakraKind::kCollective;
  node.collective = call.collective;
  node.process_group = group;
  if (call.collective != kBarrier) {
    node.comm_size = bytes_of(comm) * (comm.elements_are_a_part ? members : 1);
  }
  const bool is_uneven = !comm.in_splits.empty() || !comm.out_splits.empty() || comm.splits_are_cut;
  if (call.collective == kAllToAll && is_uneven) {
    // Chakra's splits stand in the order of ranks; PyTorch's in that of the group.
    const std::vector<std::uint64_t> splits = split_bytes(comm, members);
    std::vector<std::size_t> order(members);
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::ranges::sort(order, {}, [&](std::size_t i) { return comm.ranks[i]; });
    for (const std::size_t i : order) node.splits.push_back(splits[i]);
  }
  return {node};
}

}  // namespace mixnet
