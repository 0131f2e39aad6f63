// Chakra execution traces (MLCommons; mlcommons/chakra, schema/protobuf/et_def.proto): what one
// rank computes and communicates, and what waits for what. ASTRA-sim runs them, PyTorch's profiles
// are turned into them. A job is the files PREFIX.0.et, PREFIX.1.et, ..., one a rank.
//
// A file is a row of length-delimited messages: a GlobalMetadata, then Nodes. Of a node's
// attributes those that simulators read are values here; everything else (inputs, outputs, other
// attributes, fields of later schemas) is kept as it stands and written back.
//
// Reading takes whole numbers of any width, signed or not, packed lists or not. Writing is
// deterministic, in the form that ASTRA-sim's feeder wants: num_ops, comm_type, comm_size as
// int64_val, tensor_size as uint64_val, comm_src, comm_dst, comm_tag, comm_priority as int32_val,
// is_cpu_op as bool_val. So what was written is read and written again to the same bytes, and so is
// the second writing of any file.
//
// `comm_splits` is ours: the bytes that this rank sends to each member of the group, in the order
// of ranks, in an all-to-all that is uneven (the schema has no attribute for that). Other readers
// pass over it and take comm_size for all.
//
// `ctrl_deps_order_only` is ours, too, an attribute of the GlobalMetadata: control dependencies say
// in which order a simulator that does one collective after another must take them, and nothing of
// what the job itself waits for.
//
// Damaged files end in an Error that names the file and the byte.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/names.h"

namespace mixnet {

inline constexpr std::size_t kMaxChakraRanks = 1'048'576;

enum class ChakraKind : std::uint8_t {
  kInvalid,
  kMetadata,
  kMemoryLoad,
  kMemoryStore,
  kCompute,
  kSend,
  kReceive,
  kCollective,
  kStorage,  // of later schemas, with the two below
  kBatch,
  kCheckpoint
};

template <>
struct Names<ChakraKind> {
  static constexpr std::string_view kWhat = "kind of node";
  static constexpr NamedValue<ChakraKind> kTable[] = {
      {"INVALID_NODE", ChakraKind::kInvalid},      {"METADATA_NODE", ChakraKind::kMetadata},
      {"MEM_LOAD_NODE", ChakraKind::kMemoryLoad},  {"MEM_STORE_NODE", ChakraKind::kMemoryStore},
      {"COMP_NODE", ChakraKind::kCompute},         {"COMM_SEND_NODE", ChakraKind::kSend},
      {"COMM_RECV_NODE", ChakraKind::kReceive},    {"COMM_COLL_NODE", ChakraKind::kCollective},
      {"STORAGE_NODE", ChakraKind::kStorage},      {"BATCH_NODE", ChakraKind::kBatch},
      {"CHECKPOINT_NODE", ChakraKind::kCheckpoint}};
};

enum class ChakraCollective : std::uint8_t {
  kAllReduce,
  kReduce,
  kAllGather,
  kGather,
  kScatter,
  kBroadcast,
  kAllToAll,
  kReduceScatter,
  kReduceScatterBlock,
  kBarrier
};

template <>
struct Names<ChakraCollective> {
  static constexpr std::string_view kWhat = "collective";
  static constexpr NamedValue<ChakraCollective> kTable[] = {
      {"ALL_REDUCE", ChakraCollective::kAllReduce},
      {"REDUCE", ChakraCollective::kReduce},
      {"ALL_GATHER", ChakraCollective::kAllGather},
      {"GATHER", ChakraCollective::kGather},
      {"SCATTER", ChakraCollective::kScatter},
      {"BROADCAST", ChakraCollective::kBroadcast},
      {"ALL_TO_ALL", ChakraCollective::kAllToAll},
      {"REDUCE_SCATTER", ChakraCollective::kReduceScatter},
      {"REDUCE_SCATTER_BLOCK", ChakraCollective::kReduceScatterBlock},
      {"BARRIER", ChakraCollective::kBarrier}};
};

struct ChakraNode {
  std::uint64_t id = 0;
  std::string name;
  ChakraKind kind = ChakraKind::kInvalid;
  std::vector<std::uint64_t> control_deps;  ///< ids of nodes of the same rank
  std::vector<std::uint64_t> data_deps;
  std::uint64_t start_us = 0;
  std::uint64_t duration_us = 0;

  // Attributes; unset where the file has none.
  std::optional<bool> is_cpu_op;
  std::optional<std::uint64_t> num_ops;      ///< floating-point operations
  std::optional<std::uint64_t> tensor_size;  ///< bytes
  std::optional<ChakraCollective> collective;
  std::optional<std::uint32_t> priority;
  std::optional<std::uint64_t> comm_size;  ///< bytes
  std::optional<std::uint32_t> source, destination;
  std::optional<std::uint32_t> tag;
  std::string process_group;  ///< pg_name
  std::vector<std::uint64_t> splits;

  std::string other;  ///< fields that are none of these, in wire format
  bool operator==(const ChakraNode&) const = default;
};

struct ChakraTrace {
  std::string version;   ///< of the schema
  std::string metadata;  ///< other attributes of the GlobalMetadata, in wire format
  bool control_deps_order_only = false;
  std::vector<ChakraNode> nodes;
  bool operator==(const ChakraTrace&) const = default;
};

/// One rank's file. `input` names it. Throws Error when it is damaged or two nodes have one id.
/// What nodes depend on may be missing (traces/chakra_dependencies.h).
ChakraTrace parse_chakra_trace(std::string_view bytes, std::string_view input);
std::string to_chakra_trace(const ChakraTrace& trace);

/// Throws Error when two nodes have one id.
void check_chakra_ids(const ChakraTrace& trace, std::string_view input);

/// "PREFIX.RANK.et"
std::filesystem::path chakra_path(const std::string& prefix, std::size_t rank);

}  // namespace mixnet
