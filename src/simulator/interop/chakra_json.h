// Chakra traces as JSON. Two forms are read:
//   what Google's protobuf makes of the messages (mlcommons/chakra's jsonizer): one object after
//   another, the GlobalMetadata, then Nodes: {"id": "7", "name": "mm", "type": "COMP_NODE",
//   "dataDeps": ["3"], "durationMicros": "40", "attr": [{"name": "is_cpu_op", "boolVal": false}]}
//   what its feeder reads: {"workload_graph": [{"Id": 7, "Name": "mm", "NodeType": 4, "data_deps":
//   [3], "runtime": 40, "is_cpu_op": false}]}
// Names in both spellings (dataDeps, data_deps), numbers as such or as text, and kinds and
// collectives by name or number. Attributes that ChakraNode has no value for are not kept.
//
// Throws Error naming the file, the object and the key.
#pragma once

#include <string>
#include <string_view>

#include "interop/chakra_trace.h"

namespace mixnet {

/// Whether a file's content is JSON and no protobuf.
bool is_chakra_json(std::string_view bytes);

ChakraTrace parse_chakra_json(std::string_view text, const std::string& input);

}  // namespace mixnet
