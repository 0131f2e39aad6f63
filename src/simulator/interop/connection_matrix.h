// Connection matrices (`.cm`): the flow files of the htsim packet simulators.
//
//   Nodes 4                                            hosts, 2 or more
//   Connections 3                                      flows in the file: must be right
//   Triggers 1                                         may be left out, else must be right
//   Failures 0                                         may be left out; link failures are refused
//   trigger id 1 barrier count 2
//   0->1 id 1 start 0 size 2000000 send_done_trigger 1
//   2->3 id 2 start 1000000 size 2000000 recv_done_trigger 1
//   1->2 id 3 trigger 1 size 2000000 prio 1
//
// as csg-htsim's reader (sim/datacenter/connection_matrix.cpp) and generators have it. The four
// counts stand before the flows and triggers; these come in any order, and so do the words after
// SRC->DST and `trigger`. '#' comments, blank lines, CR LF and tabs are fine.
//
//   * start: whole picoseconds, at most 1 hour. (csg-htsim's reader takes it so and its generators
//     write microseconds * 1000000; the fscanf reader before it took microseconds.) A flow has
//     either `start` or `trigger`.
//   * size: bytes, 1 or more. htsim's size 0, a flow without end, is refused.
//   * trigger ... oneshot starts its flows at the first activation, barrier at the count-th; both
//     as FlowTrigger. multishot starts one flow at each activation, in the file's order.
//   * send_done_trigger is htsim's activation when the sender has every acknowledgement,
//     recv_done_trigger the one when the receiver has every byte. FlowRecord knows the latter only,
//     so both are taken for it: a send_done flow fires one acknowledgement's way back sooner.
//   * id: checked (no two flows the same) and dropped; flows are numbered in the file's order.
//     prio: checked and dropped.
//   * msg: as UEC's htsim has it. Lines of one id, from and to the same hosts, with a msg each are
//     messages of one connection: each starts when it is due and the one before it has ended. (In
//     htsim it follows the last packet; here, the last packet's arrival.)
//   * Every flow must start: a trigger that too few flows activate is an error here, not a
//     simulation that hangs.
// Limits as in flow_list.h. Linear in the text: 0.2 us a plain flow, 3 us one with an id and a
// trigger of its own (4 million flows). Allocates by what the text holds, never by what it claims.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "network/flow_list.h"

namespace mixnet {

/// `input` names the text in errors. Throws Error, with the line, on anything else than the above.
FlowList parse_connection_matrix(std::string_view text, std::string_view input);

/// The same from a file; throws Error when it cannot be read.
FlowList read_connection_matrix(const std::filesystem::path& path);

}  // namespace mixnet
