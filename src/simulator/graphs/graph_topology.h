// The network that a task graph of TopoOpt's era brings along: connections between nodes and
// switches, and a route for each pair of nodes.
//
// A connection of `count` links is one port each way, count times as fast as a NIC. One that is
// listed in one direction only works in both. Of a route's paths the likeliest is taken, the first
// of equals. Every link has the propagation delay `latency`. A node's own way into a link is a port
// as well ("inject"), as fast and of no length, so that its packets queue behind those it forwards.
#pragma once

#include <memory>
#include <string>

#include "interop/task_graph.h"
#include "network/flow_topology.h"

namespace mixnet {

/// Hosts are nodes. Throws Error naming `input` when the graph has no connections, or they or its
/// routes name nodes that do not exist. A pair without a route is an Error when it is asked for.
std::unique_ptr<FlowTopology> make_graph_topology(const TaskGraph& graph, Bandwidth bandwidth,
                                                  Time latency, std::string input);

}  // namespace mixnet
