// Collectives and messages as PyTorch records them, in execution traces and in Kineto's profiles:
// how they are called, what their arguments are, and which Chakra nodes they become.
//
// There are two records of a call. `record_param_comms` is made by ProcessGroupNCCL (and says its
// process group, element counts and splits); where it is missing, as with gloo, there is the
// operator `c10d::NAME` alone, with its arguments. Names changed from release to release
// ("_allgather_base", "all_gather_into_tensor", "c10d::_allgather_base_"): they are compared
// without case, underscores and "c10d::".
//
//   what was called          Chakra node          comm_size, bytes
//   all_reduce, broadcast,   ALL_REDUCE, ...      the input
//     reduce
//   all_gather               ALL_GATHER           the input, of one rank
//   reduce_scatter           REDUCE_SCATTER       the input, of all parts
//   all_to_all               ALL_TO_ALL           the input; comm_splits where splits are given,
//                                                 each of them times the bytes of a row
//   send, recv               COMM_SEND, COMM_RECV the tensors
//   gather, scatter          sends to or from the root, which Chakra's have no place for
//   barrier                  BARRIER              0
//   wait, init               none
// Pure functions; names and types are those of PyTorch 2.1 to 2.14.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "interop/chakra_trace.h"

namespace mixnet {

/// One call on one rank.
struct TorchComm {
  std::string where;                           ///< "trace.json: event 17 'c10d::send'": for errors
  std::string name;                            ///< as PyTorch calls it
  std::optional<std::string> group = {};       ///< name of the process group; none: not said
  std::vector<std::uint32_t> ranks = {};       ///< of the group; empty: not said
  std::optional<std::uint64_t> members = {};   ///< of the group, where only their number is known
  std::optional<std::uint64_t> elements = {};  ///< of the input
  bool elements_are_a_part = false;            ///< of one rank, of an input of all ranks'
  std::uint64_t element_bytes = 0;             ///< 0: not said
  std::vector<std::uint64_t> in_splits = {}, out_splits = {};
  bool splits_are_cut = false;                   ///< PyTorch writes 30 of them
  std::optional<std::uint32_t> peer = {};        ///< of a message, or the root of a gather; global
  std::optional<std::uint32_t> group_peer = {};  ///< the same as a place in the group
  std::uint32_t tag = 0;
};

/// An argument of an operator c10d::NAME, as far as it is known.
struct TorchArgument {
  std::vector<std::uint64_t> tensors = {};  ///< elements of each, lists in lists flattened
  std::uint64_t element_bytes = 0;          ///< 0: not said
  std::vector<std::int64_t> numbers = {};   ///< a number, or a list of them
};

/// Whether the operator or record is a call of a collective or a message, or an error because it is
/// one that is not known. `wait`, `init` and operators that are not c10d's are none.
bool is_torch_comm(std::string_view name, const std::string& where);

/// Of an operator c10d::NAME.
TorchComm comm_of_operator(std::string_view name, const std::vector<TorchArgument>& arguments,
                           const std::string& where);

/// Bytes of an element, of c10's names ("BFloat16", "Float8_e4m3fn") and C++'s ("long int",
/// "c10::Half"); 0 for unknown ones.
std::uint64_t torch_element_bytes(std::string_view type);

/// Ranks of the process groups of a rank, by name; of the default group, "0", they may be missing.
struct TorchGroup {
  std::vector<std::uint32_t> ranks;
  std::uint64_t members = 0;
};
using TorchGroups = std::map<std::string, TorchGroup>;

/// Who is in the group that the call names, in `comm.ranks` (all ranks where it names none and
/// there is one group alone), and what it is called in Chakra traces, as on every rank of it: ""
/// for all ranks, else its name and its ranks. Throws Error where that is not known.
std::string settle_group(TorchComm& comm, const TorchGroups& groups, std::uint32_t rank,
                         std::uint32_t ranks);

/// The nodes of a call whose group is settled, without ids and dependencies; none for a group of
/// one. Throws Error where the record does not say enough.
std::vector<ChakraNode> chakra_nodes(const TorchComm& comm, const std::string& group,
                                     std::uint32_t rank);

}  // namespace mixnet
